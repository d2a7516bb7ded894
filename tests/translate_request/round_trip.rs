//! Conversations, to OpenAI's messages and back again.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::sent;

/// A turn of a conversation, to write as Anthropic's messages and to read back from OpenAI's.
#[derive(Debug, Clone, PartialEq)]
enum Turn {
    User(String),
    Reminder(String),
    Assistant { text: String, thinking: String, calls: Vec<(String, Value)> },
    Results(Vec<(String, String, bool)>),
}

fn word() -> impl Strategy<Value = String> {
    "[a-zé\"\\\\\n{}<>]{1,12}".prop_filter("marks of the inverse", |text| {
        !text.contains("<system") && !text.starts_with("Error")
    })
}

fn input() -> impl Strategy<Value = Value> {
    prop::collection::vec(("[a-z]{1,4}", word()), 0..3).prop_map(|fields| {
        Value::Object(fields.into_iter().map(|(k, v)| (k, Value::String(v))).collect())
    })
}

/// A conversation as Claude Code builds one: user, perhaps a reminder, then rounds of an assistant
/// message and either the results of its calls (in any order) or new words of the user.
fn conversation() -> impl Strategy<Value = Vec<Turn>> {
    let round = (
        word(),
        prop_oneof![Just(String::new()), word()],
        prop::collection::vec((input(), word(), any::<bool>()), 0..4),
        word(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (word(), any::<bool>(), prop::collection::vec(round, 0..5)).prop_map(
        |(first, remind, rounds)| {
            let mut turns = vec![Turn::User(first)];
            if remind {
                turns.push(Turn::Reminder("agents".to_owned()));
            }
            for (n, (text, thinking, calls, next, reversed, remind, talk)) in
                rounds.into_iter().enumerate()
            {
                let id = |k: usize| format!("toolu_{n}_{k}");
                let made =
                    calls.iter().enumerate().map(|(k, call)| (id(k), call.0.clone())).collect();
                turns.push(Turn::Assistant { text, thinking, calls: made });
                let mut results: Vec<_> = calls
                    .into_iter()
                    .enumerate()
                    .map(|(k, (_, text, bad))| (id(k), text, bad))
                    .collect();
                if reversed {
                    results.reverse();
                }
                if results.is_empty() || talk {
                    if !results.is_empty() {
                        turns.push(Turn::Results(results));
                    }
                    turns.push(Turn::User(next));
                } else {
                    turns.push(Turn::Results(results));
                }
                if remind {
                    turns.push(Turn::Reminder("late".to_owned()));
                }
            }
            turns
        },
    )
}

fn as_anthropic(turns: &[Turn]) -> Value {
    let mut out: Vec<Value> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    for turn in turns {
        match turn {
            Turn::Results(many) => {
                results = many
                    .iter()
                    .map(|(id, text, bad)| json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": bad}))
                    .collect();
                out.push(json!({"role": "user", "content": results.clone()}));
            }
            // Words that follow results stand in the same message.
            Turn::User(text) if !results.is_empty() => {
                results.push(json!({"type": "text", "text": text}));
                *out.last_mut().unwrap() = json!({"role": "user", "content": results.clone()});
                results.clear();
            }
            Turn::User(text) => out.push(json!({"role": "user", "content": text})),
            Turn::Reminder(text) => {
                results.clear();
                out.push(json!({"role": "system", "content": text}));
            }
            Turn::Assistant { text, thinking, calls } => {
                results.clear();
                let mut content = Vec::new();
                if !thinking.is_empty() {
                    content
                        .push(json!({"type": "thinking", "thinking": thinking, "signature": ""}));
                }
                content.push(json!({"type": "text", "text": text}));
                for (id, input) in calls {
                    content.push(
                        json!({"type": "tool_use", "id": id, "name": "Read", "input": input}),
                    );
                }
                out.push(json!({"role": "assistant", "content": content}));
            }
        }
    }
    json!({"messages": out})
}

fn from_openai(messages: &Value) -> Vec<Turn> {
    const OPEN: &str = "<system-reminder>\n";
    const CLOSE: &str = "\n</system-reminder>";
    let mut out = Vec::new();
    for message in messages.as_array().unwrap() {
        let text = message["content"].as_str().unwrap().to_owned();
        match message["role"].as_str().unwrap() {
            "user" => match text.split_once(OPEN) {
                None => out.push(Turn::User(text)),
                Some((before, rest)) => {
                    if !before.is_empty() {
                        out.push(Turn::User(before.strip_suffix('\n').unwrap().to_owned()));
                    }
                    out.push(Turn::Reminder(rest.strip_suffix(CLOSE).unwrap().to_owned()));
                }
            },
            "assistant" => {
                let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
                let call = |call: &Value| {
                    let arguments = call["function"]["arguments"].as_str().unwrap();
                    let id = call["id"].as_str().unwrap().to_owned();
                    (id, serde_json::from_str(arguments).unwrap())
                };
                out.push(Turn::Assistant {
                    text,
                    thinking: message["reasoning_content"].as_str().unwrap_or_default().to_owned(),
                    calls: calls.iter().map(call).collect(),
                });
            }
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap().to_owned();
                let result = match text.strip_prefix("Error: ") {
                    Some(text) => (id, text.to_owned(), true),
                    None => (id, text, false),
                };
                match out.last_mut() {
                    Some(Turn::Results(many)) => many.push(result),
                    _ => out.push(Turn::Results(vec![result])),
                }
            }
            other => panic!("role {other}"),
        }
    }
    out
}

proptest! {
    #[test]
    fn a_conversation_survives_the_round_trip(turns in conversation()) {
        let body = sent(&as_anthropic(&turns));
        prop_assert_eq!(from_openai(&body["messages"]), turns);
    }

    #[test]
    fn a_longer_conversation_keeps_the_rendered_start(turns in conversation(), more in conversation()) {
        let last_is_answer = matches!(turns.last(), Some(Turn::Assistant { .. }));
        let mut longer = turns.clone();
        if !last_is_answer {
            longer.push(Turn::Assistant { text: "ok".into(), thinking: String::new(), calls: vec![] });
        }
        longer.extend(more);
        let short = sent(&as_anthropic(&turns))["messages"].as_array().unwrap().clone();
        let long = sent(&as_anthropic(&longer))["messages"].as_array().unwrap().clone();
        prop_assert_eq!(&long[..short.len()], &short[..]);
    }
}
