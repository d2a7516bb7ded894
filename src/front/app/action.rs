//! What lcc's own keys do.

use crate::{
    domain::{ClipboardPolicy, Phase},
    front::input::Action,
    protocol::{Command, CompactWhen, Notice, NoticeLevel},
};

use super::{
    Arrangement, Ask, ChildState, CommandList, Dialog, Effect, Kind, LogView, Model, Outcome,
    Overlay, PaneId, Run, Spoken, arrange, border, copy, dialog::freed_sentence, handover, keys,
    pane, scroll,
};

/// Runs one action, whether its key was pressed or its name clicked.
pub(super) fn run(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Help => help(model),
        Action::Compact => compact(model, effects),
        Action::Panes => panes(model, effects),
        Action::Theme => model.theme = (model.theme + 1) % model.themes.len(),
        Action::Fresh => fresh(model, effects),
        Action::Log => log(model),
        Action::Handover => handover::note(model, effects),
        Action::Compose => handover::prompt(model),
        Action::Search => copy::search(model),
        Action::Read => copy::read(model),
        Action::Save => copy::save(model),
        Action::TurnBack => scroll::jump(model, true),
        Action::TurnOn => scroll::jump(model, false),
        Action::Quit => quit(model, effects),
        Action::Dismiss => {
            super::alert::dismiss(model);
        }
        Action::Arrange => arrange::toggle(model, effects),
        Action::Timeline => arrange::zoom(model, PaneId::Timeline),
        Action::Map => arrange::zoom(model, PaneId::Window),
        Action::Palette => palette(model),
        Action::Verbatim => keys::to_child(model, model.keymap.leader().event(), effects),
    }
    if action == Action::Theme {
        dress(model);
    }
    effects.push(Effect::Redraw);
}

/// The composer takes the theme on, and its name is said.
fn dress(model: &mut Model) {
    let theme = model.theme().clone();
    model.composer.dress(&theme);
    tell(model, NoticeLevel::Info, format!("theme {}", theme.name()));
}

fn palette(model: &mut Model) {
    let is_it = |overlay: &Overlay| matches!(overlay, Overlay::Palette(_));
    let open = model.overlays.last().is_some_and(is_it);
    model.overlays.retain(|overlay| !is_it(overlay));
    if !open {
        model.overlays.push(Overlay::Palette(CommandList::default()));
    }
}

/// Runs a command of the list of all.
pub(super) fn command(model: &mut Model, wanted: Run, effects: &mut Vec<Effect>) {
    match wanted {
        Run::Action(action) => run(model, action, effects),
        Run::Theme(at) => {
            model.theme = at.min(model.themes.len() - 1);
            dress(model);
        }
        Run::Zoom(id) => arrange::zoom(model, id),
        Run::Explain(id) => arrange::explain(model, id),
        Run::Hide(id) => arrange::changed(model, effects, |panes| {
            panes.hide(id, true);
        }),
        Run::Show(id) => arrange::changed(model, effects, |panes| {
            panes.hide(id, false);
        }),
        Run::Reset => arrange::changed(model, effects, |panes| *panes = Arrangement::default()),
        Run::ScreenReader => {
            let before = model.pane_size();
            if model.spoken.take().is_none() {
                model.spoken = Some(Spoken::default());
                model.focus = None;
            }
            pane::fit(model, before, effects);
        }
    }
    effects.push(Effect::Redraw);
}

/// Does what the user chose in a dialog, and closes it.
pub(super) fn choose(model: &mut Model, outcome: Outcome, effects: &mut Vec<Effect>) {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Dialog(_)));
    match outcome {
        Outcome::Compact(when) => {
            let text = match when {
                CompactWhen::Idle => "compacts when the turn has ended",
                CompactWhen::Interrupt => "interrupting the turn, then compacting",
            };
            tell(model, NoticeLevel::Info, text.to_owned());
            effects.push(Effect::Send(Command::Compact(when)));
        }
        Outcome::Fresh => restart(model, effects),
        Outcome::Handover => handover::start(model, effects),
        Outcome::Quit => leave(model, effects),
        Outcome::Grant(ask) => border::granted(model, ask, effects),
        Outcome::GrantAlways => {
            model.border.clipboard = ClipboardPolicy::Allow;
            border::granted(model, Ask::Clipboard, effects);
        }
        Outcome::Cancel => {}
    }
    effects.push(Effect::Redraw);
}

