//! The server without a wire: slots, queue, prefill and generation as a machine that is told the
//! time.
//!
//! Every slot works at the full rate by itself. [`Machine::advance`] applies everything that
//! happened up to a moment in the order in which it happened, so how often it is called changes
//! nothing but how fine the notices come.

use std::collections::VecDeque;
use std::time::Duration;

use super::slots::{self, Candidate};
use super::tokenize::Token;
use super::view::{SlotView, Totals};
use crate::domain::Moment;

/// The settings of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Tokens read in a second; 0, negative or not finite means at once.
    pub read: f64,
    /// Tokens written in a second; 0, negative or not finite means at once.
    pub write: f64,
    /// Tokens read in one step.
    pub batch: u64,
    /// Tokens one slot can hold.
    pub window: u64,
}

/// A request as the machine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Job {
    /// What is to be read.
    pub prompt: Vec<Token>,
    /// What will be written.
    pub answer: Vec<Token>,
    /// The most tokens to write.
    pub max_tokens: u64,
}

/// The number of a task, counted from 0 over the server's life.
pub type TaskId = u64;

/// Why writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The answer is complete.
    End,
    /// `max_tokens` or the window was reached.
    Length,
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A slot began to read the prompt: `total` tokens, of which it already held `cached`.
    Started {
        /// Tokens of the prompt.
        total: u64,
        /// Tokens that need not be read.
        cached: u64,
    },
    /// The prompt does not fit a slot. The task is over.
    TooLong {
        /// Tokens of the prompt.
        total: u64,
        /// Tokens one slot can hold.
        window: u64,
    },
    /// The answer has now this many tokens. The first comes with the end of the prefill.
    Written(u64),
    /// The task is over after this many tokens.
    Finished {
        /// Tokens written.
        written: u64,
        /// Why.
        stop: Stop,
    },
}

#[derive(Debug)]
enum Work {
    Idle,
    Reading { cached: u64, read: u64, started: Moment, cancelled: bool },
    Writing { cached: u64, written: u64, since: Moment },
}

#[derive(Debug)]
struct Slot {
    task: Option<TaskId>,
    job: Job,
    work: Work,
    kept: Vec<Token>,
    last_used: u64,
}

/// The whole server but for its wire.
#[derive(Debug)]
pub struct Machine {
    rates: Rates,
    slots: Vec<Slot>,
    queue: VecDeque<(TaskId, Job)>,
    tasks: u64,
    uses: u64,
    totals: Totals,
    rigid: bool,
    lines: Vec<String>,
}

/// The time `n` tokens take at `rate`; nothing when the rate is no rate.
fn time_for(n: u64, rate: f64) -> Duration {
    if rate.is_finite() && rate > 0.0 {
        Duration::try_from_secs_f64((n as f64 / rate * 1e6).ceil() / 1e6).unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    }
}

impl Machine {
    /// A machine with `slots` empty slots; at least one.
    #[must_use]
    pub fn new(rates: Rates, slots: usize) -> Self {
        let rates = Rates { batch: rates.batch.max(1), ..rates };
        let slot = |_| Slot {
            task: None,
            job: Job::default(),
            work: Work::Idle,
            kept: Vec::new(),
            last_used: 0,
        };
        Self {
            rates,
            slots: (0..slots.max(1)).map(slot).collect(),
            queue: VecDeque::new(),
            tasks: 0,
            uses: 0,
            totals: Totals::default(),
            rigid: false,
            lines: Vec::new(),
        }
    }

    /// The same with a model that cannot go back in what it has read, as one with a sliding window:
    /// a slot is reused only by a prompt that begins with all the slot holds.
    #[must_use]
    pub const fn rigid(mut self, rigid: bool) -> Self {
        self.rigid = rigid;
        self
    }

    /// Empties every slot that does not work, as a server does to make room.
    pub fn evict(&mut self, now: Moment) -> Vec<(TaskId, Notice)> {
        let out = self.advance(now);
        for (id, slot) in self.slots.iter_mut().enumerate() {
            if matches!(slot.work, Work::Idle) && !slot.kept.is_empty() {
                let tokens = slot.kept.len();
                self.lines.push(format!("srv  try_purge: purging slot {id} with {tokens} tokens"));
                slot.kept.clear();
            }
        }
        out
    }

