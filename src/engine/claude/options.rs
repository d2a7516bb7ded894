//! The options of Claude Code that make a profile, each with the first version that knows it.
//!
//! Where the changelog names the version that brought an option, that version stands here; else
//! the oldest one whose program was looked into (2.1.197). A newer version than any of these is
//! taken to know them all, and so is one that could not be read.

use std::collections::BTreeMap;

use super::Version;
use crate::{
    domain::{Equipment, Profile},
    engine::window::Compacts,
};

/// From which profile on an option is set, counted from the full one down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    /// In `standard` and `lean`.
    Full,
    /// In `lean` alone.
    Standard,
}

impl Below {
    const fn holds(self, base: Profile) -> bool {
        match (self, base) {
            (Self::Full, Profile::Lean | Profile::Standard) | (Self::Standard, Profile::Lean) => {
                true
            }
            (Self::Full | Self::Standard, Profile::Full) | (Self::Standard, Profile::Standard) => {
                false
            }
        }
    }
}

/// One environment variable.
struct Switch {
    name: &'static str,
    value: &'static str,
    below: Below,
    since: Version,
}

const fn switch(
    name: &'static str,
    value: &'static str,
    below: Below,
    (major, minor, patch): (u32, u32, u32),
) -> Switch {
    Switch { name, value, below, since: Version { major, minor, patch } }
}

const SWITCHES: [Switch; 11] = [
    // Fields and headers that only Anthropic's own servers understand.
    switch("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", Below::Full, (2, 1, 25)),
    // Requests of its own: suggestions, recaps, a second opinion.
    switch("CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION", "false", Below::Full, (2, 1, 197)),
    switch("CLAUDE_CODE_ENABLE_AWAY_SUMMARY", "0", Below::Full, (2, 1, 108)),
    switch("CLAUDE_CODE_DISABLE_ADVISOR_TOOL", "1", Below::Full, (2, 1, 197)),
    // Tools of 1,500 to 5,000 tokens that orchestrate many models or wake up later.
    switch("CLAUDE_CODE_DISABLE_WORKFLOWS", "1", Below::Full, (2, 1, 197)),
    switch("CLAUDE_CODE_DISABLE_CRON", "1", Below::Full, (2, 1, 72)),
    // How to commit, and the git status of the start: 200 to 500 tokens.
    switch("CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS", "1", Below::Standard, (2, 1, 69)),
    // Memory files and how to keep them: 500 tokens.
    switch("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1", Below::Standard, (2, 1, 197)),
    switch("CLAUDE_CODE_DISABLE_BUNDLED_SKILLS", "1", Below::Standard, (2, 1, 169)),
    switch("CLAUDE_CODE_DISABLE_EXPLORE_PLAN_AGENTS", "1", Below::Standard, (2, 1, 330)),
    switch("CLAUDE_CODE_DISABLE_TERMINAL_TITLE", "1", Below::Standard, (2, 1, 72)),
];

/// `--tools` and `--strict-mcp-config`.
const LISTS_TOOLS: Version = Version { major: 2, minor: 1, patch: 0 };
/// `CLAUDE_CODE_MAX_CONTEXT_TOKENS`.
const KNOWS_CONTEXT: Version = Version { major: 2, minor: 1, patch: 98 };
/// The last version seen to compact only when a prompt was refused.
const LAST_WITHOUT_THRESHOLD: Version = Version { major: 2, minor: 1, patch: 197 };
/// The first version seen that offers no to-do tools unless they are named.
const NO_TASKS: Version = Version { major: 2, minor: 1, patch: 330 };

/// The flag by which Claude Code draws for a screen reader: flat text, no borders. Both versions
/// looked into know it.
pub const SCREEN_READER: (&str, Version) =
    ("--ax-screen-reader", Version { major: 2, minor: 1, patch: 197 });

/// That flag, where the version knows it; `None` as a version: not known, taken for new.
#[must_use]
pub fn screen_reader(version: Option<Version>) -> Option<&'static str> {
    let (flag, since) = SCREEN_READER;
    version.is_none_or(|version| version >= since).then_some(flag)
}

/// The six tools that work offline on a small model.
pub const LEAN_TOOLS: [&str; 6] = ["Bash", "Edit", "Read", "Write", "Glob", "Grep"];
/// What `standard` adds to them: agents, plans, questions, notebooks, skills. Not what needs the
/// network, nor worktrees, messages between sessions and wake-ups.
const STANDARD_TOOLS: [&str; 6] =
    ["Agent", "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "NotebookEdit", "Skill"];
/// To-dos, where the version offers them by itself.
const TASK_TOOLS: [&str; 6] =
    ["TaskCreate", "TaskGet", "TaskList", "TaskOutput", "TaskStop", "TaskUpdate"];

/// What a profile comes to on one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Flags, word by word; no list of words ends them.
    pub flags: Vec<String>,
    /// What this version does not know.
    pub left_out: Vec<String>,
}

