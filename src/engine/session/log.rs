//! Turns observations into lines of the log; pure, time comes with each observation.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    domain::{
        Event, Moment, Observation, Outcome, RequestId, RequestKind, SideKind, SideStep,
        observation::DeltaKind, units,
    },
    protocol::{LogFold, LogLine, LogOrigin, LogWeight},
};

/// Lines that wait for a front that lags; older ones are dropped and counted.
const WAITING: usize = 2_000;
/// Requests under way that are kept; more than a client ever has open.
const OPEN: usize = 256;
/// Columns of a line of the server's log that are kept.
const LONGEST: usize = 400;

/// What is known of a request under way.
#[derive(Debug, Clone)]
struct Open {
    kind: String,
    started: Moment,
    status: Option<u16>,
    first: Option<Moment>,
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    tools: Vec<String>,
    leaked: bool,
    /// Tokens of the prompt in the slot, and all of them.
    read: Option<(u64, Option<u64>)>,
}

/// The lines that were not handed over yet, and what later lines need.
#[derive(Debug, Clone, Default)]
pub struct Log {
    open: BTreeMap<RequestId, Open>,
    waiting: VecDeque<LogLine>,
    lost: u64,
}

impl Log {
    /// All lines since the last call, oldest first; `None` when there are none.
    pub fn take(&mut self) -> Option<Vec<LogLine>> {
        let first = self.waiting.front()?.at;
        let lost = std::mem::take(&mut self.lost);
        let mut lines: Vec<LogLine> = Vec::with_capacity(self.waiting.len() + 1);
        if lost > 0 {
            let text = format!("{} lines were dropped: too many at once", units::count(lost));
            lines.push(line(first, LogOrigin::Session, LogWeight::Notable, text));
        }
        lines.extend(self.waiting.drain(..));
        Some(lines)
    }

    /// Takes in a line that the server wrote into its log.
    pub fn server_line(&mut self, at: Moment, text: &str) {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .skip_while(|c| c.is_whitespace())
            .take(LONGEST)
            .collect();
        let text = text.trim_end().to_owned();
        if !text.is_empty() {
            let weight = weight_of(&text);
            let fold = (weight == LogWeight::Noise).then_some(LogFold::Noise);
            self.push(LogLine { at, origin: LogOrigin::Server, weight, fold, text });
        }
    }

