//! The panes of the column: which there are, in which order, how wide and high; kept as text.

use serde::{Deserialize, Serialize};

/// One pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaneId {
    /// How far the prompt has been read.
    Prefill,
    /// How full the window is.
    Window,
    /// What the prefix cache kept.
    Cache,
    /// Thinking, wanted or not.
    Thinking,
    /// Where the time went.
    Time,
    /// The last turns.
    Timeline,
    /// Requests without effect.
    Noise,
    /// The model server and the machine.
    Server,
    /// What holds Claude Code in.
    Sandbox,
}

impl PaneId {
    /// All of them, in their usual order.
    pub const ALL: [Self; 9] = [
        Self::Prefill,
        Self::Window,
        Self::Cache,
        Self::Thinking,
        Self::Time,
        Self::Timeline,
        Self::Noise,
        Self::Server,
        Self::Sandbox,
    ];

    /// Its name in its title.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Window => "window",
            Self::Cache => "cache",
            Self::Thinking => "thinking",
            Self::Time => "time",
            Self::Timeline => "timeline",
            Self::Noise => "noise",
            Self::Server => "server",
            Self::Sandbox => "sandbox",
        }
    }
}

/// Columns of the column at the least.
pub const LEAST_COLS: u16 = 24;
/// Lines of a pane at the most.
const MOST_LINES: u16 = 60;

/// How the user has arranged the panes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrangement {
    /// All panes, the top one first.
    order: Vec<PaneId>,
    /// Those that are not shown.
    hidden: Vec<PaneId>,
    /// Columns of the column; `None`: by the terminal's size.
    width: Option<u16>,
    /// Lines of a pane, where the user has set them.
    heights: Vec<(PaneId, u16)>,
}

impl Default for Arrangement {
    fn default() -> Self {
        let order = PaneId::ALL.to_vec();
        Self { order, hidden: Vec::new(), width: None, heights: Vec::new() }
    }
}

