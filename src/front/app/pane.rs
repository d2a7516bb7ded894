//! Claude Code's terminal as the front uses it.

use bytes::Bytes;

use crate::{
    domain::Moment,
    front::terminal::{self, ClipboardTarget, Palette, Size, Terminal, TerminalEvent},
    protocol::Command,
};

use super::{ChildState, Effect, Model, border};

/// A blank terminal.
pub(super) fn open(size: Size, scrollback: usize, palette: Palette) -> Terminal {
    Terminal::new(size, terminal::Options { scrollback, palette, ..terminal::Options::default() })
}

/// The outer terminal has told its colours: what Claude Code asks of them is answered from these.
pub(super) fn paint(model: &mut Model, palette: Palette, effects: &mut Vec<Effect>) {
    model.palette = palette.clone();
    change(model, effects, |terminal| terminal.set_palette(palette));
}

/// Feeds what Claude Code wrote.
pub(super) fn feed(model: &mut Model, bytes: &[u8], effects: &mut Vec<Effect>) {
    change(model, effects, |terminal| terminal.feed(bytes));
}

/// Shows a synchronized frame that was never finished, once its time is over.
pub(super) fn release(model: &mut Model, now: Moment, effects: &mut Vec<Effect>) {
    if model.terminal.sync_deadline(now).is_some_and(|deadline| deadline <= now) {
        change(model, effects, |terminal| terminal.stop_sync(now));
    }
}

/// Runs `work` on the terminal; passes on what its bytes asked for, and asks for a new frame
/// when the picture or the cursor is another one.
fn change(
    model: &mut Model,
    effects: &mut Vec<Effect>,
    work: impl FnOnce(&mut Terminal) -> Vec<TerminalEvent>,
) {
    let before = (model.terminal.changes(), model.terminal.cursor());
    for event in work(&mut model.terminal) {
        if model.border.allows(&event, model.now) {
            pass_on(model, event, effects);
        }
    }
    if before != (model.terminal.changes(), model.terminal.cursor()) {
        effects.push(Effect::Redraw);
    }
}

/// What Claude Code asks of the world outside. Replies go out in the order of the questions.
fn pass_on(model: &mut Model, event: TerminalEvent, effects: &mut Vec<Effect>) {
    match event {
        TerminalEvent::Reply(bytes) => {
            effects.push(Effect::Send(Command::Input(Bytes::from(bytes))));
        }
        TerminalEvent::Bell => effects.push(Effect::Bell),
        TerminalEvent::Notification { title, body } => {
            let text = title.map_or_else(|| body.clone(), |title| format!("{title}: {body}"));
            effects.push(Effect::Notify(text));
        }
        TerminalEvent::Clipboard { target: ClipboardTarget::Clipboard, text } => {
            border::clipboard(model, text, effects);
        }
        // The title is taken up where the window's is made; the primary selection belongs to the
        // user's mouse; the rest has no place here yet.
        TerminalEvent::Clipboard { target: ClipboardTarget::Primary, .. }
        | TerminalEvent::Title(_)
        | TerminalEvent::Progress(_)
        | TerminalEvent::WorkingDirectory(_)
        | TerminalEvent::PromptMark(_) => {}
    }
}

/// Whether the pane shows Claude Code's live screen and nothing else: no marks in it, nothing
/// over it. Then a frame need look at no more than the rows that changed.
#[must_use]
pub fn pane_is_bare(model: &Model) -> bool {
    let layout = model.layout();
    model.child == ChildState::Running
        && model.overlays.is_empty()
        && model.terminal.view_offset() == 0
        && !model.terminal.has_selection()
        && model.reader.is_none()
        && !layout.panes.intersects(layout.pane)
        && (!layout.alert.intersects(layout.pane) || super::alert(model).is_none())
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
