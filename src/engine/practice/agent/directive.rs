//! Lines of a prompt that steer the agent.
//!
//! A directive is a line, or a part between two `;;`, that begins with `practice:`.
//!
//! | directive | does |
//! |---|---|
//! | `practice: bash CMD` | calls `Bash` |
//! | `practice: read PATH` | calls `Read`; a relative path is one of the project folder |
//! | `practice: write PATH TEXT` | calls `Write` |
//! | `practice: edit PATH OLD => NEW` | calls `Edit` |
//! | `practice: say TEXT` | the text of the last message |
//! | `practice: words N` | the last message has N words |
//! | `practice: think N` | the first message begins with N words of thinking |
//! | `practice: fault NAME` | plays a [`Script`] on every request of this prompt |
//!
//! `PATH` holds no blank. Calls are made one a request, in order; then the last message is
//! written. A directive that does not read is answered with a message that says so.

use crate::engine::practice::script::Script;

/// A tool call that a prompt asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `Bash`, with the command.
    Bash(String),
    /// `Read`, with the path.
    Read(String),
    /// `Write`, with path and text.
    Write(String, String),
    /// `Edit`, with path, old and new text.
    Edit(String, String, String),
}

/// All directives of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directives {
    /// The calls, in order.
    pub acts: Vec<Act>,
    /// The last message.
    pub say: Option<String>,
    /// Words of thinking in the first message.
    pub think: usize,
    /// The fault to play.
    pub fault: Option<Script>,
    /// Directives that do not read, as they were written.
    pub wrong: Vec<String>,
}

impl Directives {
    /// Reads the directives of `prompt`; none is no error.
    #[must_use]
    pub fn read(prompt: &str) -> Self {
        let mut out = Self::default();
        for part in prompt.lines().flat_map(|line| line.split(";;")) {
            if let Some(directive) = part.trim().strip_prefix("practice:") {
                let directive = directive.trim();
                if out.take(directive).is_none() {
                    out.wrong.push(directive.to_owned());
                }
            }
        }
        out
    }

    /// Whether the prompt holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, directive: &str) -> Option<()> {
        let (name, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        let rest = rest.trim();
        match name {
            "bash" if !rest.is_empty() => self.acts.push(Act::Bash(rest.to_owned())),
            "read" if !rest.is_empty() => self.acts.push(Act::Read(rest.to_owned())),
            "write" => {
                let (path, text) = rest.split_once(' ')?;
                self.acts.push(Act::Write(path.to_owned(), format!("{text}\n")));
            }
            "edit" => {
                let (path, change) = rest.split_once(' ')?;
                let (old, new) = change.split_once(" => ")?;
                self.acts.push(Act::Edit(path.to_owned(), old.to_owned(), new.to_owned()));
            }
            "say" if !rest.is_empty() => self.say = Some(rest.to_owned()),
            "words" => self.say = Some(words(rest.parse().ok()?)),
            "think" => self.think = rest.parse().ok()?,
            "fault" => self.fault = Some(rest.parse().ok()?),
            _ => return None,
        }
        Some(())
    }
}

/// The most words `words` and `think` write: more than any window holds.
const MOST_WORDS: usize = 1_000_000;

/// `n` words of filling.
#[must_use]
pub fn words(n: usize) -> String {
    const WORDS: [&str; 8] =
        ["practice", "makes", "every", "pane", "move", "without", "a", "model"];
    WORDS.iter().cycle().take(n.min(MOST_WORDS)).copied().collect::<Vec<_>>().join(" ")
}
