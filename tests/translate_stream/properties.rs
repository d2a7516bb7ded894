//! Whatever way an answer is sent, the same message arrives.

use lcc::engine::proxy::translate::response;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{call, delta, finish, of, run, sse};

/// What a model says in one answer.
#[derive(Debug, Clone)]
struct Answer {
    thinking: String,
    text: String,
    calls: Vec<(String, String, Value)>,
}

fn answer() -> impl Strategy<Value = Answer> {
    let input =
        prop::collection::vec(("[a-z]{1,3}", "[a-zé{}\"\\\\ ]{0,8}"), 0..3).prop_map(|fields| {
            Value::Object(fields.into_iter().map(|(k, v)| (k, Value::String(v))).collect())
        });
    let calls = prop::collection::vec(("[A-Z][a-z]{2,6}", input), 0..4).prop_map(|calls| {
        calls
            .into_iter()
            .enumerate()
            .map(|(n, (name, input))| (format!("id{n}"), name, input))
            .collect()
    });
    ("[a-zé \n]{0,12}", "[a-zé \n\"]{0,12}", calls).prop_map(|(thinking, text, calls)| Answer {
        thinking,
        text,
        calls,
    })
}

/// Cuts a string at the given places, always between characters.
fn cut(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
    at.extend([0, chars.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| chars[pair[0]..pair[1]].iter().collect()).collect()
}

/// One way of sending an answer: how often each part is cut, and whose piece comes next when
/// several calls are under way at once.
#[derive(Debug, Clone)]
struct Way {
    cuts: Vec<prop::sample::Index>,
    turns: Vec<prop::sample::Index>,
    together: bool,
    ids_always: bool,
}

fn way() -> impl Strategy<Value = Way> {
    (
        prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        prop::collection::vec(any::<prop::sample::Index>(), 64),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(cuts, turns, together, ids_always)| Way {
            cuts,
            turns,
            together,
            ids_always,
        })
}

fn chunks(answer: &Answer, way: &Way) -> Vec<Value> {
    let mut out = vec![delta(&json!({"role": "assistant", "content": null}))];
    let thoughts = cut(&answer.thinking, &way.cuts);
    out.extend(thoughts.iter().map(|piece| delta(&json!({"reasoning_content": piece}))));
    let texts = cut(&answer.text, &way.cuts);
    out.extend(texts.iter().map(|piece| delta(&json!({"content": piece}))));
    let mut queues: Vec<std::collections::VecDeque<Value>> = Vec::new();
    for (n, (id, name, input)) in answer.calls.iter().enumerate() {
        let n = n as u64;
        let later = if way.ids_always { id.as_str() } else { "" };
        let mut queue = std::collections::VecDeque::from([call(n, id, name, "")]);
        queue.extend(
            cut(&input.to_string(), &way.cuts).iter().map(|piece| call(n, later, "", piece)),
        );
        queues.push(queue);
    }
    // A later call begins after the earlier ones have begun; then their pieces mix freely.
    let mut begun = 0;
    for turn in way.turns.iter().cycle() {
        let free: Vec<usize> =
            (0..queues.len().min(begun + 1)).filter(|n| !queues[*n].is_empty()).collect();
        if free.is_empty() {
            break;
        }
        let chosen = if way.together { free[turn.index(free.len())] } else { free[0] };
        begun += usize::from(begun == chosen);
        out.push(queues[chosen].pop_front().unwrap());
    }
    out.push(finish(if answer.calls.is_empty() { "stop" } else { "tool_calls" }));
    out.push(json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}));
    out
}

fn expected(answer: &Answer) -> Value {
    let mut content = Vec::new();
    if !answer.thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": answer.thinking, "signature": ""}));
    }
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    for (id, name, input) in &answer.calls {
        content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "local", "content": content,
        "stop_reason": if answer.calls.is_empty() { "end_turn" } else { "tool_use" },
        "stop_sequence": null,
        "usage": {"input_tokens": 5, "output_tokens": 6},
    })
}

fn piece() -> impl Strategy<Value = Value> {
    let reason = prop_oneof![Just("stop"), Just("length"), Just("tool_calls")];
    let strange = prop_oneof![
        Just(json!({})),
        Just(json!({"choices": 3})),
        Just(json!({"choices": [null]})),
        Just(json!({"choices": [{"delta": {"tool_calls": [7, {}]}}]})),
        Just(json!({"choices": [{"delta": {"content": {}}}]})),
        Just(json!({"choices": [], "usage": {}})),
        Just(json!([])),
    ];
    prop_oneof![
        4 => "[a-z]{0,3}".prop_map(|text| delta(&json!({"content": text}))),
        2 => "[a-z]{0,3}".prop_map(|text| delta(&json!({"reasoning": text}))),
        4 => (0_u64..3, "[ab]{0,1}", "[A-C]{0,1}", "[{}\"\\\\]{0,3}")
            .prop_map(|(index, id, name, arguments)| call(index, &id, &name, &arguments)),
        1 => reason.prop_map(finish),
        1 => strange,
    ]
}

proptest! {
    #[test]
    fn any_way_of_sending_gives_the_same_message(answer in answer(), way in way()) {
        prop_assert_eq!(of(&chunks(&answer, &way)), expected(&answer));
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_events(
        answer in answer(),
        way in way(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = sse(&chunks(&answer, &way));
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(run(&pieces), run(&[bytes]));
    }

    #[test]
    fn any_chunks_at_all_give_a_well_formed_message(pieces in prop::collection::vec(piece(), 0..20)) {
        // `message` holds the rules; every text must be in it, in order.
        let ended = |chunk: &Value| chunk["choices"][0]["finish_reason"].is_string();
        let counted = |chunk: &Value| chunk["usage"].is_object();
        let end = pieces.iter().position(ended).and_then(|finish| {
            pieces[finish..].iter().position(counted).map(|usage| finish + usage)
        });
        let said: String = pieces[..end.unwrap_or(pieces.len())]
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        let message = of(&pieces);
        let texts: String = message["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        prop_assert_eq!(texts, said);
    }

    #[test]
    fn a_plain_answer_and_a_streamed_one_are_the_same_message(answer in answer(), way in way()) {
        let calls: Vec<Value> = answer
            .calls
            .iter()
            .map(|(id, name, input)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}}))
            .collect();
        let body = json!({
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": answer.text, "reasoning_content": answer.thinking, "tool_calls": calls,
            }}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 6},
        });
        let plain = response::translate(&body, "local", "1").unwrap();
        prop_assert_eq!(&plain, &of(&chunks(&answer, &way)));
        // And a server that answers plainly to a request to stream.
        prop_assert_eq!(&plain, &of(&[body]));
    }
}
