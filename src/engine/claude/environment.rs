//! The whole environment of Claude Code, built here and nowhere else; nothing is inherited.
//!
//! The child gets an allow-list: its own identity, a plain terminal, lcc's proxy as its only
//! server, and switches that keep it quiet. Which variable does what is Anthropic's
//! documentation, checked against Claude Code 2.1.197 and 2.1.330.

use std::collections::BTreeMap;

use crate::{domain::Tier, engine::window::Belief};

use super::Options;

/// What the environment depends on.
#[derive(Debug, Clone)]
pub struct EnvironmentInputs<'a> {
    /// `http://127.0.0.1:PORT` of lcc's proxy: a literal address, so that nothing is resolved.
    pub base_url: &'a str,
    /// What Claude Code must show to the proxy.
    pub token: &'a str,
    /// The model's name as the server knows it.
    pub model: &'a str,
    /// What Claude Code must believe of the window.
    pub belief: Belief,
    /// What the profile comes to on this version.
    pub options: &'a Options,
    /// The sandbox in force.
    pub tier: Tier,
    /// Home folder as the child sees it.
    pub home: &'a str,
    /// `PATH` as the child sees it.
    pub path: &'a str,
    /// The outer `LANG`, when it names a UTF-8 locale.
    pub lang: Option<&'a str>,
    /// The outer time zone.
    pub tz: Option<&'a str>,
    /// What toolchains need and what the user passes; lcc's own variables stand above it.
    pub more: &'a BTreeMap<String, String>,
    /// Whether lcc runs as user 0 outside any sandbox.
    pub bare_root: bool,
}

/// One hour: no watchdog of the client may fire while a slow machine reads a prompt.
const PATIENCE_MS: &str = "3600000";

/// Always set: identity of the terminal, quietness, patience.
const ALWAYS: &[(&str, &str)] = &[
    // The pane's own identity: enough for synchronized output and hardware scrolling, without
    // posing as another terminal.
    ("TERM", "xterm-256color"),
    ("COLORTERM", "truecolor"),
    ("TERM_PROGRAM", "lcc"),
    ("TERM_PROGRAM_VERSION", env!("CARGO_PKG_VERSION")),
    ("CLAUDE_CODE_FORCE_SYNC_OUTPUT", "1"),
    ("FORCE_HYPERLINK", "1"),
    ("CLAUDE_CODE_NATIVE_CURSOR", "1"),
    // Nothing leaves, nothing asks.
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_INSTALLATION_CHECKS", "1"),
    ("DISABLE_FEEDBACK_COMMAND", "1"),
    ("CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY", "1"),
    ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"),
    // Lines that change from request to request and would cost the prefix cache.
    ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
    ("CLAUDE_CODE_TOTAL_TOKENS_REMINDER", "off"),
    // Thinking off; the proxy enforces it once more.
    ("MAX_THINKING_TOKENS", "0"),
    ("CLAUDE_CODE_DISABLE_THINKING", "1"),
    // Patience: pings alone do not hold the client, these do.
    ("API_TIMEOUT_MS", PATIENCE_MS),
    ("API_FORCE_IDLE_TIMEOUT", "0"),
    ("CLAUDE_ENABLE_STREAM_WATCHDOG", "0"),
    ("CLAUDE_ENABLE_BYTE_WATCHDOG", "0"),
    ("CLAUDE_STREAM_IDLE_TIMEOUT_MS", PATIENCE_MS),
];

