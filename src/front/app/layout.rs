//! Where everything is, for any size of the outer terminal.

use ratatui::layout::Rect;

use super::panes::LEAST_COLS;

/// Fewer columns than this and the panes move from the right column into the strip.
const WIDE_COLS: u16 = 120;
/// Fewer rows than this and they do so too.
const WIDE_ROWS: u16 = 30;
/// The least that is worth drawing.
const LEAST: (u16, u16) = (60, 18);

/// Lines for a screen reader.
const PLAIN_ROWS: u16 = 2;

/// Which of the faces the cockpit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Header, Claude Code in a frame, panes in a right column.
    Wide,
    /// Claude Code, and two lines under it.
    Strip,
    /// Claude Code, and plain lines under it for a screen reader; no frames.
    Plain,
    /// Only a message.
    TooSmall,
}

/// Where everything is. Areas that are not shown are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Which face.
    pub kind: Kind,
    /// All of it.
    pub screen: Rect,
    /// The line on top.
    pub header: Rect,
    /// Claude Code's frame; equal to `pane` when it has none.
    pub frame: Rect,
    /// Claude Code's cells.
    pub pane: Rect,
    /// The panes with their frames.
    pub panes: Rect,
    /// The line of figures under Claude Code.
    pub strip: Rect,
    /// Where an alert is written, when there is one.
    pub alert: Rect,
    /// The line of keys.
    pub keys: Rect,
}

impl Layout {
    /// Lays out a terminal of `size` cells. `column`: the right column is wanted where there is
    /// room; `drawer`: the panes are wanted over Claude Code where there is none.
    #[must_use]
    pub fn of(size: (u16, u16), column: bool, drawer: bool) -> Self {
        Self::arranged(size, column, drawer, None)
    }

    /// As [`Layout::of`], with a column of `width` columns as far as there is room.
    #[must_use]
    pub fn arranged(
        (cols, rows): (u16, u16),
        column: bool,
        drawer: bool,
        width: Option<u16>,
    ) -> Self {
        let screen = Rect::new(0, 0, cols, rows);
        if cols < LEAST.0 || rows < LEAST.1 {
            return Self::too_small(screen);
        }
        let wide = cols >= WIDE_COLS && rows >= WIDE_ROWS;
        let most = if wide { cols - LEAST.0 } else { cols - 2 };
        let side = width.unwrap_or_else(|| column_width(cols)).clamp(LEAST_COLS, most);
        if wide { Self::wide(screen, column, side) } else { Self::strip(screen, drawer, side) }
    }

    /// For a screen reader: text alone.
    #[must_use]
    pub fn plain((cols, rows): (u16, u16)) -> Self {
        let screen = Rect::new(0, 0, cols, rows);
        if cols < LEAST.0 || rows < LEAST.1 {
            return Self::too_small(screen);
        }
        let pane = Rect::new(0, 0, cols, rows - PLAIN_ROWS - 1);
        Self {
            kind: Kind::Plain,
            screen,
            header: Rect::ZERO,
            frame: pane,
            pane,
            panes: Rect::ZERO,
            strip: Rect::new(0, pane.height, cols, PLAIN_ROWS),
            alert: Rect::ZERO,
            keys: Rect::new(0, rows - 1, cols, 1),
        }
    }

    /// Columns of the column at the most.
    #[must_use]
    pub fn most_column(&self) -> u16 {
        match self.kind {
            Kind::Wide => self.screen.width - LEAST.0,
            Kind::Strip | Kind::Plain | Kind::TooSmall => self.screen.width.saturating_sub(2),
        }
    }

    /// Rows of the log where it is open: Claude Code's frame without its border, and without the
    /// line of the log's own keys.
    #[must_use]
    pub const fn log_rows(&self) -> u16 {
        self.frame.height.saturating_sub(3)
    }

    fn too_small(screen: Rect) -> Self {
        let none = Rect::ZERO;
        Self {
            kind: Kind::TooSmall,
            screen,
            header: none,
            frame: none,
            // Claude Code keeps running in a pane as large as the terminal.
            pane: screen,
            panes: none,
            strip: none,
            alert: none,
            keys: none,
        }
    }

