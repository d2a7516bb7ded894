//! Reads the text of a profile into nested lists of words.

use thiserror::Error;

/// Lists within lists, at most; a real profile has four.
const DEPTH: usize = 64;

/// Why a text is no profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} of the profile: {what}")]
pub struct Trouble {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Trouble {
    /// Trouble in a line.
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// A word or a list of them, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The line it begins in, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// In parentheses.
    List(Vec<Word>),
    /// A bare word.
    Bare(String),
    /// Text in quotes, its escapes undone.
    Text(String),
}

/// Reads all words of a text.
///
/// # Errors
/// [`Trouble`] where parentheses or quotes do not match.
pub fn read(text: &str) -> Result<Vec<Word>, Trouble> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1 };
    let words = reader.list(0)?;
    match reader.rest.next() {
        None => Ok(words),
        Some(_) => Err(Trouble::new(reader.line, "a closing parenthesis too many")),
    }
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Words up to the end of the text or a closing parenthesis, which is left.
    fn list(&mut self, depth: usize) -> Result<Vec<Word>, Trouble> {
        if depth > DEPTH {
            return Err(Trouble::new(self.line, "too many lists within lists"));
        }
        let mut words = Vec::new();
        while let Some(c) = self.rest.peek().copied() {
            let line = self.line;
            let kind = match c {
                ')' => break,
                '(' => {
                    self.next();
                    let inner = self.list(depth + 1)?;
                    if self.next() != Some(')') {
                        return Err(Trouble::new(line, "this list does not end"));
                    }
                    Kind::List(inner)
                }
                ';' => {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
                '"' => {
                    self.next();
                    Kind::Text(self.text(false)?)
                }
                c if c.is_whitespace() => {
                    self.next();
                    continue;
                }
                '#' => {
                    self.next();
                    if self.rest.peek() == Some(&'"') {
                        self.next();
                        Kind::Text(self.text(true)?)
                    } else {
                        Kind::Bare(format!("#{}", self.bare()))
                    }
                }
                _ => Kind::Bare(self.bare()),
            };
            words.push(Word { line, kind });
        }
        Ok(words)
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.peek().copied() {
            if c.is_whitespace() || matches!(c, '(' | ')' | '"' | ';') {
                break;
            }
            word.push(c);
            self.next();
        }
        word
    }

    /// The rest of a text in quotes; `raw`: backslashes stand for themselves.
    fn text(&mut self, raw: bool) -> Result<String, Trouble> {
        let line = self.line;
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(Trouble::new(line, "this text does not end")),
                Some('"') => return Ok(text),
                Some('\\') if !raw => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) => text.push(c),
                    None => return Err(Trouble::new(line, "this text does not end")),
                },
                Some(c) => text.push(c),
            }
        }
    }
}
