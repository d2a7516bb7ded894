//! The server and the machine as last seen.

use crate::{domain::ServerFacts, protocol::ServerFigures};

/// The last looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    facts: Option<ServerFacts>,
    answers: Option<bool>,
    rss: Option<u64>,
    memory_percent: Option<f64>,
    swap: Option<u64>,
}

impl Server {
    /// Takes a look in and tells whether the server lost what it held: it came back after being
    /// away or loading, or became another server or model.
    pub(super) fn look(&mut self, facts: Option<&ServerFacts>) -> bool {
        let was_away = self.answers == Some(false);
        let was_seen = self.facts.is_some();
        self.answers = Some(facts.is_some_and(|f| f.healthy));
        let Some(facts) = facts else { return false };
        let other = self.facts.as_ref().is_some_and(|old| {
            old.kind != facts.kind || old.version != facts.version || old.model != facts.model
        });
        self.facts = Some(facts.clone());
        was_seen && (was_away || other)
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

    pub(super) fn healthy(&self) -> bool {
        self.answers == Some(true)
    }

    pub(super) fn facts(&self) -> Option<&ServerFacts> {
        self.facts.as_ref()
    }

    pub(super) fn figures(&self, url: &str) -> ServerFigures {
        let facts = self.facts.as_ref();
        ServerFigures {
            kind: facts.map(|f| f.kind),
            version: facts.and_then(|f| f.version.clone()),
            model: facts.and_then(|f| f.model.clone()),
            url: (!url.is_empty()).then(|| url.to_owned()),
            healthy: self.answers,
            rss: self.rss,
            memory_percent: self.memory_percent,
            swap: self.swap,
        }
    }
}
