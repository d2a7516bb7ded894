//! Recordings of the real Claude Code: any split gives the same, and an independent terminal
//! sees the same screen.

use lcc::front::terminal::{Size, Terminal, TerminalEvent};
use proptest::prelude::*;

use crate::{drawn, rows, terminal};

/// Recorded at 100x30: start, a prompt with emoji, an answer with a table; then a menu and the
/// end, but for the last one. The last one had its kitty query answered.
const RECORDINGS: [(&str, &[u8]); 6] = [
    ("2.1.197 inline", include_bytes!("../fixtures/terminal/claude-2.1.197-inline.bin")),
    ("2.1.197 fullscreen", include_bytes!("../fixtures/terminal/claude-2.1.197-full.bin")),
    ("2.1.197 asks for sync", include_bytes!("../fixtures/terminal/claude-2.1.197-asks.bin")),
    ("2.1.330 inline", include_bytes!("../fixtures/terminal/claude-2.1.330-inline.bin")),
    ("2.1.330 fullscreen", include_bytes!("../fixtures/terminal/claude-2.1.330-full.bin")),
    ("2.1.330 kitty keys", include_bytes!("../fixtures/terminal/claude-2.1.330-kitty.bin")),
];

const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

/// Offsets right behind every synchronized frame.
pub fn frames(bytes: &[u8]) -> Vec<usize> {
    let len = END_OF_FRAME.len();
    (len..=bytes.len()).filter(|end| bytes[end - len..*end] == *END_OF_FRAME).collect()
}

