//! Pure: from the session's observations, what concerns the server's warmth.

use super::Order;
use crate::domain::{Event, Outcome, RequestId, RequestKind};

/// What is known of a main request under way.
#[derive(Debug, Clone, Copy)]
struct Main {
    id: RequestId,
    input: Option<u64>,
    cached: Option<u64>,
    output: u64,
    told: bool,
}

/// Looks at one session.
#[derive(Debug, Clone, Default)]
pub struct Eye {
    main: Option<Main>,
    /// Whether the server's usage counts are real from the start of an answer.
    real_at_once: bool,
    /// The server was there before.
    known: bool,
    away: bool,
}

impl Eye {
    /// What follows from an event.
    pub fn see(&mut self, event: &Event) -> Vec<Order> {
        match event {
            Event::RequestStarted { request, kind: RequestKind::Main, .. } => {
                let id = *request;
                self.main = Some(Main { id, input: None, cached: None, output: 0, told: false });
                Vec::new()
            }
            Event::Usage { request, input, cached, output } => {
                let real = self.real_at_once;
                let Some(main) = self.main.as_mut().filter(|m| m.id == *request) else {
                    return Vec::new();
                };
                main.input = input.or(main.input);
                main.cached = cached.or(main.cached);
                main.output = output.unwrap_or(main.output);
                if real { counted(main) } else { Vec::new() }
            }
            Event::RequestEnded { request, outcome } => {
                let Some(mut main) = self.main.take_if(|m| m.id == *request) else {
                    return Vec::new();
                };
                let Outcome::Done { stop_reason } = outcome else { return Vec::new() };
                let mut orders = counted(&mut main);
                if let (Some(input), false) =
                    (main.input, stop_reason.as_deref() == Some("tool_use"))
                {
                    orders.push(Order::Ended(input + main.cached.unwrap_or(0) + main.output));
                }
                orders
            }
            Event::Server { facts: Some(facts) } => {
                self.real_at_once = facts.dialect.start_usage_is_real;
                let ready = facts.healthy && !facts.loading;
                if !ready {
                    self.away |= self.known;
                    return Vec::new();
                }
                self.known = true;
                let back = std::mem::take(&mut self.away);
                if back { vec![Order::Restarted] } else { Vec::new() }
            }
            Event::Server { facts: None } => {
                self.away |= self.known;
                Vec::new()
            }
            // Seen as an absence too: it may not listen yet.
            Event::ServerRestarted { .. } if self.away => Vec::new(),
            Event::ServerRestarted { .. } => vec![Order::Restarted],
            Event::RequestStarted { .. }
            | Event::FixedWeighed { .. }
            | Event::AskedAgain { .. }
            | Event::TooLong { .. }
            | Event::Side { .. }
            | Event::Prefix { .. }
            | Event::Pieces { .. }
            | Event::PromptCounted { .. }
            | Event::PrefillProgress { .. }
            | Event::PrefillShare { .. }
            | Event::Headers { .. }
            | Event::FirstToken { .. }
            | Event::Delta { .. }
            | Event::TextWasThinking { .. }
            | Event::ThinkingCounted { .. }
            | Event::ThinkingStopped { .. }
            | Event::ToolCalled { .. }
            | Event::Answered { .. }
            | Event::Refused { .. }
            | Event::Egress(_)
            | Event::SandboxLooked(_)
            | Event::Queued { .. }
            | Event::ServerLine { .. }
            | Event::ServerLoad { .. }
            | Event::Machine { .. }
            | Event::Warm(_)
            | Event::ChildStarted { .. }
            | Event::ChildEnded { .. } => Vec::new(),
        }
    }
}

/// The order that tells a prompt's counts, once.
fn counted(main: &mut Main) -> Vec<Order> {
    let (Some(input), Some(cached), false) = (main.input, main.cached, main.told) else {
        return Vec::new();
    };
    main.told = true;
    vec![Order::Counted { total: input + cached, cached }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Dialect, ServerFacts, ServerKind, Tail};

    fn started(id: u64, kind: RequestKind) -> Event {
        Event::RequestStarted {
            request: RequestId(id),
            kind,
            model: None,
            body_bytes: 0,
            sections: Vec::new(),
            tail: Tail::Prompt,
            max_tokens: None,
            thinking_allowed: false,
            session: None,
        }
    }

    fn usage(id: u64, input: Option<u64>, cached: Option<u64>, output: u64) -> Event {
        Event::Usage { request: RequestId(id), input, cached, output: Some(output) }
    }

    fn ended(id: u64, reason: &str) -> Event {
        let outcome = Outcome::Done { stop_reason: Some(reason.into()) };
        Event::RequestEnded { request: RequestId(id), outcome }
    }

    fn server(healthy: bool, start_usage_is_real: bool) -> Event {
        let dialect = Dialect { start_usage_is_real, ..Dialect::LLAMA };
        Event::Server {
            facts: Some(ServerFacts {
                kind: ServerKind::LlamaServer,
                version: None,
                model: None,
                window: None,
                slots: None,
                healthy,
                loading: !healthy,
                dialect,
            }),
        }
    }

    fn words(orders: &[Order]) -> String {
        orders.iter().map(|o| format!("{o:?};")).collect()
    }

    #[test]
    fn a_turn_is_counted_once_and_ends_without_a_tool_call() {
        let restarted = || Event::ServerRestarted { sign: "x".into() };
        let mut eye = Eye::default();
        for (event, expected) in [
            (server(true, true), ""),
            (started(1, RequestKind::Main), ""),
            (usage(1, Some(10), Some(90), 0), "Counted { total: 100, cached: 90 };"),
            (usage(1, Some(10), Some(90), 7), ""),
            (ended(1, "tool_use"), ""),
            (started(2, RequestKind::Main), ""),
            (usage(2, Some(5), Some(110), 3), "Counted { total: 115, cached: 110 };"),
            (started(3, RequestKind::Compaction), ""),
            (usage(3, Some(9), Some(9), 9), ""),
            (ended(2, "end_turn"), "Ended(118);"),
            (ended(3, "end_turn"), ""),
            (restarted(), "Restarted;"),
            (Event::Server { facts: None }, ""),
            (restarted(), ""),
            (server(false, true), ""),
            (server(true, false), "Restarted;"),
            (started(4, RequestKind::Main), ""),
            (usage(4, Some(5), None, 3), ""),
            (usage(4, Some(6), Some(1), 3), ""),
            (ended(4, "end_turn"), "Counted { total: 7, cached: 1 };Ended(10);"),
        ] {
            assert_eq!(words(&eye.see(&event)), expected, "{event:?}");
        }
    }
}
