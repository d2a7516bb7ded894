//! The bottom line: which keys there are, what the session is doing, and where each thing stands.

use crate::{
    domain::{Phase, Tier, units},
    front::input::{Action, Keymap},
};

use super::{ChildState, Kind, Model};

/// Which go first when there is no room; help and quit stay.
const GO_FIRST: [Action; 7] = [
    Action::Theme,
    Action::Log,
    Action::Compose,
    Action::Panes,
    Action::Handover,
    Action::Fresh,
    Action::Compact,
];

/// Columns of the phase on the right: `compacting 59m59s`.
const PHASE_COLS: u16 = 17;

/// One key in the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// First column.
    pub col: u16,
    /// The key's name; its letter while the leader is pressed.
    pub key: String,
    /// What it does, in a word.
    pub label: &'static str,
    /// What it does.
    pub action: Action,
}

impl Entry {
    /// Columns it takes.
    #[must_use]
    pub fn cols(&self) -> u16 {
        width(&self.key) + 1 + width(self.label)
    }
}

/// A word that must not be overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// First column.
    pub col: u16,
    /// The word.
    pub text: &'static str,
    /// Whether it stands for something lost (red) and not only for something weaker (amber).
    pub alert: bool,
}

/// The bottom line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBar {
    /// The keys that fit.
    pub entries: Vec<Entry>,
    /// The words on the right, before the phase.
    pub badges: Vec<Badge>,
    /// What the keys do while the panes have them, in place of the keys.
    pub hint: Option<&'static str>,
    /// What the session is doing and for how long, right-aligned.
    pub phase: String,
    /// First column of the phase.
    pub phase_col: u16,
}

/// Lays the bottom line out.
#[must_use]
pub fn keybar(model: &Model) -> KeyBar {
    let layout = model.layout();
    let cols = layout.keys.width;
    let phase_col = cols.saturating_sub(PHASE_COLS + 1);
    // The header tells these where there is one.
    let words = if layout.kind == Kind::Wide { Vec::new() } else { words(model) };
    let mut col = phase_col;
    let mut badges = Vec::new();
    for (text, alert) in words {
        col = col.saturating_sub(width(text) + 1);
        badges.push(Badge { col, text, alert });
    }
    let gap = if layout.kind == Kind::Wide { 2 } else { 1 };
    let letters = model.keymap.is_pending();
    let dismiss = letters && super::alert(model).is_some();
    let room = usize::from(col.saturating_sub(2));
    let hint = super::arrange::HINTS.into_iter().find(|hint| hint.chars().count() <= room);
    let hint = hint.filter(|_| model.focus.is_some() && model.overlays.is_empty() && !letters);
    let entries = if hint.is_some() {
        Vec::new()
    } else {
        fit(&model.keymap, col.saturating_sub(1), gap, letters, dismiss)
    };
    KeyBar { entries, badges, hint, phase: phase(model), phase_col }
}

/// The keys that fit into so many columns; as letters while the leader is pressed, and then the
/// one that puts an alert away, too.
fn fit(keymap: &Keymap, room: u16, gap: u16, letters: bool, dismiss: bool) -> Vec<Entry> {
    let mut left = Keymap::BINDINGS.to_vec();
    left.retain(|bound| bound.function.is_some() || (dismiss && bound.action == Action::Dismiss));
    for gone in std::iter::once(None).chain(GO_FIRST.into_iter().map(Some)) {
        left.retain(|bound| Some(bound.action) != gone);
        let mut col = 1;
        let mut entries = Vec::with_capacity(left.len());
        for bound in &left {
            let letter = keymap.after_leader(bound.action).map(String::from);
            let direct = keymap.direct(bound.action).filter(|_| !letters);
            let Some(key) = direct.or(letter) else { continue };
            let entry = Entry { col, key, label: bound.label, action: bound.action };
            col += entry.cols() + gap;
            entries.push(entry);
        }
        if col.saturating_sub(gap) <= room {
            return entries;
        }
    }
    Vec::new()
}

/// What must be said all the time, rightmost first.
fn words(model: &Model) -> Vec<(&'static str, bool)> {
    let mut words = Vec::new();
    match model.tier() {
        Some(Tier::Off) => words.push(("SANDBOX OFF", true)),
        Some(Tier::Reduced) => words.push(("SANDBOX REDUCED", false)),
        Some(Tier::Strict) | None => {}
    }
    if model.practice() {
        words.push(("PRACTICE", false));
    }
    words
}

/// `reading 12 s`. Idle for over a minute, only the minutes: a still screen stays still.
fn phase(model: &Model) -> String {
    let phase = model.phase();
    let seconds = model.phase_seconds();
    let word = phase.word();
    if model.child == ChildState::Ending {
        return "quitting".to_owned();
    }
    match phase {
        Phase::Stopped => word.to_owned(),
        Phase::Idle if seconds >= 60.0 => {
            let whole = units::seconds((seconds / 60.0).floor() * 60.0);
            format!("{word} {}", whole.replace("00s", ""))
        }
        Phase::Idle
        | Phase::Starting
        | Phase::Prefill
        | Phase::Generate
        | Phase::Tools
        | Phase::Compacting => {
            format!("{word} {}", units::seconds(seconds.floor().max(0.0)).replace(".0", ""))
        }
    }
}

/// Columns of a word of ours; all of them are ASCII.
fn width(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}
