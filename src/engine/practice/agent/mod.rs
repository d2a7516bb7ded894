//! The scripted agent: what it answers follows from the request alone, so the same request gets
//! the same answer.
//!
//! On a prompt without directives it plays a short piece of work with Claude Code's own tools:
//! `Bash` lists the project, `Read` reads a file of the list, `Write` leaves a note (`Edit`
//! changes it at later prompts), and a last message says that no model was at work. A request
//! for a summary is given one; a request without tools (a title) is given a short answer in the
//! form it asks for. Prompts can steer it: see [`directive`].

mod conversation;
pub mod directive;
mod listing;
mod play;
mod side;

use serde_json::Value;

use super::answer::Answer;
use super::script::Script;
use conversation::Conversation;
use directive::Directives;

/// What the agent decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What to write.
    pub answer: Answer,
    /// The fault the prompt asks for, if it does.
    pub fault: Option<Script>,
}

/// The agent's answer to a request of `/v1/messages`.
#[must_use]
pub fn decide(request: &Value) -> Decision {
    let conversation = Conversation::read(request);
    if let Some(answer) = side::formal(request, &conversation) {
        return Decision { answer: Answer::text(answer), fault: None };
    }
    let directives = Directives::read(&conversation.prompt);
    let answer = if conversation.wants_summary() {
        Answer::text(side::summary(&conversation))
    } else if conversation.tools.is_empty() && directives.is_empty() {
        Answer::text(side::NO_MODEL)
    } else {
        play::next(&conversation, &directives)
    };
    Decision { answer, fault: directives.fault }
}

/// Whether a request asks for a summary of its conversation.
#[must_use]
pub fn wants_summary(request: &Value) -> bool {
    Conversation::read(request).wants_summary()
}

/// The thinking of the leak scripts.
const LEAKED: &str = "Nobody asked for this thinking: the practice server's leak script writes it.";

/// The answer as the scripts that leak thinking change it.
#[must_use]
pub fn leak(mut answer: Answer, script: Script) -> Answer {
    match script {
        Script::Leak => answer.thinking = format!("{LEAKED} {}", answer.thinking),
        Script::LeakText => answer.text = format!("<think>\n{LEAKED}\n</think>\n\n{}", answer.text),
        Script::Normal
        | Script::Die(_)
        | Script::ServerError
        | Script::Overflow
        | Script::Slow(_)
        | Script::Garbage(_)
        | Script::RestoreLies
        | Script::ErrorEvent(_) => {}
    }
    answer
}

#[cfg(test)]
mod tests;
