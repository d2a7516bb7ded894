//! How many colours the outer terminal can show, and the nearest it has to a wanted one.

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier},
};

use super::colour::{level, named, nearest_of_16, rgb};

/// The colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None at all: only bold, dim, underline and reversed.
    None,
    /// The terminal's own palette.
    Ansi16,
    /// xterm's 256.
    Indexed256,
    /// Red, green and blue of 8 bits each.
    TrueColour,
}

impl Depth {
    /// What the environment says. `NO_COLOR` (any value but the empty one, as no-color.org has
    /// it) wins over `COLORTERM`, which wins over `TERM`.
    #[must_use]
    pub fn detect(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || term == "dumb" {
            return Self::None;
        }
        if colorterm.is_some_and(|value| matches!(value, "truecolor" | "24bit"))
            || term.ends_with("-direct")
        {
            return Self::TrueColour;
        }
        if term.contains("256color") || matches!(term, "xterm-kitty" | "alacritty" | "foot") {
            return Self::Indexed256;
        }
        Self::Ansi16
    }
}

/// The nearest colour that the depth has. The terminal's default stays the default.
#[must_use]
pub fn downgrade(colour: Color, depth: Depth) -> Color {
    match depth {
        Depth::TrueColour => colour,
        Depth::Indexed256 => match colour {
            Color::Rgb(r, g, b) => Color::Indexed(nearest_of_256((r, g, b))),
            other => other,
        },
        Depth::Ansi16 => match colour {
            Color::Rgb(r, g, b) => named(nearest_of_16((r, g, b))),
            Color::Indexed(index @ 0..=15) => named(index),
            Color::Indexed(_) => {
                rgb(colour).map_or(Color::Reset, |value| named(nearest_of_16(value)))
            }
            other => other,
        },
        Depth::None => Color::Reset,
    }
}

/// Brings every cell of a finished frame to the depth. Where a cell loses its background
/// altogether and had one, it is reversed instead, so that marked text stays marked.
pub fn downgrade_buffer(buffer: &mut Buffer, depth: Depth) {
    if depth == Depth::TrueColour {
        return;
    }
    for cell in &mut buffer.content {
        if depth == Depth::None && marked(cell.fg, cell.bg) {
            cell.modifier.insert(Modifier::REVERSED);
        }
        cell.fg = downgrade(cell.fg, depth);
        cell.bg = downgrade(cell.bg, depth);
        cell.underline_color = downgrade(cell.underline_color, depth);
    }
}

/// Whether a background is there to mark (light text's dark ground and dark text's light one
/// are just a theme's ground).
fn marked(fg: Color, bg: Color) -> bool {
    let Some((r, g, b)) = rgb(bg) else { return false };
    let coloured = r.max(g).max(b) - r.min(g).min(b) > 64;
    coloured && fg != Color::Reset
}

/// Index of the nearest of the cube and the greys; the palette below 16 is the user's own and
/// never chosen.
fn nearest_of_256(wanted: (u8, u8, u8)) -> u8 {
    let step = |channel: u8| (0..6_u8).min_by_key(|s| level(*s).abs_diff(channel)).unwrap_or(0);
    let (r, g, b) = (step(wanted.0), step(wanted.1), step(wanted.2));
    let cube = 16 + 36 * r + 6 * g + b;
    let mean = (u16::from(wanted.0) + u16::from(wanted.1) + u16::from(wanted.2)) / 3;
    let shade = u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23);
    let grey = 232 + shade;
    let distance = |index: u8| {
        rgb(Color::Indexed(index)).map_or(u32::MAX, |(x, y, z)| {
            let square = |p: u8, q: u8| u32::from(p.abs_diff(q)).pow(2);
            square(x, wanted.0) + square(y, wanted.1) + square(z, wanted.2)
        })
    };
    if distance(grey) < distance(cube) { grey } else { cube }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        for (no_color, colorterm, term, depth) in [
            (None, None, None, Depth::Ansi16),
            (None, Some("truecolor"), Some("xterm"), Depth::TrueColour),
            (None, Some("24bit"), None, Depth::TrueColour),
            (None, None, Some("xterm-256color"), Depth::Indexed256),
            (None, Some(""), Some("screen"), Depth::Ansi16),
            (Some("1"), Some("truecolor"), Some("xterm-256color"), Depth::None),
            (Some(""), Some("truecolor"), None, Depth::TrueColour),
            (None, None, Some("dumb"), Depth::None),
            (None, None, Some("xterm-direct"), Depth::TrueColour),
        ] {
            assert_eq!(
                Depth::detect(no_color, colorterm, term),
                depth,
                "{no_color:?} {colorterm:?} {term:?}"
            );
        }
    }

    #[test]
    fn each_colour_has_its_nearest() {
        let red = Color::Rgb(255, 0, 0);
        for (colour, depth, nearest) in [
            (red, Depth::TrueColour, red),
            (red, Depth::Indexed256, Color::Indexed(196)),
            (red, Depth::Ansi16, Color::LightRed),
            (red, Depth::None, Color::Reset),
            (Color::Rgb(8, 8, 8), Depth::Indexed256, Color::Indexed(232)),
            (Color::Rgb(255, 255, 255), Depth::Indexed256, Color::Indexed(231)),
            (Color::Rgb(128, 128, 128), Depth::Indexed256, Color::Indexed(244)),
            (Color::Rgb(95, 135, 175), Depth::Indexed256, Color::Indexed(67)),
            (Color::Indexed(9), Depth::Ansi16, Color::LightRed),
            (Color::Indexed(16), Depth::Ansi16, Color::Black),
            (Color::Indexed(231), Depth::Ansi16, Color::White),
            (Color::Cyan, Depth::Ansi16, Color::Cyan),
            (Color::Cyan, Depth::None, Color::Reset),
            (Color::Reset, Depth::Indexed256, Color::Reset),
            (Color::Reset, Depth::Ansi16, Color::Reset),
        ] {
            assert_eq!(downgrade(colour, depth), nearest, "{colour:?} at {depth:?}");
        }
    }

    #[test]
    fn cube_and_greys_map_to_themselves() {
        for index in 16..=255_u8 {
            let (r, g, b) = rgb(Color::Indexed(index)).unwrap();
            let back = downgrade(Color::Rgb(r, g, b), Depth::Indexed256);
            assert_eq!(rgb(back), Some((r, g, b)), "index {index}");
        }
    }

    #[test]
    fn without_colour_a_mark_stays_a_mark() {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 1, 1));
        buffer.content[0].fg = Color::Black;
        buffer.content[0].bg = Color::Red;
        downgrade_buffer(&mut buffer, Depth::None);
        assert_eq!(buffer.content[0].bg, Color::Reset);
        assert!(buffer.content[0].modifier.contains(Modifier::REVERSED));
    }
}
