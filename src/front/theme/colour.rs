//! Colours as text, as numbers, and their contrast.

use ratatui::style::Color;

/// The sixteen names of the terminal's own palette, by index.
const NAMES: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// xterm's values of the sixteen palette colours, by index. Terminals differ; only used to
/// find the nearest name.
const PALETTE: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// A colour from a theme's file: `#rrggbb`, `default`, a palette name such as `bright-red`.
/// `None` when it is none of these.
#[must_use]
pub fn parse_colour(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some((_, colour)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Some(*colour);
    }
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(hex, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

/// The palette colour with this index.
pub(super) fn named(index: u8) -> Color {
    NAMES.get(usize::from(index)).map_or(Color::Indexed(index), |(_, colour)| *colour)
}

/// Red, green and blue of a colour; `None` for the terminal's default, which nobody knows.
pub(super) fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(i) => Some(indexed(i)),
        Color::Black => Some(PALETTE[0]),
        Color::Red => Some(PALETTE[1]),
        Color::Green => Some(PALETTE[2]),
        Color::Yellow => Some(PALETTE[3]),
        Color::Blue => Some(PALETTE[4]),
        Color::Magenta => Some(PALETTE[5]),
        Color::Cyan => Some(PALETTE[6]),
        Color::Gray => Some(PALETTE[7]),
        Color::DarkGray => Some(PALETTE[8]),
        Color::LightRed => Some(PALETTE[9]),
        Color::LightGreen => Some(PALETTE[10]),
        Color::LightYellow => Some(PALETTE[11]),
        Color::LightBlue => Some(PALETTE[12]),
        Color::LightMagenta => Some(PALETTE[13]),
        Color::LightCyan => Some(PALETTE[14]),
        Color::White => Some(PALETTE[15]),
    }
}

/// xterm's 256 colours: the palette, a 6×6×6 cube, 24 greys.
fn indexed(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => PALETTE[usize::from(index)],
        16..=231 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// The brightness of a step of the colour cube.
pub(super) const fn level(step: u8) -> u8 {
    if step == 0 { 0 } else { 55 + 40 * step }
}

/// Index of the palette colour nearest to the given one, weighted as the eye weighs.
pub(super) fn nearest_of_16((r, g, b): (u8, u8, u8)) -> u8 {
    let mut best = (u32::MAX, 0);
    for (index, (pr, pg, pb)) in (0_u8..).zip(PALETTE) {
        let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
        let distance = 3 * square(r, pr) + 4 * square(g, pg) + 2 * square(b, pb);
        if distance < best.0 {
            best = (distance, index);
        }
    }
    best.1
}

/// Contrast ratio of two colours by WCAG 2.1 (1 to 21); `None` when one is the terminal's default.
#[must_use]
pub fn contrast(a: Color, b: Color) -> Option<f64> {
    let (a, b) = (luminance(rgb(a)?), luminance(rgb(b)?));
    Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
}

/// Relative luminance by WCAG 2.1.
fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_as_people_write_them() {
        for (text, colour) in [
            ("#ff8000", Some(Color::Rgb(255, 128, 0))),
            ("default", Some(Color::Reset)),
            ("bright-red", Some(Color::LightRed)),
            ("#ff80", None),
            ("#ff80zz", None),
            ("+ff800", None),
            ("#+f8000", None),
            ("reddish", None),
        ] {
            assert_eq!(parse_colour(text), colour, "{text}");
        }
    }

    #[test]
    fn contrast_has_its_known_ends() {
        let ends = contrast(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)).unwrap();
        assert!((ends - 21.0).abs() < 1e-9);
        assert_eq!(contrast(Color::Reset, Color::Red), None);
    }
}
