//! The emulator's cells as cells of a ratatui buffer.

use std::num::NonZeroU16;

use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::term::color::Colors;
use alacritty_terminal::vte::ansi::{Color as VteColor, NamedColor, Rgb};
use ratatui::buffer::{Cell as Target, CellDiffOption, CellWidth};
use ratatui::style::{Color, Modifier};

use super::grapheme;

/// Draws one cell. The second half of a wide character becomes a blank of the same ground,
/// which ratatui leaves out by itself.
pub(super) fn draw(cell: &Cell, colours: &Colors, target: &mut Target) {
    target.reset();
    target.fg = colour(cell.fg, colours);
    target.bg = colour(cell.bg, colours);
    target.modifier = modifier(cell.flags);
    if cell.flags.intersects(Flags::ALL_UNDERLINES) {
        target.underline_color =
            cell.underline_color().map_or(Color::Reset, |set| colour(set, colours));
    }
    if cell.flags.intersects(Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER) {
        return;
    }
    let marked = cell.zerowidth().is_some_and(|marks| !marks.is_empty());
    if cell.c.is_ascii() && !marked {
        // A tab stands in its cell as a blank would; no other control character gets here.
        target.set_char(if cell.c.is_ascii_control() { ' ' } else { cell.c });
        return;
    }
    let symbol = grapheme::text(cell);
    let width: u16 = if cell.flags.contains(Flags::WIDE_CHAR) { 2 } else { 1 };
    if symbol.cell_width() != width
        && let Some(forced) = NonZeroU16::new(width)
    {
        // Otherwise ratatui would shift the rest of the row.
        target.set_diff_option(CellDiffOption::ForcedWidth(forced));
    }
    target.set_symbol(&symbol);
}

/// Bold, dim and so on. Every kind of underline is the plain one: ratatui knows no other.
fn modifier(flags: Flags) -> Modifier {
    const TABLE: [(Flags, Modifier); 7] = [
        (Flags::BOLD, Modifier::BOLD),
        (Flags::DIM, Modifier::DIM),
        (Flags::ITALIC, Modifier::ITALIC),
        (Flags::INVERSE, Modifier::REVERSED),
        (Flags::HIDDEN, Modifier::HIDDEN),
        (Flags::STRIKEOUT, Modifier::CROSSED_OUT),
        (Flags::ALL_UNDERLINES, Modifier::UNDERLINED),
    ];
    TABLE
        .into_iter()
        .filter(|(flag, _)| flags.intersects(*flag))
        .fold(Modifier::empty(), |sum, (_, modifier)| sum | modifier)
}

/// A colour, as the child may have redefined it; what it left alone stays the outer terminal's.
fn colour(colour: VteColor, colours: &Colors) -> Color {
    match colour {
        VteColor::Spec(rgb) => spec(rgb),
        VteColor::Indexed(index) => colours[usize::from(index)].map_or(Color::Indexed(index), spec),
        VteColor::Named(name) => colours[name].map_or_else(|| named(name), spec),
    }
}

const fn spec(Rgb { r, g, b }: Rgb) -> Color {
    Color::Rgb(r, g, b)
}

const fn named(name: NamedColor) -> Color {
    match name {
        NamedColor::Black | NamedColor::DimBlack => Color::Black,
        NamedColor::Red | NamedColor::DimRed => Color::Red,
        NamedColor::Green | NamedColor::DimGreen => Color::Green,
        NamedColor::Yellow | NamedColor::DimYellow => Color::Yellow,
        NamedColor::Blue | NamedColor::DimBlue => Color::Blue,
        NamedColor::Magenta | NamedColor::DimMagenta => Color::Magenta,
        NamedColor::Cyan | NamedColor::DimCyan => Color::Cyan,
        NamedColor::White | NamedColor::DimWhite => Color::Gray,
        NamedColor::BrightBlack => Color::DarkGray,
        NamedColor::BrightRed => Color::LightRed,
        NamedColor::BrightGreen => Color::LightGreen,
        NamedColor::BrightYellow => Color::LightYellow,
        NamedColor::BrightBlue => Color::LightBlue,
        NamedColor::BrightMagenta => Color::LightMagenta,
        NamedColor::BrightCyan => Color::LightCyan,
        NamedColor::BrightWhite => Color::White,
        NamedColor::Foreground
        | NamedColor::Background
        | NamedColor::Cursor
        | NamedColor::BrightForeground
        | NamedColor::DimForeground => Color::Reset,
    }
}