fn feed_in_pieces(terminal: &mut Terminal, bytes: &[u8], cuts: &[usize]) -> Vec<TerminalEvent> {
    let mut events = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle() {
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        events.extend(terminal.feed(now));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_split_gives_the_same_screen_and_events(
        cuts in prop::collection::vec(1_usize..300, 1..40),
        share in 0.0_f64..=1.0,
    ) {
        for (name, bytes) in RECORDINGS {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let bytes = &bytes[..(bytes.len() as f64 * share) as usize];
            let (mut whole, mut split) = (terminal(100, 30), terminal(100, 30));
            let want = whole.feed(bytes);
            prop_assert_eq!(feed_in_pieces(&mut split, bytes, &cuts), want, "{}", name);
            prop_assert_eq!(drawn(&split), drawn(&whole), "{}", name);
            prop_assert_eq!(split.cursor(), whole.cursor(), "{}", name);
            prop_assert_eq!(split.modes(), whole.modes(), "{}", name);
        }
    }

    #[test]
    fn resize_storms_are_survived(
        storm in prop::collection::vec((0_u16..200, 0_u16..60, 1_usize..2_000), 1..40),
    ) {
        for (_, bytes) in RECORDINGS {
            let mut terminal = terminal(100, 30);
            let mut rest = bytes;
            for (cols, rows, piece) in &storm {
                let (now, later) = rest.split_at((*piece).min(rest.len()));
                terminal.feed(now);
                terminal.resize(Size { cols: *cols, rows: *rows });
                terminal.scroll(i32::from(*rows) - 20);
                drawn(&terminal);
                rest = later;
            }
            terminal.feed(rest);
            let Size { cols, rows } = terminal.size();
            prop_assert!(cols >= 2 && rows >= 1);
        }
    }
}

#[test]
fn byte_by_byte_is_the_same_too() {
    for (name, bytes) in RECORDINGS {
        let (mut whole, mut split) = (terminal(100, 30), terminal(100, 30));
        let want = whole.feed(bytes);
        assert_eq!(feed_in_pieces(&mut split, bytes, &[1]), want, "{name}");
        assert_eq!(drawn(&split), drawn(&whole), "{name}");
    }
}

/// Clusters whose columns the independent terminal counts otherwise (it gives every part of a
/// joined family two, and a skin tone its own), with a character of the same width for both.
/// This is the whole list of differences.
const COUNTED_OTHERWISE: [(&str, &str); 5] = [
    ("👍🏽", "👍"),
    ("👨\u{200d}👩\u{200d}👧", "👨"),
    // The same while it is being typed.
    ("👨\u{200d}👩\u{200d}", "👨"),
    ("👨\u{200d}👩", "👨"),
    ("👨\u{200d}", "👨"),
];

pub fn replaced(text: &str) -> String {
    COUNTED_OTHERWISE.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn an_independent_terminal_sees_the_same_screen() {
    for (name, bytes) in RECORDINGS {
        let mut ours = terminal(100, 30);
        let mut theirs = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
        let mut from = 0;
        let ends = frames(bytes);
        assert!(ends.len() > 10, "{name} has {} frames", ends.len());
        for end in ends {
            let frame = std::str::from_utf8(&bytes[from..end]).unwrap();
            from = end;
            ours.feed(frame.as_bytes());
            theirs.process(replaced(frame).as_bytes());
            let our: Vec<String> = rows(&ours).iter().map(|row| replaced(row)).collect();
            let screen = theirs.screen();
            let their: Vec<String> =
                screen.rows(0, 100).map(|row| row.trim_end().to_owned()).collect();
            assert_eq!(our, their, "{name}, byte {end}");
            if let Some(cursor) = ours.cursor() {
                assert_eq!((cursor.row, cursor.col), screen.cursor_position(), "{name}, {end}");
            }
        }
    }
}

#[test]
fn claude_code_as_it_looks() {
    for (name, bytes) in RECORDINGS {
        let mut terminal = terminal(100, 30);
        // The last frame in which the answer and the prompt box are on the screen.
        let end = frames(bytes).into_iter().rev().find(|end| {
            let mut probe = crate::terminal(100, 30);
            probe.feed(&bytes[..*end]);
            rows(&probe).iter().any(|row| row.contains("Three things to do"))
        });
        terminal.feed(&bytes[..end.unwrap()]);
        let name = format!("claude_{}", name.replace([' ', '.'], "_"));
        insta::assert_snapshot!(name, rows(&terminal).join("\n"));
    }
}

#[test]
fn what_claude_code_asks_for_at_its_start() {
    for (name, bytes) in RECORDINGS {
        let mut terminal = terminal(100, 30);
        let events = terminal.feed(bytes);
        let replies: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                TerminalEvent::Reply(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            })
            .collect();
        let version = replies.iter().position(|reply| reply.contains(">|lcc("));
        let attributes = replies.iter().position(|reply| reply == "\x1b[?62;22c");
        assert!(version.unwrap() < attributes.unwrap(), "{name}: {replies:?}");
        let titles = events.iter().filter(|event| matches!(event, TerminalEvent::Title(_)));
        assert!(titles.count() >= 2, "{name}");
        assert!(events.iter().any(|event| matches!(event, TerminalEvent::Progress(_))), "{name}");
    }
}

#[test]
fn the_newer_claude_code_takes_kitty_keys_when_it_hears_of_them() {
    let find = |name| RECORDINGS.iter().find(|recording| recording.0 == name).unwrap().1;
    let mut terminal = terminal(100, 30);
    let events = terminal.feed(find("2.1.330 kitty keys"));
    assert!(events.contains(&TerminalEvent::Reply(b"\x1b[?0u".to_vec())));
    let modes = terminal.modes();
    assert!(modes.kitty_disambiguate && modes.bracketed_paste && modes.focus_events);
}

#[test]
fn recordings_name_no_folder_but_a_neutral_one() {
    for (name, bytes) in RECORDINGS {
        let text = String::from_utf8_lossy(bytes);
        for folder in ["/root", "/home", "/Users", "/usr", "/opt", "127.0.0.1"] {
            assert!(!text.contains(folder), "{name} names {folder}");
        }
        for (at, found) in text.match_indices("/tmp/") {
            let rest = &text.as_bytes()[at + found.len()..];
            assert!(rest[0] == b'p' && !rest[1].is_ascii_alphanumeric(), "{name}, byte {at}");
        }
    }
}
