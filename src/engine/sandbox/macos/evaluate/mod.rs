//! Judges the text of a Seatbelt profile: whether it lets an operation happen, and by which rule.
//!
//! Two things are known of the order of rules: the last rule that matches decides, and a rule for
//! an operation by its own name wins over one with a star. How the two go together where they
//! disagree is written down nowhere, so a text is judged under both readings ([`Reading`]); what
//! must be shut has to be shut under either.

mod filter;
mod operation;
pub mod pattern;
mod read;
mod words;

use std::collections::BTreeMap;

pub use words::Trouble;

use self::{filter::Filter, read::Reader};

/// Where a connection goes to, or comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// 127.0.0.1 or ::1.
    Loopback,
    /// Any other address, also an IPv4 address within IPv6.
    Other,
}

/// The far end of a connection, or the near one of a listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// `tcp` or `udp`.
    pub transport: &'static str,
    /// The address.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// One operation that a program tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its name, without a star.
    pub operation: &'static str,
    /// The path it is about, resolved; also that of a unix socket.
    pub path: Option<String>,
    /// Words that filters compare, each with the filter's name: `("global-name", "…")`.
    pub words: Vec<(&'static str, String)>,
    /// The end of a connection.
    pub remote: Option<End>,
}

impl Attempt {
    /// An operation on nothing in particular.
    #[must_use]
    pub const fn bare(operation: &'static str) -> Self {
        Self { operation, path: None, words: Vec::new(), remote: None }
    }

    /// An operation on a path.
    #[must_use]
    pub fn on(operation: &'static str, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::bare(operation) }
    }

    /// An operation on something with a name.
    #[must_use]
    pub fn named(operation: &'static str, kind: &'static str, name: impl Into<String>) -> Self {
        Self { words: vec![(kind, name.into())], ..Self::bare(operation) }
    }

    /// An operation on one end of a connection.
    #[must_use]
    pub fn net(operation: &'static str, transport: &'static str, host: Host, port: u16) -> Self {
        Self { remote: Some(End { transport, host, port }), ..Self::bare(operation) }
    }

    /// The same with a further word.
    #[must_use]
    pub fn with(mut self, kind: &'static str, word: impl Into<String>) -> Self {
        self.words.push((kind, word.into()));
        self
    }
}

/// How the order of rules is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The closest name decides; among equals the last rule.
    Closest,
    /// The last rule decides, whatever name it has.
    Last,
}

/// What a profile says to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may happen.
    pub allowed: bool,
    /// The line of the rule that decides; `None`: no rule does, and then it fails.
    pub line: Option<usize>,
}

/// One rule as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    line: usize,
    allow: bool,
    operations: Vec<String>,
    /// `None`: it always matches.
    filter: Option<Filter>,
}

/// A profile, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
    /// Names of operations and filters that are not known here. A rule that allows with such a
    /// filter is taken to match, one that denies is not.
    pub unknown: Vec<String>,
}

impl Policy {
    /// Reads a profile with the values of its parameters.
    ///
    /// # Errors
    /// [`Trouble`] in a line that is no profile, or is more of the language than is read here.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self, Trouble> {
        let mut reader = Reader::new(parameters);
        let mut rules = Vec::new();
        for word in words::read(text)? {
            rules.extend(reader.form(&word)?);
        }
        Ok(Self { rules, unknown: reader.unknown })
    }

    /// The paths that its rules allow to be read together with all that lies below them.
    #[must_use]
    pub fn readable_trees(&self) -> Vec<String> {
        let reads = |rule: &&Rule| {
            let mut names = rule.operations.iter();
            rule.allow && names.any(|name| operation::closeness(name, "file-read-data").is_some())
        };
        let mut trees = Vec::new();
        for rule in self.rules.iter().filter(reads) {
            if let Some(filter) = &rule.filter {
                filter.trees(&mut trees);
            }
        }
        trees
    }

    /// What the profile says.
    #[must_use]
    pub fn judge(&self, attempt: &Attempt, reading: Reading) -> Verdict {
        let mut candidates: Vec<(usize, &Rule)> = Vec::new();
        for rule in &self.rules {
            let names = rule.operations.iter();
            let close =
                names.filter_map(|name| operation::closeness(name, attempt.operation)).max();
            candidates.extend(close.map(|close| match reading {
                Reading::Closest => (close, rule),
                // `default` is what is left when no other rule matches, in either reading.
                Reading::Last => (close.min(1), rule),
            }));
        }
        // A stable sort: among equals the order of the text stays, and the last one decides.
        candidates.sort_by_key(|(close, _)| *close);
        let deciding = candidates.iter().rev().find(|(_, rule)| matches(rule, attempt));
        deciding.map_or(Verdict { allowed: false, line: None }, |(_, rule)| Verdict {
            allowed: rule.allow,
            line: Some(rule.line),
        })
    }

    /// Whether the attempt fails, however the order of rules is read.
    #[must_use]
    pub fn stops(&self, attempt: &Attempt) -> bool {
        [Reading::Closest, Reading::Last]
            .iter()
            .all(|reading| !self.judge(attempt, *reading).allowed)
    }

    /// Whether the attempt may happen, however the order of rules is read.
    #[must_use]
    pub fn lets(&self, attempt: &Attempt) -> bool {
        [Reading::Closest, Reading::Last]
            .iter()
            .all(|reading| self.judge(attempt, *reading).allowed)
    }
}

/// In doubt a rule that opens matches, and one that shuts does not.
fn matches(rule: &Rule, attempt: &Attempt) -> bool {
    rule.filter.as_ref().is_none_or(|filter| filter.matches(attempt).unwrap_or(rule.allow))
}
