//! The agent's next move in a conversation with tools.

use serde_json::{Value, json};

use super::conversation::{Conversation, Done};
use super::directive::{Act, Directives, words};
use super::listing;
use crate::engine::practice::answer::{Answer, Call};

/// The file the agent leaves in the project.
pub const NOTE: &str = "practice-note.md";

/// The line of the note that counts.
const COUNT: &str = "Prompts so far: ";

const HOW_TO_CONNECT: &str = "To work with a real model, start a model server on this machine, \
     for example `llama-server -m MODEL.gguf -c 32768 -np 1 --metrics`, and start lcc again: it \
     finds the server, or takes `--server http://127.0.0.1:8080`.";

/// What to do now.
pub fn next(conversation: &Conversation, directives: &Directives) -> Answer {
    if directives.is_empty() {
        return play(conversation);
    }
    let mut answer = directed(conversation, directives);
    if conversation.since.is_empty() && directives.think > 0 {
        answer.thinking = words(directives.think);
    }
    answer
}

/// The next of the calls that the prompt asked for.
fn directed(conversation: &Conversation, directives: &Directives) -> Answer {
    if let Some(wrong) = directives.wrong.first() {
        return Answer::text(format!(
            "This is lcc's practice server. I know no directive `practice: {wrong}`; there are \
             bash, read, write, edit, say, words, think and fault."
        ));
    }
    let done = conversation.since.len();
    let Some(act) = directives.acts.get(done) else {
        let said = directives.say.clone();
        return Answer::text(said.unwrap_or_else(|| closing(&conversation.since)));
    };
    let path = |path: &str| match &conversation.folder {
        Some(folder) if !path.starts_with('/') => join(folder, path),
        Some(_) | None => path.to_owned(),
    };
    let (tool, input) = match act {
        Act::Bash(command) => ("Bash", bash(command)),
        Act::Read(file) => ("Read", json!({"file_path": path(file)})),
        Act::Write(file, text) => ("Write", json!({"file_path": path(file), "content": text})),
        Act::Edit(file, old, new) => ("Edit", edit(&path(file), old, new)),
    };
    if conversation.has(tool) {
        call(conversation, "As the prompt directs:", tool, input)
    } else {
        Answer::text(format!(
            "The client offers no {tool} tool, so the directive cannot be played."
        ))
    }
}

/// The work that is played without directives.
fn play(conversation: &Conversation) -> Answer {
    let since = &conversation.since;
    let listed = since.iter().find(|done| done.name == "Bash");
    if listed.is_none() && conversation.has("Bash") {
        let command = if conversation.folder.is_some() { "ls -la" } else { "pwd && ls -la" };
        return call(conversation, "I list the project first.", "Bash", bash(command));
    }
    let list = listed.map_or("", |done| done.result.as_str());
    let printed = || list.lines().next().filter(|line| line.starts_with('/')).map(str::to_owned);
    let Some(folder) = conversation.folder.clone().or_else(printed) else {
        return Answer::text(closing(since));
    };
    let was_read =
        |path: &str| since.iter().any(|d| d.name == "Read" && d.field("file_path") == path);
    if let Some(name) = listing::worth_reading(list, NOTE).filter(|_| conversation.has("Read")) {
        let path = join(&folder, name);
        if !was_read(&path) {
            let input = json!({"file_path": path});
            return call(conversation, &format!("Now I read {name}."), "Read", input);
        }
    }
    let note = join(&folder, NOTE);
    let touched = |done: &&Done| {
        matches!(done.name.as_str(), "Write" | "Edit") && done.field("file_path") == note
    };
    if since.iter().any(|done| touched(&done)) {
        return Answer::text(closing(since));
    }
    let exists = listing::files(list).iter().any(|(name, _)| *name == NOTE);
    let before = conversation.before.iter().filter(touched).filter(|done| !done.failed);
    let known = before.filter_map(written_count).next_back();
    if let Some(count) = known.filter(|_| exists && conversation.has("Edit")) {
        let line = |count: u64| format!("{COUNT}{count}");
        let input = edit(&note, &line(count), &line(count + 1));
        return call(conversation, "The note is there: I bring it up to date.", "Edit", input);
    }
    // Claude Code overwrites only what was read before.
    if exists && conversation.has("Read") && !was_read(&note) {
        let input = json!({"file_path": note});
        return call(conversation, "An older note is there: I read it.", "Read", input);
    }
    if conversation.has("Write") {
        let old = since.iter().filter(|d| d.field("file_path") == note).find_map(counted_in);
        let input = json!({"file_path": note, "content": note_text(since, old.unwrap_or(0) + 1)});
        return call(conversation, "I leave a short note.", "Write", input);
    }
    Answer::text(closing(since))
}

fn note_text(since: &[Done], count: u64) -> String {
    let mut read = since.iter().filter(|d| d.name == "Read" && !d.failed);
    let name =
        read.find_map(|d| Some(file_name(d.field("file_path"))).filter(|name| *name != NOTE));
    let what = name.unwrap_or("nothing");
    format!(
        "# Practice note\n\nlcc's practice server wrote this: a script, no model.\n\
         It listed the project and read {what}.\n\n{COUNT}{count}\n"
    )
}

/// The count that a `Write` or `Edit` of the note left there.
fn written_count(done: &Done) -> Option<u64> {
    count(done.field(if done.name == "Edit" { "new_string" } else { "content" }))
}

/// The count in the note as `Read` showed it.
fn counted_in(done: &Done) -> Option<u64> {
    count(&done.result)
}

fn count(text: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(COUNT)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|count| *count < u64::MAX)
}

/// The last message: what was done, by whom, and how to get a real model.
fn closing(since: &[Done]) -> String {
    let mut did: Vec<String> = Vec::new();
    for done in since {
        let name = file_name(done.field("file_path"));
        let what = match done.name.as_str() {
            "Bash" => format!("ran `{}`", done.field("command")),
            "Read" => format!("read {name}"),
            "Write" => format!("wrote {name}"),
            "Edit" => format!("changed {name}"),
            other => format!("called {other}"),
        };
        did.push(if done.failed { format!("{what} (it failed)") } else { what });
    }
    let did = if did.is_empty() { "called no tool".to_owned() } else { did.join(", ") };
    format!(
        "This is lcc's practice server: a script played this turn, there is no model behind it. \
         It {did}.\n\n{HOW_TO_CONNECT}"
    )
}

fn call(conversation: &Conversation, text: &str, name: &str, input: Value) -> Answer {
    let id = format!("toolu_practice_{}", conversation.messages);
    Answer {
        thinking: String::new(),
        text: text.to_owned(),
        calls: vec![Call { id, name: name.to_owned(), input }],
    }
}

fn bash(command: &str) -> Value {
    json!({"command": command, "description": "Practice: run a command"})
}

/// `replace_all` is named, and first, because Claude Code sends the call back so: in another form
/// the answer as history would differ from the answer as written, and the cache would break there.
fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({"replace_all": false, "file_path": path, "old_string": old, "new_string": new})
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
