//! Which rows of the screen have changed since they were last drawn.

use std::collections::BTreeSet;

use alacritty_terminal::term::TermDamage;

use super::emulator::Terminal;

/// What has changed since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// Anything.
    Full,
    /// These rows of the view, from 0, in order.
    Rows(Vec<u16>),
}

/// Rows that were changed past the emulator, which does not know of them.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    all: bool,
    rows: BTreeSet<i32>,
}

impl Dirty {
    /// A row of the screen, from 0.
    pub(super) fn row(&mut self, row: i32) {
        self.rows.insert(row);
    }

    /// Everything.
    pub(super) fn all(&mut self) {
        self.all = true;
    }
}

impl Terminal {
    /// Says what has changed since this was last asked, and forgets it.
    pub fn take_damage(&mut self) -> Damage {
        let dirty = std::mem::take(&mut self.extras_mut().dirty);
        let offset = self.view_offset();
        let term = self.term_mut();
        let damage = match term.damage() {
            TermDamage::Full => None,
            TermDamage::Partial(lines) => Some(lines.map(|line| line.line).collect::<Vec<_>>()),
        };
        term.reset_damage();
        match damage {
            // Where the view stands in the scrollback, rows are not the screen's.
            Some(mut rows) if !dirty.all && offset == 0 => {
                rows.extend(dirty.rows.iter().filter_map(|row| usize::try_from(*row).ok()));
                rows.sort_unstable();
                rows.dedup();
                let last = usize::from(self.size().rows);
                let rows = rows.into_iter().filter(|row| *row < last);
                Damage::Rows(rows.filter_map(|row| u16::try_from(row).ok()).collect())
            }
            Some(_) | None => Damage::Full,
        }
    }
}
