//! The colours that colour queries are answered from.

/// A colour, 8 bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Rgb {
    /// A colour from its three channels.
    #[must_use]
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }
}

/// What the child is told about colours (OSC 4, 10, 11, 12, DSR 996): give the outer terminal's
/// own where they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// Default text colour (OSC 10).
    pub foreground: Rgb,
    /// Default background (OSC 11).
    pub background: Rgb,
    /// Cursor (OSC 12).
    pub cursor: Rgb,
    /// The sixteen ANSI colours (OSC 4;0 to 4;15).
    pub ansi: [Rgb; 16],
}

impl Default for Palette {
    /// xterm's colours on a dark ground.
    fn default() -> Self {
        Self {
            foreground: Rgb::new(0xe5, 0xe5, 0xe5),
            background: Rgb::new(0x1e, 0x1e, 0x1e),
            cursor: Rgb::new(0xe5, 0xe5, 0xe5),
            ansi: [
                Rgb::new(0x00, 0x00, 0x00),
                Rgb::new(0xcd, 0x00, 0x00),
                Rgb::new(0x00, 0xcd, 0x00),
                Rgb::new(0xcd, 0xcd, 0x00),
                Rgb::new(0x00, 0x00, 0xee),
                Rgb::new(0xcd, 0x00, 0xcd),
                Rgb::new(0x00, 0xcd, 0xcd),
                Rgb::new(0xe5, 0xe5, 0xe5),
                Rgb::new(0x7f, 0x7f, 0x7f),
                Rgb::new(0xff, 0x00, 0x00),
                Rgb::new(0x00, 0xff, 0x00),
                Rgb::new(0xff, 0xff, 0x00),
                Rgb::new(0x5c, 0x5c, 0xff),
                Rgb::new(0xff, 0x00, 0xff),
                Rgb::new(0x00, 0xff, 0xff),
                Rgb::new(0xff, 0xff, 0xff),
            ],
        }
    }
}

impl Palette {
    /// True if light text on a dark ground is to be expected.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        // Rec. 601 luma, in thousandths, against the middle of the range.
        let Rgb { r, g, b } = self.background;
        299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) < 127_500
    }

    /// Colour `index` of the 256: the sixteen, xterm's 6×6×6 cube, 24 greys.
    #[must_use]
    pub fn indexed(&self, index: u8) -> Rgb {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match index {
            0..16 => self.ansi[usize::from(index)],
            16..232 => {
                let cube = usize::from(index - 16);
                Rgb::new(STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
            }
            232..=255 => {
                let grey = 8 + 10 * (index - 232);
                Rgb::new(grey, grey, grey)
            }
        }
    }
}
