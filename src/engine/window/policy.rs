//! Who acts when the window runs out: a state machine over figures, with time as an argument.
//!
//! `ask` and `off` never act; the front tells them apart. `auto` has the conversation compacted at
//! the first idle moment after the next turn may not fit any more. It never loops: a compaction
//! that does not start, fails or frees too little is said once, and the choice is then the user's
//! until the window is well again or [`TURNS_APART`] turns have passed.

use std::time::Duration;

use crate::domain::{Moment, Phase, Policy, units::count};

/// Turns between a compaction that was of no use and the next try.
pub const TURNS_APART: u64 = 3;
/// Idle must have lasted this long: the client may go on by itself.
const CALM: Duration = Duration::from_millis(800);
/// After a request that did not fit, newer clients compact by themselves; so long they may take.
const OWN_WAY: Duration = Duration::from_secs(4);
/// No key for so long: nobody is in the middle of a word.
const QUIET: Duration = Duration::from_millis(1_500);
/// A compaction that was asked for has begun by then, or it never will.
const BEGINS: Duration = Duration::from_secs(20);

/// What the machine is shown at every pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// What the session is doing.
    pub phase: Phase,
    /// Since when.
    pub since: Moment,
    /// The last key that went to Claude Code.
    pub last_key: Option<Moment>,
    /// Turns that have ended.
    pub turns: u64,
    /// Tokens in the window.
    pub used: u64,
    /// Whether the next turn may not fit, or a request did not.
    pub due: bool,
    /// Whether a compaction still fits the window.
    pub fits: bool,
    /// A request was turned back and the work it belongs to stands still.
    pub turned_back: bool,
    /// Compactions that were answered so far.
    pub compactions: u64,
    /// Compactions that failed so far.
    pub failed: u64,
    /// Whether lcc is typing for Claude Code already.
    pub typing: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Have Claude Code compact.
    Compact,
    /// Have it go on with the work that was turned back.
    GoOn,
    /// Tell the user why lcc does not act.
    Say(String),
}

/// Where the machine is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    /// Nothing is the matter, or it is not time yet.
    #[default]
    Watching,
    /// A compaction was asked for.
    Asked(Asked),
    /// Compacted; work that was turned back is to go on.
    Resuming,
    /// Left to the user, and why.
    Left { turns: u64, why: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    at: Moment,
    before: u64,
    compactions: u64,
    failed: u64,
    begun: bool,
    resume: bool,
}

/// A compaction that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    /// Turns that had ended by then.
    turns: u64,
    number: u64,
    helped: bool,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steward {
    policy: Policy,
    state: State,
    /// The last compaction, whoever asked for it.
    last: Option<Last>,
}

impl Steward {
    /// A machine that follows a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The policy it follows.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Why `auto` leaves it to the user.
    #[must_use]
    pub fn given_up(&self) -> Option<&str> {
        match &self.state {
            State::Left { why, .. } => Some(why),
            State::Watching | State::Asked(_) | State::Resuming => None,
        }
    }

    /// Whether a request that would leave no room to compact is to be turned back, so that the
    /// client compacts in the middle of its turn. Not while the last compaction did not help.
    #[must_use]
    pub fn turns_back_early(&self) -> bool {
        match (self.policy, &self.state) {
            (Policy::Auto, State::Watching | State::Resuming) => true,
            (Policy::Auto, State::Asked(_) | State::Left { .. })
            | (Policy::Ask | Policy::Off, _) => false,
        }
    }

    /// Another conversation begins: nothing of before holds.
    pub fn emptied(&mut self) {
        self.state = State::Watching;
        self.last = None;
    }

