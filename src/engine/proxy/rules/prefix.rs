//! Keeps the start of every prompt the same from turn to turn and from session to session.
//!
//! A server reuses what it has read as far as a prompt begins like the one before. These rules
//! take out of the way what Claude Code changes there. Nothing is lost: text is moved, never
//! dropped, but for the attribution line, which says nothing to a model.
//!
//! | rule | the break it prevents |
//! |---|---|
//! | `attribution` | the line `x-anthropic-billing-header: cc_version=…` stands before all else and differs from session to session, after a compaction too: everything is read again |
//! | `git_status` | the git status ends the system prompt (2.1.197) or begins the first message: after every commit all tools are read again |
//! | `dates` | on the next day what follows the date is read again |
//! | `session_paths` | the scratchpad's path in the system prompt holds the session's id: every session reads all tools again |
//! | `environment` | from 2.1.330 on working folder, agents and skills follow the first prompt, and a new session reads them again; before it they are shared |
//! | `system_messages` | servers that put all system messages first (Ollama, templates of Qwen) read everything again whenever one is added; other templates refuse them |
//! | `cache_marks` | `cache_control` wanders from the last message to the next, and the newest prompt is written as a list and later as a text: the bytes differ where the prompt does not |
//! | `tool_order` | MCP servers list their tools, and these their keys, in an order that can differ from start to start |
//!
//! A request that a rule does not know passes untouched, byte for byte. Applied twice, a rule
//! does no more than once.

mod attribution;
mod opening;
mod reminder;
mod system;
mod talk;
mod tools;

use super::{edits::Edits, json::Fields};
use crate::domain::{PrefixCare, PrefixRule};

/// Adds to `edits` what the rules in force change in a body with these fields, and tells which did.
pub(super) fn edit<'a>(
    care: PrefixCare,
    fields: &Fields<'a>,
    edits: &mut Edits<'a>,
) -> Vec<PrefixRule> {
    if care == PrefixCare::OFF {
        return Vec::new();
    }
    let mut work = Work { care, did: Vec::new() };
    let talk = fields.get("messages").and_then(talk::Talk::read);
    let opening = talk.as_ref().and_then(|talk| talk.opening(&work));
    let mut moved = Vec::new();
    if let Some(raw) = fields.get("system")
        && let Some(new) = system::edit(raw, opening.is_some(), &mut moved, &mut work)
    {
        edits.replace(raw, new);
    }
    if let Some(raw) = fields.get("tools") {
        tools::edit(raw, edits, &mut work);
    }
    if let Some(talk) = talk {
        talk.edit(opening, &moved, edits, &mut work);
    }
    work.did.sort_unstable();
    work.did.dedup();
    work.did
}

/// The rules in force, and those that had something to do.
struct Work {
    care: PrefixCare,
    did: Vec<PrefixRule>,
}

impl Work {
    fn has(&self, rule: PrefixRule) -> bool {
        self.care.has(rule)
    }

    fn did(&mut self, rule: PrefixRule) {
        self.did.push(rule);
    }
}
