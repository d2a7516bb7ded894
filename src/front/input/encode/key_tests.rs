//! Tables of keys and their bytes: xterm's PC-style table, kitty's specification.

use super::*;

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

fn check(modes: Modes, table: &[(KeyCode, KeyModifiers, &str)]) {
    for (code, mods, want) in table {
        let got = String::from_utf8(key(KeyEvent::new(*code, *mods), modes)).unwrap();
        assert_eq!(got, *want, "{code:?} with {mods:?} in {modes:?}");
    }
}

fn kitty() -> Modes {
    Modes { kitty_disambiguate: true, ..Modes::default() }
}

#[test]
fn legacy_text_and_control() {
    use KeyCode::Char;
    check(
        Modes::default(),
        &[
            (Char('a'), NONE, "a"),
            (Char('A'), SHIFT, "A"),
            (Char('a'), SHIFT, "A"),
            (Char('ü'), NONE, "ü"),
            (Char('家'), NONE, "家"),
            (Char('ß'), SHIFT, "ß"),
            (Char('!'), SHIFT, "!"),
            (Char('a'), CTRL, "\x01"),
            (Char('z'), CTRL, "\x1a"),
            (Char('p'), CTRL | SHIFT, "\x10"),
            (Char(' '), CTRL, "\0"),
            (KeyCode::Null, NONE, "\0"),
            (Char('['), CTRL, "\x1b"),
            (Char('\\'), CTRL, "\x1c"),
            (Char('4'), CTRL, "\x1c"),
            (Char(']'), CTRL, "\x1d"),
            (Char('5'), CTRL, "\x1d"),
            (Char('^'), CTRL | SHIFT, "\x1e"),
            (Char('_'), CTRL | SHIFT, "\x1f"),
            (Char('/'), CTRL, "\x1f"),
            (Char('7'), CTRL, "\x1f"),
            (Char('?'), CTRL, "\x7f"),
            (Char('1'), CTRL, "1"),
            (Char('.'), CTRL, "."),
            (Char('j'), CTRL, "\n"),
            (Char('a'), ALT, "\x1ba"),
            (Char('A'), ALT | SHIFT, "\x1bA"),
            (Char('c'), ALT | CTRL, "\x1b\x03"),
            (Char('ö'), ALT, "\x1bö"),
            (Char('c'), KeyModifiers::SUPER, ""),
        ],
    );
}

#[test]
fn legacy_editing_keys() {
    use KeyCode::{BackTab, Backspace, Enter, Esc, Tab};
    check(
        Modes::default(),
        &[
            (Enter, NONE, "\r"),
            (Enter, SHIFT, "\x1b[13;2u"),
            (Enter, SHIFT | CTRL, "\x1b[13;2u"),
            (Enter, ALT, "\x1b\r"),
            (Enter, CTRL, "\r"),
            (Tab, NONE, "\t"),
            (Tab, SHIFT, "\x1b[Z"),
            (BackTab, SHIFT, "\x1b[Z"),
            (BackTab, NONE, "\x1b[Z"),
            (Tab, ALT, "\x1b\t"),
            (Backspace, NONE, "\x7f"),
            (Backspace, CTRL, "\x08"),
            (Backspace, ALT, "\x1b\x7f"),
            (Backspace, SHIFT, "\x7f"),
            (Esc, NONE, "\x1b"),
            (Esc, ALT, "\x1b\x1b"),
        ],
    );
    check(Modes { new_line: true, ..Modes::default() }, &[(Enter, NONE, "\r\n")]);
}

#[test]
fn legacy_functional_keys() {
    use KeyCode::{Delete, Down, End, F, Home, Insert, Left, Menu, PageDown, PageUp, Right, Up};
    check(
        Modes::default(),
        &[
            (Up, NONE, "\x1b[A"),
            (Down, NONE, "\x1b[B"),
            (Right, NONE, "\x1b[C"),
            (Left, NONE, "\x1b[D"),
            (Home, NONE, "\x1b[H"),
            (End, NONE, "\x1b[F"),
            (Up, SHIFT, "\x1b[1;2A"),
            (Left, ALT, "\x1b[1;3D"),
            (Right, CTRL, "\x1b[1;5C"),
            (End, CTRL | SHIFT, "\x1b[1;6F"),
            (Home, CTRL | ALT | SHIFT, "\x1b[1;8H"),
            (Insert, NONE, "\x1b[2~"),
            (Delete, NONE, "\x1b[3~"),
            (PageUp, NONE, "\x1b[5~"),
            (PageDown, NONE, "\x1b[6~"),
            (PageUp, CTRL, "\x1b[5;5~"),
            (Delete, SHIFT, "\x1b[3;2~"),
            (F(1), NONE, "\x1bOP"),
            (F(2), NONE, "\x1bOQ"),
            (F(3), NONE, "\x1bOR"),
            (F(4), NONE, "\x1bOS"),
            (F(1), SHIFT, "\x1b[1;2P"),
            (F(3), CTRL, "\x1b[1;5R"),
            (F(5), NONE, "\x1b[15~"),
            (F(6), NONE, "\x1b[17~"),
            (F(7), NONE, "\x1b[18~"),
            (F(8), NONE, "\x1b[19~"),
            (F(9), NONE, "\x1b[20~"),
            (F(10), NONE, "\x1b[21~"),
            (F(11), NONE, "\x1b[23~"),
            (F(12), NONE, "\x1b[24~"),
            (F(12), CTRL | SHIFT, "\x1b[24;6~"),
            (F(13), NONE, "\x1b[25~"),
            (F(14), NONE, "\x1b[26~"),
            (F(15), NONE, "\x1b[28~"),
            (F(16), NONE, "\x1b[29~"),
            (F(17), NONE, "\x1b[31~"),
            (F(20), NONE, "\x1b[34~"),
            (F(21), NONE, ""),
            (Menu, NONE, "\x1b[29~"),
            (KeyCode::Pause, NONE, ""),
            (KeyCode::CapsLock, NONE, ""),
        ],
    );
}

