//! The note itself: its parts, their order and their shares of the budget.

use super::{
    fit::{Dress, Keep, Part, Scale},
    gather::{Failure, Material},
};
use crate::domain::transcript::{ChangedFile, Todo, TodoState};

/// Most tokens of a note.
pub const LIMIT: u64 = 1_200;

/// How every note begins; a later session recognises it by this.
pub(super) const OPENING: &str = "This goes on with the work of an earlier session.";
/// The rest of the beginning.
const OPENING_MORE: &str = " Its conversation is not here; this note was put together from its \
     transcript. Quoted lines are word for word. Files may have changed since: read one before \
     you change it.";
/// How it ends.
const CLOSING: &str = "\nGo on with the task from here.\n";

/// The heading over the first thing the user asked for.
pub(super) const TASK: &str = "Task, in the user's words";
/// The heading over what the user said after it.
pub(super) const LATER: &str = "What the user said later, newest last";

/// Which parts get room first; the order on paper is another.
const IMPORTANCE: [&str; 9] = [TASK, LATER, TODOS, FILES, FAILED, STOPPED, PLAN, CHOSEN, SUMMARY];
const PLAN: &str = "Plan";
const TODOS: &str = "To-dos";
const FILES: &str = "Files changed";
const FAILED: &str = "Commands that failed last";
const CHOSEN: &str = "Decisions, quoted";
const SUMMARY: &str = "From the summary of an earlier compaction";
const STOPPED: &str = "Where it stopped: the end of the last answer";

/// Bytes of one later message: a pasted log must not crowd the others out.
const MESSAGE: usize = 900;
/// Lines of a failed command's output from its beginning, and from its end.
const OUTPUT_LINES: (usize, usize) = (4, 2);
/// Columns of such a line.
const OUTPUT_COLS: usize = 160;
/// Below this many tokens there is room for the task alone; it gets as many in any case.
const ONLY_TASK: f64 = 100.0;

/// A note and what it weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, Markdown.
    pub text: String,
    /// Its tokens by the scale it was written to, rounded up.
    pub tokens: u64,
}

/// What a text weighs by this scale, rounded up.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few million tokens at most; positive"
)]
pub fn estimate(text: &str, tokens_per_byte: f64) -> u64 {
    Scale::new(tokens_per_byte).weigh(text).ceil() as u64
}

/// Writes the note in at most `limit` tokens. `tokens_per_byte`: what the model server makes of
/// plain text; it must be positive.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few thousand tokens")]
pub fn note(material: &Material, limit: u64, tokens_per_byte: f64) -> Note {
    let scale = Scale::new(tokens_per_byte);
    let parts = parts(material);
    // The weight is rounded up once, at the end.
    let mut room = (limit as f64 - 1.0).max(0.0);
    let (mut opening, mut closing) = (format!("{OPENING}{OPENING_MORE}\n"), CLOSING);
    let around = scale.weigh(&opening) + scale.weigh(closing);
    let mut taken = parts.len();
    if room - around < ONLY_TASK {
        (opening, closing, taken) = (String::new(), "", 1);
    } else {
        room -= around;
    }
    let grants = grants(&parts[..taken], room, scale);
    let written = parts.iter().zip(grants).map(|(part, grant)| part.within(grant, scale));
    let text = format!("{opening}{}{closing}", written.collect::<String>()).trim_start().to_owned();
    let tokens = estimate(&text, tokens_per_byte);
    Note { text, tokens }
}

/// How much of the room each part gets: its share, and in order of importance what others leave.
fn grants(parts: &[Part], room: f64, scale: Scale) -> Vec<f64> {
    let needs: Vec<f64> = parts.iter().map(|part| scale.weigh(&part.whole())).collect();
    let task = parts.first().map_or(0.0, |part| part.share);
    let first = (task * room).max(ONLY_TASK).min(room);
    let grant = |part: &Part| match part.heading {
        TASK => first,
        _ => (room - first) * part.share / (1.0 - task),
    };
    let mut grants: Vec<f64> =
        parts.iter().zip(&needs).map(|(part, need)| need.min(grant(part))).collect();
    let mut left = room - grants.iter().sum::<f64>();
    for heading in IMPORTANCE {
        let Some(at) = parts.iter().position(|part| part.heading == heading) else { continue };
        let more = (needs[at] - grants[at]).min(left).max(0.0);
        grants[at] += more;
        left -= more;
    }
    grants
}

