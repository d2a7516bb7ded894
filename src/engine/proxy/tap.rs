//! Pure reading of an answer as it passes: events in, observations out, time as an argument.

use std::time::Duration;

use super::{
    frame::{self, Frame, Usage, Whole},
    sse::{SseEvent, SseParser},
    think::{Split, Stretch, ThinkFinder},
    words::shorten,
};
use crate::domain::{Event, Moment, Outcome, RequestId, observation::DeltaKind};

/// Bytes of text are told at most this often per kind.
const PACE: Duration = Duration::from_millis(50);
/// Bytes of a body that is no stream that are kept for reading.
const MAX_BODY: usize = 4 << 20;

const KINDS: [DeltaKind; 4] =
    [DeltaKind::Text, DeltaKind::Thinking, DeltaKind::LeakedThinking, DeltaKind::ToolInput];

/// What kind of body the answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Server-sent events.
    Stream,
    /// One JSON body, also that of an error.
    Whole,
    /// Compressed, or of a type nobody expected: not read.
    Opaque,
}

/// How the bytes of an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As HTTP says it should.
    Complete,
    /// The connection to the server broke.
    Broken(String),
    /// Claude Code went away first.
    Abandoned,
}

/// The state of one answer.
#[derive(Debug)]
pub struct Tap {
    request: RequestId,
    form: Form,
    status: u16,
    start_usage_is_real: bool,
    parser: SseParser,
    finder: ThinkFinder,
    body: Vec<u8>,
    started: bool,
    told: Usage,
    late: Usage,
    stop_reason: Option<String>,
    error: Option<(Option<String>, String)>,
    stopped: bool,
    /// The reasoning itself, so that the server can count its tokens afterwards.
    thoughts: String,
    waiting: [u64; 4],
    last: [Option<Moment>; 4],
}

impl Tap {
    /// A tap on an answer whose head has come. `start_usage_is_real`: see
    /// [`crate::domain::Dialect::start_usage_is_real`].
    #[must_use]
    pub fn new(request: RequestId, form: Form, status: u16, start_usage_is_real: bool) -> Self {
        Self {
            request,
            form,
            status,
            start_usage_is_real,
            parser: SseParser::new(),
            finder: ThinkFinder::new(),
            body: Vec::new(),
            started: false,
            told: Usage::default(),
            late: Usage::default(),
            stop_reason: None,
            error: None,
            stopped: false,
            thoughts: String::new(),
            waiting: [0; 4],
            last: [None; 4],
        }
    }

    /// Takes the next bytes of the answer.
    pub fn feed(&mut self, bytes: &[u8], now: Moment, out: &mut Vec<Event>) {
        match self.form {
            Form::Stream => {
                let mut parser = std::mem::take(&mut self.parser);
                parser.feed(bytes, |event| self.event(&event, now, out));
                self.parser = parser;
            }
            Form::Whole => {
                let room = MAX_BODY.saturating_sub(self.body.len());
                self.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Form::Opaque => {}
        }
    }

    /// Whether `message_stop` has come: the answer is complete, whatever follows.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// All reasoning of the answer so far; empty when there was none. At most 4 MiB of it.
    #[must_use]
    pub fn thoughts(&self) -> &str {
        &self.thoughts
    }

    /// The proxy gave this answer up and asked again: tells what was held back and goes on with
    /// the answer that follows as if it were the same.
    pub fn again(&mut self, now: Moment, out: &mut Vec<Event>) {
        match self.form {
            Form::Whole => self.whole(now, out),
            Form::Stream | Form::Opaque => {}
        }
        self.end_block(now, out);
        self.parser = SseParser::new();
        self.stop_reason = None;
        self.late = Usage::default();
        self.told = Usage::default();
    }

    /// When bytes that are held back are due; `None` when there are none.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let held = self.waiting.iter().zip(&self.last).filter(|(bytes, _)| **bytes > 0);
        held.filter_map(|(_, last)| last.map(|l| l + PACE)).min()
    }

    /// Tells the bytes that are due.
    pub fn tick(&mut self, now: Moment, out: &mut Vec<Event>) {
        for kind in KINDS {
            self.pace(kind, now, false, out);
        }
    }

    /// The answer is over: tells what was held back, and how the request ended.
    pub fn finish(&mut self, end: End, now: Moment, out: &mut Vec<Event>) -> Outcome {
        match self.form {
            Form::Whole if end == End::Complete => self.whole(now, out),
            Form::Whole | Form::Stream | Form::Opaque => {}
        }
        self.end_block(now, out);
        self.late_usage(out);
        self.outcome(end)
    }