#[test]
fn application_cursor_mode_changes_only_plain_cursor_keys() {
    check(
        Modes { app_cursor: true, ..Modes::default() },
        &[
            (KeyCode::Up, NONE, "\x1bOA"),
            (KeyCode::Left, NONE, "\x1bOD"),
            (KeyCode::Home, NONE, "\x1bOH"),
            (KeyCode::End, NONE, "\x1bOF"),
            (KeyCode::Up, CTRL, "\x1b[1;5A"),
            (KeyCode::PageUp, NONE, "\x1b[5~"),
        ],
    );
}

#[test]
fn kitty_flag_1() {
    use KeyCode::{BackTab, Backspace, Char, Enter, Esc, F, Tab, Up};
    check(
        kitty(),
        &[
            (Char('a'), NONE, "a"),
            (Char('A'), SHIFT, "A"),
            (Char('ü'), NONE, "ü"),
            (Char('a'), CTRL, "\x1b[97;5u"),
            (Char('A'), CTRL | SHIFT, "\x1b[97;6u"),
            (Char('a'), ALT, "\x1b[97;3u"),
            (Char('['), CTRL, "\x1b[91;5u"),
            (Char(' '), CTRL, "\x1b[32;5u"),
            (Char('c'), KeyModifiers::SUPER, "\x1b[99;9u"),
            (Char('x'), CTRL | ALT | SHIFT, "\x1b[120;8u"),
            (Char('ü'), CTRL, "\x1b[252;5u"),
            (Char('_'), CTRL, "\x1b[95;5u"),
            (Char('7'), CTRL, "\x1b[95;5u"),
            (Char('4'), CTRL, "\x1b[92;5u"),
            (Char('7'), ALT, "\x1b[55;3u"),
            (Char('3'), CTRL, "\x1b[51;5u"),
            (Esc, NONE, "\x1b[27u"),
            (Esc, SHIFT, "\x1b[27;2u"),
            (Enter, NONE, "\r"),
            (Tab, NONE, "\t"),
            (Backspace, NONE, "\x7f"),
            (Enter, SHIFT, "\x1b[13;2u"),
            (Enter, CTRL, "\x1b[13;5u"),
            (Enter, ALT, "\x1b[13;3u"),
            (Tab, SHIFT, "\x1b[9;2u"),
            (BackTab, SHIFT, "\x1b[9;2u"),
            (Backspace, CTRL, "\x1b[127;5u"),
            (Up, NONE, "\x1b[A"),
            (Up, KeyModifiers::SUPER, "\x1b[1;9A"),
            (KeyCode::PageUp, NONE, "\x1b[5~"),
            (F(1), NONE, "\x1b[P"),
            (F(3), NONE, "\x1b[13~"),
            (F(3), CTRL, "\x1b[13;5~"),
            (F(4), ALT, "\x1b[1;3S"),
            (F(5), NONE, "\x1b[15~"),
            (F(13), NONE, "\x1b[57376u"),
            (F(35), NONE, "\x1b[57398u"),
            (F(36), NONE, ""),
            (KeyCode::Menu, NONE, "\x1b[57363u"),
            (KeyCode::Pause, CTRL, "\x1b[57362;5u"),
        ],
    );
}

#[test]
fn kitty_flag_4_names_the_shifted_letter() {
    use KeyCode::{Char, Enter, Up};
    check(
        // As 2.1.330 asks for it: `CSI > 5 u`.
        Modes { kitty_alternates: true, ..kitty() },
        &[
            (Char('p'), CTRL | SHIFT, "\x1b[112:80;6u"),
            (Char('P'), CTRL | SHIFT, "\x1b[112:80;6u"),
            (Char('ö'), ALT | SHIFT, "\x1b[246:214;4u"),
            (Char('p'), CTRL, "\x1b[112;5u"),
            // A symbol comes shifted already; which key made it cannot be told.
            (Char('!'), CTRL | SHIFT, "\x1b[33;6u"),
            (Char('A'), SHIFT, "A"),
            (Char('a'), NONE, "a"),
            (Enter, SHIFT, "\x1b[13;2u"),
            (Up, CTRL, "\x1b[1;5A"),
        ],
    );
}

