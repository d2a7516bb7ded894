//! A transcript's bytes as what was said and done; pure.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    branch::{Node, live},
    line::{Block, Content, Input, Line, TodoItem},
    words::{self, Words, shorten, shorten_to},
};
use crate::domain::transcript::{Act, Entry, Todo, TodoState, Transcript};

/// Bytes of a tool's result that are kept: its first and its last lines say what went wrong.
const RESULT_KEPT: usize = 4 * 1024;

/// Reads a transcript. Lines that are no JSON, among them a last one that is still being written,
/// are counted and left out; a line that is no UTF-8 is read with its broken characters replaced.
#[must_use]
pub fn parse(bytes: &[u8]) -> Transcript {
    let mut transcript = Transcript::default();
    let texts: Vec<Cow<'_, str>> = bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(texts.len());
    for text in &texts {
        match serde_json::from_str::<Line<'_>>(text) {
            // Subagents' lines are their own conversation; lines without an id are no part of one.
            Ok(line) if line.uuid.is_some() && line.is_sidechain != Some(true) => lines.push(line),
            Ok(_) => {}
            Err(_) => transcript.broken += 1,
        }
    }
    let nodes: Vec<Node<'_>> = lines.iter().map(node).collect();
    let on = live(&nodes);
    for (line, _) in lines.iter().zip(on).filter(|(_, on)| *on) {
        match line.kind.as_deref() {
            Some("user") => user(line, &mut transcript.entries),
            Some("assistant") if line.is_api_error_message != Some(true) => {
                assistant(line, &mut transcript.entries);
            }
            Some(_) | None => {}
        }
    }
    transcript
}

fn node<'a>(line: &'a Line<'_>) -> Node<'a> {
    let answer = line.kind.as_deref() == Some("assistant");
    let content = line.message.as_ref().and_then(|m| m.content).map_or("", RawValue::get);
    Node {
        id: line.uuid.as_deref().unwrap_or_default(),
        parent: line.parent_uuid.as_deref().or(line.logical_parent_uuid.as_deref()),
        beside: answer || (content.starts_with('[') && content.contains("\"tool_result\"")),
    }
}

fn content<'a>(line: &Line<'a>) -> Option<Content<'a>> {
    Content::read(line.message.as_ref()?.content?)
}

fn user(line: &Line<'_>, out: &mut Vec<Entry>) {
    let Some(content) = content(line) else { return };
    if line.is_compact_summary == Some(true) {
        if let Content::Text(text) = content {
            out.push(Entry::Summary(shorten(&text)));
        }
        return;
    }
    let human = line.origin.as_ref().and_then(|o| o.kind.as_deref()).is_none_or(|k| k == "human");
    let own = human && line.is_meta != Some(true);
    match content {
        Content::Text(text) => said(&text, own, out),
        Content::Blocks(blocks) => {
            for block in blocks.iter().filter_map(|raw| read_block(raw)) {
                match block.kind.as_ref() {
                    "tool_result" => result(&block, out),
                    "text" => said(block.text.as_deref().unwrap_or_default(), own, out),
                    _ => {}
                }
            }
        }
    }
}

fn said(text: &str, own: bool, out: &mut Vec<Entry>) {
    match words::read(text) {
        Words::Own(text) if own => out.push(Entry::Prompt(text)),
        Words::Interrupted => out.push(Entry::Interrupted),
        Words::Own(_) | Words::None => {}
    }
}

fn assistant(line: &Line<'_>, out: &mut Vec<Entry>) {
    match content(line) {
        Some(Content::Text(text)) => answer(&text, out),
        Some(Content::Blocks(blocks)) => {
            for block in blocks.iter().filter_map(|raw| read_block(raw)) {
                match block.kind.as_ref() {
                    "text" => answer(block.text.as_deref().unwrap_or_default(), out),
                    "tool_use" => out.push(Entry::Call {
                        id: block.id.clone().unwrap_or_default(),
                        act: act(&block),
                    }),
                    // Thinking is not part of what is handed on.
                    _ => {}
                }
            }
        }
        None => {}
    }
}

fn answer(text: &str, out: &mut Vec<Entry>) {
    let text = text.trim();
    // Claude Code writes this where the model said nothing.
    if !text.is_empty() && text != "(no content)" {
        out.push(Entry::Answer(shorten(text)));
    }
}

fn read_block<'a>(raw: &'a RawValue) -> Option<Block<'a>> {
    serde_json::from_str(raw.get()).ok()
}

fn result(block: &Block<'_>, out: &mut Vec<Entry>) {
    let text = match block.content.and_then(Content::read) {
        Some(Content::Text(text)) => text,
        Some(Content::Blocks(blocks)) => {
            let blocks = blocks.iter().filter_map(|raw| read_block(raw));
            blocks.filter_map(|block| block.text).collect::<Vec<_>>().join("\n")
        }
        None => String::new(),
    };
    out.push(Entry::Result {
        id: block.tool_use_id.clone().unwrap_or_default(),
        failed: block.is_error == Some(true),
        text: shorten_to(&text, RESULT_KEPT),
    });
}

fn act(block: &Block<'_>) -> Act {
    let name = block.name.clone().unwrap_or_default();
    let input: Input<'_> =
        block.input.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    match name.as_str() {
        "Bash" => input.command.map(|command| Act::Run(shorten_to(&command, RESULT_KEPT))),
        "Write" | "Edit" | "MultiEdit" => input.file_path.map(Act::Change),
        "NotebookEdit" => input.notebook_path.map(Act::Change),
        "TodoWrite" => input.todos.and_then(todos).map(Act::Todos),
        "TaskCreate" => input.subject.map(Act::TodoAdd),
        "TaskUpdate" => input.task_id.map(|number| Act::TodoSet {
            number,
            state: input.status.as_deref().and_then(state),
            text: input.subject,
        }),
        "ExitPlanMode" => input.plan.map(|plan| Act::Plan(shorten(&plan))),
        _ => None,
    }
    .unwrap_or(Act::Other(name))
}

fn todos(raw: &RawValue) -> Option<Vec<Todo>> {
    let items: Vec<TodoItem> = serde_json::from_str(raw.get()).ok()?;
    let todo = |item: TodoItem| Todo {
        state: state(&item.status).unwrap_or(TodoState::Open),
        text: item.content,
    };
    Some(items.into_iter().map(todo).collect())
}

fn state(word: &str) -> Option<TodoState> {
    Some(match word {
        "pending" => TodoState::Open,
        "in_progress" => TodoState::Doing,
        "completed" => TodoState::Done,
        "deleted" | "cancelled" => TodoState::Dropped,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
