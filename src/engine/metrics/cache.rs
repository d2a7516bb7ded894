//! What the prefix cache kept, against what it could have kept; and why it broke.

mod evidence;
mod foreign;
mod held;
mod text;

use std::collections::BTreeMap;

use crate::{
    domain::{Part, PrefixRule, RequestKind, ServerLine},
    protocol::{BreakKind, CacheBreak, CacheFigures},
};

use super::{flight::Flight, ratio::share, server::Loss};

pub(super) use self::evidence::Around;
use self::{
    evidence::{Evidence, Missing, Why},
    foreign::Foreign,
    held::{Held, Reusable},
};

/// Tokens of a batch while the server's own has not been seen.
const BATCH: u64 = 512;

/// A main request that the server has read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read<'a> {
    pub flight: &'a Flight,
    /// Tokens of its prompt.
    pub total: u64,
    /// Of these, tokens that were reused.
    pub cached: u64,
}

/// Sums over the session and the prompt before.
#[derive(Debug, Clone, Default)]
pub(super) struct Cache {
    held: Option<Held>,
    between: Evidence,
    foreign: Foreign,
    last_ratio: Option<f64>,
    cached: u64,
    reusable: u64,
    reread: u64,
    breaks: u64,
    last_break: Option<CacheBreak>,
    /// Whether the last break's cause is not known yet: what is told late may explain it.
    open: bool,
    estimated: bool,
    cared: BTreeMap<PrefixRule, u64>,
}

impl Cache {
    /// The server lost what it held.
    pub(super) fn lost_all(&mut self, loss: Loss) {
        // The first sign says most: a model that is loaded anew shows as a new process too.
        if self.between.lost.is_none() {
            self.between.lost = Some(loss);
        }
    }

    /// Whether the server cannot hold the last prompt any more.
    pub(super) fn lost(&self) -> bool {
        self.between.lost.is_some()
    }

    /// Rules changed a prompt's start.
    pub(super) fn cared(&mut self, rules: &[PrefixRule]) {
        for rule in rules {
            *self.cared.entry(*rule).or_default() += 1;
        }
    }

    /// A request that is not the conversation's went to the server.
    pub(super) fn other(&mut self, kind: &RequestKind) {
        match kind {
            RequestKind::Main => {}
            RequestKind::Compaction => self.between.compacted = true,
            RequestKind::Side(_) | RequestKind::Subagent(_) => {
                self.between.other = Some(kind.clone());
            }
        }
    }

    /// A request of any kind is over. `new` tokens of its prompt were read; when that was not
    /// told, at most `all` of them.
    pub(super) fn request_over(&mut self, new: Option<u64>, all: Option<u64>) {
        self.foreign.our_call();
        match (new, all) {
            (Some(new), _) => self.foreign.ours(new),
            (None, Some(all)) => self.foreign.perhaps_ours(all),
            (None, None) => {}
        }
    }

    /// The server told how many prompt tokens it has read in its life. `under_way`: of requests
    /// that are not over, the tokens read for them; `None`: not known of all of them.
    pub(super) fn server_read(&mut self, count: u64, under_way: Option<u64>, around: Around) {
        let of_them = under_way.unwrap_or(0);
        if self.foreign.counted(count, of_them, under_way.is_some()) {
            self.lost_all(Loss::Restarted);
        }
        let foreign_tokens = self.foreign.new_tokens();
        if foreign_tokens > 0 {
            self.learn(Evidence { foreign_tokens, ..Evidence::default() }, around);
        }
    }

    /// The server's log told something. `quiet`: no request of ours is under way.
    pub(super) fn line(&mut self, line: &ServerLine, quiet: bool, around: Around) {
        let evidence = match line {
            ServerLine::Evicted { tokens } => {
                Evidence { evicted: Some(*tokens), ..Evidence::default() }
            }
            ServerLine::Reread => Evidence { reread: true, ..Evidence::default() },
            ServerLine::Access { method, path, .. } => {
                if method != "POST" || !asks_the_model(path) {
                    return;
                }
                self.foreign.call();
                let foreign_calls = if quiet { self.foreign.new_calls() } else { 0 };
                if foreign_calls == 0 {
                    return;
                }
                Evidence { foreign_calls, ..Evidence::default() }
            }
            ServerLine::Shifted { .. }
            | ServerLine::Truncated { .. }
            | ServerLine::AnswerCut
            | ServerLine::PeakMemory { .. } => return,
        };
        self.learn(evidence, around);
    }

    /// Takes evidence in; what comes after an unexplained break explains that one.
    fn learn(&mut self, news: Evidence, around: Around) {
        if self.open
            && let Some(found) = &mut self.last_break
        {
            let missing = Missing { cached: found.at_token, reusable: 0, models: None };
            let why = news.why(missing, None, around, around.batch.unwrap_or(BATCH));
            if why.kind != BreakKind::Unknown {
                (found.kind, found.cause, found.fix) = (why.kind, why.cause, why.fix);
                self.open = false;
                return;
            }
        }
        self.between.add(news);
    }

