//! Which character joins the cell before it, and how wide the joined cell is.

use alacritty_terminal::term::cell::Cell;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Zero-width characters a cell keeps; the rest of a longer pile is dropped.
pub(super) const MARKS: usize = 16;

const ZWJ: char = '\u{200d}';

/// The text of a cell: its character and the marks on it.
pub(super) fn text(cell: &Cell) -> String {
    let mut text = String::from(cell.c);
    text.extend(cell.zerowidth().unwrap_or_default());
    text
}

/// True for a character that has a width of its own and may still belong to the cell before.
/// (Marks without a width need no such question.)
pub(super) fn may_join(c: char, before: &Cell) -> bool {
    is_skin_tone(c)
        || (is_regional(c) && is_regional(before.c))
        || (before.zerowidth().is_some_and(|marks| marks.last() == Some(&ZWJ)) && !c.is_ascii())
}

/// True if `c` continues the cluster of the cell before it.
pub(super) fn joins(c: char, before: &Cell) -> bool {
    if !may_join(c, before) {
        return false;
    }
    let mut cluster = text(before);
    cluster.push(c);
    cluster.graphemes(true).nth(1).is_none()
}

/// True if the cluster in this cell takes two columns.
pub(super) fn is_wide(cell: &Cell) -> bool {
    text(cell).width() >= 2
}

/// Characters without width that are dropped: they draw nothing, and inside a cell they could
/// only confuse the outer terminal or the reader (direction overrides).
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

const fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

const fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}