/// Leaves, however the session is: the outer world ends.
pub(super) fn leave(model: &mut Model, effects: &mut Vec<Effect>) {
    model.child = ChildState::Ending;
    model.overlays.clear();
    effects.push(Effect::Send(Command::Quit));
}

/// The help; of the pane that has the keys, what that one tells.
fn help(model: &mut Model) {
    let of_pane = match model.overlays.last() {
        None => model.focus,
        Some(Overlay::Zoom(zoom)) => Some(zoom.pane),
        Some(Overlay::Explain(_)) => {
            model.overlays.pop();
            return;
        }
        Some(
            Overlay::Help(_)
            | Overlay::Dialog(_)
            | Overlay::Log(_)
            | Overlay::Composer(_)
            | Overlay::Palette(_),
        ) => None,
    };
    if let Some(id) = of_pane {
        arrange::explain(model, id);
        return;
    }
    if matches!(model.overlays.last(), Some(Overlay::Help(_))) {
        model.overlays.pop();
    } else {
        model.overlays.retain(|overlay| !matches!(overlay, Overlay::Help(_)));
        model.overlays.push(Overlay::Help(0));
    }
}

/// Opens the log on top, or closes it where it is.
fn log(model: &mut Model) {
    let is_log = |overlay: &Overlay| matches!(overlay, Overlay::Log(_));
    let open = model.overlays.last().is_some_and(is_log);
    model.overlays.retain(|overlay| !is_log(overlay));
    if !open {
        model.overlays.push(Overlay::Log(LogView::default()));
    }
}

fn panes(model: &mut Model, effects: &mut Vec<Effect>) {
    let before = model.pane_size();
    match model.layout().kind {
        Kind::Wide => model.column = !model.column,
        Kind::Strip => model.drawer = !model.drawer,
        Kind::Plain => arrange::toggle(model, effects),
        Kind::TooSmall => {}
    }
    // What cannot be seen has no keys.
    if model.layout().panes.is_empty() {
        model.focus = None;
    }
    pane::fit(model, before, effects);
}

fn compact(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.phase() {
        Phase::Idle => {
            tell(model, NoticeLevel::Info, "compacting the conversation".to_owned());
            effects.push(Effect::Send(Command::Compact(CompactWhen::Idle)));
        }
        Phase::Prefill | Phase::Generate | Phase::Tools => ask(model, Ask::Compact),
        Phase::Compacting => {
            tell(model, NoticeLevel::Info, "a compaction is under way already".to_owned());
        }
        Phase::Starting => {
            tell(model, NoticeLevel::Info, "nothing to compact yet: starting".to_owned());
        }
        Phase::Stopped => {
            let text = "Claude Code does not run: F5 starts it, F10 quits".to_owned();
            tell(model, NoticeLevel::Info, text);
        }
    }
}

fn fresh(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.child == ChildState::Ending {
        return;
    }
    if model.phase().is_busy() {
        ask(model, Ask::Fresh);
    } else {
        restart(model, effects);
    }
}

fn restart(model: &mut Model, effects: &mut Vec<Effect>) {
    let text = match model.child {
        ChildState::Running => freed_sentence(model),
        ChildState::Starting(_)
        | ChildState::Ended { .. }
        | ChildState::Failed { .. }
        | ChildState::Ending => "starting Claude Code again".to_owned(),
    };
    tell(model, NoticeLevel::Info, text);
    effects.push(Effect::Send(Command::RestartFresh));
}

fn quit(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.child == ChildState::Ending {
        // The second wish to leave does not wait for the engine.
        effects.push(Effect::Quit);
    } else if model.phase().is_busy() {
        if matches!(model.overlays.last(), Some(Overlay::Dialog(Dialog { ask: Ask::Quit, .. }))) {
            leave(model, effects);
        } else {
            ask(model, Ask::Quit);
        }
    } else {
        leave(model, effects);
    }
}

/// One dialog at a time: a new question takes the place of the old one.
pub(super) fn ask(model: &mut Model, ask: Ask) {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Dialog(_)));
    model.overlays.push(Overlay::Dialog(Dialog::new(ask)));
}

pub(super) fn tell(model: &mut Model, level: NoticeLevel, text: String) {
    model.notices.push(Notice { level, text }, model.now);
}
