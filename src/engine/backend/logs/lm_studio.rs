//! LM Studio's lines, in one line or in two: the progress is a percentage.

use super::{
    Said,
    words::{after, decimal},
};

/// What a line of LM Studio's server log says.
pub(super) fn read(line: &str) -> Option<Said> {
    if let Some(rest) = after(line, "Prompt processing progress:") {
        let percent = decimal(rest)?;
        let is_percent = rest.trim_end().ends_with('%') && percent <= 100.0;
        return is_percent.then(|| Said::Share(percent / 100.0));
    }
    let ended = ["Finished streaming response", "Client disconnected. Stopping generation"];
    ended.iter().any(|words| line.contains(words)).then_some(Said::Ended)
}
