//! What a cell has that ratatui's cells cannot hold: the kind of its underline, its link.

use alacritty_terminal::{
    index::{Column, Line, Point},
    term::cell::{Cell, Flags, Hyperlink},
};

use super::{emulator::Terminal, marks, policy};

/// Kind of an underline (SGR 4:1 to 4:5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Underline {
    /// None, or the plain one that ratatui knows.
    #[default]
    Plain,
    /// 4:2.
    Double,
    /// 4:3.
    Curly,
    /// 4:4.
    Dotted,
    /// 4:5.
    Dashed,
}

/// A link of the child (OSC 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Hyperlink);

impl Link {
    /// Where it leads, as the child said it.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.uri()
    }

    /// What ties the pieces of one link together.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }
}

/// What a cell has beside its character, colours and modifiers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ink {
    /// The kind of its underline.
    pub underline: Underline,
    /// Its link.
    pub link: Option<Link>,
}

impl Ink {
    fn of(cell: &Cell) -> Option<Self> {
        let underline = underline(cell.flags);
        if underline == Underline::Plain && cell.extra.is_none() {
            return None;
        }
        let link = cell
            .hyperlink()
            .filter(|link| link.uri().len() <= policy::LINK_LIMIT && !marks::is_mark(link.uri()));
        let ink = Self { underline, link: link.map(Link) };
        (ink != Self::default()).then_some(ink)
    }
}

const fn underline(flags: Flags) -> Underline {
    const TABLE: [(Flags, Underline); 4] = [
        (Flags::DOUBLE_UNDERLINE, Underline::Double),
        (Flags::UNDERCURL, Underline::Curly),
        (Flags::DOTTED_UNDERLINE, Underline::Dotted),
        (Flags::DASHED_UNDERLINE, Underline::Dashed),
    ];
    let mut at = 0;
    while at < TABLE.len() {
        if flags.contains(TABLE[at].0) {
            return TABLE[at].1;
        }
        at += 1;
    }
    Underline::Plain
}

impl Terminal {
    /// The cells of the view that have more than ratatui's cells can hold: column, row, what.
    /// In reading order.
    pub fn inks(&self) -> impl Iterator<Item = (u16, u16, Ink)> {
        let size = self.size();
        (0..size.rows).flat_map(move |row| {
            (0..size.cols).filter_map(move |col| Some((col, row, self.ink(col, row)?)))
        })
    }

    /// The same of one row: column, 0, what.
    pub fn row_inks(&self, row: u16) -> impl Iterator<Item = (u16, u16, Ink)> {
        (0..self.size().cols).filter_map(move |col| Some((col, 0, self.ink(col, row)?)))
    }

    /// The link under a cell of the view.
    #[must_use]
    pub fn link_at(&self, col: u16, row: u16) -> Option<Link> {
        self.ink(col, row)?.link
    }

    fn ink(&self, col: u16, row: u16) -> Option<Ink> {
        let top = i32::try_from(self.view_offset()).ok()?;
        let size = self.size();
        if col >= size.cols || row >= size.rows {
            return None;
        }
        let point = Point::new(Line(i32::from(row) - top), Column(usize::from(col)));
        Ink::of(&self.term().grid()[point])
    }
}
