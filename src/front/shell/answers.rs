//! What the outer terminal says about itself, picked out of what it sends.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::front::terminal::{Palette, Rgb};

/// The questions: colours, name, and last the one that every terminal answers.
pub(super) fn questions() -> Vec<u8> {
    let mut out = String::from("\x1b]10;?\x1b\\\x1b]11;?\x1b\\\x1b]12;?\x1b\\");
    for index in 0..16 {
        out.push_str(&format!("\x1b]4;{index};?\x1b\\"));
    }
    out.push_str("\x1b[>0q\x1b[c");
    out.into_bytes()
}

/// What has been answered so far.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Answers {
    foreground: Option<Rgb>,
    background: Option<Rgb>,
    cursor: Option<Rgb>,
    ansi: [Option<Rgb>; 16],
    /// The terminal's name and version, where it tells.
    pub(super) name: Option<String>,
    /// Whether the last question has been answered: nothing more will come.
    pub(super) complete: bool,
    /// Keys that were pressed meanwhile.
    pub(super) keys: Vec<KeyEvent>,
    /// What is not a whole sequence yet.
    rest: Vec<u8>,
}

impl Answers {
    /// Takes what came.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(rest) = self.rest.get(from..).filter(|rest| !rest.is_empty()) {
            let Some((len, piece)) = piece(rest) else { break };
            let bytes = rest.get(..len).unwrap_or_default().to_vec();
            from += len;
            self.understand(piece, &bytes);
        }
        self.rest.drain(..from);
    }

    /// Nothing more is awaited: what is left was typed.
    pub(super) fn finish(&mut self) {
        if self.rest == b"\x1b" {
            self.keys.push(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
        }
        self.rest.clear();
    }

    fn understand(&mut self, piece: Piece, bytes: &[u8]) {
        match piece {
            Piece::Text => self.keys.extend(typed(bytes)),
            Piece::Osc => self.colour(bytes),
            Piece::Dcs => {
                let text = String::from_utf8_lossy(bytes);
                if let Some(name) = text.strip_prefix("\x1bP>|") {
                    let name = name.trim_end_matches("\x1b\\").chars();
                    self.name = Some(name.filter(|c| !c.is_control()).take(64).collect());
                }
            }
            Piece::Csi => {
                if bytes.starts_with(b"\x1b[?") && bytes.ends_with(b"c") {
                    self.complete = true;
                } else if let Some(code) = function_key(bytes) {
                    self.keys.push(KeyEvent::new(code, KeyModifiers::NONE));
                }
            }
        }
    }

    fn colour(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let body = text.trim_start_matches("\x1b]").trim_end_matches(['\x07', '\\', '\x1b']);
        let mut parts = body.split(';');
        let (Some(number), Some(last)) = (parts.next(), body.rsplit(';').next()) else { return };
        let colour = parse(last);
        match number {
            "10" => self.foreground = colour,
            "11" => self.background = colour,
            "12" => self.cursor = colour,
            "4" => {
                let index: Option<usize> = parts.next().and_then(|index| index.parse().ok());
                if let Some(slot) = index.and_then(|index| self.ansi.get_mut(index)) {
                    *slot = colour;
                }
            }
            _ => {}
        }
    }

    /// The colours, with lcc's own where the terminal said nothing; none where it said nothing of
    /// its ground, which is what decides between dark and light.
    pub(super) fn palette(&self) -> Option<Palette> {
        let own = Palette::default();
        let background = self.background?;
        let foreground = self.foreground.unwrap_or(own.foreground);
        let mut ansi = own.ansi;
        for (slot, told) in ansi.iter_mut().zip(self.ansi) {
            *slot = told.unwrap_or(*slot);
        }
        Some(Palette { foreground, background, cursor: self.cursor.unwrap_or(foreground), ansi })
    }
}

/// A piece of what a terminal sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Text,
    Csi,
    Osc,
    Dcs,
}

/// The first whole piece and its length; none while it is not whole.
fn piece(bytes: &[u8]) -> Option<(usize, Piece)> {
    if bytes.first() != Some(&0x1b) {
        let len = bytes.iter().position(|byte| *byte == 0x1b).unwrap_or(bytes.len());
        return Some((len, Piece::Text));
    }
    match bytes.get(1)? {
        b'[' => {
            let end = bytes.get(2..)?.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
            Some((end + 3, Piece::Csi))
        }
        b'O' => bytes.get(2).map(|_| (3, Piece::Csi)),
        kind @ (b']' | b'P') => {
            let osc = *kind == b']';
            let body = bytes.get(2..)?;
            let end = body.iter().enumerate().find_map(|(at, byte)| match byte {
                0x07 if osc => Some(at + 1),
                b'\\' if at > 0 && body.get(at - 1) == Some(&0x1b) => Some(at + 1),
                _ => None,
            })?;
            Some((end + 2, if osc { Piece::Osc } else { Piece::Dcs }))
        }
        // Alt and a key: no more than that is made of it here.
        _ => Some((1, Piece::Text)),
    }
}

