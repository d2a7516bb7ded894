//! The user's own profiles: `[profiles.NAME]` tables of the file, read with every problem's line.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::suggest::nearest;
use crate::domain::{Equipment, Profile};

/// The table that holds them.
pub(super) const TABLE: &str = "profiles";
/// What a profile may say.
const KEYS: [&str; 4] = ["base", "tools", "env", "flags"];
/// Variables that may be set, besides Claude Code's own switches.
const VARIABLES: [&str; 12] = [
    "BASH_DEFAULT_TIMEOUT_MS",
    "BASH_MAX_OUTPUT_LENGTH",
    "BASH_MAX_TIMEOUT_MS",
    "CLAUDE_CODE_EFFORT_LEVEL",
    "CLAUDE_CODE_FILE_READ_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY",
    "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT",
    "ENABLE_TOOL_SEARCH",
    "MAX_MCP_OUTPUT_TOKENS",
    "MCP_TIMEOUT",
    "MCP_TOOL_TIMEOUT",
    "TASK_MAX_OUTPUT_LENGTH",
];
/// How the names of switches begin.
const SWITCHES: [&str; 2] = ["CLAUDE_CODE_DISABLE_", "CLAUDE_CODE_ENABLE_"];
/// Switches that lcc answers for: nothing leaves, and the model does not think unasked.
const KEPT: [&str; 4] = [
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL",
    "CLAUDE_CODE_DISABLE_THINKING",
    "CLAUDE_CODE_ENABLE_TELEMETRY",
];
/// Flags that lcc sets, or that would end the session it shows.
const KEPT_FLAGS: [(&str, &str); 15] = [
    ("--tools", "name them by tools = […]"),
    ("--model", "use the setting model"),
    ("--print", "the cockpit needs the interactive mode"),
    ("-p", "the cockpit needs the interactive mode"),
    ("--bare", "it leaves out what the cockpit relies on"),
    ("--disable-slash-commands", "it takes /compact away"),
    ("--dangerously-skip-permissions", "the sandbox tier decides that"),
    ("--permission-mode", "the sandbox tier decides that"),
    ("--session-id", "lcc gives it"),
    ("--resume", "use lcc --resume"),
    ("-r", "use lcc --resume"),
    ("--continue", "use lcc --resume"),
    ("-c", "use lcc --resume"),
    ("--background", "the cockpit needs it in the foreground"),
    ("--", "the flags of a session come after it"),
];

/// A problem: where it starts in the text, what was written, what is wrong.
pub(super) type Wrong = (usize, String, String);

type Name<'a> = Spanned<DeString<'a>>;

/// Reads all of them; those with a problem are left out.
pub(super) fn read(profiles: &DeTable<'_>, wrong: &mut Vec<Wrong>) -> BTreeMap<String, Equipment> {
    let mut own = BTreeMap::new();
    for (name, value) in profiles {
        let before = wrong.len();
        let path = format!("{TABLE}.{}", name.get_ref());
        let at = name.span().start;
        if let Some(message) = bad_name(name.get_ref()) {
            wrong.push((at, path, message));
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("expected a table, written [{path}]");
            wrong.push((at, path, message));
            continue;
        };
        let profile = one(name.get_ref(), &path, table, wrong);
        if wrong.len() == before {
            own.insert(profile.name.clone(), profile);
        }
    }
    own
}

fn bad_name(name: &str) -> Option<String> {
    if name.parse::<Profile>().is_ok() {
        return Some("this name is lcc's own; give your profile another".to_owned());
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    (name.is_empty() || name.len() > 32 || !name.chars().all(plain))
        .then(|| "expected up to 32 lower-case letters, digits, - and _".to_owned())
}

fn one(name: &str, path: &str, table: &DeTable<'_>, wrong: &mut Vec<Wrong>) -> Equipment {
    let mut profile = Equipment { name: name.to_owned(), ..Profile::Lean.into() };
    for (key, value) in table {
        let mut say = |what: &str, message: String| {
            wrong.push((key.span().start, format!("{path}.{what}"), message));
        };
        let value = value.get_ref();
        match key.get_ref().as_ref() {
            "base" => match value.as_str().map(str::parse::<Profile>) {
                Some(Ok(base)) => profile.base = base,
                Some(Err(expected)) => say("base", expected),
                None => say("base", "expected lean, standard or full, in quotes".to_owned()),
            },
            "tools" => match words(value) {
                Some(tools) if tools.is_empty() => say(
                    "tools",
                    "expected one tool at least: without any Claude Code can do nothing".to_owned(),
                ),
                Some(tools) => match tools.iter().find(|tool| !is_tool(tool)) {
                    Some(tool) => say("tools", format!("{tool:?} is not the name of a tool")),
                    None => profile.tools = Some(tools),
                },
                None => say("tools", "expected a list like [\"Bash\", \"Read\"]".to_owned()),
            },
            "flags" => match words(value) {
                Some(flags) => match flags.iter().find_map(|flag| kept_flag(flag)) {
                    Some(message) => say("flags", message),
                    None => profile.flags = flags,
                },
                None => {
                    say("flags", "expected a list of words, a flag or its value each".to_owned());
                }
            },
            "env" => match value.as_table() {
                Some(env) => profile.env = variables(path, env, wrong),
                None => say("env", "expected a table like { NAME = \"1\" }".to_owned()),
            },
            other => {
                let message = nearest(other, KEYS).map_or_else(
                    || format!("unknown key (a profile has {})", KEYS.join(", ")),
                    |meant| format!("unknown key (did you mean {meant}?)"),
                );
                say(other, message);
            }
        }
    }
    profile
}

fn words(value: &DeValue<'_>) -> Option<Vec<String>> {
    let word = |v: &Spanned<DeValue<'_>>| v.get_ref().as_str().map(str::to_owned);
    value.as_array()?.iter().map(word).collect()
}

/// `Bash`, `mcp__server__tool`, but nothing that would end the list or open a rule.
fn is_tool(tool: &str) -> bool {
    tool.starts_with(|c: char| c.is_ascii_alphabetic())
        && tool.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn kept_flag(flag: &str) -> Option<String> {
    let bare = flag.split_once('=').map_or(flag, |(name, _)| name);
    let (name, why) = KEPT_FLAGS.iter().find(|(name, _)| *name == bare)?;
    Some(format!("{name} cannot be set here: {why}"))
}

fn variables(path: &str, env: &DeTable<'_>, wrong: &mut Vec<Wrong>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in env {
        match variable(name, value.get_ref()) {
            Ok(value) => drop(all.insert(name.get_ref().to_string(), value)),
            Err(message) => {
                wrong.push((name.span().start, format!("{path}.env.{}", name.get_ref()), message));
            }
        }
    }
    all
}

fn variable(name: &Name<'_>, value: &DeValue<'_>) -> Result<String, String> {
    let name = name.get_ref().as_ref();
    if KEPT.contains(&name) {
        return Err("lcc sets this one itself, so that nothing leaves this machine and the model \
                    thinks only when it may"
            .to_owned());
    }
    if !VARIABLES.contains(&name) && !SWITCHES.iter().any(|start| name.starts_with(start)) {
        let near = nearest(name, VARIABLES).map_or_else(
            || format!("{}*, {}* or one of {}", SWITCHES[0], SWITCHES[1], VARIABLES.join(", ")),
            |meant| format!("did you mean {meant}?"),
        );
        return Err(format!("a profile may not set this variable ({near})"));
    }
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Boolean(true) => Ok("1".to_owned()),
        DeValue::Boolean(false) => Ok("0".to_owned()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            Err("expected a text, a whole number, true or false".to_owned())
        }
    }
}
