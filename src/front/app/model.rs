//! Everything the front knows.

use std::path::PathBuf;

use crate::{
    domain::{Moment, Phase, ServerKind, Tier},
    front::{
        input::Keymap,
        terminal::{Palette, Size, Terminal},
        theme::Theme,
    },
    protocol::Snapshot,
};

use super::{
    Arrangement, Attention, AttentionSettings, Border, CommandList, Composer, Dialog, Layout, Log,
    LogView, Notices, PaneId, Purpose, Reader, Spoken, Zoom,
    alert::Dismissed,
    arrange::Drag,
    mouse::{Clicks, Pressed},
    pane,
    scroll::Unmarked,
};

/// What stands in the header before any figure is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// The project's name.
    pub project: String,
    /// Whether the session runs on the practice server.
    pub practice: bool,
}

/// What a front starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What stands in the header.
    pub title: Title,
    /// Which keys are lcc's.
    pub keymap: Keymap,
    /// The themes that F4 goes through; the plain one when empty.
    pub themes: Vec<Theme>,
    /// The one to begin with, as an index of `themes`.
    pub theme: usize,
    /// Lines kept above Claude Code's pane.
    pub scrollback: usize,
}

/// How Claude Code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildState {
    /// It has not written anything yet; what the engine is doing, oldest first.
    Starting(Vec<String>),
    /// It runs.
    Running,
    /// It ended by itself.
    Ended {
        /// Its exit code, when it exited by itself.
        code: Option<i32>,
        /// What happened.
        message: String,
    },
    /// It could not be started.
    Failed {
        /// The reason and the way out.
        message: String,
    },
    /// The user wants to leave; the engine is ending it.
    Ending,
}

/// Something drawn over the cockpit that takes the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// Keys and panes in words, scrolled down by so many lines.
    Help(u16),
    /// A question.
    Dialog(Dialog),
    /// What the proxy saw and the server wrote.
    Log(LogView),
    /// A text being written.
    Composer(Purpose),
    /// A pane over everything.
    Zoom(Zoom),
    /// What a pane tells, in words.
    Explain(PaneId),
    /// All commands.
    Palette(CommandList),
}

/// Everything the front knows. Changed by [`super::update`] alone.
pub struct Model {
    /// What stands in the header.
    pub title: Title,
    /// Columns and rows of the outer terminal.
    pub size: (u16, u16),
    /// The front's time.
    pub now: Moment,
    /// Claude Code's terminal.
    pub terminal: Terminal,
    /// How Claude Code is.
    pub child: ChildState,
    /// The latest figures.
    pub snapshot: Option<Box<Snapshot>>,
    /// When they came.
    pub snapshot_at: Moment,
    /// What lies over the cockpit, topmost last.
    pub overlays: Vec<Overlay>,
    /// What the proxy saw and the server wrote.
    pub log: Log,
    /// The texts being written.
    pub composer: Composer,
    /// What the engine said.
    pub notices: Notices,
    /// What Claude Code may reach beyond its pane.
    pub border: Border,
    /// The outer terminal's colours, once it told them.
    pub(super) palette: Palette,
    /// Whether the right column is shown where there is room for it.
    pub column: bool,
    /// Whether the panes are drawn over Claude Code where there is no room for the column.
    pub drawer: bool,
    /// How the panes are arranged.
    pub panes: Arrangement,
    /// The pane that has the keys; `None`: Claude Code has them.
    pub focus: Option<PaneId>,
    /// What a screen reader is given; `None` where there is none.
    pub spoken: Option<Spoken>,
    /// Whether the outer terminal has the focus.
    pub focused: bool,
    /// Who is called when somebody looks elsewhere.
    pub attention: Attention,
    /// Reading mode, while it is on.
    pub reader: Option<Reader>,
    /// The project's folder, to tell what lies outside it.
    pub folder: Option<PathBuf>,
    /// Which keys are lcc's.
    pub keymap: Keymap,
    /// The themes F4 goes through; never empty.
    pub(super) themes: Vec<Theme>,
    /// The one in use.
    pub(super) theme: usize,
    /// Which alerts the user has put away.
    pub(super) dismissed: Dismissed,
    /// What the left button holds of the panes.
    pub(super) drag: Option<Drag>,
    /// Where the left button went down in the pane, until it goes up.
    pub(super) pressed: Option<Pressed>,
    /// The clicks before, to know a double one by.
    pub(super) clicks: Clicks,
    /// A turn that has begun and whose line is not marked yet.
    pub(super) unmarked: Option<Unmarked>,
    /// Lines kept above the pane.
    pub(super) scrollback: usize,
    /// Number of cache breaks known, and when the last one was seen.
    pub(super) last_break: Option<(u64, Moment)>,
}

