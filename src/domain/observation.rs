//! What the proxy, the backend and the child report; the only input of the metrics.
//!
//! `lcc proxy` prints one observation a line as JSON, so this shape is a fixed surface.

use serde::{Deserialize, Serialize};

use super::{
    Egress, FixedPart, Piece,
    prefix::{Comparison, PrefixRule},
    recheck::SandboxLook,
    request::{Culprit, RequestId, RequestKind, Section, SideKind, Tail},
    server::{ServerFacts, Source},
    server_line::{ServerLine, ServerLoad},
    side::SideStep,
    time::Moment,
    warm::Warm,
};

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Microseconds since the engine started.
    pub at: Moment,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request to the model was read completely and goes upstream now.
    RequestStarted {
        /// Its number.
        request: RequestId,
        /// What it is for.
        kind: RequestKind,
        /// The model it names.
        model: Option<String>,
        /// Bytes of the body as Claude Code sent it.
        body_bytes: u64,
        /// Its parts in rendered order: system blocks, tools, messages.
        sections: Vec<Section>,
        /// What its last message is.
        tail: Tail,
        /// Output tokens it asks for at most.
        max_tokens: Option<u64>,
        /// Whether it allows thinking once the proxy has applied its rules.
        thinking_allowed: bool,
        /// Claude Code's session id, from its header.
        session: Option<String>,
    },
    /// What was done for the start of a request's prompt, and how the prompt compares with the
    /// one before it. Comes right after a main request's start, when there is something to tell.
    Prefix {
        /// Its number.
        request: RequestId,
        /// Rules that changed it.
        #[serde(default)]
        cared: Vec<PrefixRule>,
        /// Against the main request before it; `None`: there was none, or it is not a main one.
        #[serde(default)]
        compared: Option<Comparison>,
    },
    /// What the messages of a main request's prompt hold. Comes right after its start.
    Pieces {
        /// Its number.
        request: RequestId,
        /// In the order of the messages.
        pieces: Vec<Piece>,
    },
    /// The tokens of a request's prompt are known.
    PromptCounted {
        /// Its number.
        request: RequestId,
        /// All tokens of the prompt.
        total: Option<u64>,
        /// Tokens of system and tools alone.
        fixed: Option<u64>,
        /// Who counted.
        source: Source,
    },
    /// The server's own tokenizer has counted the parts of a request's fixed part.
    FixedWeighed {
        /// The request's number.
        request: RequestId,
        /// System blocks and tools.
        parts: Vec<FixedPart>,
    },
    /// The server's progress in reading a prompt. Comes while a request is in prefill.
    PrefillProgress {
        /// The request, when it is known which one the server is reading.
        request: Option<RequestId>,
        /// Tokens in the slot so far, cached ones included.
        done: u64,
        /// Of these, tokens reused from the cache.
        cached: Option<u64>,
        /// All tokens of the prompt, when the source tells.
        total: Option<u64>,
        /// Tokens generated so far; above zero means that the prefill is over.
        generated: u64,
        /// Who told.
        source: Source,
    },
    /// The server's progress as a share of the prompt, where it counts no tokens.
    PrefillShare {
        /// The request, when it is known which one the server is reading.
        request: Option<RequestId>,
        /// Read part of the prompt, 0 to 1.
        share: f64,
        /// Who told.
        source: Source,
    },
    /// The response's status line and headers came.
    Headers {
        /// Its number.
        request: RequestId,
        /// HTTP status.
        status: u16,
    },
    /// The first generated token came (`message_start` or the first delta): the prefill is over.
    FirstToken {
        /// Its number.
        request: RequestId,
    },
    /// The server told its token counts (`message_start`, `message_delta` or a plain body).
    Usage {
        /// Its number.
        request: RequestId,
        /// Prompt tokens that were not reused.
        input: Option<u64>,
        /// Prompt tokens that were reused from the cache.
        cached: Option<u64>,
        /// Generated tokens.
        output: Option<u64>,
    },
    /// Generated text came.
    Delta {
        /// Its number.
        request: RequestId,
        /// What kind of text.
        what: DeltaKind,
        /// Its bytes.
        bytes: u64,
    },
    /// Bytes that were told as [`DeltaKind::Text`] turn out to have been thinking: a closing tag
    /// came without an opening one.
    TextWasThinking {
        /// Its number.
        request: RequestId,
        /// The bytes.
        bytes: u64,
    },
    /// The server counted the tokens of an answer's thinking, after the answer.
    ThinkingCounted {
        /// Its number.
        request: RequestId,
        /// Tokens of all thinking of the request.
        tokens: u64,
    },
    /// The request thought beyond the limit although thinking is off, or gave nothing but thinking
    /// as an answer in one piece: the proxy ended it and asked once more.
    ThinkingStopped {
        /// Its number.
        request: RequestId,
        /// Tokens of thinking by then, estimated.
        tokens: u64,
    },
    /// The answer calls a tool.
    ToolCalled {
        /// Its number.
        request: RequestId,
        /// The tool's name.
        name: String,
    },
    /// The request is over.
    RequestEnded {
        /// Its number.
        request: RequestId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Any other HTTP call of Claude Code was answered.
    Answered {
        /// The method.
        method: String,
        /// The path without its query.
        path: String,
        /// HTTP status given.
        status: u16,
        /// Whether lcc answered it itself.
        local: bool,
    },
    /// A call was refused at the proxy: unknown path, foreign host, missing token.
    Refused {
        /// The method.
        method: String,
        /// The path or target, shortened and free of control characters.
        target: String,
        /// Why, in words.
        reason: String,
    },
    /// A program inside the sandbox tried to leave it and was stopped. A call that the proxy turned
    /// away for that is told as [`Event::Refused`] too.
    Egress(Egress),
    /// A look at the running sandbox.
    SandboxLooked(SandboxLook),
    /// A look at the server.
    Server {
        /// What was seen. `None`: it did not answer.
        facts: Option<ServerFacts>,
    },
    /// The request does not fit the window and was not sent; Claude Code was told so.
    TooLong {
        /// Its number.
        request: RequestId,
        /// Tokens of its prompt.
        tokens: u64,
        /// The most that it may have.
        maximum: u64,
        /// Who counted.
        source: Source,
        /// Whether it would have fit, but without room to compact after it.
        early: bool,
        /// The part that is to blame, when one is.
        culprit: Option<Culprit>,
    },
    /// The server put a request off (429, 529, or 503 with `Retry-After`); Claude Code repeats it.
    Queued {
        /// Its number.
        request: RequestId,
        /// HTTP status.
        status: u16,
        /// Seconds until it is worth another try, when the server says.
        retry_after_s: Option<u64>,
    },
    /// A prompt that was given up is asked for again.
    AskedAgain {
        /// Number of the new request.
        request: RequestId,
        /// The request that asked for it first.
        first: RequestId,
        /// Seconds since it was asked for last.
        after_s: f64,
        /// Whether it gets the answer of the request before, which is still under way at a server
        /// that cannot stop; nothing goes upstream then, and no `RequestStarted` follows.
        joined: bool,
    },
    /// The server is another process than before, or loaded its model anew: what it had cached is
    /// gone.
    ServerRestarted {
        /// How that is known, in words.
        sign: String,
    },
    /// The server's log told something besides progress.
    ServerLine {
        /// What.
        line: ServerLine,
    },
    /// How busy the server is.
    ServerLoad {
        /// As it told.
        load: ServerLoad,
    },
    /// A look at the machine.
    Machine {
        /// Resident bytes of the server's process, when it runs here.
        server_rss: Option<u64>,
        /// Used memory of the machine, percent.
        memory_percent: Option<f64>,
        /// Used swap in bytes.
        swap: Option<u64>,
    },
    /// The server is kept warm: a step of a warm-up or of a slot snapshot.
    Warm(Warm),
    /// The proxy did something with a side request. One that is passed at once is not told here.
    Side {
        /// What the request is for.
        kind: SideKind,
        /// What was done.
        step: SideStep,
        /// Milliseconds it had waited by then.
        waited_ms: u64,
        /// Tokens of its prompt, estimated.
        tokens: u64,
    },
    /// Claude Code was started, with an empty conversation or a resumed one.
    ChildStarted {
        /// Claude Code's session id.
        session: String,
    },
    /// Claude Code ended.
    ChildEnded {
        /// Its exit code, when it exited by itself.
        code: Option<i32>,
    },
}

/// What kind of text the model wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaKind {
    /// Text for the user.
    Text,
    /// Thinking, in a block of its own.
    Thinking,
    /// Thinking found inside ordinary text (`<think>` tags).
    LeakedThinking,
    /// A tool call's input.
    ToolInput,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer is complete.
    Done {
        /// Why the model stopped (`end_turn`, `tool_use`, `max_tokens`, …).
        stop_reason: Option<String>,
    },
    /// The server refused it or failed, with what it said.
    Failed {
        /// HTTP status; 200 when the error came inside the stream.
        status: u16,
        /// The error's type, when the body named one.
        kind: Option<String>,
        /// The error's message, shortened.
        message: String,
    },
    /// The connection to the server broke or could not be made.
    ServerLost {
        /// What went wrong.
        message: String,
    },
    /// Claude Code closed the connection.
    ClientGone,
}