/// The options of a profile on a version of Claude Code; `None`: not known, taken for new.
#[must_use]
pub fn options(equipment: &Equipment, version: Option<Version>) -> Options {
    let knows = |since: Version| version.is_none_or(|version| version >= since);
    let mut chosen = Options::default();
    for switch in SWITCHES.iter().filter(|s| s.below.holds(equipment.base)) {
        // Taken back by the user's own profile.
        if equipment.env.get(switch.name).is_some_and(String::is_empty) {
            continue;
        }
        chosen.env.insert(switch.name.to_owned(), switch.value.to_owned());
    }
    let own = equipment.env.iter().filter(|(_, value)| !value.is_empty());
    chosen.env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    for switch in SWITCHES.iter().filter(|s| !knows(s.since)) {
        if chosen.env.remove(switch.name).is_some() {
            chosen.left_out.push(switch.name.to_owned());
        }
    }
    if !knows(KNOWS_CONTEXT) {
        chosen.left_out.push("CLAUDE_CODE_MAX_CONTEXT_TOKENS".to_owned());
    }
    if let Some(tools) = tools(equipment, version) {
        if knows(LISTS_TOOLS) {
            chosen.flags.extend(["--tools".to_owned(), tools]);
        } else {
            chosen.left_out.push("--tools".to_owned());
        }
    }
    match equipment.base {
        Profile::Lean if knows(LISTS_TOOLS) => chosen.flags.push("--strict-mcp-config".to_owned()),
        Profile::Lean => chosen.left_out.push("--strict-mcp-config".to_owned()),
        Profile::Standard | Profile::Full => {}
    }
    chosen.flags.extend(equipment.flags.iter().cloned());
    chosen
}

fn tools(equipment: &Equipment, version: Option<Version>) -> Option<String> {
    if let Some(own) = &equipment.tools {
        return Some(own.join(","));
    }
    match equipment.base {
        Profile::Lean => Some(LEAN_TOOLS.join(",")),
        Profile::Standard => {
            let mut all = [&LEAN_TOOLS[..], &STANDARD_TOOLS].concat();
            if version.is_some_and(|version| version < NO_TASKS) {
                all.extend(TASK_TOOLS);
            }
            Some(all.join(","))
        }
        Profile::Full => None,
    }
}

/// How a version compacts by itself. Between the two that were looked at the newer way is taken:
/// if it is wrong there, the footer alone is off.
#[must_use]
pub fn compacts(version: Option<Version>) -> Compacts {
    match version {
        Some(version) if version <= LAST_WITHOUT_THRESHOLD => Compacts::WhenRefused,
        Some(_) | None => Compacts::AtThreshold,
    }
}

/// Why a model's name keeps Claude Code from believing what lcc tells it of the window.
#[must_use]
pub fn misleading(model: &str) -> Option<String> {
    model.to_ascii_lowercase().starts_with("claude-").then(|| {
        format!(
            "the server calls its model {model}: Claude Code takes it for Anthropic's own and \
             believes in that one's window, so its footer is wrong and it does not compact in \
             time. Give the model another name on the server"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(profile: Profile, version: &str) -> Options {
        options(&profile.into(), version.parse().ok())
    }

    #[test]
    fn each_profile_on_both_versions() {
        let lean = of(Profile::Lean, "2.1.330");
        assert_eq!(
            lean.flags,
            ["--tools", "Bash,Edit,Read,Write,Glob,Grep", "--strict-mcp-config"]
        );
        assert_eq!((lean.env.len(), lean.left_out.len()), (SWITCHES.len(), 0));
        let old = of(Profile::Lean, "2.1.197");
        assert_eq!(old.left_out, ["CLAUDE_CODE_DISABLE_EXPLORE_PLAN_AGENTS"]);
        assert_eq!(old.env.len(), SWITCHES.len() - 1);
        let standard = of(Profile::Standard, "2.1.330");
        assert!(standard.flags[1].contains("Agent") && !standard.flags[1].contains("Task"));
        assert!(of(Profile::Standard, "2.1.197").flags[1].ends_with("TaskStop,TaskUpdate"));
        assert!(!standard.env.contains_key("CLAUDE_CODE_DISABLE_AUTO_MEMORY"));
        for version in ["2.1.197", "2.1.330", "3.0.0", "?"] {
            assert_eq!(of(Profile::Full, version), Options::default(), "{version}");
        }
    }

    #[test]
    fn an_old_version_is_spared_what_it_does_not_know() {
        let got = of(Profile::Lean, "2.0.76");
        assert_eq!(got.flags, Vec::<String>::new());
        assert_eq!(got.env.into_keys().collect::<Vec<_>>(), Vec::<String>::new());
        for name in ["--tools", "--strict-mcp-config", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"] {
            assert!(got.left_out.iter().any(|n| n == name), "{name}");
        }
        let newest = of(Profile::Lean, "9.0.0");
        assert_eq!(newest, options(&Profile::Lean.into(), None));
        assert_eq!(newest.left_out, Vec::<String>::new());
    }

    #[test]
    fn one_s_own_profile_is_built_on_its_base() {
        let own = Equipment {
            name: "mine".into(),
            tools: Some(vec!["Bash".into(), "Agent".into()]),
            env: BTreeMap::from([
                ("CLAUDE_CODE_DISABLE_AUTO_MEMORY".into(), String::new()),
                ("BASH_MAX_OUTPUT_LENGTH".into(), "9000".into()),
            ]),
            flags: vec!["--append-system-prompt".into(), "Be brief.".into()],
            ..Profile::Lean.into()
        };
        let got = options(&own, "2.1.330".parse().ok());
        assert_eq!(
            got.flags,
            ["--tools", "Bash,Agent", "--strict-mcp-config", "--append-system-prompt", "Be brief."]
        );
        assert!(!got.env.contains_key("CLAUDE_CODE_DISABLE_AUTO_MEMORY"));
        assert_eq!(got.env["BASH_MAX_OUTPUT_LENGTH"], "9000");
        assert_eq!(got.env["CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS"], "1");
    }

    #[test]
    fn versions_compact_in_their_own_way() {
        for (version, way) in [
            ("2.1.100", Compacts::WhenRefused),
            ("2.1.197", Compacts::WhenRefused),
            ("2.1.198", Compacts::AtThreshold),
            ("2.1.330", Compacts::AtThreshold),
            ("none", Compacts::AtThreshold),
        ] {
            assert_eq!(compacts(version.parse().ok()), way, "{version}");
        }
        assert!(misleading("claude-3.7-distill").is_some() && misleading("qwen3").is_none());
    }
}
