//! A streamed chat completion as an Anthropic stream: a state machine without clock or I/O.

use serde_json::Value;

use super::{
    blocks::{Blocks, CallPiece},
    errors::Failure,
    event::Event,
    lines::{Item, Lines},
    response::{Finish, content_text, reasoning},
    usage::{Progress, Usage},
};

/// What the server's bytes come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// An event for Claude Code.
    Event(Event),
    /// How far the prompt has been read; not for Claude Code.
    Progress(Progress),
}

/// Translates one answer.
///
/// `message_start` comes with the first generated piece, which is when the prefill is over: chunks
/// that hold only a role or progress come earlier and start nothing. Its usage is real when the
/// server told its progress before (llama.cpp with [`super::Options::llama_cpp`]); otherwise it is
/// all zero, and the counts come with `message_delta`.
#[derive(Debug)]
pub struct Translator {
    id: String,
    model: String,
    lines: Lines,
    blocks: Blocks,
    usage: Usage,
    started: bool,
    finish: Option<Finish>,
    over: bool,
}

impl Translator {
    /// For one answer. `model` is the name Claude Code asked for; `seed` makes ids and must differ
    /// from answer to answer (letters, digits, `_` and `-`).
    #[must_use]
    pub fn new(model: &str, seed: &str) -> Self {
        Self {
            id: format!("msg_{seed}"),
            model: model.to_owned(),
            lines: Lines::default(),
            blocks: Blocks::new(seed),
            usage: Usage::default(),
            started: false,
            finish: None,
            over: false,
        }
    }

    /// With the ids of the calls that the conversation holds already. Some servers begin anew with
    /// every answer (`call_0`); Claude Code would take the new call for the old one.
    #[must_use]
    pub fn with_taken(mut self, ids: Vec<String>) -> Self {
        self.blocks.take(ids);
        self
    }

    /// Takes bytes of the body as they came, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Output> {
        let mut items = Vec::new();
        self.lines.feed(bytes, |item| items.push(item));
        self.items(items)
    }

    /// The body is over. An answer that was cut off ends with an error event: a finished one would
    /// make Claude Code act on half a tool call.
    pub fn end(&mut self) -> Vec<Output> {
        let mut items = Vec::new();
        self.lines.end(|item| items.push(item));
        let mut out = self.items(items);
        if !self.over {
            let mut events = Vec::new();
            if self.finish.is_some() {
                self.conclude(&mut events);
            } else if self.started {
                let text = "the model server closed the stream in the middle of its answer";
                self.fail(Failure::in_stream(text), &mut events);
            } else {
                let text = "the model server closed the stream before it answered";
                self.fail(Failure::in_stream(text), &mut events);
            }
            out.extend(events.into_iter().map(Output::Event));
        }
        out
    }

    /// Whether `message_stop` or an error has been given; nothing follows.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Takes one chunk. A whole `chat.completion` is taken as a single chunk, for servers that
    /// answer a request to stream with a plain body.
    pub fn chunk(&mut self, chunk: &Value) -> Vec<Output> {
        let mut out = Vec::new();
        if self.over {
            return out;
        }
        if let Some(progress) = Progress::of(chunk) {
            if let Some(usage) = progress.usage() {
                self.usage.update(usage);
            }
            out.push(Output::Progress(progress));
        } else if let Some(usage) = Usage::of(chunk) {
            self.usage.update(usage);
        }
        let mut events = Vec::new();
        if let Some(failure) = Failure::from_json(200, chunk) {
            self.fail(failure, &mut events);
        } else {
            self.choices(chunk, &mut events);
        }
        out.extend(events.into_iter().map(Output::Event));
        out
    }

    fn items(&mut self, items: Vec<Item>) -> Vec<Output> {
        let mut out = Vec::new();
        for item in items {
            if self.over {
                break;
            }
            let mut events = Vec::new();
            match item {
                Item::Comment(text) => {
                    out.extend(Progress::of_comment(&text).map(Output::Progress));
                }
                Item::Data(data) if data.trim() == "[DONE]" => self.conclude(&mut events),
                Item::Data(data) if data.trim().is_empty() => {}
                Item::Data(data) => match serde_json::from_str(&data) {
                    Ok(chunk) => out.extend(self.chunk(&chunk)),
                    Err(error) => {
                        let text =
                            format!("the model server sent a chunk that is not JSON: {error}");
                        self.fail(Failure::in_stream(text), &mut events);
                    }
                },
                Item::Error(text) => {
                    let failure = Failure::from_body(500, text.as_bytes());
                    self.fail(Failure { status: 200, ..failure }, &mut events);
                }
                Item::TooLong => {
                    let text = "the model server sent a chunk without end";
                    self.fail(Failure::in_stream(text), &mut events);
                }
            }
            out.extend(events.into_iter().map(Output::Event));
        }
        out
    }

    fn choices(&mut self, chunk: &Value, out: &mut Vec<Event>) {
        let choices = chunk.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        // One answer was asked for.
        let choice =
            choices.iter().find(|c| c.get("index").and_then(Value::as_u64).unwrap_or(0) == 0);
        let Some(choice) = choice else {
            // The last chunk holds the usage and no choice.
            if chunk.get("usage").is_some_and(Value::is_object) && self.finish.is_some() {
                self.conclude(out);
            }
            return;
        };
        let part = choice.get("delta").or_else(|| choice.get("message")).unwrap_or(&Value::Null);
        if let Some(thought) = reasoning(part) {
            self.start(out);
            self.blocks.thinking(&thought, out);
        }
        if let Some(text) = content_text(part) {
            self.start(out);
            self.blocks.text(&text, out);
        }
        let calls = part.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            self.start(out);
            let function = call.get("function").unwrap_or(&Value::Null);
            let string = |value: &'_ Value, field| {
                value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let arguments = match function.get("arguments") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(piece)) => piece.clone(),
                // Some servers send the object itself.
                Some(whole) => whole.to_string(),
            };
            let piece = CallPiece {
                index: call.get("index").and_then(Value::as_u64),
                id: &string(call, "id"),
                name: &string(function, "name"),
                arguments: &arguments,
            };
            self.blocks.call(piece, out);
        }
        if let Some(finish) = Finish::of(choice) {
            self.start(out);
            self.finish = Some(finish);
        }
    }

    fn start(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::MessageStart {
                id: self.id.clone(),
                model: self.model.clone(),
                usage: Usage { output: None, ..self.usage },
            });
        }
    }

    fn conclude(&mut self, out: &mut Vec<Event>) {
        self.start(out);
        self.blocks.finish(out);
        let finish = self.finish.take().unwrap_or_default();
        out.push(Event::MessageDelta {
            stop_reason: finish.stop_reason(self.blocks.any_call()),
            stop_sequence: finish.sequence,
            usage: self.usage,
        });
        out.push(Event::MessageStop);
        self.over = true;
    }

    fn fail(&mut self, failure: Failure, out: &mut Vec<Event>) {
        out.push(Event::Error(failure));
        self.over = true;
    }
}