/// The environment, complete.
#[must_use]
pub fn environment(inputs: &EnvironmentInputs<'_>) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = inputs.more.clone();
    let mut set = |pairs: &[(&str, &str)]| {
        env.extend(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    };
    let belief = &inputs.belief;
    let (tokens, chars) = (belief.result.to_string(), belief.result_chars().to_string());
    // One tool result must not fill the window.
    set(&[
        ("BASH_MAX_OUTPUT_LENGTH", &chars),
        ("TASK_MAX_OUTPUT_LENGTH", &chars),
        ("MAX_MCP_OUTPUT_TOKENS", &tokens),
        ("CLAUDE_CODE_FILE_READ_MAX_OUTPUT_TOKENS", &tokens),
    ]);
    let own: Vec<(&str, &str)> =
        inputs.options.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    set(&own);
    set(ALWAYS);
    let config_dir = format!("{}/.claude", inputs.home);
    set(&[
        ("ANTHROPIC_BASE_URL", inputs.base_url),
        // A bearer and never an API key: with a key Claude Code may believe in a cloud account.
        ("ANTHROPIC_AUTH_TOKEN", inputs.token),
        ("ANTHROPIC_MODEL", inputs.model),
        ("ANTHROPIC_DEFAULT_OPUS_MODEL", inputs.model),
        ("ANTHROPIC_DEFAULT_SONNET_MODEL", inputs.model),
        ("ANTHROPIC_DEFAULT_HAIKU_MODEL", inputs.model),
        ("CLAUDE_CODE_SUBAGENT_MODEL", inputs.model),
        ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", &belief.context.to_string()),
        ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", &belief.output.to_string()),
        ("HOME", inputs.home),
        ("CLAUDE_CONFIG_DIR", &config_dir),
        ("USER", "lcc"),
        ("LOGNAME", "lcc"),
        ("SHELL", "/bin/bash"),
        ("PATH", inputs.path),
        ("LANG", inputs.lang.unwrap_or("C.UTF-8")),
    ]);
    match inputs.tier {
        Tier::Strict | Tier::Reduced => set(&[("TMPDIR", "/tmp")]),
        Tier::Off => {}
    }
    if inputs.bare_root {
        set(&[("IS_SANDBOX", "1")]);
    }
    if let Some(tz) = inputs.tz {
        set(&[("TZ", tz)]);
    }
    for unknown in &inputs.options.left_out {
        env.remove(unknown);
    }
    env
}

#[cfg(test)]
mod tests {
    use super::{super::options, *};
    use crate::{
        domain::Profile,
        engine::window::{Compacts, believe},
    };

    fn of(profile: Profile) -> BTreeMap<String, String> {
        environment(&EnvironmentInputs {
            base_url: "http://127.0.0.1:3128",
            token: "t",
            model: "m",
            belief: believe(Compacts::WhenRefused, 32_768, 4_096, 26_872),
            options: &options(&profile.into(), None),
            tier: Tier::Strict,
            home: "/home/lcc",
            path: "/usr/bin:/bin",
            lang: None,
            tz: None,
            more: &BTreeMap::new(),
            bare_root: false,
        })
    }

    #[test]
    fn no_api_key_and_a_literal_loopback_address() {
        for profile in Profile::ALL {
            let env = of(profile);
            assert!(!env.contains_key("ANTHROPIC_API_KEY"));
            assert!(env["ANTHROPIC_BASE_URL"].starts_with("http://127.0.0.1:"));
            assert_eq!(env["ANTHROPIC_AUTH_TOKEN"], "t");
        }
    }

    #[test]
    fn it_is_told_what_it_must_believe() {
        let env = of(Profile::Lean);
        assert_eq!(env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"], "36864");
        assert_eq!(env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"], "4096");
    }

    #[test]
    fn what_is_passed_cannot_stand_in_for_lccs_own() {
        let more = ["ANTHROPIC_BASE_URL", "HOME", "PATH", "CARGO_HOME"]
            .map(|name| (name.to_owned(), "passed".to_owned()));
        let env = environment(&EnvironmentInputs {
            base_url: "http://127.0.0.1:1",
            token: "t",
            model: "m",
            belief: believe(Compacts::WhenRefused, 32_768, 4_096, 26_872),
            options: &options(&Profile::Lean.into(), None),
            tier: Tier::Strict,
            home: "/h",
            path: "/bin",
            lang: None,
            tz: None,
            more: &more.into(),
            bare_root: false,
        });
        assert_eq!(env["CARGO_HOME"], "passed");
        assert_eq!((env["HOME"].as_str(), env["PATH"].as_str()), ("/h", "/bin"));
        assert_eq!(env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:1");
    }

    #[test]
    fn nothing_of_the_outer_terminal_can_come_in() {
        let env = of(Profile::Full);
        for name in ["TMUX", "STY", "ZELLIJ", "KITTY_WINDOW_ID", "VTE_VERSION", "WT_SESSION"] {
            assert!(!env.contains_key(name));
        }
        assert_eq!(env["TERM_PROGRAM"], "lcc");
    }

    #[test]
    fn one_s_own_profile_changes_caps_but_not_what_lcc_stands_for() {
        let mut own = crate::domain::Equipment::from(Profile::Lean);
        for (name, value) in [
            ("BASH_MAX_OUTPUT_LENGTH", "9000"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "0"),
            ("ANTHROPIC_BASE_URL", "http://example.com"),
        ] {
            own.env.insert(name.into(), value.into());
        }
        let env = environment(&EnvironmentInputs {
            base_url: "http://127.0.0.1:1",
            token: "t",
            model: "m",
            belief: believe(Compacts::AtThreshold, 32_768, 4_096, 26_872),
            options: &options(&own, None),
            tier: Tier::Off,
            home: "/h",
            path: "/bin",
            lang: None,
            tz: None,
            more: &BTreeMap::new(),
            bare_root: false,
        });
        assert_eq!(env["BASH_MAX_OUTPUT_LENGTH"], "9000");
        assert_eq!(env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"], "1");
        assert_eq!(env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:1");
    }
}
