//! The log pane: a bounded list of folded lines, and what keys do to the view of it; pure.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    domain::Moment,
    protocol::{LogFold, LogLine, LogOrigin, LogWeight},
};

/// Lines that are kept; a folded run counts as one.
const KEPT: usize = 5_000;
/// Kinds of calls that a folded run counts one by one.
const KINDS: usize = 16;
/// Letters of a search.
const LONGEST: usize = 60;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it, or the last of its run, happened.
    pub at: Moment,
    /// Who says so.
    pub origin: LogOrigin,
    /// How much it matters; of a run, the most.
    pub weight: LogWeight,
    /// What it folds with.
    fold: Option<LogFold>,
    /// Lines it stands for, at least one.
    pub count: u64,
    /// The texts of a run with their counts, in the order in which they came.
    kinds: Vec<(String, u64)>,
}

impl Entry {
    fn new(line: LogLine) -> Self {
        let LogLine { at, origin, weight, fold, text } = line;
        Self { at, origin, weight, fold, count: 1, kinds: vec![(text, 1)] }
    }

    /// Takes a line of the same run in; gives back one that belongs elsewhere.
    fn take(&mut self, line: LogLine) -> Option<LogLine> {
        if self.fold.is_none() || self.fold != line.fold || self.origin != line.origin {
            return Some(line);
        }
        self.at = line.at;
        self.count += 1;
        self.weight = self.weight.max(line.weight);
        if let Some((_, count)) = self.kinds.iter_mut().find(|(text, _)| *text == line.text) {
            *count += 1;
        } else if self.kinds.len() < KINDS {
            self.kinds.push((line.text, 1));
        }
        None
    }

    /// What it says; a run says how often and what.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.fold, self.kinds.as_slice()) {
            (Some(fold), kinds) if self.count > 1 => {
                let mut out = format!("{}× {}: ", self.count, fold.name());
                let mut told = 0;
                for (at, (text, count)) in kinds.iter().enumerate() {
                    told += count;
                    let gap = if at == 0 { "" } else { " · " };
                    out.push_str(&format!("{gap}{text} ×{count}"));
                }
                if told < self.count {
                    out.push_str(&format!(" · others ×{}", self.count - told));
                }
                out
            }
            (_, kinds) => kinds.first().map_or_else(String::new, |(text, _)| text.clone()),
        }
    }

    /// Whether a search, in lower case, finds it.
    fn has(&self, wanted: &str) -> bool {
        !wanted.is_empty() && self.text().to_lowercase().contains(wanted)
    }
}

/// All lines, the newest last. Each has a number that it keeps.
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// Lines that are gone: the number of the first one that is there.
    gone: u64,
    /// Whether the newest line is closed: somebody looks at it, so it must not change.
    closed: bool,
}

impl Log {
    /// Takes new lines in.
    pub fn add(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            let newest = if self.closed { None } else { self.entries.back_mut() };
            let left = match newest {
                Some(newest) => newest.take(line),
                None => Some(line),
            };
            let Some(line) = left else { continue };
            self.closed = false;
            if self.entries.len() >= KEPT {
                self.entries.pop_front();
                self.gone += 1;
            }
            self.entries.push_back(Entry::new(line));
        }
    }

    /// The number after the newest line's.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    /// The number of the oldest line that is there.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.gone
    }

    /// The line of a number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(number.checked_sub(self.gone)?).ok()?)
    }

    /// The nearest line before (`older`) or after `from` that a search finds.
    fn find(&self, wanted: &str, from: u64, older: bool) -> Option<u64> {
        let hit = |n: &u64| self.get(*n).is_some_and(|entry| entry.has(wanted));
        let from = from.clamp(self.start(), self.end());
        if older { (self.start()..from).rev().find(hit) } else { (from..self.end()).find(hit) }
    }
}

/// How the list is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogView {
    /// Number after the lowest line shown; `None`: it follows the newest.
    pub bottom: Option<u64>,
    /// What is being typed after `/`.
    pub typing: Option<String>,
    /// What is searched for, in lower case; empty: nothing.
    pub wanted: String,
    /// The line that was found last.
    pub hit: Option<u64>,
    /// What the last key could not do.
    pub says: Option<&'static str>,
}

/// What a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// The pane stays.
    Stays,
    /// The pane is to be closed.
    Closes,
}