    /// The lines of the log since the last call.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Takes a request in at `now`; it starts at once or waits for a slot. Tells its number and
    /// what happened up to `now`.
    pub fn submit(&mut self, now: Moment, job: Job) -> (TaskId, Vec<(TaskId, Notice)>) {
        let mut out = self.advance(now);
        let id = self.tasks;
        self.tasks += 1;
        self.queue.push_back((id, job));
        self.assign(now, &mut out);
        out.extend(self.advance(now));
        (id, out)
    }

    /// Ends a task whose client has gone. While it reads, it ends with the batch under way; what
    /// was read and written stays in the slot. A task that is over is not touched.
    pub fn cancel(&mut self, now: Moment, id: TaskId) -> Vec<(TaskId, Notice)> {
        let mut out = self.advance(now);
        self.queue.retain(|(task, _)| *task != id);
        for index in 0..self.slots.len() {
            if self.slots[index].task != Some(id) {
                continue;
            }
            match &mut self.slots[index].work {
                Work::Idle => {}
                Work::Reading { cancelled, .. } => *cancelled = true,
                Work::Writing { .. } => self.release(index),
            }
        }
        self.assign(now, &mut out);
        out.extend(self.advance(now));
        out
    }

    /// When [`advance`](Self::advance) has next something to do; `None` while all is idle.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.slots.iter().filter_map(|slot| self.due(slot)).min()
    }

    fn due(&self, slot: &Slot) -> Option<Moment> {
        match slot.work {
            Work::Idle => None,
            Work::Reading { cached, read, started, .. } => {
                let left = slot.job.prompt.len() as u64 - cached - read;
                Some(started + time_for(read + left.min(self.rates.batch), self.rates.read))
            }
            Work::Writing { written, since, .. } => {
                Some(since + time_for(written, self.rates.write))
            }
        }
    }

    /// Applies everything that happens up to `now`, and tells it in order.
    pub fn advance(&mut self, now: Moment) -> Vec<(TaskId, Notice)> {
        let mut out = Vec::new();
        loop {
            let next = (0..self.slots.len())
                .filter_map(|index| Some((self.due(&self.slots[index])?, index)))
                .min()
                .filter(|(at, _)| *at <= now);
            let Some((at, index)) = next else { break };
            self.step(index, at, &mut out);
            self.assign(at, &mut out);
        }
        out
    }

    /// Gives waiting requests to idle slots.
    fn assign(&mut self, at: Moment, out: &mut Vec<(TaskId, Notice)>) {
        while let Some((_, job)) = self.queue.front() {
            let idle: Vec<Candidate<'_>> = self
                .slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| matches!(slot.work, Work::Idle))
                .map(|(index, slot)| Candidate {
                    index,
                    kept: &slot.kept,
                    last_used: slot.last_used,
                })
                .collect();
            let Some(index) = slots::choose(&job.prompt, &idle) else { return };
            let Some((id, job)) = self.queue.pop_front() else { return };
            let total = job.prompt.len() as u64;
            if total >= self.rates.window {
                out.push((id, Notice::TooLong { total, window: self.rates.window }));
                continue;
            }
            let slot = &mut self.slots[index];
            let mut cached = slots::reusable(&slot.kept, &job.prompt) as u64;
            if self.rigid && cached > 0 && cached < slot.kept.len() as u64 {
                self.lines.push(format!(
                    "slot update_slots: id {index} | task {id} | forcing full prompt \
                     re-processing due to lack of cache data (likely due to SWA)"
                ));
                cached = 0;
            }
            slot.kept.truncate(cached as usize);
            slot.task = Some(id);
            slot.job = job;
            slot.work = Work::Reading { cached, read: 0, started: at, cancelled: false };
            self.totals.cached += cached;
            out.push((id, Notice::Started { total, cached }));
        }
    }

    /// The one thing that is due in slot `index`.
    fn step(&mut self, index: usize, at: Moment, out: &mut Vec<(TaskId, Notice)>) {
        let Rates { batch, window, read: read_rate, write: write_rate } = self.rates;
        let slot = &mut self.slots[index];
        let Some(id) = slot.task else { return };
        let (written, cached, since) = match &mut slot.work {
            Work::Idle => return,
            Work::Reading { cached, read, cancelled, .. } => {
                let total = slot.job.prompt.len() as u64;
                let held = *cached + *read;
                let took = batch.min(total - held);
                *read += took;
                let tokens = slot.job.prompt.iter().skip(held as usize).take(took as usize);
                slot.kept.extend(tokens);
                self.totals.read += took;
                self.totals.read_for += time_for(took, read_rate);
                self.totals.decodes += 1;
                if *cancelled {
                    self.release(index);
                    return;
                }
                if held + took < total {
                    return;
                }
                (0, *cached, at)
            }
            Work::Writing { written, cached, since } => (*written, *cached, *since),
        };
        // A token is in the slot once the next one is asked for: the last one never is.
        if let Some(token) = written.checked_sub(1).and_then(|at| slot.job.answer.get(at as usize))
        {
            slot.kept.push(*token);
            self.totals.decodes += 1;
        }
        let written = written + 1;
        slot.work = Work::Writing { cached, written, since };
        self.totals.written += 1;
        if written > 1 {
            self.totals.written_for += time_for(1, write_rate);
        }
        self.totals.longest = self.totals.longest.max(slot.kept.len() as u64);
        out.push((id, Notice::Written(written)));
        let complete = written >= slot.job.answer.len() as u64;
        let full = slot.kept.len() as u64 + 1 >= window;
        if complete || full || written >= slot.job.max_tokens {
            let stop = if complete { Stop::End } else { Stop::Length };
            out.push((id, Notice::Finished { written, stop }));
            self.release(index);
        }
    }

    fn release(&mut self, index: usize) {
        self.uses += 1;
        let slot = &mut self.slots[index];
        slot.last_used = self.uses;
        slot.work = Work::Idle;
    }

    /// What an idle slot holds; `None` when it works or is none.
    #[must_use]
    pub fn held(&self, slot: usize) -> Option<&[Token]> {
        let slot = self.slots.get(slot)?;
        matches!(slot.work, Work::Idle).then_some(slot.kept.as_slice())
    }

    /// Fills an idle slot; `false` when it works or is none.
    pub fn fill(&mut self, slot: usize, tokens: Vec<Token>) -> bool {
        let uses = self.uses + 1;
        let Some(slot) = self.slots.get_mut(slot).filter(|s| matches!(s.work, Work::Idle)) else {
            return false;
        };
        slot.kept = tokens;
        slot.last_used = uses;
        self.uses = uses;
        true
    }

    /// The slots as `GET /slots` tells them.
    #[must_use]
    pub fn view(&self) -> Vec<SlotView> {
        self.slots
            .iter()
            .enumerate()
            .map(|(id, slot)| {
                let (is_processing, cached, processed, decoded, coming) = match slot.work {
                    Work::Idle => (false, 0, 0, 0, 0),
                    Work::Reading { cached, read, .. } => {
                        let left = slot.job.prompt.len() as u64 - cached - read;
                        (true, cached, read, 0, left.min(self.rates.batch))
                    }
                    Work::Writing { cached, written, .. } => {
                        (true, cached, slot.job.prompt.len() as u64 - cached, written, 1)
                    }
                };
                SlotView {
                    id,
                    n_ctx: self.rates.window,
                    is_processing,
                    task: slot.task,
                    prompt_tokens: slot.kept.len() as u64 + coming,
                    processed,
                    cached,
                    decoded,
                    max_tokens: slot.job.max_tokens,
                }
            })
            .collect()
    }

    /// The sums that `GET /metrics` tells.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let busy = self.slots.iter().filter(|slot| !matches!(slot.work, Work::Idle)).count();
        Totals { processing: busy as u64, deferred: self.queue.len() as u64, ..self.totals }
    }
}

#[cfg(test)]
mod tests;
