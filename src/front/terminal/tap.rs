//! A second parser that stops the stream at the sequences which the emulator's parser drops.

use alacritty_terminal::vte::{Params, Parser, Perform};

use super::policy;

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
    /// `CSI ? 6 n`: the cursor, with a page.
    ExtendedCursor,
    /// `CSI ! p`: the soft reset.
    SoftReset,
    /// A question by DCS that is refused in fixed words.
    Refused(Question),
    /// An OSC of [`policy::TAPPED`]: its number and the rest, `;` included.
    Osc(u16, Vec<u8>),
}

/// A question that comes as a device control string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// `DCS $ q`: a setting.
    Setting,
    /// `DCS + q`: a capability.
    Capability,
}

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
    /// The question of the control string that is open.
    question: Option<Question>,
}

impl Tap {
    /// Reads `bytes` up to and including the first interesting sequence.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Stretch {
        let mut seen = Seen { mark: None, alive: false, question: &mut self.question };
        let len = self.parser.advance_until_terminated(&mut seen, bytes);
        Stretch { len, mark: seen.mark, alive: seen.alive }
    }
}

/// What the parser reported during one stretch.
struct Seen<'a> {
    mark: Option<Mark>,
    alive: bool,
    question: &'a mut Option<Question>,
}

impl Perform for Seen<'_> {
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

    fn hook(&mut self, _: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.alive = true;
        *self.question = match (intermediates, action) {
            _ if ignore => None,
            ([b'$'], 'q') => Some(Question::Setting),
            ([b'+'], 'q') => Some(Question::Capability),
            _ => None,
        };
    }

    fn unhook(&mut self) {
        self.alive = true;
        self.mark = self.question.take().map(Mark::Refused);
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
            ([b'?'], 'n') => match first.next() {
                Some(996) => Some(Mark::ColourScheme),
                Some(6) => Some(Mark::ExtendedCursor),
                _ => None,
            },
            ([b'!'], 'p') => Some(Mark::SoftReset),
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
        if policy::TAPPED.contains(&code) {
            let mut text = rest.join(&b';');
            text.truncate(policy::OSC_LIMIT);
            self.mark = Some(Mark::Osc(code, text));
        }
    }

    fn terminated(&self) -> bool {
        self.mark.is_some()
    }
}
