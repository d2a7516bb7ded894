//! The rows of the `[prefix_care]` table: what keeps the start of every prompt the same.

use super::Entry;
use crate::domain::PrefixRule;

/// A row that stands in `[prefix_care]`.
const fn row(
    name: &'static str,
    example: &'static str,
    env: &'static str,
    doc: &'static str,
) -> Entry {
    let (kind, default) = ("true or false", "true");
    Entry { table: Some("prefix_care"), name, kind, default, example, env, flag: None, doc }
}

/// The row of a rule's switch.
pub(super) const fn entry(rule: PrefixRule) -> Entry {
    match rule {
        PrefixRule::Attribution => row(
            "attribution",
            "attribution = true",
            "LCC_PREFIX_CARE_ATTRIBUTION",
            "Leaves out the attribution line before the system prompt (`x-anthropic-billing-header`): it differs from session to session and after a compaction, and everything behind it would be read again.",
        ),
        PrefixRule::GitStatus => row(
            "git_status",
            "git_status = true",
            "LCC_PREFIX_CARE_GIT_STATUS",
            "Moves the git status behind the first prompt. Where it stands, every commit has all tools read again.",
        ),
        PrefixRule::Dates => row(
            "dates",
            "dates = true",
            "LCC_PREFIX_CARE_DATES",
            "Moves the date behind the first prompt, so that the next day's session begins like today's.",
        ),
        PrefixRule::SessionPaths => row(
            "session_paths",
            "session_paths = true",
            "LCC_PREFIX_CARE_SESSION_PATHS",
            "Moves the scratchpad's path, which holds the session's id, behind the first prompt.",
        ),
        PrefixRule::Environment => row(
            "environment",
            "environment = true",
            "LCC_PREFIX_CARE_ENVIRONMENT",
            "Moves working folder, agents and skills before the first prompt, where Claude Code 2.1.330 tells them after it: a new session then need not read them again.",
        ),
        PrefixRule::SystemMessages => row(
            "system_messages",
            "system_messages = true",
            "LCC_PREFIX_CARE_SYSTEM_MESSAGES",
            "Makes system messages between the others a part of the user's message beside them. Some servers put all of them first, and read everything again whenever one is added; others refuse them.",
        ),
        PrefixRule::CacheMarks => row(
            "cache_marks",
            "cache_marks = true",
            "LCC_PREFIX_CARE_CACHE_MARKS",
            "Leaves out `cache_control`, which wanders from message to message, and writes the newest prompt as it will be written from the next request on.",
        ),
        PrefixRule::ToolOrder => row(
            "tool_order",
            "tool_order = true",
            "LCC_PREFIX_CARE_TOOL_ORDER",
            "Puts the tools of MCP servers, and the keys of their schemas, into one order: theirs can differ from start to start.",
        ),
    }
}