#[test]
fn kitty_flag_8_makes_every_key_an_escape_code() {
    use KeyCode::{Backspace, Char, Enter, Esc, F, Tab, Up};
    let all = Modes { kitty_all: true, ..kitty() };
    check(
        all,
        &[
            (Char('a'), NONE, "\x1b[97u"),
            (Char('A'), SHIFT, "\x1b[97;2u"),
            (Char('ü'), NONE, "\x1b[252u"),
            (Char('家'), NONE, "\x1b[23478u"),
            (Char('c'), CTRL, "\x1b[99;5u"),
            (Enter, NONE, "\x1b[13u"),
            (Tab, NONE, "\x1b[9u"),
            (Backspace, NONE, "\x1b[127u"),
            (Esc, NONE, "\x1b[27u"),
            (Up, NONE, "\x1b[A"),
            (F(5), NONE, "\x1b[15~"),
        ],
    );
    check(
        Modes { kitty_text: true, kitty_alternates: true, ..all },
        &[
            (Char('a'), NONE, "\x1b[97;;97u"),
            (Char('A'), SHIFT, "\x1b[97:65;2;65u"),
            (Char('家'), NONE, "\x1b[23478;;23478u"),
            (Char('c'), CTRL, "\x1b[99;5u"),
            (Enter, NONE, "\x1b[13u"),
        ],
    );
    // Text needs flag 8.
    check(Modes { kitty_text: true, ..kitty() }, &[(Char('a'), NONE, "a")]);
}

#[test]
fn text_of_an_input_method_arrives_as_typed() {
    // A word committed at once, a dead key's letter, a letter with a mark of its own.
    for text in ["日本語", "é", "e\u{301}", "한국어", "ñandú"] {
        for modes in [Modes::default(), kitty(), Modes { modify_other_keys: 2, ..kitty() }] {
            let event = |c| KeyEvent::new(KeyCode::Char(c), NONE);
            let bytes: Vec<u8> = text.chars().flat_map(|c| key(event(c), modes)).collect();
            assert_eq!(bytes, text.as_bytes(), "{text} in {modes:?}");
        }
    }
}

/// Every character with every modifier: what a decoder makes of the bytes is the key again.
#[test]
fn modify_other_keys_2_can_always_be_read_back() {
    for code in 0x20_u8..0x7f {
        let c = char::from(code);
        for bits in 0_u8..8 {
            let mods = KeyModifiers::from_bits_truncate(bits);
            let modes = Modes { modify_other_keys: 2, ..Modes::default() };
            let bytes =
                String::from_utf8(key(KeyEvent::new(KeyCode::Char(c), mods), modes)).unwrap();
            let chord = !mods.difference(SHIFT).is_empty();
            let inner = bytes.strip_prefix("\x1b[27;").and_then(|b| b.strip_suffix('~'));
            assert_eq!(inner.is_some(), chord, "{c:?} {mods:?}: {bytes:?}");
            let Some((parameter, number)) = inner.and_then(|inner| inner.split_once(';')) else {
                continue;
            };
            let bit = |m, value: u8| if mods.contains(m) { value } else { 0 };
            let want = 1 + bit(SHIFT, 1) + bit(ALT, 2) + bit(CTRL, 4);
            assert_eq!(parameter.parse(), Ok(want), "{c:?} {mods:?}");
            let read = number.parse().ok().and_then(char::from_u32).unwrap();
            // A control code read as a digit stands for its symbol.
            let digit = mods == CTRL && ('4'..='7').contains(&c);
            assert!(digit || read.eq_ignore_ascii_case(&c), "{c:?} {mods:?}: {read:?}");
        }
    }
}

#[test]
fn modify_other_keys() {
    use KeyCode::{Char, Enter, Esc, Tab};
    check(
        Modes { modify_other_keys: 1, ..Modes::default() },
        &[
            (Char('a'), CTRL, "\x01"),
            (Char('.'), CTRL, "\x1b[27;5;46~"),
            (Char('1'), CTRL | ALT, "\x1b[27;7;49~"),
            (Char('a'), ALT, "\x1ba"),
            (Enter, CTRL, "\x1b[27;5;13~"),
            (Tab, CTRL, "\x1b[27;5;9~"),
            (Tab, SHIFT, "\x1b[Z"),
            (Enter, SHIFT, "\x1b[13;2u"),
        ],
    );
    check(
        Modes { modify_other_keys: 2, ..Modes::default() },
        &[
            (Char('a'), CTRL, "\x1b[27;5;97~"),
            (Char('p'), CTRL | SHIFT, "\x1b[27;6;80~"),
            (Char('a'), ALT, "\x1b[27;3;97~"),
            (Char('A'), SHIFT, "A"),
            (Char('a'), NONE, "a"),
            (Esc, NONE, "\x1b"),
            (Enter, ALT, "\x1b[27;3;13~"),
        ],
    );
}

#[test]
fn releases_are_not_sent_and_repeats_are() {
    let mut event = KeyEvent::new(KeyCode::Char('a'), NONE);
    event.kind = KeyEventKind::Release;
    assert_eq!(key(event, kitty()), b"");
    event.kind = KeyEventKind::Repeat;
    assert_eq!(key(event, kitty()), b"a");
}