impl Arrangement {
    /// Reads what [`Arrangement::text`] wrote, by any version: panes that are new stand at the
    /// end, what is not known is passed over. `None`: nothing of it can be read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let pane = |value: &serde_json::Value| PaneId::deserialize(value).ok();
        let panes = |name: &str| -> Vec<PaneId> {
            let list = value.get(name).and_then(serde_json::Value::as_array);
            list.into_iter().flatten().filter_map(pane).collect()
        };
        let number = |value: &serde_json::Value| u16::try_from(value.as_u64()?).ok();
        let heights = value.get("heights").and_then(serde_json::Value::as_array);
        let heights = heights.into_iter().flatten().filter_map(|pair| {
            let (id, lines) = (pane(pair.get(0)?)?, number(pair.get(1)?)?);
            Some((id, lines.clamp(1, MOST_LINES)))
        });
        let mut read = Self {
            order: panes("order"),
            hidden: panes("hidden"),
            width: value.get("width").and_then(number).map(|cols| cols.max(LEAST_COLS)),
            heights: heights.collect(),
        };
        let mut seen = Vec::new();
        read.order.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        read.order.extend(PaneId::ALL.into_iter().filter(|id| !seen.contains(id)));
        read.hidden.sort_unstable();
        read.hidden.dedup();
        read.heights.sort_by_key(|(id, _)| *id);
        read.heights.dedup_by_key(|(id, _)| *id);
        Some(read)
    }

    /// The arrangement as text (JSON), to be kept for the next time.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Those that are shown, the top one first.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = PaneId> + '_ {
        self.order.iter().copied().filter(|id| !self.hidden.contains(id))
    }

    /// Whether it is hidden.
    #[must_use]
    pub fn is_hidden(&self, id: PaneId) -> bool {
        self.hidden.contains(&id)
    }

    /// Columns of the column, where the user has set them.
    #[must_use]
    pub const fn width(&self) -> Option<u16> {
        self.width
    }

    /// Lines of a pane, where the user has set them.
    #[must_use]
    pub fn height(&self, id: PaneId) -> Option<u16> {
        self.heights.iter().find(|(own, _)| *own == id).map(|(_, lines)| *lines)
    }

    /// Hides it, or shows it again. The last one stays.
    pub fn hide(&mut self, id: PaneId, hidden: bool) -> bool {
        if hidden == self.is_hidden(id) || (hidden && self.shown().count() == 1) {
            return false;
        }
        if hidden {
            self.hidden.push(id);
            self.hidden.sort_unstable();
        } else {
            self.hidden.retain(|own| *own != id);
        }
        true
    }

    /// Moves it by so many places among those shown, down for positive.
    pub fn shift(&mut self, id: PaneId, by: isize) {
        let shown: Vec<PaneId> = self.shown().collect();
        let Some(at) = shown.iter().position(|own| *own == id) else { return };
        let to = at.saturating_add_signed(by).min(shown.len() - 1);
        self.put(id, shown[to]);
    }

    /// Puts it where another one stands now.
    pub fn put(&mut self, id: PaneId, place: PaneId) {
        let position = |order: &[PaneId], id| order.iter().position(|own| *own == id);
        let (Some(from), Some(to)) = (position(&self.order, id), position(&self.order, place))
        else {
            return;
        };
        let pane = self.order.remove(from);
        self.order.insert(to, pane);
    }

    /// Sets the lines of a pane; `None`: as many as it needs.
    pub fn set_height(&mut self, id: PaneId, lines: Option<u16>) {
        self.heights.retain(|(own, _)| *own != id);
        if let Some(lines) = lines {
            self.heights.push((id, lines.clamp(1, MOST_LINES)));
            self.heights.sort_by_key(|(id, _)| *id);
        }
    }

    /// Sets the columns of the column.
    pub fn set_width(&mut self, cols: u16) {
        self.width = Some(cols.max(LEAST_COLS));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_older_or_newer_version_kept_is_read() {
        let read = Arrangement::read(
            r#"{"order": ["cache", "magic", "prefill", "cache"], "hidden": ["noise", 3],
                "width": 3, "heights": [["cache", 0], ["magic", 4], ["time", 7]], "more": 1}"#,
        )
        .unwrap();
        let names: Vec<_> = read.shown().map(PaneId::name).collect();
        assert_eq!(names[..3], ["cache", "prefill", "window"]);
        assert_eq!((names.len(), read.is_hidden(PaneId::Noise)), (8, true));
        assert_eq!((read.width(), read.height(PaneId::Time)), (Some(LEAST_COLS), Some(7)));
        assert_eq!(read.height(PaneId::Cache), Some(1));
        assert_eq!(Arrangement::read("{}"), Some(Arrangement::default()));
        assert_eq!(Arrangement::read("no"), None);
    }

    #[test]
    fn the_last_pane_stays_and_a_move_passes_over_hidden_ones() {
        let mut panes = Arrangement::default();
        panes.hide(PaneId::Window, true);
        panes.shift(PaneId::Prefill, 1);
        let names: Vec<_> = panes.shown().map(PaneId::name).collect();
        assert_eq!(names[..3], ["cache", "prefill", "thinking"]);
        for id in PaneId::ALL {
            panes.hide(id, true);
        }
        assert_eq!(panes.shown().collect::<Vec<_>>(), [PaneId::Sandbox]);
    }

    proptest! {
        #[test]
        fn whatever_is_done_every_pane_is_kept_once(
            steps in prop::collection::vec((0_usize..9, 0_usize..9, 0..4, 0_u16..90), 0..40),
        ) {
            let mut panes = Arrangement::default();
            for (at, other, what, n) in steps {
                let (id, other) = (PaneId::ALL[at], PaneId::ALL[other]);
                match what {
                    0 => { panes.hide(id, n % 2 == 0); }
                    1 => panes.shift(id, isize::from(n as i16) - 45),
                    2 => panes.put(id, other),
                    _ => { panes.set_height(id, Some(n)); panes.set_width(n); }
                }
            }
            let mut order = panes.order.clone();
            order.sort_unstable();
            prop_assert_eq!(order, PaneId::ALL.to_vec());
            prop_assert!(panes.shown().count() >= 1);
            prop_assert_eq!(Arrangement::read(&panes.text()), Some(panes));
        }
    }
}
