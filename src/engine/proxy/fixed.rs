//! The fixed part of a request section by section, counted by the server's own tokenizer.

use serde_json::{Value, json};

use super::{
    body::{Body, blocks},
    count::Question,
};
use crate::domain::{FixedPart, Part};

/// System blocks and tools with the text that stands for them in the prompt.
#[must_use]
pub fn texts(body: &Body<'_>) -> Vec<(Part, String)> {
    let system = body.system.map(blocks).unwrap_or_default();
    let system = system
        .iter()
        .enumerate()
        .map(|(n, block)| (Part::System(n), block.text.as_deref().unwrap_or_default().to_owned()));
    let tools = body.tools.iter().flatten().map(|tool| {
        let name = tool.name.as_deref().unwrap_or_default();
        let schema =
            tool.input_schema.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        // Most templates hand tools to the model as JSON of this form.
        let text = json!({
            "name": name,
            "description": tool.description.as_deref().unwrap_or_default(),
            "parameters": schema,
        });
        (Part::Tool(name.to_owned()), text.to_string())
    });
    system.chain(tools).collect()
}

/// Has the server count each section; `None` when it has no tokenizer to ask.
pub async fn weigh(question: &Question, body: &str) -> Option<Vec<FixedPart>> {
    let texts = texts(&Body::read(body)?);
    let mut parts = Vec::with_capacity(texts.len());
    for (part, text) in texts {
        let tokens = Some(question.tokenize(&text).await?);
        parts.push(FixedPart { part, bytes: text.len() as u64, tokens });
    }
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_system_and_tools() {
        let body = r#"{"system":[{"type":"text","text":"one"}],"messages":[],
            "tools":[{"name":"Read","description":"reads","input_schema":{"a": 1}}]}"#;
        let got = texts(&Body::read(body).unwrap());
        assert_eq!(got[0], (Part::System(0), "one".to_owned()));
        assert_eq!(got[1].0, Part::Tool("Read".into()));
        assert_eq!(got[1].1, r#"{"name":"Read","description":"reads","parameters":{"a":1}}"#);
        assert!(texts(&Body::default()).is_empty());
    }
}
