//! The verdict on a list of attempts: the outcomes and the host's canaries must agree.

use nix::errno::Errno;
use serde::Serialize;

use super::{Case, Group, Layer, Numbered, Outcome};
use crate::domain::Tier;

/// An attempt with its outcome, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The attempt's number.
    pub number: u16,
    /// What it is about.
    pub group: Group,
    /// What it is.
    pub name: &'static str,
    /// What it does.
    pub tries: &'static str,
    /// The layer that should stop it.
    pub layer: Layer,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The name of the error number (`EPERM`), where there is one.
    pub error: Option<String>,
    /// Whether the tier in force promises to stop it.
    pub promised: bool,
}

impl Tried {
    fn new(case: &Case, outcome: Outcome, tier: Tier) -> Self {
        let error = match &outcome {
            Outcome::Blocked { errno: Some(number), .. } => {
                Some(format!("{:?}", Errno::from_raw(*number)))
            }
            Outcome::Blocked { errno: None, .. }
            | Outcome::Open { .. }
            | Outcome::CouldNotRun { .. }
            | Outcome::Note { .. } => None,
        };
        Self {
            number: case.number,
            group: case.group,
            name: case.name,
            tries: case.tries,
            layer: case.layer,
            outcome,
            error,
            promised: tier == Tier::Strict || !case.strict_only,
        }
    }

    /// Whether this one breaks a promise.
    #[must_use]
    pub fn breaks(&self) -> bool {
        match self.outcome {
            Outcome::Blocked { .. } | Outcome::Note { .. } => false,
            Outcome::Open { .. } | Outcome::CouldNotRun { .. } => self.promised,
        }
    }
}

/// How many ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All attempts, the notes among them.
    pub attempts: u64,
    /// Stopped.
    pub blocked: u64,
    /// Went through.
    pub open: u64,
    /// Could not be tried.
    pub unproved: u64,
    /// Work by design; nothing is promised.
    pub notes: u64,
}

/// All attempts of one run with what the host saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The attempts in the order of their numbers.
    pub attempts: Vec<Tried>,
    /// What the host's canaries show as touched.
    pub touched: Vec<String>,
}

impl Report {
    /// Puts in an outcome that the host alone could find out.
    pub fn settle(&mut self, one: &Numbered) {
        for tried in self.attempts.iter_mut().filter(|tried| tried.number == one.number) {
            // Where the inner stage could not try it, there is nothing to decide on.
            if matches!(tried.outcome, Outcome::Open { .. }) {
                tried.outcome = one.outcome.clone();
            }
        }
    }

    /// How many ended how.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for tried in &self.attempts {
            totals.attempts += 1;
            match tried.outcome {
                Outcome::Blocked { .. } => totals.blocked += 1,
                Outcome::Open { .. } => totals.open += 1,
                Outcome::CouldNotRun { .. } => totals.unproved += 1,
                Outcome::Note { .. } => totals.notes += 1,
            }
        }
        totals
    }

    /// How many the tier in force promises to stop.
    #[must_use]
    pub fn promised(&self) -> u64 {
        let note = |tried: &&Tried| matches!(tried.outcome, Outcome::Note { .. });
        self.attempts.iter().filter(|tried| tried.promised && !note(tried)).count() as u64
    }

    /// How many of those were stopped.
    #[must_use]
    pub fn kept(&self) -> u64 {
        let blocked = |tried: &&Tried| matches!(tried.outcome, Outcome::Blocked { .. });
        self.attempts.iter().filter(|tried| tried.promised && blocked(tried)).count() as u64
    }

    /// What breaks a promise, one phrase each; empty when the sandbox holds.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self
            .attempts
            .iter()
            .filter(|tried| tried.breaks())
            .map(|tried| {
                let word = match tried.outcome {
                    Outcome::CouldNotRun { .. } => "not proved",
                    Outcome::Blocked { .. } | Outcome::Open { .. } | Outcome::Note { .. } => "open",
                };
                let detail = tried.outcome.detail();
                format!("attempt {} ({}) is {word}: {detail}", tried.number, tried.name)
            })
            .collect();
        broken.extend(self.touched.iter().cloned());
        if self.attempts.is_empty() {
            broken.push("no attempt was made".to_owned());
        }
        broken
    }
}

/// Joins what the inner stage reports with the list of what it had to try. An attempt of the list
/// without an outcome was not made; outcomes that nobody asked for count for nothing.
#[must_use]
pub fn judge(cases: &[Case], outcomes: &[Numbered], touched: Vec<String>, tier: Tier) -> Report {
    let attempts = cases
        .iter()
        .map(|case| {
            let mut found = outcomes.iter().filter(|one| one.number == case.number);
            let outcome = match (found.next(), found.next()) {
                (Some(one), None) => one.outcome.clone(),
                (None, _) => Outcome::could_not_run("it was not made"),
                (Some(_), Some(_)) => Outcome::could_not_run("it was reported twice"),
            };
            Tried::new(case, outcome, tier)
        })
        .collect();
    Report { attempts, touched }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: Case = Case {
        number: 7,
        name: "read",
        tries: "Reads.",
        group: Group::Files,
        layer: Layer::Mounts,
        at_start: true,
        strict_only: true,
    };

    fn seven(outcome: Outcome) -> Numbered {
        Numbered { number: 7, outcome }
    }

    #[test]
    fn only_stopped_attempts_and_untouched_canaries_pass() {
        let blocked = || seven(Outcome::Blocked { errno: Some(1), detail: String::new() });
        let touched = || vec!["a connection".to_owned()];
        let table = [
            (vec![blocked()], vec![], true),
            (vec![seven(Outcome::note("works"))], vec![], true),
            (vec![], vec![], false),
            (vec![blocked()], touched(), false),
            (vec![blocked(), blocked()], vec![], false),
            (vec![seven(Outcome::open("seen"))], vec![], false),
            (vec![seven(Outcome::could_not_run("no room"))], vec![], false),
            (vec![Numbered { number: 8, ..blocked() }], vec![], false),
        ];
        for (outcomes, touched, holds) in table {
            let report = judge(&[CASE], &outcomes, touched, Tier::Strict);
            assert_eq!(report.broken().is_empty(), holds, "{outcomes:?}");
            assert_eq!(report.attempts.len(), 1);
        }
        assert!(!judge(&[], &[], vec![], Tier::Strict).broken().is_empty());
    }

    #[test]
    fn a_weaker_tier_does_not_promise_what_only_the_strict_one_does() {
        let outcomes = [seven(Outcome::open("seen"))];
        let report = judge(&[CASE], &outcomes, vec![], Tier::Reduced);
        assert!(report.broken().is_empty());
        assert_eq!(report.totals().open, 1);
        let everywhere = Case { strict_only: false, ..CASE };
        let report = judge(&[everywhere], &outcomes, vec![], Tier::Reduced);
        assert_eq!(report.broken(), ["attempt 7 (read) is open: seen"]);
    }

    #[test]
    fn error_numbers_are_named() {
        let outcomes = [seven(Outcome::Blocked { errno: Some(30), detail: String::new() })];
        let report = judge(&[CASE], &outcomes, vec![], Tier::Strict);
        assert_eq!(report.attempts[0].error.as_deref(), Some("EROFS"));
    }
}
