//! The rules for the prompt's start, on requests recorded from both versions of Claude Code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use lcc::{
    domain::{PrefixCare, PrefixRule, RequestKind},
    engine::{
        practice::render,
        proxy::{
            body::Body,
            classify,
            rules::{Rewritten, Rules},
        },
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

const RECORDED: [&str; 12] = [
    "197_bare",
    "197_instructions",
    "197_lean",
    "197_lean_next_day",
    "197_standard",
    "197_standard_next_day",
    "330_bare",
    "330_full",
    "330_lean",
    "330_lean_next_day",
    "330_standard",
    "330_standard_next_day",
];

fn recorded(name: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/prefix/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn rules(care: PrefixCare) -> Rules {
    Rules { prefix: care, ..Rules::default() }
}

fn rewrite(body: &str) -> Rewritten {
    rules(PrefixCare::default()).rewrite(body)
}

fn cared(body: &str) -> String {
    rewrite(body).body.unwrap_or_else(|| body.to_owned())
}

fn value(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// What a server reads, without the mark with which the answer begins.
fn read(body: &str) -> Vec<u32> {
    let mut tokens = render::prompt(&value(body));
    tokens.pop();
    tokens
}

fn is_main(body: &str) -> bool {
    classify::kind(&Body::read(body).unwrap(), None) == RequestKind::Main
}

/// Pairs of main requests that follow each other with no compaction between.
fn turns(name: &str) -> Vec<(String, String)> {
    let all = recorded(name);
    all.windows(2)
        .filter(|pair| pair.iter().all(|body| is_main(body)))
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

fn raw_messages(body: &str) -> &str {
    lcc::engine::proxy::rules::json::Fields::read(body).unwrap().get("messages").unwrap()
}

#[test]
fn a_turn_s_prompt_begins_with_the_prompt_before() {
    let mut pairs = 0;
    for name in RECORDED {
        for (one, next) in turns(name) {
            let (one, next) = (cared(&one), cared(&next));
            assert!(read(&next).starts_with(&read(&one)), "{name}: {one}\n{next}");
            // Not only what is read: the very bytes of the messages.
            let (one, next) = (raw_messages(&one), raw_messages(&next));
            assert!(next.starts_with(one.strip_suffix(']').unwrap()), "{name}: {one}\n{next}");
            pairs += 1;
        }
    }
    assert!(pairs > 30, "{pairs} pairs only");
}

#[test]
fn two_sessions_have_the_same_system_prompt_and_tools() {
    for (one, other) in [
        ("197_lean", "197_lean_next_day"),
        ("197_standard", "197_standard_next_day"),
        ("330_lean", "330_lean_next_day"),
        ("330_standard", "330_standard_next_day"),
    ] {
        let (one, other) = (cared(&recorded(one)[0]), cared(&recorded(other)[0]));
        let fixed = |body: &str| {
            let body = value(body);
            (body["system"].to_string(), body["tools"].to_string())
        };
        assert_eq!(fixed(&one), fixed(&other));
    }
    // Without the rules a commit in between moves every tool.
    let system = |name: &str| value(&recorded(name)[0])["system"].to_string();
    assert_ne!(system("197_standard"), system("197_standard_next_day"));
}

#[test]
fn what_all_sessions_share_comes_before_what_they_do_not() {
    for (one, other) in
        [("330_lean", "330_lean_next_day"), ("330_standard", "330_standard_next_day")]
    {
        let (one, other) = (recorded(one)[0].clone(), recorded(other)[0].clone());
        let shared =
            |a: &str, b: &str| read(a).iter().zip(read(b)).take_while(|(a, b)| **a == *b).count();
        let (bare, care) = (shared(&one, &other), shared(&cared(&one), &cared(&other)));
        let environment = value(&one)["messages"][1]["content"].as_str().unwrap().len();
        assert!(care > bare + environment / 6, "{bare} {care} {environment}");
    }
    let body = value(&cared(&recorded("330_lean")[0]));
    let content = body["messages"][0]["content"].as_array().unwrap();
    let texts: Vec<_> = content.iter().map(|b| b["text"].as_str().unwrap()).collect();
    assert!(texts[0].starts_with("<system-reminder>\n# Environment\n"), "{texts:?}");
    assert_eq!(texts[1], "what is in run (ls) here");
    assert!(texts[2].contains("Today's date is"), "{texts:?}");
    assert_eq!(texts.len(), 3);
}

#[test]
fn instructions_stay_before_the_prompt_and_the_date_goes_behind_it() {
    let body = value(&cared(&recorded("197_instructions")[0]));
    let content = body["messages"][0]["content"].as_array().unwrap();
    let texts: Vec<_> = content.iter().map(|b| b["text"].as_str().unwrap()).collect();
    assert!(texts[0].contains("# Rules of this project") && !texts[0].contains("currentDate"));
    assert_eq!(texts[1], "hello there");
    assert!(texts[2].contains("# currentDate\nToday's date is") && !texts[2].contains("# Rules"));
    for text in [texts[0], texts[2]] {
        assert!(text.starts_with("<system-reminder>\nAs you answer"), "{text}");
        assert!(text.trim_end().ends_with("</system-reminder>"), "{text}");
    }
}

/// All words a model reads, in no order, without the tags and repeated frames of reminders.
fn words(body: &str) -> Vec<String> {
    fn texts(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Value::Array(all) => all.iter().for_each(|v| texts(v, out)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !matches!(key.as_str(), "type" | "role" | "cache_control") {
                        texts(value, out);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let body = value(body);
    let mut out = String::new();
    for key in ["system", "tools", "messages"] {
        texts(&body[key], &mut out);
    }
    for frame in [
        "<system-reminder>",
        "</system-reminder>",
        "As you answer the user's questions, you can use the following context:",
        "Claude Code attached this context automatically; it isn't part of the user's message. It \
         describes the user's own account and workspace, so they don't need it reported back.",
        "Claude Code attached this context",
        "IMPORTANT: this context may or may not be relevant to your tasks. You should not respond \
         to this context unless it is highly relevant to your task.",
    ] {
        out = out.replace(frame, "");
    }
    let mut words: Vec<String> = out.split_whitespace().map(str::to_owned).collect();
    words.sort();
    words
}

#[test]
fn nothing_is_lost_but_the_attribution_line() {
    for name in RECORDED {
        for body in recorded(name) {
            let care = PrefixCare::default().with(PrefixRule::Attribution, false);
            let new = rules(care).rewrite(&body).body.unwrap_or_else(|| body.clone());
            assert_eq!(words(&new), words(&body), "{name}");
        }
    }
    let bare = cared(&recorded("197_bare")[0]);
    assert!(!bare.contains("x-anthropic-billing-header"), "{bare}");
    assert!(bare.contains("You are Claude Code"), "{bare}");
}

#[test]
fn done_twice_is_done_once() {
    for name in RECORDED {
        for body in recorded(name) {
            let once = cared(&body);
            assert_eq!(rewrite(&once), Rewritten::default(), "{name}: {once}");
        }
    }
}

#[test]
fn no_system_message_is_left_between_the_others() {
    for name in RECORDED {
        for body in recorded(name) {
            let body = value(&cared(&body));
            for message in body["messages"].as_array().unwrap() {
                assert_ne!(message["role"], "system", "{name}: {message}");
            }
        }
    }
}

#[test]
fn every_rule_has_its_switch_and_says_when_it_worked() {
    let seen: std::collections::BTreeSet<PrefixRule> = RECORDED
        .iter()
        .flat_map(|name| recorded(name))
        .flat_map(|body| rewrite(&body).cared)
        .collect();
    for rule in PrefixRule::ALL {
        let recorded_at_all = !matches!(rule, PrefixRule::SessionPaths | PrefixRule::ToolOrder);
        assert_eq!(seen.contains(&rule), recorded_at_all, "{rule}");
        let without = rules(PrefixCare::default().with(rule, false));
        for name in RECORDED {
            for body in recorded(name) {
                assert!(!without.rewrite(&body).cared.contains(&rule), "{rule} {name}");
            }
        }
    }
    for name in RECORDED {
        for body in recorded(name) {
            assert_eq!(rules(PrefixCare::OFF).rewrite(&body), Rewritten::default());
        }
    }
}

#[test]
fn what_no_rule_knows_passes_byte_for_byte() {
    for body in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"messages":7,"system":{"x":1},"tools":"no"}"#,
        r#"{ "messages" : [ {"role":"user","content":"hi"} ] }"#,
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"cache_control":1}}]}]}"#,
        r#"{"messages":[{"role":"system","content":[{"type":"image"}]},{"role":"user","content":"a"}]}"#,
        r#"{"messages":[{"role":"user","content":"what does \"cache_control\" do? gitStatus: x"}]}"#,
        r#"{"system":"Today's date is asked for","messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}],"x":[{"a":1,"cache_control":{"type":"ephemeral"}}]}]}"#,
    ] {
        let new = rewrite(body);
        assert_eq!(new.body, None, "{body} became {new:?}");
    }
}

