//! The server and the machine as last seen.

use crate::{
    domain::{Moment, ServerFacts, ServerLoad},
    protocol::{PutOff, ServerFigures},
};

/// The last looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    facts: Option<ServerFacts>,
    answers: Option<bool>,
    rss: Option<u64>,
    memory_percent: Option<f64>,
    swap: Option<u64>,
    load: ServerLoad,
    put_off: Option<(PutOff, Moment)>,
    /// The model that was loaded last.
    loaded: Option<String>,
}

/// How a server lost what it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    /// It is another process, or another server.
    Restarted,
    /// It dropped its model.
    Unloaded,
    /// It loaded this model instead.
    OtherModel(String),
    /// It loaded its model anew, with another window.
    OtherWindow,
}

impl Server {
    /// Takes a look in and tells whether the server lost what it held, and how.
    pub(super) fn look(&mut self, facts: Option<&ServerFacts>) -> Option<Loss> {
        let was_away = self.answers == Some(false);
        self.answers = Some(facts.is_some_and(|f| f.healthy));
        let Some(facts) = facts else {
            self.load = ServerLoad::default();
            return None;
        };
        let old = self.facts.replace(facts.clone());
        let loaded = std::mem::take(&mut self.loaded);
        self.loaded = facts.window.and(facts.model.clone()).or_else(|| loaded.clone());
        let old = old?;
        if was_away || old.kind != facts.kind || old.version != facts.version {
            return Some(Loss::Restarted);
        }
        match (old.window, facts.window) {
            // It answers all the same: it loads a model when one is asked for.
            (Some(_), None) => Some(Loss::Unloaded),
            (Some(before), Some(now)) if old.model == facts.model => {
                (before != now).then_some(Loss::OtherWindow)
            }
            (_, Some(_)) => {
                let model =
                    facts.model.clone().filter(|_| loaded.is_some() && loaded != facts.model);
                model.map(Loss::OtherModel)
            }
            (None, None) => None,
        }
    }

    /// Takes in how busy it is; what one source leaves out, another may have told.
    pub(super) fn load(&mut self, load: ServerLoad) {
        let old = self.load;
        self.load = ServerLoad {
            running: load.running.or(old.running),
            waiting: load.waiting.or(old.waiting),
            kv_percent: load.kv_percent.filter(|p| p.is_finite()).or(old.kv_percent),
            prefix_hits: load.prefix_hits.or(old.prefix_hits),
            prefix_queries: load.prefix_queries.or(old.prefix_queries),
            prompt_read: load.prompt_read.or(old.prompt_read),
        };
    }

    pub(super) fn machine(
        &mut self,
        rss: Option<u64>,
        memory_percent: Option<f64>,
        swap: Option<u64>,
    ) {
        self.rss = rss;
        self.memory_percent = memory_percent.filter(|p| p.is_finite());
        self.swap = swap;
    }

    /// Notes that a request was put off.
    pub(super) fn put_off(&mut self, status: u16, retry_after_s: Option<u64>, at: Moment) {
        let times = self.put_off.as_ref().map_or(0, |(before, _)| before.times) + 1;
        self.put_off = Some((PutOff { status, times, retry_in_s: retry_after_s }, at));
    }

    /// Notes that a request was answered.
    pub(super) fn let_in(&mut self) {
        self.put_off = None;
    }

    pub(super) fn healthy(&self) -> bool {
        self.answers == Some(true)
    }

    pub(super) fn facts(&self) -> Option<&ServerFacts> {
        self.facts.as_ref()
    }

    pub(super) fn figures(&self, url: &str, now: Moment) -> ServerFigures {
        let facts = self.facts.as_ref();
        ServerFigures {
            kind: facts.map(|f| f.kind),
            version: facts.and_then(|f| f.version.clone()),
            model: facts.and_then(|f| f.model.clone()),
            url: (!url.is_empty()).then(|| url.to_owned()),
            healthy: self.answers,
            running: self.load.running,
            waiting: self.load.waiting,
            kv_percent: self.load.kv_percent,
            rss: self.rss,
            memory_percent: self.memory_percent,
            swap: self.swap,
            put_off: self.put_off.as_ref().map(|(last, at)| {
                let passed = now.0.saturating_sub(at.0) / 1_000_000;
                let retry_in_s = last.retry_in_s.map(|whole| whole.saturating_sub(passed));
                PutOff { retry_in_s, ..last.clone() }
            }),
        }
    }
}
