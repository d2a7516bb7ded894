//! Files and pictures handed to Claude Code: passed on, with a word when the sandbox hides them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{domain::Tier, protocol::NoticeLevel};

use super::{Effect, Model, action::tell};

/// A text longer than this is no path.
const LONGEST: usize = 4_096;

/// A paste that is one path, as terminals write a file that was dropped on them: says so when it
/// lies where Claude Code cannot see it. The paste itself goes on as it is.
pub(super) fn path(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let Some(path) = dropped(text) else { return };
    let Some(folder) = model.folder.clone().filter(|_| confined(model)) else { return };
    if std::path::Path::new(&path).starts_with(&folder) {
        return;
    }
    let text = format!(
        "{path} is outside the project: the sandbox hides it from Claude Code; copy it into the \
         project first"
    );
    tell(model, NoticeLevel::Warning, text);
    effects.push(Effect::Redraw);
}

/// Ctrl-V, by which Claude Code takes a picture from the clipboard.
pub(super) fn image_key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let wanted = key.modifiers == KeyModifiers::CONTROL
        && matches!(key.code, KeyCode::Char('v' | 'V'))
        && confined(model);
    if wanted {
        let text = "the sandbox has no clipboard for a picture: put its file into the project and \
                    paste or drop its path";
        tell(model, NoticeLevel::Info, text.to_owned());
        effects.push(Effect::Redraw);
    }
}

fn confined(model: &Model) -> bool {
    match model.tier() {
        Some(Tier::Strict | Tier::Reduced) => true,
        Some(Tier::Off) | None => false,
    }
}

/// The absolute path that a text is, if it is nothing else: bare, in quotes, with its blanks
/// escaped, or as a `file:` URL.
fn dropped(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST || text.contains('\n') {
        return None;
    }
    let quoted = ['\'', '"'].iter().find_map(|quote| {
        let inner = text.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!inner.contains(*quote)).then(|| inner.to_owned())
    });
    if let Some(path) = quoted {
        return path.starts_with('/').then_some(path);
    }
    if let Some(url) = text.strip_prefix("file://") {
        let path = url.strip_prefix("localhost").unwrap_or(url);
        return path.starts_with('/').then(|| unescaped_url(path));
    }
    if !text.starts_with('/') {
        return None;
    }
    let mut path = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => path.push(chars.next()?),
            // Two words are a sentence or a command.
            c if c.is_whitespace() => return None,
            c => path.push(c),
        }
    }
    // A slash command is no path; a path has more than one part.
    path.get(1..)?.contains('/').then_some(path)
}

fn unescaped_url(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_dropped_file() {
        for (text, path) in [
            ("/home/u/a.png", Some("/home/u/a.png")),
            ("/home/u/a.png ", Some("/home/u/a.png")),
            ("'/home/u/my file.png'", Some("/home/u/my file.png")),
            ("\"/home/u/my file.png\"", Some("/home/u/my file.png")),
            (r"/home/u/my\ file.png", Some("/home/u/my file.png")),
            ("file:///home/u/my%20file.png", Some("/home/u/my file.png")),
            ("file://localhost/tmp/x", Some("/tmp/x")),
            ("/compact", None),
            ("/home/u/a.png is broken", None),
            ("src/main.rs", None),
            ("/a/b\n/c/d", None),
            ("'relative'", None),
            ("", None),
            ("it's '/x/y'", None),
        ] {
            assert_eq!(dropped(text).as_deref(), path, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_paste_fails(text in "\\PC{0,60}") {
            dropped(&text);
            unescaped_url(&text);
        }
    }
}
