//! Pastes: nothing in them may steer the child or end the paste early.

use crate::front::terminal::Modes;

const BEGIN: &str = "\x1b[200~";
const END: &str = "\x1b[201~";

/// The bytes of a paste: bracketed if the child asked (mode 2004), line ends as Enter sends
/// them (CR), without bracket marks of its own and without control characters but tab and CR.
#[must_use]
pub fn paste(text: &str, modes: Modes) -> Vec<u8> {
    let text = text.replace(END, "").replace(BEGIN, "").replace("\r\n", "\r").replace('\n', "\r");
    let clean = text.chars().filter(|c| matches!(c, '\t' | '\r') || !c.is_control());
    let mut out = String::with_capacity(text.len() + BEGIN.len() + END.len());
    if modes.bracketed_paste {
        out.push_str(BEGIN);
        out.extend(clean);
        out.push_str(END);
    } else {
        out.extend(clean);
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bracketed() -> Modes {
        Modes { bracketed_paste: true, ..Modes::default() }
    }

    #[test]
    fn pastes_by_table() {
        let table = [
            ("hello", "hello"),
            ("a\nb", "a\rb"),
            ("a\r\nb\rc", "a\rb\rc"),
            ("a\tb", "a\tb"),
            ("a\x1b[201~rm -rf /\n", "arm -rf /\r"),
            ("\x1b[20\x1b[201~1~x", "[201~x"),
            ("\x1b[31mred\x1b[0m", "[31mred[0m"),
            ("\u{9b}201~x", "201~x"),
            ("bell\x07null\0del\x7f", "bellnulldel"),
            ("家族 👨‍👩‍👧", "家族 👨‍👩‍👧"),
            ("", ""),
        ];
        for (text, want) in table {
            assert_eq!(paste(text, Modes::default()), want.as_bytes(), "{text:?}");
            let framed = format!("\x1b[200~{want}\x1b[201~");
            assert_eq!(paste(text, bracketed()), framed.as_bytes(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_control_character_gets_into_a_paste(
            parts in prop::collection::vec(
                prop_oneof![
                    any::<String>(),
                    Just("\x1b[201~".to_owned()),
                    Just("\x1b".to_owned()),
                    Just("[201~".to_owned()),
                    Just("\x1b[20".to_owned()),
                ],
                0..12,
            )
        ) {
            let bytes = paste(&parts.concat(), bracketed());
            let inner = bytes.strip_prefix(b"\x1b[200~").unwrap().strip_suffix(b"\x1b[201~").unwrap();
            let inner = std::str::from_utf8(inner).unwrap();
            prop_assert!(inner.chars().all(|c| !c.is_control() || c == '\t' || c == '\r'));
        }

        #[test]
        fn text_without_control_characters_arrives_whole(text in "\\PC*") {
            prop_assert_eq!(paste(&text, Modes::default()), text.as_bytes());
        }
    }
}