impl LogView {
    /// The numbers of the lines that fit into `rows`.
    #[must_use]
    pub fn shown(&self, log: &Log, rows: u16) -> std::ops::Range<u64> {
        let least = (log.start() + u64::from(rows)).min(log.end());
        let bottom = self.bottom.unwrap_or(log.end()).clamp(least, log.end());
        bottom.saturating_sub(u64::from(rows)).max(log.start())..bottom
    }

    /// Lines that have come since the view stands still.
    #[must_use]
    pub fn below(&self, log: &Log) -> u64 {
        self.bottom.map_or(0, |bottom| log.end().saturating_sub(bottom))
    }

    /// Takes a key, with `rows` lines on screen.
    pub fn press(&mut self, log: &mut Log, key: KeyEvent, rows: u16) -> Pressed {
        self.says = None;
        if self.typing.is_some() {
            self.type_key(log, key, rows);
            return Pressed::Stays;
        }
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Pressed::Stays;
        }
        let page = i64::from(rows.saturating_sub(1).max(1));
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Pressed::Closes,
            KeyCode::Char('/') => self.typing = Some(String::new()),
            KeyCode::Char('n') => self.next(log, true, rows),
            KeyCode::Char('N') => self.next(log, false, rows),
            KeyCode::Char('p' | ' ') => self.pause(log),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(log, -1, rows),
            KeyCode::Down | KeyCode::Char('j') => self.scroll(log, 1, rows),
            KeyCode::PageUp => self.scroll(log, -page, rows),
            KeyCode::PageDown => self.scroll(log, page, rows),
            KeyCode::Home | KeyCode::Char('g') => self.stand(log, log.start() + u64::from(rows)),
            KeyCode::End | KeyCode::Char('G') => self.follow(),
            _ => {}
        }
        Pressed::Stays
    }

    /// Scrolls by so many lines, down above zero; at the newest line it follows again.
    pub fn scroll(&mut self, log: &mut Log, by: i64, rows: u16) {
        let now = self.shown(log, rows).end;
        let to = now.saturating_add_signed(by);
        if by > 0 && to >= log.end() {
            self.follow();
        } else {
            self.stand(log, to.max(log.start() + u64::from(rows)));
        }
    }

    fn pause(&mut self, log: &mut Log) {
        if self.bottom.is_some() {
            self.follow();
        } else {
            self.stand(log, log.end());
        }
    }

    fn follow(&mut self) {
        self.bottom = None;
    }

    /// Stands still with this line below the lowest one.
    fn stand(&mut self, log: &mut Log, bottom: u64) {
        self.bottom = Some(bottom.min(log.end()));
        log.closed = true;
    }

    fn type_key(&mut self, log: &mut Log, key: KeyEvent, rows: u16) {
        let Some(typed) = &mut self.typing else { return };
        match key.code {
            KeyCode::Esc => self.typing = None,
            KeyCode::Backspace if typed.pop().is_none() => self.typing = None,
            KeyCode::Char(c)
                if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
                    && typed.chars().count() < LONGEST =>
            {
                typed.push(c);
            }
            KeyCode::Enter => {
                self.wanted = std::mem::take(typed).to_lowercase();
                self.typing = None;
                self.hit = None;
                if !self.wanted.is_empty() {
                    self.next(log, true, rows);
                }
            }
            _ => {}
        }
    }

    /// Goes to the next line that is found, and round at the end.
    fn next(&mut self, log: &mut Log, older: bool, rows: u16) {
        if self.wanted.is_empty() {
            self.says = Some("/ searches");
            return;
        }
        let from = match (self.hit, older) {
            (Some(hit), true) => hit,
            (Some(hit), false) => hit + 1,
            (None, _) => self.shown(log, rows).end,
        };
        let round = if older { log.end() } else { log.start() };
        let found = log.find(&self.wanted, from, older);
        let Some(found) = found.or_else(|| log.find(&self.wanted, round, older)) else {
            self.hit = None;
            self.says = Some("not found");
            return;
        };
        self.hit = Some(found);
        let shown = self.shown(log, rows);
        if shown.contains(&found) {
            // What was found must not scroll away.
            self.stand(log, shown.end);
        } else {
            self.stand(log, (found + 1 + u64::from(rows / 2)).max(log.start() + u64::from(rows)));
        }
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