/// Roles and their texts.
type Said = Vec<(String, Vec<String>)>;

#[test]
fn system_messages_find_their_place() {
    let texts = |body: &str| -> Said {
        let body = value(body);
        let messages = body["messages"].as_array().unwrap().iter();
        let texts = |content: &Value| match content {
            Value::String(text) => vec![text.clone()],
            content => {
                let blocks = content.as_array().unwrap().iter();
                blocks.map(|b| b["text"].as_str().unwrap_or("?").to_owned()).collect()
            }
        };
        messages.map(|m| (m["role"].as_str().unwrap().to_owned(), texts(&m["content"]))).collect()
    };
    let note = |text: &str| format!("<system-reminder>\n{text}\n</system-reminder>");
    let say = |role: &str, text: &str| json!({"role": role, "content": text});
    let (u, a, s) = ("user", "assistant", "system");
    let one = |role: &str, texts: &[String]| (role.to_owned(), texts.to_vec());
    let table: Vec<(Vec<Value>, Said)> = vec![
        (
            vec![say(u, "1"), say(a, "2"), say(u, "3"), say(s, "x"), say(s, "y"), say(a, "4")],
            vec![
                one(u, &["1".into()]),
                one(a, &["2".into()]),
                one(u, &["3".into(), note("x"), note("y")]),
                one(a, &["4".into()]),
            ],
        ),
        (
            vec![say(u, "1"), say(a, "2"), say(s, "x"), say(s, "y"), say(u, "3")],
            vec![
                one(u, &["1".into()]),
                one(a, &["2".into()]),
                one(u, &[note("x"), note("y"), "3".into()]),
            ],
        ),
        (
            vec![say(u, "1"), say(a, "2"), say(s, "x"), say(a, "3")],
            vec![
                one(u, &["1".into()]),
                one(a, &["2".into()]),
                one(u, &[note("x")]),
                one(a, &["3".into()]),
            ],
        ),
        (
            vec![say(s, "x"), say(s, "y"), say(u, "1")],
            vec![one(u, &[note("x"), note("y"), "1".into()])],
        ),
        (
            vec![say(s, "x"), say(a, "1"), say(s, "y")],
            vec![one(s, &["x".into()]), one(a, &["1".into()]), one(s, &["y".into()])],
        ),
    ];
    for (messages, expected) in table {
        let body = json!({"messages": messages}).to_string();
        let new = cared(&body);
        assert_eq!(texts(&new), expected, "{body}");
    }
}