/// All parts that have something to say, in the order they are written; the task is the first.
fn parts(material: &Material) -> Vec<Part> {
    let part = |heading, items, dress, keep, share| Part { heading, items, dress, keep, share };
    let one = |text: &Option<String>| text.iter().map(|t| clean(t)).collect::<Vec<_>>();
    let later = material.later.iter().map(|text| middle_out(&clean(text), MESSAGE)).collect();
    let decisions = material.decisions.iter().map(|(user, text)| {
        format!("- {}: \"{}\"", if *user { "user" } else { "answer" }, one_line(text))
    });
    let mut parts = vec![
        part(TASK, vec![clean(&material.task)], Dress::Quote, Keep::Both, 0.30),
        part(LATER, later, Dress::Quote, Keep::Last, 0.16),
        part(PLAN, one(&material.plan), Dress::Quote, Keep::First, 0.08),
        part(TODOS, todos(&material.todos), Dress::Plain, Keep::First, 0.12),
        part(FILES, files(material), Dress::Plain, Keep::First, 0.12),
        part(FAILED, failures(&material.failures), Dress::Plain, Keep::Last, 0.10),
        part(CHOSEN, decisions.collect(), Dress::Plain, Keep::Last, 0.05),
        part(SUMMARY, summary(material), Dress::Quote, Keep::First, 0.0),
        part(STOPPED, stopped(material), Dress::Quote, Keep::Last, 0.07),
    ];
    parts.retain(|part| part.items.iter().any(|item| !item.trim().is_empty()));
    parts
}

/// What is open comes first: it is what is left to do.
fn todos(todos: &[Todo]) -> Vec<String> {
    let line = |todo: &Todo| {
        let mark = match todo.state {
            TodoState::Doing => "[~]",
            TodoState::Open => "[ ]",
            TodoState::Done => "[x]",
            TodoState::Dropped => "[-]",
        };
        format!("- {mark} {}", one_line(&todo.text))
    };
    let of = |state| todos.iter().filter(move |todo| todo.state == state).map(line);
    let order = [TodoState::Doing, TodoState::Open, TodoState::Done, TodoState::Dropped];
    order.into_iter().flat_map(of).collect()
}

/// What git tells, this session's own files first; without git what the session wrote.
fn files(material: &Material) -> Vec<String> {
    let line = |file: &ChangedFile| {
        let counts = file.lines.map_or_else(String::new, |(a, r)| format!(" +{a} -{r}"));
        format!("- {} {}{counts}", file.status, one_line(&file.path))
    };
    let own = |path: &String| format!("- {} (written in that session)", one_line(path));
    let Some(changed) = &material.changed else {
        return material.written.iter().rev().map(own).collect();
    };
    let written = |file: &&ChangedFile| material.written.contains(&file.path);
    let listed = |path: &&String| {
        changed
            .iter()
            .any(|f| f.path == **path || (f.path.ends_with('/') && path.starts_with(&f.path)))
    };
    let (ours, others): (Vec<_>, Vec<_>) = changed.iter().partition(written);
    let committed = material.written.iter().rev().filter(|path| !listed(path)).map(own);
    ours.into_iter().chain(others).map(line).chain(committed).collect()
}

fn failures(failures: &[Failure]) -> Vec<String> {
    failures.iter().map(failure).collect()
}

/// The command and the lines of its output that say most: the first and the last.
fn failure(failure: &Failure) -> String {
    let output = clean(&failure.output);
    let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    let (first, last) = OUTPUT_LINES;
    let mut out = format!("- `{}`", middle_out(&one_line(&failure.command), 300));
    let mut say = |line: &str| {
        out.push_str("\n    ");
        out.push_str(&middle_out(line, OUTPUT_COLS));
    };
    lines.iter().take(first).for_each(|line| say(line));
    let hidden = lines.len().saturating_sub(first + last);
    if hidden > 0 {
        say(&format!("({hidden} more lines)"));
    }
    lines.iter().skip(first + hidden).for_each(|line| say(line));
    out
}

/// Without what Claude Code puts around every summary.
fn summary(material: &Material) -> Vec<String> {
    let text = material.summary.as_deref().unwrap_or_default();
    let text = text.split_once("\n\n").map_or(text, |(_, rest)| rest);
    let text = text.split("\nIf you need specific details").next().unwrap_or_default();
    let text = text.split_once("</system-reminder>").map_or(text, |(_, rest)| rest);
    vec![clean(text)]
}

fn stopped(material: &Material) -> Vec<String> {
    let mut text = material.last_answer.as_deref().map(clean).unwrap_or_default();
    if material.interrupted {
        text.push_str("\n(The user stopped the turn here.)");
    }
    vec![text]
}

/// A text without control characters, which a terminal or a template might take for orders.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let text = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control());
    text.collect::<String>().trim().to_owned()
}

fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of at most about so many bytes, its beginning and its end.
fn middle_out(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let head = text.get(..text.floor_char_boundary(bytes * 2 / 3)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - bytes / 3)..).unwrap_or_default();
    format!("{head} […] {tail}")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
