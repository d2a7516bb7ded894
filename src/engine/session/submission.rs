//! Sending a prompt as one paste: a state machine over the phase, with time as an argument.
//!
//! As with a compaction, Claude Code is driven by keys: the draft in its prompt box is set aside,
//! the prompt pasted, Enter pressed once the paste has been taken in; the draft comes back by
//! itself. It waits until Claude Code is idle: while a turn runs, Enter may answer a question.

use std::time::Duration;

use bytes::Bytes;

use crate::domain::{Moment, Phase};

/// Between keys: Claude Code takes faster ones for a part of the paste.
const SETTLE: Duration = Duration::from_millis(200);
/// Idle must have lasted this long, so that the prompt box is back on screen.
const CALM: Duration = Duration::from_millis(400);

/// Ctrl-S: Claude Code sets the draft aside and brings it back after the next prompt.
const STASH: &[u8] = b"\x13";
/// Enter.
const ENTER: &[u8] = b"\r";

/// Prompts on their way; each is sent as a turn of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Submission {
    /// Pastes, oldest first.
    waiting: std::collections::VecDeque<Bytes>,
    at: At,
}

/// Where the oldest one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    /// Waiting for Claude Code to be idle; since when it has been.
    #[default]
    Waiting,
    Calm(Moment),
    /// The draft is set aside.
    Stashed(Moment),
    /// The prompt is pasted, Enter is due.
    Pasted(Moment),
}

impl Submission {
    /// Takes a paste, in the form Claude Code's terminal gets it.
    pub(super) fn add(&mut self, paste: Bytes) {
        self.waiting.push_back(paste);
    }

    /// Whether something is left to send.
    pub(super) fn is_pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How many were dropped because Claude Code is gone.
    pub(super) fn give_up(&mut self) -> usize {
        self.at = At::Waiting;
        std::mem::take(&mut self.waiting).len()
    }

    /// The keys to send at `now`, if any.
    pub(super) fn step(&mut self, phase: Phase, now: Moment) -> Option<Bytes> {
        let paste = self.waiting.front()?;
        match self.at {
            At::Waiting => {
                if phase == Phase::Idle {
                    self.at = At::Calm(now);
                }
                None
            }
            At::Calm(_) if phase != Phase::Idle => {
                self.at = At::Waiting;
                None
            }
            At::Calm(since) if now.since(since) >= CALM => {
                self.at = At::Stashed(now);
                Some(Bytes::from_static(STASH))
            }
            At::Stashed(at) if now.since(at) >= SETTLE => {
                self.at = At::Pasted(now);
                Some(paste.clone())
            }
            At::Pasted(at) if now.since(at) >= SETTLE => {
                self.at = At::Waiting;
                self.waiting.pop_front();
                Some(Bytes::from_static(ENTER))
            }
            At::Calm(_) | At::Stashed(_) | At::Pasted(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the machine every 50 ms and gives the keys with their times.
    fn run(s: &mut Submission, phase: impl Fn(u64) -> Phase, until: u64) -> Vec<(u64, Bytes)> {
        let times = (0..until).step_by(50);
        times.filter_map(|t| Some((t, s.step(phase(t), Moment::from_millis(t))?))).collect()
    }

    #[test]
    fn one_paste_and_enter_when_calm() {
        let mut s = Submission::default();
        assert!(!s.is_pending());
        s.add(Bytes::from_static(b"hello"));
        let sent = run(&mut s, |t| if t < 3_000 { Phase::Tools } else { Phase::Idle }, 6_000);
        let keys: Vec<&[u8]> = sent.iter().map(|(_, k)| k.as_ref()).collect();
        assert_eq!(keys, [STASH, b"hello", ENTER]);
        assert!(sent[0].0 >= 3_400 && sent[1].0 >= sent[0].0 + 200 && sent[2].0 >= sent[1].0 + 200);
        assert!(!s.is_pending());
    }

    #[test]
    fn a_flicker_of_idleness_is_not_enough_and_the_second_waits_for_its_turn() {
        let mut s = Submission::default();
        s.add(Bytes::from_static(b"one"));
        s.add(Bytes::from_static(b"two"));
        let phase = |t: u64| match t {
            0..=200 | 1_000..=2_000 | 4_000.. => Phase::Idle,
            _ => Phase::Generate,
        };
        let sent = run(&mut s, phase, 6_000);
        let texts: Vec<_> = sent.iter().filter(|(_, k)| k.len() > 1).collect();
        assert!((1_000..2_000).contains(&texts[0].0) && texts[1].0 >= 4_400, "{texts:?}");
        assert!(!s.is_pending());
    }

    #[test]
    fn given_up_with_claude_code() {
        let mut s = Submission::default();
        s.add(Bytes::from_static(b"one"));
        assert_eq!((s.give_up(), s.give_up(), s.is_pending()), (1, 0, false));
    }
}