/// `rgb:RRRR/GGGG/BBBB` with one to four digits each, or `rgba:`.
fn parse(text: &str) -> Option<Rgb> {
    let body = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut channels = body.split('/').map(|hex| {
        let digits = u32::try_from(hex.len()).ok().filter(|n| (1..=4).contains(n))?;
        let most = 16_u32.pow(digits) - 1;
        let value = u32::from_str_radix(hex, 16).ok()?;
        u8::try_from((value * 255 + most / 2) / most).ok()
    });
    Some(Rgb::new(channels.next()??, channels.next()??, channels.next()??))
}

/// Keys typed as plain bytes.
fn typed(bytes: &[u8]) -> Vec<KeyEvent> {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .filter_map(|c| {
            let (code, modifiers) = match c {
                '\r' | '\n' => (KeyCode::Enter, KeyModifiers::NONE),
                '\t' => (KeyCode::Tab, KeyModifiers::NONE),
                '\u{7f}' => (KeyCode::Backspace, KeyModifiers::NONE),
                '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
                '\u{1}'..='\u{1a}' => {
                    let letter = char::from_u32(u32::from(c) + 0x60)?;
                    (KeyCode::Char(letter), KeyModifiers::CONTROL)
                }
                '\u{1c}'..='\u{1f}' => {
                    let sign = char::from_u32(u32::from(c) + 0x40)?;
                    (KeyCode::Char(sign), KeyModifiers::CONTROL)
                }
                c if c.is_control() => return None,
                c => (KeyCode::Char(c), KeyModifiers::NONE),
            };
            Some(KeyEvent::new(code, modifiers))
        })
        .collect()
}

/// The keys beyond letters that somebody may press in the first tenth of a second.
fn function_key(bytes: &[u8]) -> Option<KeyCode> {
    Some(match bytes {
        b"\x1b[A" | b"\x1bOA" => KeyCode::Up,
        b"\x1b[B" | b"\x1bOB" => KeyCode::Down,
        b"\x1b[C" | b"\x1bOC" => KeyCode::Right,
        b"\x1b[D" | b"\x1bOD" => KeyCode::Left,
        b"\x1bOP" | b"\x1b[11~" | b"\x1b[P" => KeyCode::F(1),
        b"\x1bOQ" | b"\x1b[12~" | b"\x1b[Q" => KeyCode::F(2),
        b"\x1bOR" | b"\x1b[13~" => KeyCode::F(3),
        b"\x1bOS" | b"\x1b[14~" | b"\x1b[S" => KeyCode::F(4),
        b"\x1b[15~" => KeyCode::F(5),
        b"\x1b[17~" => KeyCode::F(6),
        b"\x1b[18~" => KeyCode::F(7),
        b"\x1b[19~" => KeyCode::F(8),
        b"\x1b[20~" => KeyCode::F(9),
        b"\x1b[21~" => KeyCode::F(10),
        b"\x1b[27u" => KeyCode::Esc,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"a\x1b]10;rgb:dddd/dddd/dddd\x1b\\\x1b]11;rgb:10/20/30\x07\x1b[I\
        \x1b]4;1;rgb:f/0/0\x1b\\\r\x1b]4;99;rgb:f/f/f\x07\x1bP>|outer 1.0\x1b\\\x1b[21~\x03\x1b[?62;22c";

    #[test]
    fn answers_and_keys_come_apart_however_they_are_cut() {
        let mut whole = Answers::default();
        whole.take(STREAM);
        assert!(whole.complete);
        assert_eq!(whole.name.as_deref(), Some("outer 1.0"));
        let codes: Vec<_> = whole.keys.iter().map(|key| key.code).collect();
        let want = [KeyCode::Char('a'), KeyCode::Enter, KeyCode::F(10), KeyCode::Char('c')];
        assert_eq!(codes, want);
        let palette = whole.palette().unwrap();
        assert_eq!(palette.foreground, Rgb::new(0xdd, 0xdd, 0xdd));
        assert_eq!(palette.background, Rgb::new(0x10, 0x20, 0x30));
        assert_eq!(palette.cursor, palette.foreground, "not told: as the text");
        assert_eq!(palette.ansi[1], Rgb::new(255, 0, 0));
        assert_eq!(palette.ansi[2], Palette::default().ansi[2]);
        for size in 1..STREAM.len() {
            let mut pieces = Answers::default();
            STREAM.chunks(size).for_each(|chunk| pieces.take(chunk));
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn a_terminal_that_says_nothing_leaves_everything_as_it_is() {
        let mut answers = Answers::default();
        answers.take(b"\x1b");
        answers.finish();
        assert_eq!(answers.palette(), None);
        assert_eq!(answers.keys[0].code, KeyCode::Esc);
        assert!(!answers.complete);
    }

    #[test]
    fn colours_by_table() {
        for (text, want) in [
            ("rgb:ffff/8080/0000", Some(Rgb::new(255, 128, 0))),
            ("rgb:ff/80/00", Some(Rgb::new(255, 128, 0))),
            ("rgba:ff/80/00/ff", Some(Rgb::new(255, 128, 0))),
            ("rgb:fff/000/fff", Some(Rgb::new(255, 0, 255))),
            ("rgb:ff/80", None),
            ("rgb:fffff/0/0", None),
            ("#ff8000", None),
            ("rgb:g/0/0", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
