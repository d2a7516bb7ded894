//! What lines come of what observations.

use super::*;
use crate::domain::Tail;

fn at(ms: u64, event: Event) -> Observation {
    Observation { at: Moment::from_millis(ms), event }
}

fn started(request: u64, kind: RequestKind) -> Event {
    Event::RequestStarted {
        request: RequestId(request),
        kind,
        model: None,
        body_bytes: 16_500,
        sections: Vec::new(),
        tail: Tail::Prompt,
        max_tokens: None,
        thinking_allowed: false,
        session: None,
    }
}

fn texts(log: &mut Log) -> Vec<(LogWeight, String)> {
    log.take().unwrap_or_default().into_iter().map(|l| (l.weight, l.text)).collect()
}

fn play(events: impl IntoIterator<Item = (u64, Event)>) -> Vec<(LogWeight, String)> {
    let mut log = Log::default();
    for (ms, event) in events {
        log.observe(&at(ms, event));
    }
    texts(&mut log)
}

#[test]
fn a_request_is_a_line_at_its_start_and_one_at_its_end() {
    let request = RequestId(3);
    let lines = play([
        (1_000, started(3, RequestKind::Main)),
        (1_100, Event::Headers { request, status: 200 }),
        (11_000, Event::FirstToken { request }),
        (11_000, Event::Usage { request, input: Some(114), cached: Some(14_296), output: None }),
        (12_000, Event::ToolCalled { request, name: "Bash".into() }),
        (13_400, Event::Usage { request, input: None, cached: None, output: Some(312) }),
        (
            13_400,
            Event::RequestEnded {
                request,
                outcome: Outcome::Done { stop_reason: Some("tool_use".into()) },
            },
        ),
    ]);
    assert_eq!(
        lines,
        [
            (LogWeight::Plain, "→ #3 main /v1/messages 16.1 KiB".to_owned()),
            (
                LogWeight::Plain,
                "← #3 main /v1/messages 200 · in 114 cached 14,296 out 312 tok · 12 s (first 10 s) · Bash"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn each_end_has_its_weight() {
    let failed = Outcome::Failed {
        status: 400,
        kind: Some("invalid_request_error".into()),
        message: "prompt is too long".into(),
    };
    for (outcome, weight, says) in [
        (Outcome::Done { stop_reason: None }, LogWeight::Plain, "0.5 s"),
        (
            Outcome::Done { stop_reason: Some("max_tokens".into()) },
            LogWeight::Notable,
            "max_tokens",
        ),
        (
            failed,
            LogWeight::Error,
            "400 · in – cached – out – tok · 0.5 s · invalid_request_error: prompt is too long",
        ),
        (Outcome::ServerLost { message: "reset".into() }, LogWeight::Error, "server lost: reset"),
        (Outcome::ClientGone, LogWeight::Notable, "Claude Code hung up"),
    ] {
        let request = RequestId(1);
        let lines = play([
            (0, started(1, RequestKind::Side(SideKind::Title))),
            (500, Event::RequestEnded { request, outcome }),
        ]);
        let (got, text) = lines.last().unwrap();
        assert_eq!(*got, weight, "{text}");
        assert!(text.ends_with(says), "{text}");
    }
}

#[test]
fn noise_and_refusals_are_marked_to_be_folded() {
    let answered = |path: &str, status, local| Event::Answered {
        method: "POST".into(),
        path: path.into(),
        status,
        local,
    };
    let mut log = Log::default();
    for (event, weight, fold) in [
        (answered("/api/hello", 404, false), LogWeight::Noise, Some(LogFold::Noise)),
        (answered("/api/hello", 200, true), LogWeight::Noise, Some(LogFold::Noise)),
        (answered("/v1/models", 200, false), LogWeight::Plain, None),
        (answered("/v1/models", 503, false), LogWeight::Error, None),
        (
            Event::Refused {
                method: "CONNECT".into(),
                target: "x:443".into(),
                reason: "no".into(),
            },
            LogWeight::Error,
            Some(LogFold::Refused),
        ),
        (Event::Server { facts: None }, LogWeight::Error, None),
        (Event::ChildEnded { code: Some(1) }, LogWeight::Plain, None),
    ] {
        log.observe(&at(1, event));
        let lines = log.take().unwrap();
        assert_eq!((lines.len(), lines[0].weight, lines[0].fold), (1, weight, fold), "{lines:?}");
    }
}

#[test]
fn lines_of_servers_are_weighed_by_their_words() {
    for (text, weight) in [
        (
            "slot print_timing: id  0 | task 12 | prompt processing, n_tokens = 4096",
            LogWeight::Plain,
        ),
        (" - cache size limit reached, removing oldest entry (size = 9 MiB)", LogWeight::Notable),
        ("forcing full prompt re-processing due to lack of cache data", LogWeight::Notable),
        ("level=WARN msg=\"truncating input prompt\" limit=4096 prompt=9000", LogWeight::Notable),
        ("slot release: stop processing: n_tokens = 9000, truncated = 0", LogWeight::Plain),
        ("level=ERROR msg=\"model runner stopped\"", LogWeight::Error),
        (
            "[GIN] 2026/08/21 - 17:00:01 | 404 |  12.3µs | 127.0.0.1 | POST \"/v1/x\"",
            LogWeight::Noise,
        ),
        (
            "[GIN] 2026/08/21 - 17:00:01 | 500 |  1m2s | 127.0.0.1 | POST \"/v1/x\"",
            LogWeight::Error,
        ),
        (
            "[GIN] 2026/08/21 - 17:00:01 | 200 |  7.2s | 127.0.0.1 | POST \"/v1/x\"",
            LogWeight::Plain,
        ),
    ] {
        let mut log = Log::default();
        log.server_line(Moment::default(), text);
        assert_eq!(log.take().unwrap()[0].weight, weight, "{text}");
    }
    let mut log = Log::default();
    log.server_line(Moment::default(), "\x1b[31mred\x07\n");
    assert_eq!(log.take().unwrap()[0].text, "[31mred");
    log.server_line(Moment::default(), "  \n");
    assert_eq!(log.take(), None);
}

#[test]
fn a_front_that_lags_loses_the_oldest_lines_and_is_told() {
    let mut log = Log::default();
    for n in 0..WAITING + 7 {
        log.server_line(Moment::default(), &format!("line {n}"));
    }
    let lines = texts(&mut log);
    assert_eq!(lines[0].1, "7 lines were dropped: too many at once");
    assert_eq!((lines.len(), lines[1].1.as_str()), (WAITING + 1, "line 7"));
    assert_eq!(log.take(), None);
}

#[test]
fn requests_that_never_end_take_no_memory_without_bound() {
    let mut log = Log::default();
    for n in 0..2_000 {
        log.observe(&at(n, started(n, RequestKind::Main)));
    }
    assert_eq!(log.open.len(), OPEN);
}