    /// The next deed at `now`; `None`: nothing to do.
    pub fn step(&mut self, seen: &Seen, now: Moment) -> Option<Deed> {
        match self.policy {
            Policy::Auto => {}
            Policy::Ask | Policy::Off => return None,
        }
        match self.state.clone() {
            State::Watching => self.watch(seen, now),
            State::Asked(asked) => self.follow(asked, seen, now),
            State::Resuming => self.resume(seen, now),
            State::Left { turns, .. } => {
                if !seen.due || seen.turns >= turns.saturating_add(TURNS_APART) {
                    self.state = State::Watching;
                }
                None
            }
        }
    }

    fn watch(&mut self, seen: &Seen, now: Moment) -> Option<Deed> {
        if seen.compactions > self.last.map_or(0, |last| last.number) {
            // The client or the user had it done: the same rule for the next one.
            self.note(seen);
        }
        if !seen.due || seen.typing || !calm(seen, now) {
            return None;
        }
        if !seen.fits {
            return Some(self.leave(
                seen,
                "the conversation no longer fits a compaction: F6 starts afresh with a note, F5 \
                 without one"
                    .to_owned(),
            ));
        }
        if let Some(last) = self.last
            && !last.helped
            && seen.turns < last.turns.saturating_add(TURNS_APART)
        {
            let why = "it was compacted just before and is nearly full again: F6 or F5 frees more";
            return Some(self.leave(seen, why.to_owned()));
        }
        self.state = State::Asked(Asked {
            at: now,
            before: seen.used,
            compactions: seen.compactions,
            failed: seen.failed,
            begun: false,
            resume: seen.turned_back,
        });
        Some(Deed::Compact)
    }

    fn follow(&mut self, asked: Asked, seen: &Seen, now: Moment) -> Option<Deed> {
        let begun = asked.begun || seen.phase == Phase::Compacting;
        if seen.compactions > asked.compactions {
            if seen.phase == Phase::Compacting {
                return None;
            }
            // Judged at once: what comes next adds to the window again.
            self.note(seen);
            if seen.due {
                let why = format!(
                    "compacting freed only {} tok: F6 or F5 frees more",
                    count(asked.before.saturating_sub(seen.used))
                );
                return Some(self.leave(seen, why));
            }
            self.state = if asked.resume { State::Resuming } else { State::Watching };
            return None;
        }
        // A client may try once more with less of the conversation.
        if seen.failed > asked.failed && calm_for(seen, now, OWN_WAY) {
            return Some(self.leave(seen, "the compaction failed: F2 tries again".to_owned()));
        }
        if seen.phase == Phase::Stopped {
            self.state = State::Watching;
            return None;
        }
        if !begun && now.since(asked.at) >= BEGINS && !seen.typing {
            let why = "Claude Code did not compact (it may have too few messages): F2 tries again";
            return Some(self.leave(seen, why.to_owned()));
        }
        self.state = State::Asked(Asked { begun, ..asked });
        None
    }

    fn resume(&mut self, seen: &Seen, now: Moment) -> Option<Deed> {
        let idle = seen.phase == Phase::Idle;
        if !idle {
            // It went on by itself.
            self.state = State::Watching;
            return None;
        }
        if seen.typing || !calm(seen, now) {
            return None;
        }
        self.state = State::Watching;
        Some(Deed::GoOn)
    }

    fn note(&mut self, seen: &Seen) {
        let (turns, number, helped) = (seen.turns, seen.compactions, !seen.due);
        self.last = Some(Last { turns, number, helped });
    }

    fn leave(&mut self, seen: &Seen, why: String) -> Deed {
        self.state = State::Left { turns: seen.turns, why: why.clone() };
        Deed::Say(why)
    }
}

/// Whether Claude Code waits for its user and the user is not typing.
fn calm(seen: &Seen, now: Moment) -> bool {
    calm_for(seen, now, if seen.turned_back { OWN_WAY } else { CALM })
        && seen.last_key.is_none_or(|at| now.since(at) >= QUIET)
}

fn calm_for(seen: &Seen, now: Moment, long: Duration) -> bool {
    seen.phase == Phase::Idle && now.since(seen.since) >= long
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
