//! What a terminal answers when a program asks it something.

use vt100::Screen;

/// Collects the answers to queries; the outer terminal writes them back to the program.
#[derive(Default)]
pub struct Replies {
    pub pending: Vec<u8>,
    pub title: String,
    pub bells: usize,
}

impl Replies {
    fn say(&mut self, text: &str) {
        self.pending.extend_from_slice(text.as_bytes());
    }
}

fn mode_state(screen: &Screen, mode: u16) -> u8 {
    let set = |on: bool| if on { 1 } else { 2 };
    match mode {
        1 => set(screen.application_cursor()),
        25 => set(!screen.hide_cursor()),
        47 | 1047 | 1049 => set(screen.alternate_screen()),
        2004 => set(screen.bracketed_paste()),
        // Known and off: synchronized output and focus events work without an echo here.
        1004 | 2026 => 2,
        _ => 0,
    }
}

impl vt100::Callbacks for Replies {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        i1: Option<u8>,
        i2: Option<u8>,
        params: &[&[u16]],
        c: char,
    ) {
        let first = params.first().and_then(|p| p.first()).copied().unwrap_or(0);
        match (i1, i2, c, first) {
            (None, None, 'c', _) => self.say("\x1b[?62;22c"),
            (Some(b'>'), None, 'c', _) => self.say("\x1b[>1;10;0c"),
            (Some(b'>'), None, 'q', _) => self.say("\x1bP>|outer 1.0\x1b\\"),
            (None, None, 'n', 5) => self.say("\x1b[0n"),
            (None | Some(b'?'), None, 'n', 6) => {
                let (row, col) = screen.cursor_position();
                let mark = if i1.is_some() { "?" } else { "" };
                self.say(&format!("\x1b[{mark}{};{}R", row + 1, col + 1));
            }
            (Some(b'?'), None, 'u', _) => self.say("\x1b[?0u"),
            (Some(b'?'), Some(b'$'), 'p', mode) => {
                let state = mode_state(screen, mode);
                self.say(&format!("\x1b[?{mode};{state}$y"));
            }
            (None, None, 't', 18) => {
                let (rows, cols) = screen.size();
                self.say(&format!("\x1b[8;{rows};{cols}t"));
            }
            _ => {}
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        match params {
            [b"10", b"?"] => self.say("\x1b]10;rgb:dddd/dddd/dddd\x1b\\"),
            [b"11", b"?"] => self.say("\x1b]11;rgb:1010/1010/1010\x1b\\"),
            _ => {}
        }
    }
}
