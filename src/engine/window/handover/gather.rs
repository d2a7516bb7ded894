//! What of a session somebody who takes over must know.

use std::collections::HashMap;

use super::{choices::choices, earlier, todos::Todos};
use crate::domain::transcript::{Act, ChangedFile, Entry, Todo, Transcript};

/// Failed commands that are told at most.
const FAILURES: usize = 3;
/// Decisions that are told at most.
const DECISIONS: usize = 8;
/// Of a long session so many candidates are looked through at a time.
const CANDIDATES: usize = 64;

/// The parts of a note, before anything is cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Material {
    /// The first thing the user asked for.
    pub task: String,
    /// What the user said later, oldest first.
    pub later: Vec<String>,
    /// The last plan that was laid before the user and not turned down.
    pub plan: Option<String>,
    /// The to-dos as they stand.
    pub todos: Vec<Todo>,
    /// Files that differ from the last commit; `None` where git could not be asked.
    pub changed: Option<Vec<ChangedFile>>,
    /// Files that Claude Code wrote in this session, in order of the last change.
    pub written: Vec<String>,
    /// Commands that failed and were not seen to succeed later, newest last.
    pub failures: Vec<Failure>,
    /// Sentences that state a choice, oldest first: whether the user said it, and the sentence.
    pub decisions: Vec<(bool, String)>,
    /// The last thing Claude Code said.
    pub last_answer: Option<String>,
    /// What a compaction left of the conversation before.
    pub summary: Option<String>,
    /// Whether the last turn was stopped by the user.
    pub interrupted: bool,
}

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The command.
    pub command: String,
    /// What it printed.
    pub output: String,
}

/// Picks the parts of a note from a transcript; `None` when the user said nothing in it.
/// `project`: the folder that file names are told from.
#[must_use]
pub fn gather(
    transcript: &Transcript,
    changed: Option<Vec<ChangedFile>>,
    project: &str,
) -> Option<Material> {
    let mut out = Material { changed, ..Material::default() };
    let mut said: Vec<String> = Vec::new();
    let mut todos = Todos::default();
    let mut calls: HashMap<&str, &Act> = HashMap::new();
    for entry in &transcript.entries {
        todos.take(entry);
        match entry {
            Entry::Prompt(text) => {
                out.interrupted = false;
                match earlier::read(text) {
                    Some(note) => said.extend(std::iter::once(note.task).chain(note.later)),
                    None => said.push(text.clone()),
                }
                decided(true, text, &mut out.decisions);
            }
            Entry::Interrupted => out.interrupted = true,
            Entry::Answer(text) => {
                decided(false, text, &mut out.decisions);
                out.last_answer = Some(text.clone());
            }
            Entry::Call { id, act } => {
                calls.insert(id, act);
                if let Act::Plan(plan) = act {
                    out.plan = Some(plan.clone());
                }
            }
            Entry::Result { id, failed, text } => {
                if let Some(act) = calls.get(id.as_str()) {
                    ended(act, *failed, text, project, &mut out);
                }
            }
            Entry::Summary(text) => out.summary = Some(text.clone()),
        }
    }
    let mut said = said.into_iter();
    out.task = said.next()?;
    out.later = said.collect();
    out.todos = todos.list();
    out.failures = newest(out.failures, FAILURES);
    // What is quoted as a whole needs no sentence of its own.
    let Material { task, later, decisions, .. } = &mut out;
    let recent: Vec<&String> = std::iter::once(&*task).chain(later.iter().rev().take(3)).collect();
    decisions.retain(|(user, text)| !(*user && recent.iter().any(|r| r.contains(text.as_str()))));
    out.decisions = newest(out.decisions, DECISIONS);
    Some(out)
}

/// A tool call has its result.
fn ended(act: &Act, failed: bool, text: &str, project: &str, out: &mut Material) {
    match act {
        Act::Run(command) => {
            out.failures.retain(|failure| failure.command != *command);
            // The user said no: that is no failure of the command.
            let refused = text.starts_with("The user doesn't want to proceed")
                || text.contains("[Request interrupted by user");
            if failed && !refused {
                let failure = Failure { command: command.clone(), output: text.to_owned() };
                out.failures.push(failure);
                bound(&mut out.failures);
            }
        }
        Act::Change(path) if !failed => {
            let path =
                path.strip_prefix(project).map_or(path.as_str(), |p| p.trim_start_matches('/'));
            out.written.retain(|known| known != path);
            out.written.push(path.to_owned());
        }
        Act::Plan(plan) if failed && out.plan.as_ref() == Some(plan) => out.plan = None,
        Act::Change(_)
        | Act::Plan(_)
        | Act::Todos(_)
        | Act::TodoAdd(_)
        | Act::TodoSet { .. }
        | Act::Other(_) => {}
    }
}

fn decided(user: bool, text: &str, out: &mut Vec<(bool, String)>) {
    if earlier::read(text).is_some() {
        return;
    }
    for sentence in choices(text) {
        out.retain(|(_, known)| known != sentence);
        out.push((user, sentence.to_owned()));
        bound(out);
    }
}

/// Lets the oldest candidate go when there are many: only the newest are told.
fn bound<T>(list: &mut Vec<T>) {
    if list.len() > CANDIDATES {
        list.remove(0);
    }
}

/// The last `count` of a list.
fn newest<T>(mut list: Vec<T>, count: usize) -> Vec<T> {
    list.drain(..list.len().saturating_sub(count));
    list
}
