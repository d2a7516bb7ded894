//! Claude Code's terminal as the front uses it.

use bytes::Bytes;

use crate::{
    domain::Moment,
    front::terminal::{self, ClipboardTarget, Size, Terminal, TerminalEvent},
    protocol::Command,
};

use super::{Effect, Model};

/// A blank terminal.
pub(super) fn open(size: Size, scrollback: usize) -> Terminal {
    Terminal::new(size, terminal::Options { scrollback, ..terminal::Options::default() })
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
        pass_on(event, effects);
    }
    if before != (model.terminal.changes(), model.terminal.cursor()) {
        effects.push(Effect::Redraw);
    }
}

/// What Claude Code asks of the world outside. Replies go out in the order of the questions.
fn pass_on(event: TerminalEvent, effects: &mut Vec<Effect>) {
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
            effects.push(Effect::Clipboard(text));
        }
        // The title is taken up where the window's is made; the primary selection belongs to the
        // user's mouse; the rest has no place here yet.
        TerminalEvent::Clipboard { target: ClipboardTarget::Primary, .. }
        | TerminalEvent::Title(_)
        | TerminalEvent::Progress(_)
        | TerminalEvent::WorkingDirectory(_)
        | TerminalEvent::PromptMark(_)
        | TerminalEvent::Vendor { .. } => {}
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
