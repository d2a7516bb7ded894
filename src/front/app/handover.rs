//! F6 and F7: what opens the composer, and what becomes of its text.

use bytes::Bytes;

use crate::{
    domain::Phase,
    front::input::encode,
    protocol::{Command, Handover, NoticeLevel},
};

use super::{
    Ask, ChildState, Effect, Model, Overlay, Purpose,
    action::{ask, tell},
    composer::Pressed,
};

/// Most bytes of a first prompt: it is given to Claude Code as an argument, and the system bounds
/// those.
const NOTE_MOST: usize = 100 * 1024;

/// F6: asks for a note, or closes the composer where it is.
pub(super) fn note(model: &mut Model, effects: &mut Vec<Effect>) {
    if close(model, Purpose::Note) || model.child == ChildState::Ending {
        return;
    }
    if matches!(model.child, ChildState::Starting(_)) {
        tell(model, NoticeLevel::Info, "nothing to hand over yet: starting".to_owned());
        return;
    }
    model.composer.awaited = true;
    effects.push(Effect::Send(Command::Handover));
}

/// F7: opens the composer with the last draft, or closes it where it is.
pub(super) fn prompt(model: &mut Model) {
    if close(model, Purpose::Prompt) {
        return;
    }
    let theme = model.themes[model.theme].clone();
    model.composer.dress(&theme);
    open(model, Purpose::Prompt);
}

/// The note that was asked for has come.
pub(super) fn arrived(model: &mut Model, handover: Handover) {
    // Leaving, or asked for twice: nobody waits for it any more.
    if !model.composer.awaited || model.child == ChildState::Ending {
        return;
    }
    if handover.broken > 0 {
        let text = format!(
            "{} lines of the transcript could not be read; the note is made from the others",
            handover.broken
        );
        tell(model, NoticeLevel::Info, text);
    }
    let theme = model.themes[model.theme].clone();
    model.composer.take_note(handover, &theme);
    open(model, Purpose::Note);
}

/// A key in the composer has meant something to the cockpit.
pub(super) fn pressed(
    model: &mut Model,
    purpose: Purpose,
    what: Pressed,
    effects: &mut Vec<Effect>,
) {
    match (what, purpose) {
        (Pressed::Taken, _) => {}
        (Pressed::Closes, _) => {
            close(model, purpose);
        }
        (Pressed::Sends, _) if model.composer.is_blank(purpose) => {
            tell(model, NoticeLevel::Info, "nothing is written yet".to_owned());
        }
        (Pressed::Sends, Purpose::Note) if model.composer.text(purpose).len() > NOTE_MOST => {
            let text = format!("a note may have {} KB at most", NOTE_MOST / 1024);
            tell(model, NoticeLevel::Warning, text);
        }
        // A note from a session that runs ends its turn: as with F5 that is asked.
        (Pressed::Sends, Purpose::Note) if model.phase().is_busy() => ask(model, Ask::Handover),
        (Pressed::Sends, Purpose::Note) => start(model, effects),
        (Pressed::Sends, Purpose::Prompt) => send(model, effects),
    }
}

/// Starts a fresh session with the note.
pub(super) fn start(model: &mut Model, effects: &mut Vec<Effect>) {
    let text = model.composer.text(Purpose::Note);
    close(model, Purpose::Note);
    if let Some(id) = model.composer.session() {
        let text = format!("the old conversation is kept: lcc --resume {id}");
        tell(model, NoticeLevel::Info, text);
    }
    effects.push(Effect::Send(Command::StartWith(text)));
}

/// Sends the prompt as one paste.
fn send(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.child {
        ChildState::Running => {}
        ChildState::Starting(_)
        | ChildState::Ended { .. }
        | ChildState::Failed { .. }
        | ChildState::Ending => {
            let text = "not sent: Claude Code does not run; the text stays here";
            tell(model, NoticeLevel::Warning, text.to_owned());
            return;
        }
    }
    let text = model.composer.text(Purpose::Prompt);
    let paste = encode::paste(&text, model.terminal.modes());
    let theme = model.themes[model.theme].clone();
    model.composer.sent(Purpose::Prompt, &theme);
    close(model, Purpose::Prompt);
    if model.phase() != Phase::Idle {
        tell(model, NoticeLevel::Info, "sends the prompt when the turn has ended".to_owned());
    }
    effects.push(Effect::Send(Command::Prompt(Bytes::from(paste))));
}

/// One composer at a time, on top.
fn open(model: &mut Model, purpose: Purpose) {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Composer(_)));
    model.composer.opened();
    model.overlays.push(Overlay::Composer(purpose));
}

/// Closes it; says whether it was open for this purpose.
fn close(model: &mut Model, purpose: Purpose) -> bool {
    let before = model.overlays.len();
    model.overlays.retain(|overlay| *overlay != Overlay::Composer(purpose));
    before != model.overlays.len()
}
