//! What a start needs before any server: settings, Claude Code, no door to the cloud, sandbox.

use super::{not_ok, ok};
use crate::{
    commands::doctor::{
        Finding, Verdict,
        facts::{ClaudeFact, Facts, KeyPlace, SandboxFact, ServerFact},
    },
    domain::Tier,
    engine::claude::Version,
};

/// The oldest Claude Code that lcc's tests drive.
pub(super) const OLDEST: Version = Version { major: 2, minor: 1, patch: 197 };

pub(super) fn config(facts: &Facts) -> Finding {
    match &facts.config {
        Ok(Some(path)) => ok("config", path.clone()),
        Ok(None) => ok("config", "no file, defaults"),
        Err(problems) => not_ok(
            "config",
            Verdict::Failure,
            problems.clone(),
            "lcc does not start with settings it does not understand.",
            "mend the lines above; lcc config check looks again",
        ),
    }
}

pub(super) fn claude(facts: &Facts) -> Finding {
    const NAME: &str = "claude code";
    match &facts.claude {
        ClaudeFact::Found { path, version: Some(v) } if *v >= OLDEST => {
            ok(NAME, format!("{v} at {path}"))
        }
        ClaudeFact::Found { path, version: Some(v) } => not_ok(
            NAME,
            Verdict::Warning,
            format!("{v} at {path}"),
            format!(
                "lcc is tested with {OLDEST} and newer. Before 2.1.181 a line of the system \
                 prompt changed with every request: the whole prompt, 4,300 tokens and more, is \
                 read again each time."
            ),
            "npm install -g @anthropic-ai/claude-code",
        ),
        ClaudeFact::Found { path, version: None } => not_ok(
            NAME,
            Verdict::Failure,
            format!("{path} does not tell its version"),
            "a program that does not answer `--version` will not start either.",
            "npm install -g @anthropic-ai/claude-code",
        ),
        ClaudeFact::Missing(words) => {
            not_ok(NAME, Verdict::Failure, "not found", "it is what lcc runs.", words.clone())
        }
    }
}

pub(super) fn api_key(facts: &Facts) -> Finding {
    const NAME: &str = "api key";
    let project = facts.api_keys.iter().find_map(|place| match place {
        KeyPlace::Project { file, entry } => Some((file, entry)),
        KeyPlace::Shell => None,
    });
    if let Some((file, entry)) = project {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("{entry} in {file}"),
            "Claude Code reads this file itself and would take the key for an account in the \
             cloud; it is ANTHROPIC_AUTH_TOKEN, any value, that belongs to a local server, and \
             lcc sets it.",
            format!("remove {entry} from {file}"),
        );
    }
    if facts.api_keys.is_empty() {
        return ok(NAME, "none in reach of Claude Code");
    }
    not_ok(
        NAME,
        Verdict::Warning,
        "ANTHROPIC_API_KEY is set in this shell",
        "lcc never passes it on, but a bare claude started here would use it, the cloud, and \
         your money.",
        "unset ANTHROPIC_API_KEY",
    )
}

pub(super) fn base_url(facts: &Facts) -> Finding {
    const NAME: &str = "base url";
    if let Some((file, value)) = facts.base_urls.first() {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("{file} sets ANTHROPIC_BASE_URL to {value}"),
            "Claude Code reads this file itself and would go there, past lcc's proxy: in the \
             sandbox every request fails, without it they leave this machine.",
            format!("remove ANTHROPIC_BASE_URL from {file}; lcc sets it to its own proxy"),
        );
    }
    match &facts.server {
        ServerFact::Found { url, here: false, .. } => not_ok(
            NAME,
            Verdict::Warning,
            format!("the model server is on another machine: {url}"),
            "every prompt, with what Claude Code has read of your files, goes over the network.",
            "start a server on this machine, or keep allow_remote = true if this one is yours",
        ),
        ServerFact::Found { url, here: true, .. } => {
            ok(NAME, format!("loopback: Claude Code to lcc's proxy, the proxy to {url}"))
        }
        ServerFact::Silent { .. } | ServerFact::Barred { .. } | ServerFact::Nowhere => {
            ok(NAME, "loopback: Claude Code speaks to lcc's proxy alone")
        }
    }
}

pub(super) fn sandbox(facts: &Facts) -> Finding {
    match (facts.tier, &facts.sandbox) {
        (Tier::Off, _) => not_ok(
            "sandbox",
            Verdict::Warning,
            "switched off",
            "Claude Code can reach all your files and the network; it asks before each step.",
            "remove sandbox = \"off\" from the configuration",
        ),
        (Tier::Strict, SandboxFact::Ready(words)) => ok("sandbox", words.clone()),
        (Tier::Reduced, SandboxFact::Ready(lacks)) => not_ok(
            "sandbox",
            Verdict::Warning,
            "reduced, by Landlock, seccomp and lcc's connection broker",
            format!("it is weaker than the strict one. {lacks}"),
            "remove sandbox = \"reduced\" where user namespaces are allowed",
        ),
        (Tier::Strict | Tier::Reduced, SandboxFact::Unavailable(words)) => not_ok(
            "sandbox",
            Verdict::Failure,
            "not to be had here",
            "without it lcc does not skip Claude Code's permission prompts.",
            words.clone(),
        ),
    }
}

pub(super) fn terminal(facts: &Facts) -> Finding {
    let (term, is_terminal) = &facts.terminal;
    match (term.as_deref(), is_terminal) {
        (Some("dumb") | None, true) => not_ok(
            "terminal",
            Verdict::Failure,
            "TERM says that this terminal cannot draw",
            "the cockpit is a full-screen program.",
            "use a terminal emulator, or set TERM=xterm-256color",
        ),
        (_, false) => ok("terminal", "none here (output is not a terminal)"),
        (Some(name), true) => ok("terminal", name),
    }
}
