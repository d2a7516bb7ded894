//! The colours of the picture.

use vt100::{Cell, Color};

pub const FOREGROUND: Rgb = (0xd4, 0xd7, 0xdd);
pub const BACKGROUND: Rgb = (0x14, 0x16, 0x1b);

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

const ANSI: [Rgb; 16] = [
    (0x2a, 0x2e, 0x36),
    (0xe0, 0x6c, 0x75),
    (0x8c, 0xc2, 0x65),
    (0xd9, 0xa6, 0x4a),
    (0x61, 0xa8, 0xe8),
    (0xc1, 0x7a, 0xdb),
    (0x56, 0xb6, 0xc2),
    (0xc8, 0xcc, 0xd4),
    (0x6b, 0x71, 0x7d),
    (0xff, 0x85, 0x8e),
    (0xa8, 0xdb, 0x82),
    (0xf0, 0xc2, 0x6b),
    (0x85, 0xc1, 0xf9),
    (0xd8, 0x9b, 0xee),
    (0x7b, 0xd3, 0xdd),
    (0xff, 0xff, 0xff),
];

/// The colours of a cell: text and ground, after inverse and dim.
pub fn of(cell: &Cell) -> (Rgb, Rgb) {
    let mut text = rgb(cell.fgcolor(), FOREGROUND);
    let mut ground = rgb(cell.bgcolor(), BACKGROUND);
    if cell.inverse() {
        std::mem::swap(&mut text, &mut ground);
    }
    if cell.dim() {
        text = mix(text, ground);
    }
    (text, ground)
}

pub fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Three fifths of one colour, two fifths of the other.
fn mix(a: Rgb, b: Rgb) -> Rgb {
    let part =
        |a: u8, b: u8| u8::try_from((u16::from(a) * 3 + u16::from(b) * 2) / 5).unwrap_or(u8::MAX);
    (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

fn rgb(color: Color, default: Rgb) -> Rgb {
    match color {
        Color::Default => default,
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Idx(n @ 0..16) => ANSI[usize::from(n)],
        // The 6x6x6 cube and the greys of xterm.
        Color::Idx(n @ 16..232) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = n - 16;
            (level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        Color::Idx(n) => {
            let grey = 8 + 10 * (n - 232);
            (grey, grey, grey)
        }
    }
}
