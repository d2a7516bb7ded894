//! The escapes that are worth trying, as operations that the profile decides.
//!
//! A number without operations says why: it is Linux's alone, or another part of lcc holds it.

mod files;
mod services;
mod system;
mod trusted;

use std::collections::BTreeMap;

use super::{
    evaluate::{Attempt, Policy, Reading, Trouble},
    places::Places,
    profile::Profile,
};

/// The highest number of the list.
pub const LAST: u8 = 98;

/// What must become of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It fails.
    Stopped,
    /// It may happen; why that is no escape.
    Harmless(&'static str),
}

/// One way to try an escape: operations that all have to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What is done, in words.
    pub name: &'static str,
    /// The operations.
    pub steps: Vec<Attempt>,
    /// What must become of it.
    pub expected: Expected,
}

/// Who answers an attempt of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The profile.
    Profile(Vec<Way>),
    /// Another part of lcc.
    Elsewhere(&'static str),
    /// Nobody has to: macOS has no such thing.
    NotHere(&'static str),
}

/// One attempt of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub number: u8,
    /// Who answers it.
    pub answer: Answer,
}

/// Every attempt of the list, for the places of one start.
#[must_use]
pub fn cases(places: &Places) -> Vec<Case> {
    let mut all = files::cases(places);
    all.extend(system::cases(places));
    all.extend(services::cases(places));
    all.sort_by_key(|case| case.number);
    all
}

/// How the profile answers a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The attempt's number.
    pub number: u8,
    /// What is done.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub right: bool,
    /// Whether it may happen.
    pub open: bool,
}

/// Judges every way of every attempt.
#[must_use]
pub fn judge(policy: &Policy, places: &Places) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for case in cases(places) {
        let Answer::Profile(ways) = case.answer else { continue };
        for way in ways {
            let open = |reading| way.steps.iter().all(|step| policy.judge(step, reading).allowed);
            let readings = [open(Reading::Closest), open(Reading::Last)];
            outcomes.push(Outcome {
                number: case.number,
                name: way.name,
                right: match way.expected {
                    Expected::Stopped => readings == [false, false],
                    Expected::Harmless(_) => readings == [true, true],
                },
                open: readings != [false, false],
            });
        }
    }
    outcomes
}

/// Reads a generated profile back.
///
/// # Errors
/// [`Trouble`] when its text is none.
pub fn read(profile: &Profile) -> Result<Policy, Trouble> {
    let parameters: BTreeMap<String, String> = profile
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned()))
        .collect();
    Policy::read(&profile.text, &parameters)
}

/// The ways that a profile leaves open although it must not; empty, if it holds.
///
/// # Errors
/// [`Trouble`] when its text is none.
pub fn open(profile: &Profile, places: &Places) -> Result<Vec<Outcome>, Trouble> {
    let policy = read(profile)?;
    Ok(judge(&policy, places)
        .into_iter()
        .filter(|outcome| outcome.open && !outcome.right)
        .collect())
}

fn stopped(name: &'static str, steps: Vec<Attempt>) -> Way {
    Way { name, steps, expected: Expected::Stopped }
}

fn harmless(name: &'static str, why: &'static str, steps: Vec<Attempt>) -> Way {
    Way { name, steps, expected: Expected::Harmless(why) }
}

fn profile(number: u8, ways: Vec<Way>) -> Case {
    Case { number, answer: Answer::Profile(ways) }
}

fn elsewhere(number: u8, who: &'static str) -> Case {
    Case { number, answer: Answer::Elsewhere(who) }
}

fn not_here(number: u8, why: &'static str) -> Case {
    Case { number, answer: Answer::NotHere(why) }
}
