//! A second parser that stops the stream at the sequences which the emulator's parser drops.

use alacritty_terminal::vte::{Params, Parser, Perform};

/// A sequence that the emulator does not see, or that changes how the stream is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// `CSI > q`: XTVERSION.
    Version,
    /// `CSI ? 996 n`: which colour scheme?
    ColourScheme,
    /// `CSI ? 2026 h`.
    SyncBegin,
    /// `CSI ? 2026 l`.
    SyncEnd,
    /// An OSC of [`WANTED`]: its number and the rest, `;` included.
    Osc(u16, Vec<u8>),
}

/// The OSCs that the emulator's parser drops and lcc acts on.
const WANTED: [u16; 7] = [7, 9, 99, 133, 777, 1337, 21337];

/// Bytes of such an OSC that are kept.
const OSC_LIMIT: usize = 8 << 10;

/// What one stretch of the stream ended with.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Bytes consumed.
    pub(super) len: usize,
    /// What they ended in, if it was interesting.
    pub(super) mark: Option<Mark>,
    /// False if the whole stretch lay inside one unfinished control string.
    pub(super) alive: bool,
}

/// The tap.
#[derive(Default)]
pub(super) struct Tap {
    parser: Parser,
}

impl Tap {
    /// Reads `bytes` up to and including the first interesting sequence.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Stretch {
        let mut seen = Seen::default();
        let len = self.parser.advance_until_terminated(&mut seen, bytes);
        Stretch { len, mark: seen.mark, alive: seen.alive }
    }
}

/// What the parser reported during one stretch.
#[derive(Default)]
struct Seen {
    mark: Option<Mark>,
    alive: bool,
}

impl Perform for Seen {
    fn print(&mut self, _: char) {
        self.alive = true;
    }

    fn execute(&mut self, _: u8) {
        self.alive = true;
    }

    // A DCS is passed on byte by byte and kept nowhere, so it may be as long as it likes.
    fn put(&mut self, _: u8) {
        self.alive = true;
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.alive = true;
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.alive = true;
        if ignore {
            return;
        }
        let mut first = params.iter().filter_map(|p| p.first().copied());
        self.mark = match (intermediates, action) {
            ([b'>'], 'q') if first.next().unwrap_or(0) == 0 => Some(Mark::Version),
            ([b'?'], 'n') if first.next() == Some(996) => Some(Mark::ColourScheme),
            ([b'?'], 'h') if first.any(|mode| mode == 2026) => Some(Mark::SyncBegin),
            ([b'?'], 'l') if first.any(|mode| mode == 2026) => Some(Mark::SyncEnd),
            _ => None,
        };
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell_terminated: bool) {
        self.alive = true;
        let Some((code, rest)) = params.split_first() else { return };
        let Some(code) = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok()) else {
            return;
        };
        if WANTED.contains(&code) {
            let mut text = rest.join(&b';');
            text.truncate(OSC_LIMIT);
            self.mark = Some(Mark::Osc(code, text));
        }
    }

    fn terminated(&self) -> bool {
        self.mark.is_some()
    }
}
