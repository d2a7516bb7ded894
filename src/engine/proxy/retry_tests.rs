//! Second tries: which prompt is one, what is joined, what is let go.

use super::*;

const TOOLS: &str = r#"[{"name":"Bash","input_schema":{}}]"#;

fn body(text: &str, stream: bool) -> Bytes {
    Bytes::from(format!(
        r#"{{"model":"m","tools":{TOOLS},"messages":[{{"role":"user","content":"{text}"}}],"stream":{stream}}}"#
    ))
}

fn side(text: &str) -> Bytes {
    Bytes::from(format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}],"stream":true}}"#
    ))
}

fn ask(
    retries: &mut Retries,
    at_s: u64,
    request: u64,
    body: Bytes,
    cancels: bool,
) -> (Verdict, Vec<u64>) {
    let now = Moment::from_millis(at_s * 1_000);
    let asked = Asked { request: RequestId(request), body, cancels };
    let (verdict, dropped) = retries.asked(now, asked);
    (verdict, dropped.into_iter().map(|r| r.0).collect())
}

fn at(seconds: u64) -> Moment {
    Moment::from_millis(seconds * 1_000)
}

fn again(first: u64, after_s: u64, join: Option<u64>) -> Verdict {
    Verdict::Again {
        first: RequestId(first),
        after: Duration::from_secs(after_s),
        join: join.map(RequestId),
    }
}

#[test]
fn a_prompt_that_was_given_up_is_known_again() {
    let mut retries = Retries::default();
    assert_eq!(ask(&mut retries, 0, 1, body("a", true), true), (Verdict::New, vec![]));
    assert!(!retries.left(at(300), RequestId(1)));
    assert_eq!(ask(&mut retries, 300, 2, body("a", true), true), (again(1, 300, None), vec![]));
    // Once more: the first one is still the first, the time counts from the last.
    retries.left(at(600), RequestId(2));
    assert_eq!(ask(&mut retries, 601, 3, body("a", false), true), (again(1, 301, None), vec![]));
}

#[test]
fn what_was_answered_or_is_awaited_is_no_second_try() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), true);
    assert_eq!(ask(&mut retries, 1, 2, body("a", true), true).0, Verdict::New);
    retries.ended(at(2), RequestId(1), true);
    retries.ended(at(2), RequestId(2), true);
    assert_eq!(ask(&mut retries, 3, 3, body("a", true), true).0, Verdict::New);
    retries.left(at(4), RequestId(3));
    assert_eq!(ask(&mut retries, 5, 4, body("b", true), true).0, Verdict::New);
    assert_eq!(ask(&mut retries, 4 + 901, 5, body("a", true), true).0, Verdict::New, "too old");
}

#[test]
fn a_request_that_the_server_lost_is_asked_again() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), true);
    retries.ended(at(40), RequestId(1), false);
    assert_eq!(ask(&mut retries, 41, 2, body("a", true), true).0, again(1, 41, None));
}

#[test]
fn where_the_server_cannot_stop_the_second_try_joins_the_first() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), false);
    assert!(retries.left(at(300), RequestId(1)), "it is kept");
    assert_eq!(ask(&mut retries, 301, 2, body("a", true), false), (again(1, 301, Some(1)), vec![]));
    // It is request 1 that goes on: its client may go once more.
    assert!(retries.left(at(600), RequestId(1)));
    assert_eq!(ask(&mut retries, 601, 3, body("a", true), false).0, again(1, 300, Some(1)));
    // A complete answer is kept for its client, too.
    assert!(retries.left(at(650), RequestId(1)));
    retries.ended(at(651), RequestId(1), true);
    assert_eq!(ask(&mut retries, 652, 4, body("a", true), false).0, again(1, 51, Some(1)));
    retries.ended(at(653), RequestId(1), true);
    assert_eq!(ask(&mut retries, 654, 5, body("a", true), false).0, Verdict::New);
}

#[test]
fn another_prompt_ends_what_is_kept_and_a_side_request_does_not() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), false);
    retries.left(at(5), RequestId(1));
    assert_eq!(ask(&mut retries, 6, 2, side("title"), false), (Verdict::New, vec![]));
    assert_eq!(ask(&mut retries, 7, 3, body("b", true), false), (Verdict::New, vec![1]));
    assert_eq!(ask(&mut retries, 8, 4, body("a", true), false).0, again(1, 8, None));
}

#[test]
fn an_answer_in_one_piece_cannot_be_had_from_a_stream() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), false);
    retries.left(at(5), RequestId(1));
    assert_eq!(ask(&mut retries, 6, 2, body("a", false), false), (again(1, 6, None), vec![1]));
}

#[test]
fn nothing_is_kept_for_ever() {
    let mut retries = Retries::default();
    ask(&mut retries, 0, 1, body("a", true), false);
    retries.left(at(5), RequestId(1));
    assert_eq!(retries.expired(at(34)), []);
    assert_eq!(retries.expired(at(35)), [RequestId(1)]);
    assert_eq!(retries.expired(at(36)), []);
    for request in 2..100 {
        ask(&mut retries, 40, request, body(&request.to_string(), true), true);
        retries.left(at(40), RequestId(request));
    }
    assert!(retries.entries.len() <= KEPT);
}

#[test]
fn only_what_the_server_reads_counts() {
    let table = [
        (body("a", true), body("a", false), true),
        (body("a", true), body("b", true), false),
        (body("a", true), side("a"), false),
        (Bytes::from_static(b"garbage"), Bytes::from_static(b"garbage"), true),
        (Bytes::from_static(b"garbage"), Bytes::from_static(b"other"), false),
        (Bytes::from_static(b"{}"), Bytes::from_static(b"{ }"), false),
    ];
    for (a, b, same) in table {
        assert_eq!(prompt(&a) == prompt(&b), same, "{a:?} {b:?}");
    }
}
