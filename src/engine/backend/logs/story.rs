//! The story that the lines make: one prompt at a time, from its begin to its first token.

use crate::domain::{ServerLine, ServerLoad};

use super::{
    Said, read,
    words::{after, number},
};

/// How far a prompt has been read, by the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LogProgress {
    /// In tokens.
    Tokens {
        /// Tokens in the slot, reused ones included.
        done: u64,
        /// Of these, reused tokens.
        cached: Option<u64>,
        /// All tokens of the prompt.
        total: Option<u64>,
    },
    /// As a part of it, 0 to 1.
    Share(f64),
}

/// What a line changed.
#[derive(Debug, Clone, PartialEq)]
pub enum LogNews {
    /// The prompt has been read further.
    Progress(LogProgress),
    /// How busy the server is.
    Load(ServerLoad),
    /// A child of the server serves the model at this port of this machine.
    ChildPort(u16),
    /// Something else happened.
    Line(ServerLine),
}

/// The prompt that the log speaks of now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    task: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    /// Tokens of the log's own count of what is left, where it counts down.
    rest: Option<u64>,
    at: Option<LogProgress>,
    /// The prompt is read: what comes next belongs to another.
    over: bool,
}

impl Story {
    /// Takes in one line and tells what it changed.
    pub fn line(&mut self, line: &str) -> Vec<LogNews> {
        let Some(said) = read(line) else { return Vec::new() };
        // What another prompt's answer does says nothing of this one.
        let task = after(line, "task ").and_then(number);
        let of_another = task.is_some() && self.task.is_some() && task != self.task;
        match said {
            Said::PromptRead { .. } | Said::Writing { .. } | Said::Ended if of_another => {
                Vec::new()
            }
            said => self.said(&said),
        }
    }

    /// How far the prompt has been read, unless it is over.
    #[must_use]
    pub fn progress(&self) -> Option<LogProgress> {
        self.at.filter(|_| !self.over)
    }

    /// Forgets the prompt: the request it belonged to has ended.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn said(&mut self, said: &Said) -> Vec<LogNews> {
        match said {
            Said::NewPrompt { task, total } => {
                let another = *task != self.task;
                let smaller = self.total.is_some_and(|known| *total < known);
                // Beside a prompt that is being read, a smaller one is an errand.
                if another && smaller && !self.over && self.at.is_some() {
                    return Vec::new();
                }
                *self = Self { task: *task, total: Some(*total), ..Self::default() };
                Vec::new()
            }
            Said::Cached { task, tokens } => self.of(*task, |story| {
                if story.cached.is_some() {
                    return None;
                }
                story.cached = Some(*tokens);
                Some(*tokens)
            }),
            Said::Decoded { task, tokens, share } => self.of(*task, |story| {
                let done = story.cached.unwrap_or(0).saturating_add(*tokens);
                story.total_by(done, *share);
                Some(done)
            }),
            Said::InSlot { task, tokens, share } => self.of(*task, |story| {
                story.total_by(*tokens, *share);
                Some(*tokens)
            }),
            Said::Lookup { total, cached } => {
                let rest = total.saturating_sub(*cached);
                *self = Self {
                    total: Some(*total),
                    cached: Some(*cached),
                    rest: Some(rest),
                    ..Self::default()
                };
                self.moved(*cached)
            }
            Said::OfRest { read, rest } => {
                if self.rest.is_some_and(|known| known != *rest) || self.over {
                    *self = Self::default();
                }
                self.rest = Some(*rest);
                let done = self.cached.unwrap_or(0).saturating_add(*read);
                // Without the lookup's line what was reused is not known, and so neither the total.
                let news = self.moved(done);
                self.over |= read >= rest;
                news
            }
            Said::Share(share) => {
                self.over = false;
                self.at = Some(LogProgress::Share(*share));
                vec![LogNews::Progress(LogProgress::Share(*share))]
            }
            Said::Chunk { new, cached, pending, load } => {
                let mut news = self.chunk(*new, *cached, *pending);
                news.push(LogNews::Load(*load));
                news
            }
            Said::PromptRead { .. } | Said::Writing { .. } | Said::Ended => {
                self.over = true;
                Vec::new()
            }
            Said::Similar { .. } => Vec::new(),
            Said::Load(load) => vec![LogNews::Load(*load)],
            Said::ChildPort(port) => vec![LogNews::ChildPort(*port)],
            Said::Line(line) => {
                self.over |= match line {
                    ServerLine::AnswerCut | ServerLine::PeakMemory { .. } => true,
                    ServerLine::Evicted { .. }
                    | ServerLine::Reread
                    | ServerLine::Shifted { .. }
                    | ServerLine::Truncated { .. }
                    | ServerLine::Access { .. } => false,
                };
                vec![LogNews::Line(line.clone())]
            }
        }
    }

    /// Only what the present prompt's own lines say counts; a line without a prompt begins one.
    fn of(
        &mut self,
        task: Option<u64>,
        done: impl FnOnce(&mut Self) -> Option<u64>,
    ) -> Vec<LogNews> {
        if task != self.task {
            if self.task.is_some() && !self.over {
                return Vec::new();
            }
            *self = Self { task, ..Self::default() };
        }
        match done(self) {
            Some(done) => self.moved(done),
            None => Vec::new(),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate from a rounded share; positive"
    )]
    fn total_by(&mut self, done: u64, share: Option<f64>) {
        if let (None, Some(share)) = (self.total, share.filter(|s| *s > 0.0 && *s <= 1.0)) {
            self.total = Some(((done as f64 / share).round() as u64).max(done));
        }
    }

    fn chunk(&mut self, new: u64, cached: u64, pending: Option<u64>) -> Vec<LogNews> {
        let Some(pending) = pending else { return Vec::new() };
        let more_left = self.rest.is_none_or(|known| pending.saturating_add(new) > known);
        if self.over || self.total.is_none() || more_left || cached > 0 {
            *self = Self {
                total: Some(cached.saturating_add(new).saturating_add(pending)),
                cached: Some(cached),
                ..Self::default()
            };
        }
        self.rest = Some(pending);
        let done = self.total.unwrap_or(0).saturating_sub(pending);
        let news = self.moved(done);
        self.over = pending == 0;
        news
    }

    fn moved(&mut self, done: u64) -> Vec<LogNews> {
        let total = self.total.map(|total| total.max(done));
        let at = LogProgress::Tokens { done, cached: self.cached, total };
        self.at = Some(at);
        vec![LogNews::Progress(at)]
    }
}
