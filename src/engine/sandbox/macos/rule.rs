//! The rules of a Seatbelt profile as values, and how they are written down.

use std::{
    ffi::OsString,
    fmt::Write,
    path::{Path, PathBuf},
};

/// What a rule does with the operations that its filters match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// They may happen.
    Allow,
    /// They fail.
    Deny,
}

/// How a path is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// This very path.
    Literal,
    /// The path and everything below it.
    Subpath,
}

impl Match {
    const fn word(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Subpath => "subpath",
        }
    }
}

/// What a rule is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// A path of this start. It becomes a parameter and is never part of the text.
    Path(Match, PathBuf),
    /// A path of every macOS.
    Fixed(Match, &'static str),
    /// Paths below a folder of this start whose rest matches an expression, which begins with `/`.
    Below(PathBuf, String),
    /// A filter with a name in quotes: `(global-name "…")`.
    Name(&'static str, &'static str),
    /// A filter with a bare word: `(target same-sandbox)`.
    Word(&'static str, &'static str),
    /// A service with this name, made up for one session.
    Service(String),
    /// TCP to this port of the loopback address.
    Port(u16),
    /// All of them at once.
    All(Vec<Filter>),
    /// None of them.
    NotAny(Vec<Filter>),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Why it is there; a comment in the text.
    pub why: &'static str,
    /// What it does.
    pub effect: Effect,
    /// The operations, by the names of the profile language.
    pub operations: Vec<&'static str>,
    /// What it is limited to: any of them matches. None: every use of the operations.
    pub filters: Vec<Filter>,
}

impl Rule {
    /// A rule that allows.
    pub fn allow(why: &'static str, operations: &[&'static str], filters: Vec<Filter>) -> Self {
        Self { why, effect: Effect::Allow, operations: operations.to_vec(), filters }
    }

    /// A rule that denies.
    pub fn deny(why: &'static str, operations: &[&'static str], filters: Vec<Filter>) -> Self {
        Self { why, effect: Effect::Deny, operations: operations.to_vec(), filters }
    }
}

/// The paths of a profile under the names they have in its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, PathBuf)>);

impl Parameters {
    /// Gives a path a name of its own.
    pub fn named(&mut self, name: &str, path: &Path) {
        self.0.push((name.to_owned(), path.to_owned()));
    }

    /// The name of a path; it gets a number where it has none yet.
    fn name(&mut self, path: &Path) -> String {
        if let Some((name, _)) = self.0.iter().find(|(_, known)| known == path) {
            return name.clone();
        }
        let name = format!("PATH_{}", self.0.len());
        self.named(&name, path);
        name
    }

    /// Names and values for `-D`.
    #[must_use]
    pub fn into_words(self) -> Vec<(String, OsString)> {
        self.0.into_iter().map(|(name, path)| (name, path.into_os_string())).collect()
    }
}

/// Writes rules down, and gives their paths names.
pub fn write(rules: &[Rule], parameters: &mut Parameters) -> String {
    let mut text = String::new();
    for rule in rules {
        let word = match rule.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        // Writing to a string cannot fail.
        let _infallible = write!(text, ";; {}\n({word} {}", rule.why, rule.operations.join(" "));
        for filter in &rule.filters {
            text.push_str("\n  ");
            text.push_str(&filter_text(filter, parameters));
        }
        text.push_str(")\n");
    }
    text
}

fn filter_text(filter: &Filter, parameters: &mut Parameters) -> String {
    let mut list = |word: &str, filters: &[Filter]| {
        let inner: Vec<String> =
            filters.iter().map(|filter| filter_text(filter, parameters)).collect();
        format!("({word} {})", inner.join(" "))
    };
    match filter {
        Filter::All(filters) => list("require-all", filters),
        Filter::NotAny(filters) => format!("(require-not {})", list("require-any", filters)),
        Filter::Path(how, path) => {
            format!("({} (param \"{}\"))", how.word(), parameters.name(path))
        }
        Filter::Fixed(how, path) => format!("({} \"{path}\")", how.word()),
        Filter::Below(folder, rest) => format!(
            "(regex (string-append \"^\" (regex-quote (param \"{}\")) #\"{rest}\"))",
            parameters.name(folder)
        ),
        Filter::Name(kind, name) => format!("({kind} \"{name}\")"),
        Filter::Word(kind, word) => format!("({kind} {word})"),
        Filter::Service(name) => format!("(global-name \"{name}\")"),
        Filter::Port(port) => format!("(remote tcp \"localhost:{port}\")"),
    }
}