    /// Tokens at the start of this prompt that the server should still know.
    pub(super) fn expected(&self, flight: &Flight, total: u64) -> u64 {
        if self.lost() {
            return 0;
        }
        self.held.as_ref().map_or(0, |held| held.reusable(flight, total).tokens)
    }

    /// Tokens that this prompt has at the least, because it begins with the whole prompt before.
    pub(super) fn at_least(&self, flight: &Flight) -> Option<u64> {
        let held = self.held.as_ref()?;
        let grown = held.equal(flight) == held.sections.len();
        grown.then_some(held.total.min(held.read))
    }

    /// The server told what it reused for a main request.
    pub(super) fn judge(&mut self, read: Read<'_>, around: Around) {
        let read = Read { cached: read.cached.min(read.total), ..read };
        let Read { flight, total, cached } = read;
        self.last_ratio = share(cached, total).or(self.last_ratio);
        self.open = false;
        if let Some(held) = self.held.take() {
            // A new conversation on a server that was started anew has nothing to lose.
            let forgotten = held.conversation != flight.conversation && self.lost();
            if !forgotten {
                let reusable = held.reusable(flight, total);
                self.reusable = self.reusable.saturating_add(reusable.tokens);
                self.cached = self.cached.saturating_add(cached.min(reusable.tokens));
                self.estimated |= reusable.estimated;
                self.look_for_break(&held, read, reusable, around);
            }
            self.held = Some(held);
        }
        self.hold(flight, total);
    }

    /// The server has read this prompt, whatever it told of its cache.
    pub(super) fn hold(&mut self, flight: &Flight, total: u64) {
        self.held = Some(Held::new(flight, total, self.held.as_ref()));
        self.between = Evidence::default();
    }

    /// The prompt was given up when the server had read so much of it: that much it keeps.
    pub(super) fn hold_part(&mut self, flight: &Flight, total: u64, read: u64) {
        self.hold(flight, total.max(read));
        if let Some(held) = &mut self.held {
            held.read = read;
        }
    }

    fn look_for_break(&mut self, held: &Held, read: Read<'_>, reusable: Reusable, around: Around) {
        let Read { flight, total, cached } = read;
        let batch = around.batch.unwrap_or(BATCH);
        let lost = reusable.tokens.saturating_sub(cached);
        // What is worked out from bytes may be off by some percent.
        let slack = if reusable.estimated { reusable.tokens / 8 } else { 0 };
        if lost > batch.saturating_add(slack) {
            self.reread = self.reread.saturating_add(lost);
            let models = held.model.as_deref().zip(flight.model.as_deref());
            let models = models.filter(|(before, now)| before != now);
            let missing = Missing { cached, reusable: reusable.tokens, models };
            let why = self.between.why(missing, flight.beside.as_ref(), around, batch);
            // What a log or a page tells comes late now and then.
            self.open = why.is_a_guess();
            let section = held.section_at(flight, total, cached);
            self.broke(read, section, lost, reusable.estimated, why);
            return;
        }
        if reusable.whole || self.between.compacted || self.lost() {
            return;
        }
        let lost = held.read.saturating_sub(reusable.tokens.max(cached));
        let Some((part, why)) = text::why(held, flight) else { return };
        // A new conversation differs in its messages; what comes before them should not.
        let fixed = match part {
            Part::System(_) | Part::Tool(_) => true,
            Part::Message(_) => false,
        };
        if lost > batch && (fixed || held.conversation == flight.conversation) {
            self.broke(read, part.to_string(), lost, reusable.estimated, why);
        }
    }

    fn broke(&mut self, read: Read<'_>, section: String, tokens: u64, estimated: bool, why: Why) {
        let Read { flight, total, cached } = read;
        let spent = flight.first_token.map(|first| first.since(flight.started).as_secs_f64());
        let seconds = spent.zip(share(tokens, total.saturating_sub(cached)));
        self.breaks += 1;
        self.last_break = Some(CacheBreak {
            at_token: cached,
            section,
            cause: why.cause,
            fix: why.fix,
            kind: why.kind,
            tokens,
            seconds: seconds.map(|(spent, part)| spent * part.min(1.0)),
            estimated,
        });
    }

    /// How often it broke, and the last time.
    pub(super) const fn broken(&self) -> (u64, Option<&CacheBreak>) {
        (self.breaks, self.last_break.as_ref())
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            last_ratio: self.last_ratio,
            session_ratio: share(self.cached, self.reusable),
            reread_tokens: self.reread,
            breaks: self.breaks,
            last_break: self.last_break.clone(),
            estimated: self.estimated,
            cared: self.cared.clone(),
        }
    }
}

/// Whether a path of a server's log is one at which a model is asked.
fn asks_the_model(path: &str) -> bool {
    const PATHS: [&str; 7] = [
        "/v1/messages",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/api/chat",
        "/api/generate",
        "/completion",
    ];
    PATHS.contains(&path)
}
