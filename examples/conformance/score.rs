//! What esctest's logs say, and how it is told.

use std::{collections::BTreeMap, fmt::Write, path::Path};

/// How one test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// The suite itself marks it as not to be expected, or skips it.
    Excused,
}

/// Every test of a run by its name.
#[derive(Debug, Default)]
pub struct Scores {
    pub tests: BTreeMap<String, Outcome>,
}

impl Scores {
    /// Reads the suite's log.
    pub fn read(log: &Path) -> Self {
        let bytes = std::fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let (mut tests, mut name) = (BTreeMap::new(), None);
        for line in text.lines() {
            if let Some(test) = line.strip_prefix("Run test: ") {
                name = Some(test.trim().to_owned());
            }
            let outcome = if line.starts_with("Passed.") {
                Outcome::Passed
            } else if line.starts_with("*** TEST ") && line.contains(" FAILED:") {
                Outcome::Failed
            } else if line.starts_with("Fails as expected") || line.starts_with("Skipped because") {
                Outcome::Excused
            } else {
                continue;
            };
            if let Some(name) = name.take() {
                tests.insert(name, outcome);
            }
        }
        Self { tests }
    }

    /// The tests that failed.
    pub fn failed(&self) -> Vec<String> {
        let failed = self.tests.iter().filter(|(_, seen)| **seen == Outcome::Failed);
        failed.map(|(name, _)| name.clone()).collect()
    }

    /// Adds outcomes that are not known yet.
    pub fn add(&mut self, more: Self) {
        for (name, outcome) in more.tests {
            self.tests.entry(name).or_insert(outcome);
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.tests.values().filter(|seen| **seen == outcome).count()
    }
}

/// The table of scores.
pub fn print(all: &[(&str, Scores)]) {
    println!("{:20} {:>7} {:>7} {:>8} {:>7}", "", "passed", "failed", "excused", "score");
    for (name, scores) in all {
        let (passed, failed) = (scores.count(Outcome::Passed), scores.count(Outcome::Failed));
        let excused = scores.count(Outcome::Excused);
        let score = 100 * passed / (passed + failed).max(1);
        println!("{name:20} {passed:7} {failed:7} {excused:8} {score:5} %");
    }
}

/// Every test that not all pass, with who passes it.
pub fn report(all: &[(&str, Scores)]) -> String {
    let mut text = String::from("| test |");
    let mut rule = String::from("|---|");
    for (name, _) in all {
        let _ = write!(text, " {name} |");
        rule.push_str("---|");
    }
    let _ = write!(text, "\n{rule}\n");
    let names: std::collections::BTreeSet<&String> =
        all.iter().flat_map(|(_, scores)| scores.tests.keys()).collect();
    for test in names {
        let outcomes: Vec<_> = all.iter().map(|(_, scores)| scores.tests.get(test)).collect();
        if outcomes.iter().all(|seen| *seen == Some(&Outcome::Passed)) {
            continue;
        }
        let _ = write!(text, "| {test} |");
        for seen in outcomes {
            let word = match seen {
                Some(Outcome::Passed) => "passes",
                Some(Outcome::Failed) => "**fails**",
                Some(Outcome::Excused) => "excused",
                None => "–",
            };
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
    text
}
