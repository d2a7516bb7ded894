//! The supervisor's decisions as a pure state machine: when to start, wait, end or give up.

use std::{collections::VecDeque, time::Duration};

use crate::domain::Moment;

/// Deaths within [`Limits::within`] after which the next one is the last.
const RESTARTS: usize = 5;

/// How patient the supervisor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many restarts within [`Self::within`].
    pub restarts: usize,
    /// The time that restarts are counted over.
    pub within: Duration,
    /// Before the first restart; doubles with each death that is counted.
    pub first: Duration,
    /// The longest wait before a restart.
    pub longest: Duration,
    /// For the server to end by itself after SIGTERM.
    pub grace: Duration,
    /// For the model to load; a server that takes longer is ended and counts as dead.
    pub load: Duration,
    /// For a server that runs to answer at all; one that is silent for longer is killed and
    /// counts as dead.
    pub hung: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            restarts: RESTARTS,
            within: Duration::from_secs(600),
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            load: Duration::from_secs(1_800),
            // An old server answers only between two batches of a prompt.
            hung: Duration::from_secs(300),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The server answers and has its model.
    Healthy,
    /// A server that was ready did not answer a look.
    Silent,
    /// The process ended, or could not be started. `hopeless`: another try cannot do better.
    Died {
        /// Whether a restart would only fail again.
        hopeless: bool,
    },
    /// The user wants it to end.
    Stop,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Start the process.
    Spawn,
    /// Say that it is ready.
    Ready,
    /// Say that it died and is started again after so long.
    Wait(Duration),
    /// Send SIGTERM to the group.
    Terminate,
    /// Send SIGKILL to the group.
    Kill,
    /// The end; the server died too often or hopelessly.
    GiveUp,
    /// The end, as asked.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Loading {
        since: Moment,
    },
    /// `silent`: since when it answers no look.
    Serving {
        silent: Option<Moment>,
    },
    Waiting {
        until: Moment,
    },
    Stopping {
        since: Moment,
        killed: bool,
    },
    Ended,
}

/// One server's life and all its restarts.
#[derive(Debug, Clone)]
pub struct Machine {
    limits: Limits,
    state: State,
    deaths: VecDeque<Moment>,
    /// It was killed for taking too long to load, or for not answering.
    overdue: bool,
}

impl Machine {
    /// A server that was just told to start: the caller spawns it at once.
    #[must_use]
    pub const fn new(limits: Limits, now: Moment) -> Self {
        Self {
            limits,
            state: State::Loading { since: now },
            deaths: VecDeque::new(),
            overdue: false,
        }
    }