    /// Takes one observation in.
    pub fn observe(&mut self, observation: &Observation) {
        let at = observation.at;
        match &observation.event {
            Event::RequestStarted { request, kind, body_bytes, .. } => {
                let kind = kind_name(kind);
                let text = format!("→ {request} {kind} /v1/messages {}", units::bytes(*body_bytes));
                self.push(line(at, LogOrigin::Proxy, LogWeight::Plain, text));
                if self.open.len() >= OPEN {
                    self.open.pop_first();
                }
                self.open.insert(*request, Open::new(kind, at));
            }
            Event::Headers { request, status } => {
                self.with(*request, |open| open.status = Some(*status));
            }
            Event::FirstToken { request } => self.with(*request, |open| open.first = Some(at)),
            Event::Usage { request, input, cached, output } => self.with(*request, |open| {
                open.input = input.or(open.input);
                open.cached = cached.or(open.cached);
                open.output = output.or(open.output);
            }),
            Event::Delta { request, what, .. } => match what {
                DeltaKind::LeakedThinking => self.with(*request, |open| open.leaked = true),
                DeltaKind::Text | DeltaKind::Thinking | DeltaKind::ToolInput => {}
            },
            Event::ToolCalled { request, name } => {
                self.with(*request, |open| open.tools.push(name.clone()));
            }
            Event::RequestEnded { request, outcome } => {
                let open = self.open.remove(request);
                self.push(ended(at, *request, open.as_ref(), outcome));
            }
            Event::Answered { method, path, status, local } => {
                let by = if *local { " by lcc" } else { "" };
                let text = format!("{method} {path} {status}{by}");
                let noise = *local || *status == 404;
                let weight = match (noise, *status) {
                    (true, _) => LogWeight::Noise,
                    (false, 400..) => LogWeight::Error,
                    (false, _) => LogWeight::Plain,
                };
                let fold = noise.then_some(LogFold::Noise);
                self.push(LogLine { fold, ..line(at, LogOrigin::Proxy, weight, text) });
            }
            Event::Refused { method, target, reason } => {
                let text = format!("{method} {target} refused: {reason}");
                let refused = line(at, LogOrigin::Proxy, LogWeight::Error, text);
                self.push(LogLine { fold: Some(LogFold::Refused), ..refused });
            }
            Event::Egress(egress) => {
                // What the proxy stopped has a line of its own.
                if !egress.how.at_proxy() {
                    let text = format!("stopped: {egress}");
                    let stopped = line(at, LogOrigin::Session, LogWeight::Error, text);
                    self.push(LogLine { fold: Some(LogFold::Stopped), ..stopped });
                }
            }
            Event::SandboxLooked(look) => {
                // A look that found nothing is a figure of the pane, no line.
                for text in look.alarms.iter().chain(&look.warnings) {
                    let text = format!("sandbox: {text}");
                    self.push(line(at, LogOrigin::Proxy, LogWeight::Error, text));
                }
            }
            Event::Server { facts } => {
                let (weight, text) = match facts {
                    Some(facts) if facts.healthy => {
                        let model = facts.model.as_deref().unwrap_or("no model");
                        let window = facts
                            .window
                            .map_or_else(String::new, |n| format!(", {} tok", units::count(n)));
                        (LogWeight::Plain, format!("{} serves {model}{window}", facts.kind.name()))
                    }
                    Some(facts) => {
                        (LogWeight::Notable, format!("{} is not ready", facts.kind.name()))
                    }
                    None => (LogWeight::Error, "the server does not answer".to_owned()),
                };
                self.push(line(at, LogOrigin::Session, weight, text));
            }
            Event::ChildStarted { .. } => {
                let text = "Claude Code started".to_owned();
                self.push(line(at, LogOrigin::Session, LogWeight::Plain, text));
            }
            Event::ChildEnded { code } => {
                let text = match code {
                    Some(code) => format!("Claude Code ended with {code}"),
                    None => "Claude Code was ended".to_owned(),
                };
                self.push(line(at, LogOrigin::Session, LogWeight::Plain, text));
            }
            Event::ServerRestarted { sign } => {
                let text = format!("the server was started anew ({sign})");
                self.push(line(at, LogOrigin::Session, LogWeight::Notable, text));
            }
            Event::ServerLine { line: told } => {
                let text = told.words();
                self.push(line(at, LogOrigin::Server, LogWeight::Notable, text));
            }
            Event::TextWasThinking { request, .. } => {
                self.with(*request, |open| open.leaked = true);
            }
            Event::ThinkingStopped { request, .. } => {
                let text = format!("{request} stopped: it thought although thinking is off");
                self.push(line(at, LogOrigin::Proxy, LogWeight::Notable, text));
            }
            Event::TooLong { request, tokens, maximum, culprit, .. } => {
                let culprit = culprit.as_ref().map_or_else(String::new, |c| format!(": {c}"));
                let text = format!(
                    "{request} not sent: {} tok, {} fit{culprit}",
                    units::count(*tokens),
                    units::count(*maximum)
                );
                self.push(line(at, LogOrigin::Proxy, LogWeight::Notable, text));
            }
            Event::Queued { request, status, retry_after_s } => {
                let again = retry_after_s.map_or_else(String::new, |s| format!(", again in {s} s"));
                let text = format!("{request} put off by the server: {status}{again}");
                self.push(line(at, LogOrigin::Proxy, LogWeight::Notable, text));
            }
            Event::Warm(step) => {
                if let Some((weight, text)) = super::warm::logged(step) {
                    self.push(line(at, LogOrigin::Session, weight, text));
                }
            }
            Event::Side { kind, step, waited_ms, tokens } => {
                self.push(side_line(at, *kind, *step, *waited_ms, *tokens));
            }
            Event::AskedAgain { request, first, after_s, joined } => {
                let after = units::seconds(*after_s);
                let joined = if *joined { ", joins its reading" } else { "" };
                let text = format!("{request} asks again after {after} what {first} asked{joined}");
                self.push(line(at, LogOrigin::Proxy, LogWeight::Notable, text));
            }
            // Figures that move all the time; the panes show them.
            Event::PrefillProgress {
                request: Some(request), done, total, generated: 0, ..
            } => {
                self.with(*request, |open| open.read = Some((*done, *total)));
            }
            Event::PromptCounted { .. }
            | Event::Pieces { .. }
            | Event::FixedWeighed { .. }
            | Event::Prefix { .. }
            | Event::ThinkingCounted { .. }
            | Event::PrefillProgress { .. }
            | Event::PrefillShare { .. }
            | Event::ServerLoad { .. }
            | Event::Machine { .. } => {}
        }
    }

    fn with(&mut self, request: RequestId, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.open.get_mut(&request) {
            change(open);
        }
    }

    fn push(&mut self, line: LogLine) {
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(line);
    }
}

impl Open {
    const fn new(kind: String, started: Moment) -> Self {
        Self {
            kind,
            started,
            status: None,
            first: None,
            input: None,
            cached: None,
            output: None,
            tools: Vec::new(),
            leaked: false,
            read: None,
        }
    }
}

fn line(at: Moment, origin: LogOrigin, weight: LogWeight, text: String) -> LogLine {
    LogLine { at, origin, weight, fold: None, text }
}

fn kind_name(kind: &RequestKind) -> String {
    match kind {
        RequestKind::Main => "main".to_owned(),
        RequestKind::Side(kind) => kind.name().to_owned(),
        RequestKind::Subagent(_) => "subagent".to_owned(),
        RequestKind::Compaction => "compaction".to_owned(),
    }
}

