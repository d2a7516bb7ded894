//! The checks themselves: facts in, findings out; pure, so that each can be shown to fail.

mod engine;
mod machine;
mod model;
mod run;
mod server;
mod start;

use super::{Facts, Finding, Verdict};
use crate::domain::ServerFacts;

use super::facts::ServerFact;

/// All findings, in the order in which a start would meet them.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Finding> {
    const CHECKS: [fn(&Facts) -> Finding; 22] = [
        start::config,
        start::claude,
        start::api_key,
        start::base_url,
        start::sandbox,
        start::terminal,
        server::server,
        server::version,
        server::cloud,
        model::model,
        model::tools,
        model::modelfile,
        model::window,
        engine::flash_attention,
        engine::slots,
        engine::keep_alive,
        engine::variables,
        machine::memory,
        machine::swap,
        run::thinking,
        run::reread,
        run::smoke,
    ];
    CHECKS.iter().map(|check| check(facts)).collect()
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    not_ok(check, Verdict::Ok, found, "", "")
}

fn skipped(check: &'static str, why: impl Into<String>) -> Finding {
    not_ok(check, Verdict::Skipped, why, "", "")
}

fn not_ok(
    check: &'static str,
    verdict: Verdict,
    found: impl Into<String>,
    why: impl Into<String>,
    fix: impl Into<String>,
) -> Finding {
    Finding { check, verdict, found: found.into(), why: why.into(), fix: fix.into() }
}

/// What the server said, when one answered.
fn found(facts: &Facts) -> Option<&ServerFacts> {
    match &facts.server {
        ServerFact::Found { facts, .. } => Some(facts),
        ServerFact::Silent { .. } | ServerFact::Barred { .. } | ServerFact::Nowhere => None,
    }
}

/// Why a check of the server says nothing.
const NO_SERVER: &str = "no server to ask";

#[cfg(test)]
mod tests;
