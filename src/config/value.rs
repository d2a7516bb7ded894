//! Readers for each type of setting, from TOML or from plain text.

use std::path::PathBuf;

use toml::de::DeValue;

use super::server_url;
use crate::domain::Api;

/// A value as it was given: typed by TOML, or the plain text of a variable or flag.
pub(super) enum Given<'a> {
    /// From the file.
    Toml(&'a DeValue<'a>),
    /// From the environment or the command line.
    Text(&'a str),
}

/// The smallest window that holds a conversation at all, in tokens.
const SMALLEST_WINDOW: u64 = 2_048;
/// Ten times the largest window of today's models: more is a slip of the finger.
const LARGEST_WINDOW: u64 = 10_000_000;
/// Below this an answer cannot even hold a tool call.
const SMALLEST_RESERVE: u64 = 256;

impl Given<'_> {
    fn string(&self, expected: &str) -> Result<&str, String> {
        let text = match self {
            Self::Toml(value) => value.as_str().ok_or_else(|| format!("expected {expected}"))?,
            Self::Text(text) => text,
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("empty; expected {expected}"));
        }
        Ok(text)
    }

    /// Some text without control characters.
    pub(super) fn text(&self, expected: &str) -> Result<String, String> {
        let text = self.string(expected)?;
        if text.chars().any(char::is_control) {
            return Err("has control characters in it".to_owned());
        }
        Ok(text.to_owned())
    }

    /// A server URL.
    pub(super) fn url(&self) -> Result<String, String> {
        server_url::parse(self.string("a URL such as http://127.0.0.1:8080")?)
    }

    /// An absolute path.
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        let path = PathBuf::from(self.string("an absolute path")?);
        if path.is_absolute() { Ok(path) } else { Err("expected an absolute path".to_owned()) }
    }

    /// A program and its arguments: a list of texts; from a variable, words between spaces.
    pub(super) fn words(&self) -> Result<Vec<String>, String> {
        const EXPECTED: &str =
            "expected a list of texts, the program first, e.g. [\"pass\", \"show\", \"gpu1\"]";
        let words: Option<Vec<String>> = match self {
            Self::Toml(value) => value.as_array().and_then(|list| {
                list.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect()
            }),
            Self::Text(text) => Some(text.split_ascii_whitespace().map(str::to_owned).collect()),
        };
        match words {
            Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
            Some(_) | None => Err(EXPECTED.to_owned()),
        }
    }

    /// A list of texts; from a variable, between commas.
    fn list(&self, expected: &str) -> Result<Vec<String>, String> {
        let list: Option<Vec<String>> = match self {
            Self::Toml(value) => value.as_array().and_then(|list| {
                list.iter().map(|text| text.get_ref().as_str().map(str::to_owned)).collect()
            }),
            Self::Text(text) => Some(text.split(',').map(str::trim).map(str::to_owned).collect()),
        };
        list.filter(|list| list.iter().all(|text| !text.is_empty() && !text.contains('\0')))
            .ok_or_else(|| format!("expected {expected}"))
    }

    /// Folders, each absolute, perhaps with `:rw` or `:ro` at its end.
    pub(super) fn folders(&self) -> Result<Vec<String>, String> {
        let expected = "a list of absolute folders, e.g. [\"/data\", \"/home/me/notes:rw\"]";
        let list = self.list(expected)?;
        match list.iter().find(|folder| !folder.starts_with('/')) {
            None => Ok(list),
            Some(folder) => Err(format!("{folder} is not absolute; expected {expected}")),
        }
    }

    /// Names of variables, perhaps with `*` at the end.
    pub(super) fn variables(&self) -> Result<Vec<String>, String> {
        let expected = "a list of names, e.g. [\"RUST_LOG\", \"MYAPP_*\"]";
        let list = self.list(expected)?;
        let good = |name: &String| {
            let stem = name.strip_suffix('*').unwrap_or(name);
            !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        match list.iter().find(|name| !good(name)) {
            None => Ok(list),
            Some(name) => Err(format!("{name} names no variable; expected {expected}")),
        }
    }

    /// One of the names of an enum.
    pub(super) fn name<T: std::str::FromStr<Err = String>>(&self) -> Result<T, String> {
        match self {
            Self::Toml(value) => match value.as_str() {
                Some(text) => text.parse(),
                None => "".parse(),
            },
            Self::Text(text) => text.parse(),
        }
    }

    /// A switch.
    pub(super) fn switch(&self) -> Result<bool, String> {
        match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text("true" | "1") => Some(true),
            Self::Text("false" | "0") => Some(false),
            Self::Text(_) => None,
        }
        .ok_or_else(|| "expected true or false".to_owned())
    }

    fn whole(&self, expected: &str) -> Result<u64, String> {
        match self {
            Self::Toml(value) => value.as_integer().and_then(|integer| {
                u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
            }),
            Self::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| format!("expected {expected}"))
    }

    /// Any number of tokens.
    pub(super) fn tokens(&self) -> Result<u64, String> {
        self.whole("a whole number of tokens, e.g. 2000")
    }

    /// Seconds between two signs of life, at most a minute.
    pub(super) fn pause(&self) -> Result<u64, String> {
        let expected = "a whole number of seconds from 0 to 60";
        let seconds: u64 = self.whole(expected)?;
        if seconds > 60 { Err(format!("expected {expected}")) } else { Ok(seconds) }
    }

    /// Minutes up to a day.
    pub(super) fn minutes(&self) -> Result<u64, String> {
        const DAY: u64 = 24 * 60;
        let expected = "a whole number of minutes from 0 to 1440";
        let minutes: u64 = self.whole(expected)?;
        if minutes > DAY { Err(format!("expected {expected}")) } else { Ok(minutes) }
    }

    /// Lines of a scrollback.
    pub(super) fn lines(&self) -> Result<u64, String> {
        // Over a gigabyte of full lines.
        const MOST: u64 = 200_000;
        let expected = "a whole number of lines from 0 to 200,000";
        let lines = self.whole(expected)?;
        if lines <= MOST { Ok(lines) } else { Err(format!("expected {expected}")) }
    }

    /// Seconds up to a day; 0: never.
    pub(super) fn seconds(&self) -> Result<u64, String> {
        let expected = "a whole number of seconds from 0 to 86400";
        let seconds = self.whole(expected)?;
        if seconds <= 86_400 { Ok(seconds) } else { Err(format!("expected {expected}")) }
    }

    /// An `http` URL that stays on this machine.
    pub(super) fn webhook(&self) -> Result<String, String> {
        let url = server_url::parse(self.string("a URL such as http://127.0.0.1:9000/lcc")?)?;
        if server_url::is_https(&url) {
            return Err("expected http: what stays on this machine needs no certificate".to_owned());
        }
        if !server_url::is_loopback(&url) {
            return Err("leads to another machine; what lcc tells stays on this one: expected \
                        http://127.0.0.1, http://[::1] or http://localhost"
                .to_owned());
        }
        Ok(url)
    }

    /// The API of the server; `None`: the one it wants.
    pub(super) fn dialect(&self) -> Result<Option<Api>, String> {
        let expected = "auto, anthropic or openai";
        match self.string(expected)? {
            "auto" => Ok(None),
            name => name.parse().map(Some).map_err(|_| format!("expected {expected}")),
        }
    }

    /// Whether the model may think.
    pub(super) fn thinking(&self) -> Result<bool, String> {
        match self.string("off or on")? {
            "off" => Ok(false),
            "on" => Ok(true),
            _ => Err("expected off or on".to_owned()),
        }
    }

    /// A window in tokens.
    pub(super) fn window(&self) -> Result<u64, String> {
        let tokens = self.whole("a whole number of tokens, e.g. 32768")?;
        match tokens {
            0 => Err("a window of 0 tokens holds nothing; leave it out to use the server's own"
                .to_owned()),
            1..SMALLEST_WINDOW => Err(format!(
                "too small for a conversation; expected at least {SMALLEST_WINDOW} tokens"
            )),
            SMALLEST_WINDOW..=LARGEST_WINDOW => Ok(tokens),
            _ => Err(format!("no model has that; expected at most {LARGEST_WINDOW} tokens")),
        }
    }

    /// The tokens kept for an answer.
    pub(super) fn reserve(&self) -> Result<u64, String> {
        let tokens = self.whole("a whole number of tokens, e.g. 4096")?;
        if (SMALLEST_RESERVE..=LARGEST_WINDOW).contains(&tokens) {
            Ok(tokens)
        } else {
            Err(format!("expected {SMALLEST_RESERVE} to {LARGEST_WINDOW} tokens"))
        }
    }

    /// A port to listen on.
    pub(super) fn port(&self) -> Result<u16, String> {
        let expected = "a port, 1 to 65535";
        let port = self.whole(expected)?;
        u16::try_from(port).ok().filter(|p| *p > 0).ok_or_else(|| format!("expected {expected}"))
    }

    /// An amount of memory in MiB.
    pub(super) fn mebibytes(&self) -> Result<u64, String> {
        // 4 TiB: more is bytes where MiB were meant.
        const MOST: u64 = 4 << 20;
        let expected = "MiB of memory, e.g. 4096";
        let mib = self.whole(expected)?;
        if mib <= MOST { Ok(mib) } else { Err(format!("expected {expected}, {MOST} at most")) }
    }

    /// A number of processes; fewer than Claude Code itself has would only end it at once.
    pub(super) fn processes(&self) -> Result<u64, String> {
        let expected = "a number of processes from 64 on, or 0 for no cap";
        let number = self.whole(expected)?;
        if number == 0 || number >= 64 { Ok(number) } else { Err(format!("expected {expected}")) }
    }

    /// A rate in tokens per second.
    pub(super) fn rate(&self) -> Result<f64, String> {
        let number = match self {
            Self::Toml(value) => match value.as_float() {
                Some(float) => float.as_str().replace('_', "").parse().ok(),
                None => self.whole("").ok().and_then(|n| u32::try_from(n).ok()).map(f64::from),
            },
            Self::Text(text) => text.parse::<f64>().ok(),
        };
        number
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .ok_or_else(|| "expected tokens per second above 0, e.g. 400".to_owned())
    }

    /// A leader key in its normal form, `ctrl-` and one character.
    pub(super) fn leader(&self) -> Result<String, String> {
        const EXPECTED: &str = "ctrl- and a letter, space or one of \\ ] ^ _, e.g. ctrl-]";
        let text = self.string(EXPECTED)?.to_ascii_lowercase();
        let name = text.strip_prefix("ctrl-").or_else(|| text.strip_prefix("ctrl+"));
        let name = name.unwrap_or_default();
        let mut chars = name.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(key), None) => key,
            (Some(_), Some(_)) if name == "space" => return Ok("ctrl-space".to_owned()),
            (Some(_), Some(_)) | (None, _) => return Err(format!("expected {EXPECTED}")),
        };
        let taken = |what: &str| Err(format!("ctrl-{key} {what}; take another key, e.g. ctrl-]"));
        match key {
            'c' => taken("interrupts Claude Code"),
            'd' => taken("ends Claude Code"),
            'z' => taken("suspends"),
            'h' => taken("is Backspace on many terminals"),
            'i' => taken("is the same as Tab"),
            'j' => taken("is the same as a new line"),
            'm' => taken("is the same as Enter"),
            '[' => taken("is the same as Escape"),
            'a'..='z' | '\\' | ']' | '^' | '_' => Ok(format!("ctrl-{key}")),
            _ => Err(format!("expected {EXPECTED}")),
        }
    }
}
