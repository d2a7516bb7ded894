//! The user's own keys: what the table `[keys]` says, and everything that is wrong with it.

use super::{
    chord::Chord,
    keymap::{Action, Keymap},
    leader::Leader,
};

/// One line of the table: `compact = ["f2", "leader c"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// The command's name.
    pub name: String,
    /// The keys it is to have.
    pub keys: Vec<String>,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// Something to say about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRemark {
    /// Where it stands.
    pub line: usize,
    /// The line as it was understood.
    pub text: String,
    /// What is to be said about it.
    pub message: String,
}

/// The keys that lcc has then, and what is taken from Claude Code by them.
///
/// A command that is named has the keys of its line and no others; all others keep their own.
///
/// # Errors
/// Everything that is wrong: names that no command has, keys that are none or cannot be taken,
/// keys that two commands would have, a help or a quit without any key.
pub fn configured(
    leader: Leader,
    lines: &[KeyLine],
) -> Result<(Keymap, Vec<KeyRemark>), Vec<KeyRemark>> {
    let mut wrong = Vec::new();
    let mut remarks = Vec::new();
    let mut keymap = Keymap::new(leader);
    for line in lines {
        match Action::named(&line.name) {
            Some(action) => keymap.forget(action),
            None => wrong.push(line.remark(unknown(&line.name))),
        }
    }
    for line in lines {
        let Some(action) = Action::named(&line.name) else { continue };
        for key in &line.keys {
            match take(&mut keymap, action, key) {
                Ok(None) => {}
                Ok(Some(stolen)) => remarks.push(line.remark(stolen)),
                Err(message) => wrong.push(line.remark(message)),
            }
        }
        let needed = matches!(action, Action::Help | Action::Quit);
        if needed && line.keys.iter().all(|key| is_none(key)) {
            let message = "cannot be without a key; \"leader q\" is enough".to_owned();
            wrong.push(line.remark(message));
        }
    }
    if wrong.is_empty() { Ok((keymap, remarks)) } else { Err(wrong) }
}

fn is_none(key: &str) -> bool {
    key.trim().eq_ignore_ascii_case("none")
}

/// Gives an action one key; says what Claude Code loses by it.
fn take(keymap: &mut Keymap, action: Action, key: &str) -> Result<Option<String>, String> {
    if is_none(key) {
        return Ok(None);
    }
    let lower = key.trim().to_ascii_lowercase();
    if let Some(after) = lower.strip_prefix("leader ").or_else(|| lower.strip_prefix("leader+")) {
        let mut chars = after.trim().chars();
        let (Some(letter), None) = (chars.next(), chars.next()) else {
            return Err(format!(
                "{key:?}: after the leader comes one character, like \"leader g\""
            ));
        };
        if letter.is_control() || letter.is_whitespace() {
            return Err(format!("{key:?}: after the leader comes a character that can be seen"));
        }
        return match keymap.letter(letter) {
            Some(other) if other != action => Err(conflict(&format!("leader {letter}"), other)),
            Some(_) | None => {
                keymap.give_letter(letter, action);
                Ok(None)
            }
        };
    }
    let chord: Chord = key.parse().map_err(|error: super::ChordError| error.to_string())?;
    if keymap.is_leader(chord) {
        return Err(format!("{chord} is the leader; take another key, or another leader"));
    }
    if let Some(other) = keymap.chord(chord).filter(|other| *other != action) {
        return Err(conflict(&chord.to_string(), other));
    }
    keymap.give_chord(chord, action);
    Ok(chord.claude_codes().map(|does| {
        format!(
            "{chord} is taken from Claude Code, where it {does}; behind the leader it would not be"
        )
    }))
}

fn conflict(key: &str, other: Action) -> String {
    let name = other.name();
    format!(
        "{key} is {name}'s; give {name} another key too (\"none\" for no key), or take another one"
    )
}

fn unknown(name: &str) -> String {
    let names = Keymap::BINDINGS.iter().map(|bound| bound.action.name()).collect::<Vec<_>>();
    format!("no command {name:?}; there are {}", names.join(", "))
}

