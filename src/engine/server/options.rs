//! Which options a build of the server knows, read from its own `--help`.

use std::collections::BTreeMap;

/// The options of a build: a name, and whether a value follows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `None`: its help could not be read, so every option is taken to exist.
    known: Option<BTreeMap<String, bool>>,
}

impl Options {
    /// Every option is taken to exist, with a value where one is given.
    pub const UNREAD: Self = Self { known: None };

    /// Reads a help text: lines such as `-c,    --ctx-size N     size of …`. A text without any
    /// such line counts as unread.
    #[must_use]
    pub fn read(help: &str) -> Self {
        let mut known = BTreeMap::new();
        for line in help.lines().map(str::trim_start).filter(|line| line.starts_with('-')) {
            let mut rest = line;
            let mut names = Vec::new();
            while rest.starts_with('-') {
                let end = rest.find([' ', ',', '\t', '=']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                names.push(name);
                rest = after.strip_prefix(',').map_or(after, str::trim_start);
            }
            // One space and a word is the value; more spaces are the gap before the description.
            let mut after = rest.chars();
            let value = matches!(after.next(), Some(' ' | '='))
                && after.next().is_some_and(|c| !c.is_whitespace());
            for name in names.into_iter().filter(|name| !name.trim_matches('-').is_empty()) {
                known.insert(name.to_owned(), value);
            }
        }
        if known.is_empty() { Self::UNREAD } else { Self { known: Some(known) } }
    }

    /// Whether a help text was read.
    #[must_use]
    pub const fn were_read(&self) -> bool {
        self.known.is_some()
    }

    /// Whether this build has the option.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains_key(name))
    }

    /// Whether the option stands alone in this build; `false` where that is not known.
    #[must_use]
    pub fn is_bare(&self, name: &str) -> bool {
        self.known.as_ref().is_some_and(|known| known.get(name) == Some(&false))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEW: &str = "\
----- common params -----

-h,    --help, --usage                  print usage and exit
-c,    --ctx-size N                     size of the prompt context (default: 0)
                                        (env: LLAMA_ARG_CTX_SIZE)
-fa,   --flash-attn [on|off|auto]       set Flash Attention use
--jinja, --no-jinja                     whether to use jinja
--slots
                                        expose slots
";
    const OLD: &str = "  -fa,   --flash-attn                     enable Flash Attention\n";

    #[test]
    fn names_and_values_are_told_apart() {
        let options = Options::read(NEW);
        for (name, has, bare) in [
            ("-c", true, false),
            ("--ctx-size", true, false),
            ("--flash-attn", true, false),
            ("--jinja", true, true),
            ("--no-jinja", true, true),
            ("--slots", true, true),
            ("--usage", true, true),
            ("--cache-ram", false, false),
            ("-----", false, false),
        ] {
            assert_eq!((options.has(name), options.is_bare(name)), (has, bare), "{name}");
        }
        assert!(Options::read(OLD).is_bare("--flash-attn"));
    }

    #[test]
    fn no_help_means_that_every_option_is_tried() {
        for text in ["", "usage: x\n", "error: unknown option"] {
            let options = Options::read(text);
            assert!(!options.were_read() && options.has("--anything"), "{text}");
            assert!(!options.is_bare("--anything"));
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[-a-z, =\n\u{e9}]{0,200}") {
            let _ = Options::read(&text);
        }
    }
}