impl Model {
    /// A front of this size in cells, before the engine has said anything.
    #[must_use]
    pub fn new(options: Options, size: (u16, u16)) -> Self {
        let mut themes = options.themes;
        if themes.is_empty() {
            themes.push(Theme::default());
        }
        let theme = options.theme.min(themes.len() - 1);
        let area = Layout::of(size, true, false).pane;
        let pane_size = Size { cols: area.width.max(1), rows: area.height.max(1) };
        Self {
            title: options.title,
            size,
            now: Moment::default(),
            terminal: pane::open(pane_size, options.scrollback, Palette::default()),
            child: ChildState::Starting(Vec::new()),
            snapshot: None,
            snapshot_at: Moment::default(),
            overlays: Vec::new(),
            log: Log::default(),
            composer: Composer::default(),
            notices: Notices::default(),
            border: Border::default(),
            palette: Palette::default(),
            column: true,
            drawer: false,
            panes: Arrangement::default(),
            focus: None,
            spoken: None,
            drag: None,
            focused: true,
            attention: Attention::new(AttentionSettings::default(), true),
            reader: None,
            folder: None,
            keymap: options.keymap,
            themes,
            theme,
            dismissed: Dismissed::default(),
            pressed: None,
            clicks: Clicks::default(),
            unmarked: None,
            scrollback: options.scrollback,
            last_break: None,
        }
    }

    /// The theme in use.
    #[must_use]
    pub fn theme(&self) -> &Theme {
        &self.themes[self.theme]
    }

    /// Where everything is.
    #[must_use]
    pub fn layout(&self) -> Layout {
        if self.spoken.is_some() {
            return Layout::plain(self.size);
        }
        Layout::arranged(self.size, self.column, self.drawer, self.panes.width())
    }

    /// Arranges the panes as they were kept the last time; whether the column is shown.
    pub fn arrange(&mut self, panes: Arrangement, column: bool) {
        self.panes = panes;
        self.column = column;
        self.terminal.resize(self.pane_size());
    }

    /// Gives a screen reader plain lines, and no frames.
    pub fn speak(&mut self) {
        self.spoken = Some(Spoken::default());
        self.focus = None;
        self.terminal.resize(self.pane_size());
    }

    /// The size of Claude Code's pane in cells, at least 1×1.
    #[must_use]
    pub fn pane_size(&self) -> Size {
        let area = self.layout().pane;
        Size { cols: area.width.max(1), rows: area.height.max(1) }
    }

    /// When the next [`super::Message::Tick`] is needed at the latest, beyond the one of every
    /// second: an unfinished frame of Claude Code must be shown, a search counted anew.
    pub fn wake(&mut self) -> Option<Moment> {
        let frame = self.terminal.sync_deadline(self.now);
        let search = self.reader.as_ref().and_then(|reader| reader.search.wake());
        [frame, search, self.attention.wake()].into_iter().flatten().min()
    }

    /// What the session is doing, as far as the front knows.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.child {
            ChildState::Ended { .. } | ChildState::Failed { .. } | ChildState::Ending => {
                Phase::Stopped
            }
            ChildState::Starting(_) | ChildState::Running => {
                self.snapshot.as_ref().map_or(Phase::Starting, |s| s.phase)
            }
        }
    }

    /// Seconds the session has been in its phase, carried on since the last snapshot.
    #[must_use]
    pub fn phase_seconds(&self) -> f64 {
        let known = self.snapshot.as_ref().map_or(0.0, |s| s.phase_s);
        known + self.now.seconds_since(self.snapshot_at)
    }

    /// Whether the session runs on the practice server.
    #[must_use]
    pub fn practice(&self) -> bool {
        self.snapshot
            .as_ref()
            .and_then(|s| s.server.kind)
            .map_or(self.title.practice, |kind| kind == ServerKind::Practice)
    }

    /// The sandbox's tier, once known.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        self.snapshot.as_ref().and_then(|s| s.sandbox.tier)
    }

    /// Tokens that an empty conversation would free: all but system and tools. `None` when not
    /// known.
    #[must_use]
    pub fn freed(&self) -> Option<u64> {
        let window = &self.snapshot.as_ref()?.window;
        Some(window.used?.saturating_sub(window.fixed?))
    }
}