/// The line of a request that is over: `main /v1/messages 200 · in 114 cached 14,296 out 312 …`.
fn ended(at: Moment, request: RequestId, open: Option<&Open>, outcome: &Outcome) -> LogLine {
    let tokens = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), units::count);
    let kind = open.map_or("request", |o| o.kind.as_str());
    let status = match outcome {
        Outcome::Failed { status, .. } => Some(*status),
        Outcome::Done { .. } | Outcome::ServerLost { .. } | Outcome::ClientGone => {
            open.and_then(|o| o.status)
        }
    };
    let status = status.map_or_else(|| "–".to_owned(), |s| s.to_string());
    let mut text = format!("← {request} {kind} /v1/messages {status}");
    if let Some(open) = open {
        text.push_str(&format!(
            " · in {} cached {} out {} tok · {}",
            tokens(open.input),
            tokens(open.cached),
            tokens(open.output),
            units::seconds(at.seconds_since(open.started)),
        ));
        if let Some(first) = open.first {
            let first = units::seconds(first.seconds_since(open.started));
            text.push_str(&format!(" (first {first})"));
        }
    }
    let leaked = open.is_some_and(|o| o.leaked);
    let tools = open.map(|o| o.tools.join(" ")).filter(|t| !t.is_empty());
    let (weight, end) = match outcome {
        Outcome::Done { .. } if leaked => {
            (LogWeight::Notable, Some("thought in its text".to_owned()))
        }
        Outcome::Done { stop_reason } => {
            let cut = stop_reason.as_deref() == Some("max_tokens");
            let weight = if cut { LogWeight::Notable } else { LogWeight::Plain };
            (weight, tools.or_else(|| stop_reason.clone()))
        }
        Outcome::Failed { kind, message, .. } => {
            let kind = kind.as_deref().map_or_else(String::new, |k| format!("{k}: "));
            (LogWeight::Error, Some(format!("{kind}{message}")))
        }
        Outcome::ServerLost { message } => {
            (LogWeight::Error, Some(format!("server lost: {message}")))
        }
        Outcome::ClientGone => {
            let read = open.filter(|o| o.first.is_none()).and_then(|o| o.read);
            let kept = read.map_or_else(String::new, |(done, total)| {
                let of = total.map_or_else(String::new, |t| format!(" of {}", units::count(t)));
                format!(": {}{of} tok read, the cache keeps them", units::count(done))
            });
            (LogWeight::Notable, Some(format!("Claude Code hung up{kept}")))
        }
    };
    if let Some(end) = end {
        text.push_str(" · ");
        text.push_str(&end);
    }
    line(at, LogOrigin::Proxy, weight, text)
}

/// What was done with a side request.
fn side_line(at: Moment, kind: SideKind, step: SideStep, waited_ms: u64, tokens: u64) -> LogLine {
    let name = match kind {
        SideKind::Other => "side request".to_owned(),
        SideKind::Title
        | SideKind::Topic
        | SideKind::Suggestion
        | SideKind::Recap
        | SideKind::Probe => format!("{} request", kind.name()),
    };
    let waited = units::seconds(waited_ms as f64 / 1e3);
    let (weight, text) = match step {
        SideStep::Answered => (
            LogWeight::Noise,
            format!("{name} answered by lcc, ~{} tok not read", units::count(tokens)),
        ),
        SideStep::Waiting => {
            (LogWeight::Plain, format!("{name} waits until the conversation is done"))
        }
        SideStep::Released => (LogWeight::Plain, format!("{name} goes on after {waited}")),
        SideStep::Abandoned => {
            (LogWeight::Plain, format!("{name} given up by Claude Code after {waited}"))
        }
        SideStep::Slotted => (LogWeight::Plain, format!("{name} goes to a slot of its own")),
    };
    let fold = (weight == LogWeight::Noise).then_some(LogFold::Noise);
    LogLine { fold, ..line(at, LogOrigin::Proxy, weight, text) }
}

/// Phrases of servers' logs that mean a loss: cache thrown away, prompt cut, context shifted.
const LOSSES: [&str; 14] = [
    "cache size limit reached",
    "making room for prompt cache",
    "purging slot",
    "failed to find free space in the kv cache",
    "forcing full prompt re-processing",
    "erased invalidated context checkpoint",
    "evicting",
    "freeing all caches",
    "slot context shift",
    "context limit hit",
    "truncating input",
    "truncated = 1",
    "reducing automatic context",
    "cancel task",
];

/// Phrases that mean a failure.
const FAILURES: [&str; 7] = [
    "error",
    "failed",
    "panic",
    "out of memory",
    "level=err",
    "unauthorized",
    "exceeds the available",
];

/// How much a line of a server's log matters. Servers change their columns from release to
/// release, so only key words count.
fn weight_of(text: &str) -> LogWeight {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // Ollama's access lines: `[GIN] … | 404 | …`.
    if lower.starts_with("[gin]") {
        let status = lower.split('|').nth(1).and_then(|s| s.trim().parse::<u16>().ok());
        return match status {
            Some(404) => LogWeight::Noise,
            Some(400..) => LogWeight::Error,
            Some(_) | None => LogWeight::Plain,
        };
    }
    if has(&LOSSES) {
        LogWeight::Notable
    } else if has(&FAILURES) {
        LogWeight::Error
    } else {
        LogWeight::Plain
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