impl KeyLine {
    fn remark(&self, message: String) -> KeyRemark {
        let keys: Vec<_> = self.keys.iter().map(|key| format!("{key:?}")).collect();
        let keys = match keys.as_slice() {
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        KeyRemark { line: self.line, text: format!("keys.{} = {keys}", self.name), message }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    use super::*;
    use crate::front::input::Fed;

    fn line(name: &str, keys: &[&str]) -> KeyLine {
        KeyLine { name: name.into(), keys: keys.iter().map(|k| (*k).into()).collect(), line: 7 }
    }

    fn wrong(lines: &[KeyLine]) -> String {
        let wrong = configured(Leader::default(), lines).unwrap_err();
        wrong.iter().map(|r| format!("{}: {}", r.text, r.message)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_named_command_has_its_keys_and_no_others() {
        let lines = [line("compact", &["f12", "leader z"]), line("log", &["none"])];
        let (mut keys, remarks) = configured(Leader::default(), &lines).unwrap();
        assert!(remarks.is_empty());
        let f = |n| KeyEvent::new(KeyCode::F(n), KeyModifiers::NONE);
        assert_eq!(keys.feed(f(12)), Fed::Action(Action::Compact));
        assert_eq!(keys.feed(f(2)), Fed::Pass(f(2)), "F2 is Claude Code's now");
        assert_eq!(keys.feed(f(8)), Fed::Pass(f(8)));
        assert_eq!(keys.feed(f(1)), Fed::Action(Action::Help), "the others keep theirs");
        keys.feed(KeyEvent::new(KeyCode::Char(']'), KeyModifiers::CONTROL));
        let z = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::NONE);
        assert_eq!(keys.feed(z), Fed::Action(Action::Compact));
        assert_eq!(keys.names(Action::Compact), ["F12", "Ctrl-] z"]);
        assert!(keys.names(Action::Log).is_empty());
    }

    #[test]
    fn sentences_name_the_keys_there_are() {
        let lines =
            [line("help", &["f12"]), line("compact", &["leader z"]), line("log", &["none"])];
        let (keys, _) = configured(Leader::default(), &lines).unwrap();
        for (text, said) in [
            ("F1 and F10, F2.", "F12 and F10, Ctrl-] z."),
            ("press F8, not xF1", "press log, not xF1"),
            ("", ""),
        ] {
            assert_eq!(keys.said(text), said);
            assert_eq!(Keymap::default().said(text), text, "the usual ones stay");
        }
    }

    #[test]
    fn keys_may_be_swapped() {
        let lines = [line("help", &["f2"]), line("compact", &["f1"])];
        let (mut keys, _) = configured(Leader::default(), &lines).unwrap();
        let f1 = KeyEvent::new(KeyCode::F(1), KeyModifiers::NONE);
        assert_eq!(keys.feed(f1), Fed::Action(Action::Compact));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (lines, said) in [
            (vec![line("log", &["f2"])], "keys.log = \"f2\": F2 is compact's"),
            (vec![line("log", &["leader c"])], "leader c is compact's"),
            (vec![line("log", &["f12"]), line("theme", &["f12"])], "F12 is log's"),
            (vec![line("logs", &["f12"])], "no command \"logs\"; there are help, compact"),
            (vec![line("log", &["x"])], "a character that is typed"),
            (vec![line("log", &["ctrl-]"])], "is the leader"),
            (vec![line("log", &["leader xy"])], "one character"),
            (vec![line("quit", &["none"])], "cannot be without a key"),
            (vec![line("help", &[])], "cannot be without a key"),
        ] {
            let told = wrong(&lines);
            assert!(told.contains(said), "{told}");
        }
        assert_eq!(wrong(&[line("logs", &[]), line("log", &["f2"])]).lines().count(), 2, "all");
    }

    #[test]
    fn what_claude_code_loses_is_said() {
        let (_, remarks) = configured(Leader::default(), &[line("log", &["ctrl-r"])]).unwrap();
        assert_eq!((remarks.len(), remarks[0].line), (1, 7));
        assert!(remarks[0].message.contains("searches the history"), "{}", remarks[0].message);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(name in "[a-z]{0,8}", keys in prop::collection::vec("\\PC{0,12}", 0..4)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let _ = configured(Leader::default(), &[line(&name, &keys), line("log", &keys)]);
        }
    }
}