    fn outcome(&mut self, end: End) -> Outcome {
        if let Some((kind, message)) = self.error.take() {
            return Outcome::Failed { status: self.status, kind, message: shorten(&message) };
        }
        if self.status >= 400 {
            let text = String::from_utf8_lossy(&self.body);
            let (kind, message) = frame::error(&text).unwrap_or_else(|| {
                let said = text.trim();
                let message = if said.is_empty() { "no explanation" } else { said };
                (None, message.to_owned())
            });
            return Outcome::Failed { status: self.status, kind, message: shorten(&message) };
        }
        if self.stopped {
            return Outcome::Done { stop_reason: self.stop_reason.take() };
        }
        match end {
            End::Broken(message) => Outcome::ServerLost { message: shorten(&message) },
            End::Abandoned => Outcome::ClientGone,
            End::Complete => match self.form {
                Form::Stream => Outcome::ServerLost {
                    message: "the answer ended before it was complete".to_owned(),
                },
                Form::Whole | Form::Opaque => {
                    Outcome::Done { stop_reason: self.stop_reason.take() }
                }
            },
        }
    }

    fn event(&mut self, event: &SseEvent, now: Moment, out: &mut Vec<Event>) {
        let frame: Frame<'_> = serde_json::from_str(&event.data).unwrap_or_default();
        let kind = frame.kind.as_deref().unwrap_or_default();
        if event.name == "error" || kind == "error" || (kind.is_empty() && frame.error.is_some()) {
            if self.error.is_none() {
                self.error = Some(frame::error(&event.data).unwrap_or((None, event.data.clone())));
            }
            return;
        }
        match kind {
            "message_start" => {
                self.first_token(out);
                if let Some(usage) = frame.message.and_then(|m| m.usage) {
                    // Ollama's guess has no cache field; servers that know of a cache count.
                    if self.start_usage_is_real || usage.cache_read_input_tokens.is_some() {
                        let usage = Usage { output_tokens: None, ..usage };
                        self.told = usage;
                        self.tell(usage, out);
                    }
                }
            }
            "content_block_start" => {
                self.first_token(out);
                self.end_block(now, out);
                if let Some(name) = frame.content_block.and_then(|b| b.name) {
                    let name = shorten(&name);
                    out.push(Event::ToolCalled { request: self.request, name });
                }
            }
            "content_block_delta" => {
                self.first_token(out);
                if let Some(delta) = frame.delta {
                    self.delta(&delta, now, out);
                }
            }
            "content_block_stop" => self.end_block(now, out),
            "message_delta" => {
                if let Some(usage) = frame.usage {
                    self.late = Usage {
                        input_tokens: usage.input_tokens.or(self.late.input_tokens),
                        cache_read_input_tokens: usage
                            .cache_read_input_tokens
                            .or(self.late.cache_read_input_tokens),
                        output_tokens: usage.output_tokens.or(self.late.output_tokens),
                    };
                }
                if let Some(reason) = frame.delta.and_then(|d| d.stop_reason) {
                    self.stop_reason = Some(shorten(&reason));
                }
            }
            "message_stop" => self.stopped = true,
            // `ping`, and whatever servers add.
            _ => {}
        }
    }