#[test]
fn a_scratchpad_s_path_goes_behind_the_prompt() {
    let body = json!({
        "system": [{"type": "text", "text": "You\n# Scratchpad Directory\n\nuse /tmp/s-1/scratchpad\n\n# Context\nc"}],
        "messages": [{"role": "user", "content": "hi"}],
    });
    let new = value(&cared(&body.to_string()));
    assert_eq!(new["system"][0]["text"], "You\n# Context\nc");
    let last = new["messages"][0]["content"][1]["text"].as_str().unwrap();
    assert!(last.contains("/tmp/s-1/scratchpad"), "{last}");
}

/// Texts that the rules look for, and others.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Today's date is 2026-11-23.".to_owned()),
        Just("# Environment\nin /p\n\nToday's date is 2026-11-23.".to_owned()),
        Just("x-anthropic-billing-header: cc_version=1;".to_owned()),
        Just("gitStatus: This is the git status at the start of the conversation. M a".to_owned()),
        Just("a\n\ngitStatus: This is the git status at the start of the conversation.".to_owned()),
        Just("# Scratchpad Directory\n/tmp/x\n# Next\ny".to_owned()),
        Just("<system-reminder>\nAs you answer the user's questions, you can use the following context:\n# claudeMd\nm\n# currentDate\nToday's date is 2026-11-23.\n\n      IMPORTANT: this context may or may not be relevant to your tasks. You should not respond to this context unless it is highly relevant to your task.\n</system-reminder>\n".to_owned()),
        Just("<system-reminder>\nAs you answer the user's questions, you can use the following context:\n# gitStatus\nThis is the git status\n\nClaude Code attached this context\n</system-reminder>".to_owned()),
        "[a-z\"\\\\\n]{0,12}",
    ]
}

