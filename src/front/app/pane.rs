//! Claude Code's terminal as the front uses it.

use bytes::Bytes;

use crate::{
    front::terminal::{self, Size, Terminal, TerminalEvent},
    protocol::Command,
};

use super::{Effect, Model};

/// A blank terminal.
pub(super) fn open(size: Size, scrollback: usize) -> Terminal {
    Terminal::new(size, terminal::Options { scrollback })
}

/// Feeds what Claude Code wrote. Replies go out in the order of the questions.
pub(super) fn feed(model: &mut Model, bytes: &[u8], effects: &mut Vec<Effect>) {
    for event in model.terminal.feed(bytes) {
        match event {
            TerminalEvent::Reply(bytes) => {
                effects.push(Effect::Send(Command::Input(Bytes::from(bytes))));
            }
            TerminalEvent::Title(title) => {
                effects.push(Effect::SetTitle(window_title(model, &title)))
            }
            TerminalEvent::Bell => effects.push(Effect::Bell),
        }
    }
    effects.push(Effect::Redraw);
}

/// The outer window's title: Claude Code's own words first, they say whether it is busy.
fn window_title(model: &Model, title: &str) -> String {
    let project = &model.title.project;
    if title.is_empty() {
        format!("lcc · {project}")
    } else {
        format!("{title} · lcc · {project}")
    }
}

/// Gives the terminal the size of its pane and tells the engine, when it changed.
pub(super) fn fit(model: &mut Model, before: Size, effects: &mut Vec<Effect>) {
    let size = model.pane_size();
    if size != before {
        model.terminal.resize(size);
        effects.push(Effect::Send(Command::Resize { cols: size.cols, rows: size.rows }));
    }
    effects.push(Effect::Redraw);
}
