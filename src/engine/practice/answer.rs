//! What the practice agent answers, and the tokens it takes to write it.

use serde_json::Value;

use super::render::Mark;
use super::tokenize::{self, Token};

/// One tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The id the result will name.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its input; the order of the keys is the order on the wire.
    pub input: Value,
}

/// An answer: thinking, then text, then calls, as llama-server puts them into blocks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Text of the thinking block; empty means none.
    pub thinking: String,
    /// Text of the text block; empty means none.
    pub text: String,
    /// The calls, each a block of its own.
    pub calls: Vec<Call>,
}

/// What one written token adds to the answer that the client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// A mark or a tool's name: nothing by itself.
    Nothing,
    /// A piece of thinking.
    Thinking(String),
    /// A piece of text.
    Text(String),
    /// The name of call `.0` is complete: its block begins.
    CallBegins(usize),
    /// A piece of the input of call `.0`.
    Input(usize, String),
}

/// One token to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The token that stays in the slot.
    pub token: Token,
    /// What the client sees of it.
    pub shows: Shows,
}

impl Answer {
    /// An answer of text alone.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The tokens in the order in which they are written, the end mark included. They are the
    /// very tokens the renderer makes of this answer when it comes back as history.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mark = |mark: Mark| Step { token: mark.token(), shows: Shows::Nothing };
        let pieces = |steps: &mut Vec<Step>, text: &str, shows: &dyn Fn(String) -> Shows| {
            steps.extend(tokenize::pieces(text).into_iter().map(|piece| Step {
                token: tokenize::number(piece),
                shows: shows(piece.to_owned()),
            }));
        };
        if !self.thinking.is_empty() {
            steps.push(mark(Mark::Think));
            pieces(&mut steps, &self.thinking, &Shows::Thinking);
            steps.push(mark(Mark::ThinkEnd));
        }
        pieces(&mut steps, &self.text, &Shows::Text);
        for (i, call) in self.calls.iter().enumerate() {
            steps.push(mark(Mark::Call));
            pieces(&mut steps, &call.name, &|_| Shows::Nothing);
            if let Some(last) = steps.last_mut() {
                last.shows = Shows::CallBegins(i);
            }
            pieces(&mut steps, &call.input.to_string(), &|piece| Shows::Input(i, piece));
            steps.push(mark(Mark::CallEnd));
        }
        steps.push(mark(Mark::End));
        steps
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::render;
    use super::*;

    #[test]
    fn an_answer_that_comes_back_as_history_is_the_tokens_that_were_written() {
        let answer = Answer {
            thinking: "let me see".to_owned(),
            text: "I look at the files.".to_owned(),
            calls: vec![Call {
                id: "t1".to_owned(),
                name: "Bash".to_owned(),
                input: json!({"command": "ls -la \"ü\"", "description": "List"}),
            }],
        };
        let written: Vec<Token> = answer.steps().into_iter().map(|step| step.token).collect();
        let before = json!({"messages": [{"role": "user", "content": "hi"}]});
        let after = json!({"messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "let me see", "signature": ""},
                {"type": "text", "text": "I look at the files."},
                {"type": "tool_use", "id": "t1", "name": "Bash",
                 "input": {"command": "ls -la \"ü\"", "description": "List"}},
            ]},
        ]});
        let mut expected = render::prompt(&before);
        expected.extend(written);
        expected.push(Mark::Assistant.token());
        assert_eq!(render::prompt(&after), expected);
    }
}
