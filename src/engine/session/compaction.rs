//! Having Claude Code compact, or go on: a state machine over the phase, with time as an argument.
//!
//! Claude Code is driven as a person would drive it, by keys: the draft in its prompt box is set
//! aside, `/compact` typed, and Enter pressed once the command menu has had time to follow.

use std::time::Duration;

use crate::{
    domain::{Moment, Phase},
    protocol::CompactWhen,
};

/// Between the typed command and Enter: Claude Code takes faster keys for a paste.
const SETTLE: Duration = Duration::from_millis(200);
/// Idle must have lasted this long, so that the prompt box is back on screen.
const CALM: Duration = Duration::from_millis(400);
/// An interrupt that had no effect is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Escape: interrupts the turn.
const INTERRUPT: &[u8] = b"\x1b";
/// Ctrl-S: Claude Code sets the draft aside and brings it back after the next prompt.
const STASH: &[u8] = b"\x13";
/// The command.
const COMPACT: &[u8] = b"/compact";
/// What a person says to work that was cut off.
const GO_ON: &[u8] = b"continue";
/// Enter.
const ENTER: &[u8] = b"\r";

/// A wish to compact, on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compaction {
    /// Nobody asked.
    #[default]
    None,
    /// Waiting for Claude Code to be idle.
    Waiting {
        /// Since when it has been idle.
        idle_since: Option<Moment>,
        /// When Escape was sent, if it was.
        interrupted: Option<Moment>,
        /// What is to be typed.
        text: &'static [u8],
    },
    /// The draft is set aside, and this is to be typed.
    Stashed(Moment, &'static [u8]),
    /// It is typed, Enter is due.
    Typed(Moment),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Send these keys to Claude Code.
    Keys(&'static [u8]),
    /// The interrupt had no effect; the wish is dropped.
    GivenUp,
}

impl Compaction {
    /// Someone asks to compact at `now`. Asking again while one is under way changes only the
    /// patience: an interrupt is sent if none was.
    pub fn ask(&mut self, when: CompactWhen, phase: Phase, now: Moment) -> Step {
        let interrupt = when == CompactWhen::Interrupt && phase.is_busy();
        match *self {
            Self::Stashed(..) | Self::Typed(_) => Step::Wait,
            Self::None | Self::Waiting { .. } => {
                let idle_since = (phase == Phase::Idle).then_some(now);
                let already = matches!(self, Self::Waiting { interrupted: Some(_), .. });
                let interrupted = interrupt.then_some(now);
                *self = Self::Waiting { idle_since, interrupted, text: COMPACT };
                if interrupt && !already { Step::Keys(INTERRUPT) } else { Step::Wait }
            }
        }
    }

    /// Has Claude Code go on with work that was cut off, unless something else is to be typed.
    pub fn go_on(&mut self, phase: Phase, now: Moment) {
        if *self == Self::None {
            let idle_since = (phase == Phase::Idle).then_some(now);
            *self = Self::Waiting { idle_since, interrupted: None, text: GO_ON };
        }
    }

    /// The conversation has just been compacted: a wish that still waits is fulfilled.
    pub fn done_otherwise(&mut self) {
        match *self {
            Self::Waiting { text, .. } if text == COMPACT => *self = Self::None,
            Self::None | Self::Waiting { .. } | Self::Stashed(..) | Self::Typed(_) => {}
        }
    }

    /// Whether something is left to do.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        *self != Self::None
    }

    /// The next step at `now`.
    pub fn step(&mut self, phase: Phase, now: Moment) -> Step {
        match *self {
            Self::Waiting { idle_since, interrupted, text } => match (phase, idle_since) {
                (Phase::Idle, Some(since)) if now.since(since) >= CALM => {
                    *self = Self::Stashed(now, text);
                    Step::Keys(STASH)
                }
                (Phase::Idle, Some(_)) => Step::Wait,
                (Phase::Idle, None) => {
                    *self = Self::Waiting { idle_since: Some(now), interrupted, text };
                    Step::Wait
                }
                (Phase::Stopped, _) => {
                    *self = Self::None;
                    Step::GivenUp
                }
                (
                    Phase::Starting
                    | Phase::Prefill
                    | Phase::Generate
                    | Phase::Tools
                    | Phase::Compacting,
                    _,
                ) => {
                    if interrupted.is_some_and(|at| now.since(at) >= PATIENCE) {
                        *self = Self::None;
                        return Step::GivenUp;
                    }
                    *self = Self::Waiting { idle_since: None, interrupted, text };
                    Step::Wait
                }
            },
            Self::Stashed(at, text) if now.since(at) >= SETTLE => {
                *self = Self::Typed(now);
                Step::Keys(text)
            }
            Self::Typed(at) if now.since(at) >= SETTLE => {
                *self = Self::None;
                Step::Keys(ENTER)
            }
            Self::None | Self::Stashed(..) | Self::Typed(_) => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Moment {
        Moment::from_millis(n)
    }

    /// Runs the machine every 50 ms and gives the keys with their times.
    fn run(c: &mut Compaction, phases: impl Fn(u64) -> Phase, until: u64) -> Vec<(u64, Step)> {
        (0..until)
            .step_by(50)
            .map(|t| (t, c.step(phases(t), ms(t))))
            .filter(|(_, s)| *s != Step::Wait)
            .collect()
    }

    #[test]
    fn when_idle_it_types_the_command_and_then_enter() {
        let mut c = Compaction::default();
        assert_eq!(c.ask(CompactWhen::Idle, Phase::Idle, ms(0)), Step::Wait);
        let steps = run(&mut c, |_| Phase::Idle, 2_000);
        let keys: Vec<_> = steps.iter().map(|(_, s)| *s).collect();
        assert_eq!(keys, [Step::Keys(STASH), Step::Keys(COMPACT), Step::Keys(ENTER)]);
        assert!(!c.is_pending());
    }

    #[test]
    fn what_was_cut_off_goes_on_and_a_fulfilled_wish_is_dropped() {
        let mut c = Compaction::default();
        c.go_on(Phase::Idle, ms(0));
        c.done_otherwise();
        let steps = run(&mut c, |_| Phase::Idle, 2_000);
        let keys: Vec<_> = steps.iter().map(|(_, s)| *s).collect();
        assert_eq!(keys, [Step::Keys(STASH), Step::Keys(GO_ON), Step::Keys(ENTER)]);
        c.ask(CompactWhen::Idle, Phase::Generate, ms(0));
        c.go_on(Phase::Idle, ms(10));
        c.done_otherwise();
        assert!(!c.is_pending());
    }

    #[test]
    fn when_busy_it_waits_for_calm() {
        let mut c = Compaction::default();
        c.ask(CompactWhen::Idle, Phase::Generate, ms(0));
        let phases = |t| if t < 5_000 { Phase::Tools } else { Phase::Idle };
        let steps = run(&mut c, phases, 7_000);
        assert!(steps[0].0 >= 5_400, "{steps:?}");
    }

    #[test]
    fn an_interrupt_goes_first_and_is_not_repeated() {
        let mut c = Compaction::default();
        assert_eq!(c.ask(CompactWhen::Interrupt, Phase::Generate, ms(0)), Step::Keys(INTERRUPT));
        assert_eq!(c.ask(CompactWhen::Interrupt, Phase::Generate, ms(10)), Step::Wait);
        let steps = run(&mut c, |t| if t < 300 { Phase::Generate } else { Phase::Idle }, 2_000);
        assert_eq!(steps.len(), 3, "{steps:?}");
    }

    #[test]
    fn an_interrupt_without_effect_is_given_up() {
        let mut c = Compaction::default();
        c.ask(CompactWhen::Interrupt, Phase::Prefill, ms(0));
        let steps = run(&mut c, |_| Phase::Prefill, 20_000);
        assert_eq!(steps, [(10_000, Step::GivenUp)]);
        assert!(!c.is_pending());
    }
}