fn messages() -> impl Strategy<Value = Vec<Value>> {
    let role = prop_oneof![Just("user"), Just("user"), Just("assistant"), Just("system")];
    let mark = json!({"type": "ephemeral"});
    let content = prop_oneof![
        texts().prop_map(Value::from),
        proptest::collection::vec((texts(), any::<bool>()), 1..3).prop_map(move |texts| {
            let blocks = texts.into_iter().map(|(text, marked)| {
                let mut block = json!({"type": "text", "text": text});
                if marked {
                    block["cache_control"] = mark.clone();
                }
                block
            });
            Value::from(blocks.collect::<Vec<_>>())
        }),
    ];
    proptest::collection::vec((role, content), 0..6).prop_map(|all| {
        all.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
    })
}

proptest! {
    #[test]
    fn any_conversation_is_kept_and_settled_at_once(system in texts(), messages in messages(), off in 0..16_usize) {
        let care = PrefixRule::ALL.get(off).map_or(PrefixCare::default(), |rule| {
            PrefixCare::default().with(*rule, false)
        });
        let body = json!({"system": system, "messages": messages, "max_tokens": 9}).to_string();
        let new = rules(care).rewrite(&body).body.unwrap_or_else(|| body.clone());
        let again = rules(care).rewrite(&new);
        prop_assert_eq!(again.body, None, "{}", new);
        let keep = care.with(PrefixRule::Attribution, false);
        let kept = rules(keep).rewrite(&body).body.unwrap_or_else(|| body.clone());
        prop_assert_eq!(words(&kept), words(&body));
    }

    #[test]
    fn a_longer_conversation_begins_like_the_shorter(messages in messages(), more in texts()) {
        // As it is sent: the conversation ends with the user, then goes on with an answer.
        let mut one = messages;
        one.push(json!({"role": "user", "content": "q"}));
        let mut next = one.clone();
        next.push(json!({"role": "assistant", "content": "a"}));
        next.push(json!({"role": "user", "content": more}));
        let body = |messages: &[Value]| cared(&json!({"messages": messages}).to_string());
        let (one, next) = (body(&one), body(&next));
        prop_assert!(read(&next).starts_with(&read(&one)), "{}\n{}", one, next);
    }
}