    /// Whether it waits for the server to become ready.
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        matches!(self.state, State::Loading { .. })
    }

    /// Whether it ran and answers nothing any more.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(self.state, State::Serving { silent: Some(_) })
    }

    /// Takes in what happened and says what to do.
    pub fn step(&mut self, input: Input, now: Moment) -> Action {
        match input {
            Input::Tick => self.tick(now),
            Input::Healthy => match self.state {
                State::Loading { .. } => {
                    self.state = State::Serving { silent: None };
                    Action::Ready
                }
                State::Serving { .. } => {
                    self.state = State::Serving { silent: None };
                    Action::Nothing
                }
                State::Waiting { .. } | State::Stopping { .. } | State::Ended => Action::Nothing,
            },
            Input::Silent => self.silent(now),
            Input::Died { hopeless } => self.died(hopeless, now),
            Input::Stop => match self.state {
                State::Loading { .. } | State::Serving { .. } => {
                    self.state = State::Stopping { since: now, killed: false };
                    Action::Terminate
                }
                State::Waiting { .. } => {
                    self.state = State::Ended;
                    Action::End
                }
                // Asked twice: no more patience.
                State::Stopping { since, killed: false } => {
                    self.state = State::Stopping { since, killed: true };
                    Action::Kill
                }
                State::Stopping { killed: true, .. } | State::Ended => Action::Nothing,
            },
        }
    }

    /// Two looks that fail lie at least so far apart: a machine that slept is no reason to kill.
    fn silent(&mut self, now: Moment) -> Action {
        let State::Serving { silent } = &mut self.state else { return Action::Nothing };
        let since = *silent.get_or_insert(now);
        if !self.overdue && now.since(since) >= self.limits.hung {
            self.overdue = true;
            return Action::Kill;
        }
        Action::Nothing
    }

    fn tick(&mut self, now: Moment) -> Action {
        match self.state {
            State::Loading { since } if !self.overdue && now.since(since) >= self.limits.load => {
                self.overdue = true;
                Action::Kill
            }
            State::Waiting { until } if now >= until => {
                self.state = State::Loading { since: now };
                self.overdue = false;
                Action::Spawn
            }
            State::Stopping { since, killed: false } if now.since(since) >= self.limits.grace => {
                self.state = State::Stopping { since, killed: true };
                Action::Kill
            }
            State::Loading { .. }
            | State::Serving { .. }
            | State::Waiting { .. }
            | State::Stopping { .. }
            | State::Ended => Action::Nothing,
        }
    }

    fn died(&mut self, hopeless: bool, now: Moment) -> Action {
        match self.state {
            State::Stopping { .. } => {
                self.state = State::Ended;
                Action::End
            }
            State::Loading { .. } | State::Serving { .. } => {
                while self.deaths.front().is_some_and(|at| now.since(*at) > self.limits.within) {
                    self.deaths.pop_front();
                }
                if hopeless || self.deaths.len() >= self.limits.restarts {
                    self.state = State::Ended;
                    return Action::GiveUp;
                }
                let doublings = u32::try_from(self.deaths.len()).unwrap_or(u32::MAX).min(20);
                let wait =
                    self.limits.first.saturating_mul(1 << doublings).min(self.limits.longest);
                self.deaths.push_back(now);
                self.state = State::Waiting { until: now + wait };
                Action::Wait(wait)
            }
            State::Waiting { .. } | State::Ended => Action::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: fn(u64) -> Moment = Moment::from_millis;
    const DIED: Input = Input::Died { hopeless: false };

    fn limits() -> Limits {
        Limits::default()
    }

    #[test]
    fn a_life_in_order() {
        let mut m = Machine::new(limits(), T(0));
        assert!(m.is_loading());
        for (at, input, action) in [
            (10, Input::Tick, Action::Nothing),
            (4_000, Input::Healthy, Action::Ready),
            (5_000, Input::Healthy, Action::Nothing),
            (9_000, DIED, Action::Wait(Duration::from_millis(500))),
            (9_499, Input::Tick, Action::Nothing),
            (9_500, Input::Tick, Action::Spawn),
            (9_600, DIED, Action::Wait(Duration::from_secs(1))),
            (10_600, Input::Tick, Action::Spawn),
            (12_000, Input::Healthy, Action::Ready),
            (20_000, Input::Stop, Action::Terminate),
            (24_999, Input::Tick, Action::Nothing),
            (25_000, Input::Tick, Action::Kill),
            (25_001, Input::Tick, Action::Nothing),
            (25_002, Input::Stop, Action::Nothing),
            (25_010, DIED, Action::End),
            (25_020, Input::Stop, Action::Nothing),
        ] {
            assert_eq!(m.step(input, T(at)), action, "at {at} ms: {input:?}");
        }
    }

    #[test]
    fn five_restarts_in_ten_minutes_and_no_sixth() {
        let mut m = Machine::new(limits(), T(0));
        let mut now = T(0);
        let mut waits = Vec::new();
        while let Action::Wait(wait) = m.step(DIED, now) {
            waits.push(wait.as_millis());
            now = now + wait;
            assert_eq!(m.step(Input::Tick, now), Action::Spawn);
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(m.step(Input::Tick, now + Duration::from_secs(9_999)), Action::Nothing);
    }

    #[test]
    fn deaths_of_long_ago_are_forgotten() {
        let mut m = Machine::new(limits(), T(0));
        for hour in 1..50 {
            let now = T(hour * 3_600_000);
            assert_eq!(m.step(DIED, now), Action::Wait(Duration::from_millis(500)));
            assert_eq!(m.step(Input::Tick, now + Duration::from_secs(1)), Action::Spawn);
        }
    }

    #[test]
    fn a_hopeless_death_is_the_last_and_a_stop_while_waiting_ends_at_once() {
        let mut m = Machine::new(limits(), T(0));
        assert_eq!(m.step(Input::Died { hopeless: true }, T(1)), Action::GiveUp);
        let mut m = Machine::new(limits(), T(0));
        m.step(DIED, T(1));
        assert_eq!(m.step(Input::Stop, T(2)), Action::End);
        assert_eq!(m.step(Input::Tick, T(9_999)), Action::Nothing);
    }

    #[test]
    fn a_load_without_end_is_ended_and_a_second_stop_kills() {
        let mut m = Machine::new(limits(), T(0));
        assert_eq!(m.step(Input::Tick, T(1_800_000)), Action::Kill);
        assert_eq!(m.step(Input::Tick, T(1_800_100)), Action::Nothing);
        assert!(matches!(m.step(DIED, T(1_800_200)), Action::Wait(_)));
        let mut m = Machine::new(limits(), T(0));
        assert_eq!(m.step(Input::Stop, T(1)), Action::Terminate);
        assert_eq!(m.step(Input::Stop, T(2)), Action::Kill);
    }

    #[test]
    fn a_server_that_answers_no_more_is_killed_and_started_again() {
        let mut m = Machine::new(limits(), T(0));
        for (at, input, action) in [
            (10, Input::Silent, Action::Nothing),
            (1_000, Input::Healthy, Action::Ready),
            (10_000, Input::Silent, Action::Nothing),
            (300_000, Input::Silent, Action::Nothing),
            // One answer makes good for everything.
            (309_000, Input::Healthy, Action::Nothing),
            (320_000, Input::Silent, Action::Nothing),
            (619_999, Input::Silent, Action::Nothing),
            (620_000, Input::Tick, Action::Nothing),
            (620_001, Input::Silent, Action::Kill),
            (620_002, Input::Silent, Action::Nothing),
            (620_010, DIED, Action::Wait(Duration::from_millis(500))),
            (620_510, Input::Tick, Action::Spawn),
            (621_000, Input::Healthy, Action::Ready),
            (622_000, Input::Silent, Action::Nothing),
            (922_000, Input::Silent, Action::Kill),
        ] {
            assert_eq!(m.step(input, T(at)), action, "at {at} ms: {input:?}");
        }
    }

    proptest! {
        /// Whatever happens, in no ten minutes are there more than five spawns after the first.
        #[test]
        fn never_a_loop(steps in prop::collection::vec((0_u64..60_000, 0_u8..3), 1..400)) {
            let mut m = Machine::new(limits(), T(0));
            let mut now = 0;
            let mut spawns: Vec<u64> = Vec::new();
            for (pause, what) in steps {
                now += pause;
                let input = match what { 0 => Input::Tick, 1 => Input::Healthy, _ => DIED };
                if m.step(input, T(now)) == Action::Spawn {
                    spawns.push(now);
                }
            }
            for (at, first) in spawns.iter().enumerate() {
                // A spawn lags its death by the wait, 30 s at most.
                let close = spawns.iter().skip(at).filter(|s| **s - *first < 570_000).count();
                prop_assert!(close <= 6, "{spawns:?}");
            }
        }
    }
}
