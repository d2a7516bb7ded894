//! The first message: what is the same in every session first, the user's words, then the rest.

use super::{Work, reminder};
use crate::domain::PrefixRule;

/// What Claude Code puts around the context of a session.
const CONTEXT: &str = "As you answer the user's questions, you can use the following context:\n";
/// Where the context ends.
const FOOTERS: [&str; 2] =
    ["\n\n      IMPORTANT: this context may or may not", "\n\nClaude Code attached this context"];
/// What ends a reminder.
const END: &str = "</system-reminder>";
/// Parts of the context that differ by session.
const DATE: &str = "# currentDate\nToday's date is ";
const GIT_STATUS: &str = "# gitStatus\nThis is the git status";
/// What system messages begin with that describe the surroundings: the same in every session.
const SURROUNDINGS: [&str; 3] =
    ["# Environment\n", "Available agent types", "The following skills are available"];

/// The blocks of the first message in their three parts.
#[derive(Debug, Default)]
pub(super) struct Opening {
    front: Vec<String>,
    stable: Vec<String>,
    volatile: Vec<String>,
    /// The rules that found something in the message.
    rules: Vec<PrefixRule>,
}

impl Opening {
    /// Takes in the message's own blocks.
    pub(super) fn sort_all(&mut self, blocks: Vec<String>, work: &mut Work) {
        blocks.into_iter().for_each(|block| self.sort(block, work));
    }

    fn sort(&mut self, block: String, work: &mut Work) {
        match parts(&block, work) {
            None => self.stable.push(block),
            Some((rules, parts)) => {
                self.rules.extend(rules);
                match parts {
                    Parts::Volatile => self.volatile.push(block),
                    Parts::Both { stable, volatile } => {
                        self.stable.push(reminder::block(&stable));
                        self.volatile.push(reminder::block(&volatile));
                    }
                }
            }
        }
    }

    /// Takes in a system message that stands before it.
    pub(super) fn begin_with(&mut self, text: &str, work: &mut Work) {
        self.sort(reminder::block(&reminder::remind(text)), work);
        work.did(PrefixRule::SystemMessages);
    }

    /// Takes in a system message that follows. `false`: it is left where it stands.
    pub(super) fn take(&mut self, text: &str, work: &mut Work) -> bool {
        let surroundings = SURROUNDINGS.iter().any(|mark| text.starts_with(mark));
        let ahead = surroundings && work.has(PrefixRule::Environment);
        let date = reminder::split_date(text).filter(|_| work.has(PrefixRule::Dates));
        let only_date = date.is_some_and(|(rest, _)| rest.is_empty());
        if !(ahead || only_date || work.has(PrefixRule::SystemMessages)) {
            return false;
        }
        let (rest, date) = date.map_or((text, None), |(rest, date)| (rest, Some(date)));
        if let Some(date) = date {
            self.volatile.push(reminder::block(&reminder::remind(date)));
            work.did(PrefixRule::Dates);
        }
        if rest.is_empty() {
            return true;
        }
        let block = reminder::block(&reminder::remind(rest));
        if ahead {
            self.front.push(block);
            work.did(PrefixRule::Environment);
        } else {
            self.sort(block, work);
            work.did(PrefixRule::SystemMessages);
        }
        true
    }

    /// Adds what was moved here from elsewhere.
    pub(super) fn end_with(&mut self, texts: &[String]) {
        self.volatile.extend(texts.iter().map(|text| reminder::block(text)));
    }

    /// All blocks in their order, and the rules that have put them there if it is a new one.
    pub(super) fn blocks(self) -> (Vec<String>, Vec<PrefixRule>) {
        let Self { mut front, stable, volatile, rules } = self;
        front.extend(stable);
        front.extend(volatile);
        (front, rules)
    }
}

enum Parts {
    Volatile,
    Both { stable: String, volatile: String },
}

/// What of a block differs by session; `None`: nothing.
fn parts(block: &str, work: &mut Work) -> Option<(Vec<PrefixRule>, Parts)> {
    if !block.contains("<system-reminder>") {
        return None;
    }
    let text = reminder::text(block)?;
    let said = reminder::said(&text)?;
    // What these rules themselves moved here before.
    for (rule, mark) in [
        (PrefixRule::Dates, "Today's date"),
        (PrefixRule::GitStatus, "gitStatus: "),
        (PrefixRule::SessionPaths, "# Scratchpad Directory\n"),
    ] {
        if work.has(rule) && said.starts_with(mark) {
            return Some((vec![rule], Parts::Volatile));
        }
    }
    let context = said.strip_prefix(CONTEXT)?;
    let end = FOOTERS.iter().filter_map(|footer| context.rfind(footer)).max()?;
    let (sections, footer) = context.split_at_checked(end)?;
    // What follows the reminder in the same text is not its own.
    let alone = footer.trim_end().ends_with(END) && footer.matches(END).count() == 1;
    let (stable, volatile, rules) = split(sections, work).filter(|_| alone)?;
    if stable.is_empty() {
        return Some((rules, Parts::Volatile));
    }
    let whole = |sections: &str| reminder::remind_as(&format!("{CONTEXT}{sections}{footer}"));
    Some((rules, Parts::Both { stable: whole(&stable), volatile: whole(&volatile) }))
}

/// The sections of a context, apart: those that stay the same, those that differ by session.
/// `None` when none differs.
fn split(sections: &str, work: &mut Work) -> Option<(String, String, Vec<PrefixRule>)> {
    // The user's own instructions come first and may hold anything: the last place counts.
    let start = |mark: &str| {
        let at = sections.rfind(mark)?;
        (at == 0 || sections.get(..at)?.ends_with('\n')).then_some(at)
    };
    let mut starts: Vec<(usize, PrefixRule)> =
        [(PrefixRule::Dates, DATE), (PrefixRule::GitStatus, GIT_STATUS)]
            .into_iter()
            .filter_map(|(rule, mark)| Some((start(mark)?, rule)))
            .collect();
    starts.sort_unstable();
    let (mut stable, mut volatile, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    let first = starts.first()?.0;
    stable.extend(sections.get(..first).filter(|s| !s.is_empty()));
    for (n, (from, rule)) in starts.iter().enumerate() {
        let to = starts.get(n + 1).map_or(sections.len(), |(next, _)| *next);
        let section = sections.get(*from..to)?;
        if work.has(*rule) {
            volatile.push(section);
            rules.push(*rule);
        } else {
            stable.push(section);
        }
    }
    let join = |parts: Vec<&str>| {
        let parts: Vec<&str> = parts.into_iter().map(|p| p.trim_end_matches('\n')).collect();
        parts.join("\n")
    };
    (!volatile.is_empty()).then(|| (join(stable), join(volatile), rules))
}
