//! What can be wrong with what the model does.

use super::{
    Answer, Case, Details, Facts, Probed, Reread, Shape, Smoke, Thinking, answer, call, fails,
    good, on_ollama, shape, warns,
};

pub(super) fn runs() -> Vec<Case> {
    let thinks = |facts: Facts| {
        let thought = Answer { thought: true, ..answer(9.8, 412) };
        Facts { thinking: Probed::Done(Thinking { off: thought.clone(), on: thought }), ..facts }
    };
    let again = |cached, seconds, facts: Facts| Facts {
        details: Details {
            shape: Some(Shape { sliding: Some(512), ..shape() }),
            ..facts.details.clone()
        },
        reread: Probed::Done(Reread {
            first: Answer { cached, input: Some(3_000), ..answer(9.0, 1) },
            second: Answer { cached, input: Some(3_000), ..answer(seconds, 1) },
        }),
        ..facts
    };
    let called = |calls, text: &str| Facts {
        smoke: Probed::Done(Smoke {
            answer: Answer { calls, text: text.into(), stop: "end_turn".into(), ..answer(3.0, 60) },
        }),
        ..good()
    };
    let said = || "HTTP 500: out of memory".to_owned();
    vec![
        fails("thinking", "leaks on llama-server", thinks(good())),
        fails("thinking", "leaks on Ollama", thinks(on_ollama())),
        fails("thinking", "no answer", Facts { thinking: Probed::Failed(said()), ..good() }),
        warns("prefix cache", "read again", again(Some(0), 9.1, good())),
        warns("prefix cache", "read again, by the seconds", again(None, 8.0, on_ollama())),
        fails("prefix cache", "no answer", Facts { reread: Probed::Failed(said()), ..good() }),
        fails("tool call", "none", called(vec![], "I would list the files.")),
        fails("tool call", "nothing", called(vec![], "")),
        fails("tool call", "another tool", called(vec![call("ls")], "")),
        fails("tool call", "two", called(vec![call("Bash"), call("Bash")], "")),
        fails("tool call", "no answer", Facts { smoke: Probed::Failed(said()), ..good() }),
    ]
}
