//! The one function that changes the Model.

use crate::{
    domain::{Moment, Risk},
    front::{input::encode, theme::Theme},
    protocol::{Command, NoticeLevel, Snapshot, Update},
};

use super::{
    AlertKey, ChildState, Effect, Message, Model, Overlay, action, attention, copy, keys, mouse,
    pane, scroll,
};

/// Takes in one message; says what is to be done. Without [`Effect::Redraw`] the screen is as
/// it was.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Message::Key(key) => {
            model.attention.typed(model.now);
            keys::press(model, key, &mut effects);
        }
        Message::Mouse(event) => mouse::event(model, event, &mut effects),
        Message::Paste(text) => {
            model.attention.typed(model.now);
            keys::paste(model, &text, &mut effects);
        }
        Message::Resize { cols, rows } => {
            let before = model.pane_size();
            model.size = (cols, rows);
            pane::fit(model, before, &mut effects);
        }
        Message::Palette(palette) => pane::paint(model, *palette, &mut effects),
        Message::Focus(focused) => {
            model.focused = focused;
            model.attention.focus(focused);
            if let Some(report) = encode::focus(focused, model.terminal.modes()) {
                keys::send(model, report, &mut effects);
            }
        }
        Message::Update(news) => engine(model, news, &mut effects),
        Message::Saved(result) => {
            copy::saved(model, result);
            effects.push(Effect::Redraw);
        }
        Message::Copied(result) => {
            let (level, text) = match result {
                Ok(text) => (NoticeLevel::Info, text),
                Err(text) => (NoticeLevel::Warning, text),
            };
            action::tell(model, level, text);
            effects.push(Effect::Redraw);
        }
        Message::CannotStop => {
            let text = "Ctrl-Z: lcc was not started from a shell that could bring it back";
            action::tell(model, NoticeLevel::Info, text.to_owned());
            effects.push(Effect::Redraw);
        }
        Message::Themes { themes, wrong } => reload(model, themes, wrong, &mut effects),
        Message::Tick(now) => tick(model, now, &mut effects),
    }
    if let Some(mut spoken) = model.spoken.take() {
        if spoken.look(model) {
            effects.push(Effect::Redraw);
        }
        model.spoken = Some(spoken);
    }
    attention::look(model, &mut effects);
    effects
}

fn engine(model: &mut Model, news: Update, effects: &mut Vec<Effect>) {
    match news {
        Update::Output(bytes) => {
            if matches!(model.child, ChildState::Starting(_)) {
                model.child = ChildState::Running;
                effects.push(Effect::Redraw);
            }
            // Only what changes the picture asks for a new frame.
            pane::feed(model, &bytes, effects);
            scroll::mark(model);
            copy::changed(model);
            return;
        }
        Update::Snapshot(new) => snapshot(model, new),
        Update::Log(lines) => {
            model.log.add(lines);
            // The list is drawn only while it is open.
            if !model.overlays.iter().any(|o| matches!(o, Overlay::Log(_))) {
                return;
            }
        }
        Update::Notice(notice) => {
            if let ChildState::Starting(steps) = &mut model.child
                && notice.level == NoticeLevel::Info
            {
                steps.push(notice.text.clone());
                model.notices.note(notice, model.now);
            } else {
                model.notices.push(notice, model.now);
            }
        }
        Update::TurnStarted { number } => {
            scroll::turn_began(model, number);
            return;
        }
        Update::Handover(handover) => super::handover::arrived(model, handover),
        Update::Files(files) => {
            if !model.composer.files_came(files) {
                return;
            }
        }
        Update::Weighed { revision, tokens, estimated } => {
            if !model.composer.weighed(revision, tokens, estimated) {
                return;
            }
        }
        Update::ChildStarting => {
            model.child = ChildState::Starting(Vec::new());
            let size = model.pane_size();
            model.terminal = pane::open(size, model.scrollback, model.palette.clone());
            (model.reader, model.unmarked) = (None, None);
            effects.push(Effect::Send(Command::Resize { cols: size.cols, rows: size.rows }));
        }
        Update::ChildEnded { code, message } => {
            if model.child != ChildState::Ending {
                model.child = ChildState::Ended { code, message };
            }
        }
        Update::Failed { message } => {
            if model.child != ChildState::Ending {
                model.child = ChildState::Failed { message };
            }
        }
        Update::Ended => effects.push(Effect::Quit),
    }
    effects.push(Effect::Redraw);
}

fn snapshot(model: &mut Model, new: Box<Snapshot>) {
    if new.cache.last_break.is_some() && new.cache.breaks > 0 {
        let seen = model.last_break.map_or(0, |(count, _)| count);
        if new.cache.breaks != seen {
            model.last_break = Some((new.cache.breaks, model.now));
        }
    }
    // What was put away may come back once it has been over.
    if new.forecast.risk == Risk::None {
        model.dismissed.retain(|key| !matches!(key, AlertKey::Risk(_)));
    }
    if new.server.healthy != Some(false) {
        model.dismissed.remove(&AlertKey::ServerLost);
    }
    if !new.window.truncated {
        model.dismissed.remove(&AlertKey::Truncated);
    }
    model.snapshot = Some(new);
    model.snapshot_at = model.now;
}

/// The user's themes have changed. The one in use stays by its name; where it is gone, the first
/// one takes its place.
fn reload(model: &mut Model, themes: Vec<Theme>, wrong: Vec<String>, effects: &mut Vec<Effect>) {
    if !themes.is_empty() {
        let name = model.theme().name().to_owned();
        model.theme = themes.iter().position(|theme| theme.name() == name).unwrap_or(0);
        model.themes = themes;
        let theme = model.theme().clone();
        model.composer.dress(&theme);
    }
    for text in wrong {
        action::tell(model, NoticeLevel::Warning, text);
    }
    effects.push(Effect::Redraw);
}

/// Time passes. Only what the eye can see of it asks for a new frame.
fn tick(model: &mut Model, now: Moment, effects: &mut Vec<Effect>) {
    let before = (super::keybar(model).phase, super::alert(model).map(|a| a.key));
    model.now = now;
    pane::release(model, now, effects);
    scroll::mark(model);
    let expired = model.notices.expire(now) | copy::tick(model);
    let after = (super::keybar(model).phase, super::alert(model).map(|a| a.key));
    if expired || before != after {
        effects.push(Effect::Redraw);
    }
}

/// The world outside ends (SIGTERM, SIGHUP): ask nothing, leave.
pub fn hang_up(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    action::leave(model, &mut effects);
    effects.push(Effect::Quit);
    effects
}