    fn first_token(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::FirstToken { request: self.request });
        }
    }

    fn delta(&mut self, delta: &frame::Delta<'_>, now: Moment, out: &mut Vec<Event>) {
        if let Some(text) = &delta.text {
            let mut split = Split::default();
            let thoughts = &mut self.thoughts;
            self.finder.feed_into(text, |stretch| {
                split.add(stretch);
                match stretch {
                    Stretch::Thinking(text) | Stretch::Turned(text, _) => keep(thoughts, text),
                    Stretch::Text(_) | Stretch::Tag(_) => {}
                }
            });
            self.split(split, now, out);
        }
        if let Some(text) = &delta.thinking {
            keep(&mut self.thoughts, text);
            self.add(DeltaKind::Thinking, text.len() as u64, now, out);
        }
        if let Some(text) = &delta.partial_json {
            self.add(DeltaKind::ToolInput, text.len() as u64, now, out);
        }
    }

    /// Tells a split; what was told as text before is taken back from what still waits, and the
    /// rest of it by an event of its own, so that no byte counts twice.
    fn split(&mut self, split: Split, now: Moment, out: &mut Vec<Event>) {
        if split.turned > 0 {
            let waiting = self.waiting.get_mut(DeltaKind::Text as usize);
            let untold = waiting.map_or(0, |waiting| {
                let untold = split.turned.min(*waiting);
                *waiting -= untold;
                untold
            });
            self.add(DeltaKind::LeakedThinking, untold, now, out);
            let bytes = split.turned - untold;
            if bytes > 0 {
                out.push(Event::TextWasThinking { request: self.request, bytes });
            }
        }
        self.add(DeltaKind::Text, split.text, now, out);
        self.add(DeltaKind::LeakedThinking, split.leaked, now, out);
    }

    fn add(&mut self, kind: DeltaKind, bytes: u64, now: Moment, out: &mut Vec<Event>) {
        if bytes > 0 {
            if let Some(waiting) = self.waiting.get_mut(kind as usize) {
                *waiting += bytes;
            }
            self.pace(kind, now, false, out);
        }
    }

    fn pace(&mut self, what: DeltaKind, now: Moment, at_once: bool, out: &mut Vec<Event>) {
        let at = what as usize;
        let (Some(waiting), Some(last)) = (self.waiting.get_mut(at), self.last.get_mut(at)) else {
            return;
        };
        let due = at_once || last.is_none_or(|last| now.since(last) >= PACE);
        if *waiting > 0 && due {
            *last = Some(now);
            let bytes = std::mem::take(waiting);
            out.push(Event::Delta { request: self.request, what, bytes });
        }
    }

    fn end_block(&mut self, now: Moment, out: &mut Vec<Event>) {
        let mut rest = Split::default();
        let thoughts = &mut self.thoughts;
        self.finder.finish_into(|stretch| {
            rest.add(stretch);
            if let Stretch::Thinking(text) = stretch {
                keep(thoughts, text);
            }
        });
        self.split(rest, now, out);
        for kind in KINDS {
            self.pace(kind, now, true, out);
        }
    }

    /// The totals at the end, without what `message_start` already said.
    fn late_usage(&mut self, out: &mut Vec<Event>) {
        let late = std::mem::take(&mut self.late);
        let news = |new: Option<u64>, old: Option<u64>| if new == old { None } else { new };
        // Some servers repeat the start's fields as 0 here; that is no news either.
        let prompt = late.input_tokens.unwrap_or(0) + late.cache_read_input_tokens.unwrap_or(0);
        let (input, cached) = if prompt == 0 {
            (None, None)
        } else {
            (
                news(late.input_tokens, self.told.input_tokens),
                news(late.cache_read_input_tokens, self.told.cache_read_input_tokens),
            )
        };
        self.tell(
            Usage {
                input_tokens: input,
                cache_read_input_tokens: cached,
                output_tokens: late.output_tokens,
            },
            out,
        );
    }

    fn tell(&self, usage: Usage, out: &mut Vec<Event>) {
        if usage != Usage::default() {
            out.push(Event::Usage {
                request: self.request,
                input: usage.input_tokens,
                cached: usage.cache_read_input_tokens,
                output: usage.output_tokens,
            });
        }
    }

    fn whole(&mut self, now: Moment, out: &mut Vec<Event>) {
        if self.status >= 400 {
            return;
        }
        let body = std::mem::take(&mut self.body);
        let Ok(answer) = serde_json::from_slice::<Whole<'_>>(&body) else { return };
        if !answer.content.is_empty() {
            self.first_token(out);
        }
        for block in &answer.content {
            let input = block.input.map(|i| std::borrow::Cow::Borrowed(i.get()));
            if let Some(name) = &block.name {
                out.push(Event::ToolCalled { request: self.request, name: shorten(name) });
            }
            let delta = frame::Delta {
                text: block.text.clone(),
                thinking: block.thinking.clone(),
                partial_json: input,
                stop_reason: None,
            };
            self.delta(&delta, now, out);
            self.end_block(now, out);
        }
        self.late = answer.usage.unwrap_or_default();
        self.stop_reason = answer.stop_reason.map(|r| shorten(&r));
    }
}

/// Keeps reasoning as far as there is room.
fn keep(thoughts: &mut String, text: &str) {
    if thoughts.len() < MAX_BODY {
        thoughts.push_str(text);
    }
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