    fn wide(screen: Rect, column: bool, side: u16) -> Self {
        let (cols, rows) = (screen.width, screen.height);
        let body = rows - 2;
        let side = if column { side } else { 0 };
        let frame = Rect::new(0, 1, cols - side, body);
        Self {
            kind: Kind::Wide,
            screen,
            header: Rect::new(0, 0, cols, 1),
            frame,
            pane: Rect::new(frame.x + 1, frame.y + 1, frame.width - 2, frame.height - 2),
            panes: if column { Rect::new(cols - side, 1, side, body) } else { Rect::ZERO },
            strip: Rect::ZERO,
            // The frames' bottom border: an alert moves nothing.
            alert: Rect::new(0, rows - 2, cols, 1),
            keys: Rect::new(0, rows - 1, cols, 1),
        }
    }

    fn strip(screen: Rect, drawer: bool, side: u16) -> Self {
        let (cols, rows) = (screen.width, screen.height);
        let pane = Rect::new(0, 0, cols, rows - 2);
        let strip = Rect::new(0, rows - 2, cols, 1);
        Self {
            kind: Kind::Strip,
            screen,
            header: Rect::ZERO,
            frame: pane,
            pane,
            panes: if drawer { Rect::new(cols - side, 0, side, pane.height) } else { Rect::ZERO },
            strip,
            // Claude Code's last line: the figures below stay in sight.
            alert: Rect::new(0, rows - 3, cols, 1),
            keys: Rect::new(0, rows - 1, cols, 1),
        }
    }
}

/// Columns of the panes, frame included. At 120 columns they leave Claude Code eighty.
const fn column_width(cols: u16) -> u16 {
    if cols >= 160 { 46 } else { 38 }
}

/// A box of at most `width`×`height` in the middle of `area`.
#[must_use]
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_known_sizes() {
        for (size, kind, pane) in [
            ((80, 24), Kind::Strip, (80, 22)),
            ((60, 18), Kind::Strip, (60, 16)),
            ((120, 29), Kind::Strip, (120, 27)),
            ((119, 40), Kind::Strip, (119, 38)),
            ((120, 30), Kind::Wide, (80, 26)),
            ((120, 40), Kind::Wide, (80, 36)),
            ((200, 60), Kind::Wide, (152, 56)),
            ((59, 18), Kind::TooSmall, (59, 18)),
            ((60, 17), Kind::TooSmall, (60, 17)),
            ((1, 1), Kind::TooSmall, (1, 1)),
        ] {
            let layout = Layout::of(size, true, false);
            assert_eq!(layout.kind, kind, "{size:?}");
            assert_eq!((layout.pane.width, layout.pane.height), pane, "{size:?}");
        }
    }

    proptest! {
        #[test]
        fn areas_sum_to_the_screen(
            cols in 1_u16..300,
            rows in 1_u16..100,
            column: bool,
            drawer: bool,
            width in prop::option::of(0_u16..400),
            plain: bool,
        ) {
            let l = if plain {
                Layout::plain((cols, rows))
            } else {
                Layout::arranged((cols, rows), column, drawer, width)
            };
            prop_assert!(l.kind == Kind::TooSmall || l.pane.width >= 58);
            for area in [l.header, l.frame, l.pane, l.panes, l.strip, l.alert, l.keys] {
                prop_assert_eq!(area.intersection(l.screen), area);
            }
            let over = |r: Rect| u32::from(r.width) * u32::from(r.height);
            let beside = if l.kind == Kind::Wide { over(l.panes) } else { 0 };
            match l.kind {
                Kind::TooSmall => prop_assert_eq!(l.pane, l.screen),
                Kind::Wide | Kind::Strip | Kind::Plain => prop_assert_eq!(
                    over(l.header) + over(l.frame) + beside + over(l.strip) + over(l.keys),
                    over(l.screen)
                ),
            }
        }
    }
}
