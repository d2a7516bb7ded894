//! Streams that mean harm: nothing panics, nothing is shown that should not be, memory is bound.

use lcc::front::terminal::{Size, TerminalEvent};
use proptest::prelude::*;

use crate::{drawn, row, rows, terminal};

#[test]
fn unknown_sequences_are_swallowed() {
    let stream = "a\x1b]5522;x=y\x07b\x1bP+p544e\x1b\\c\x1b_Gf=24;AAAA\x1b\\d\x1b^pm\x1b\\e\
                  \x1bXsos\x1b\\f\x1b[?9999h\x1b[=5z\x1b[1;2;3$~g\x1b%Gh\x1b#9i\x1b[99999999mj";
    let mut terminal = terminal(40, 3);
    assert_eq!(terminal.feed(stream.as_bytes()), []);
    assert_eq!(rows(&terminal), ["abcdefghij", "", ""]);
}

#[test]
fn more_keyboard_modes_than_anybody_pushes() {
    let mut terminal = terminal(20, 3);
    terminal.feed(&b"\x1b[>1u".repeat(10_000));
    terminal.feed(b"\x1b[?1049h");
    terminal.feed(&b"\x1b[>1u".repeat(10_000));
    assert!(terminal.modes().kitty_disambiguate);
    terminal.feed(b"\x1b[<65535u");
    assert!(!terminal.modes().kitty_disambiguate);
}

#[test]
fn a_string_that_never_ends_is_cancelled() {
    let mut terminal = terminal(20, 3);
    terminal.feed(b"\x1b]52;c;");
    let mut events = Vec::new();
    for _ in 0..48 {
        events.extend(terminal.feed(&[b'A'; 64 << 10]));
    }
    assert_eq!(events, [], "3 MiB are no clipboard text");
    assert_eq!(row(&terminal, 0), "", "what is left of it is no text");
    terminal.feed(b"AAAA\x07text");
    assert_eq!(row(&terminal, 0), "text");
}

#[test]
fn clipboard_stores_have_a_limit() {
    let mut terminal = terminal(20, 3);
    let store = |n: usize| format!("\x1b]52;c;{}\x07", "QUFB".repeat(n)).into_bytes();
    assert_eq!(terminal.feed(&store(1_000)).len(), 1);
    assert_eq!(terminal.feed(&store(400_000)), [], "1.2 MB");
}

#[test]
fn texts_for_the_outer_terminal_cannot_steer_it() {
    let mut terminal = terminal(20, 3);
    let events = terminal.feed("\x1b]2;a\u{9b}31mb\u{85}c\x07\x1b]9;x\u{9d}52;y\x07".as_bytes());
    assert_eq!(
        events,
        [
            TerminalEvent::Title("a31mbc".into()),
            TerminalEvent::Notification { title: None, body: "x52;y".into() },
        ]
    );
    let long = terminal.feed(format!("\x1b]2;{}\x07", "ä".repeat(5_000)).as_bytes());
    assert_eq!(long, [TerminalEvent::Title("ä".repeat(512))]);
}

#[test]
fn a_pile_of_marks_is_cut() {
    let mut terminal = terminal(20, 3);
    terminal.feed(format!("a{}b", "\u{301}".repeat(100_000)).as_bytes());
    assert_eq!(drawn(&terminal)[(0, 0)].symbol().chars().count(), 17);
    assert_eq!(drawn(&terminal)[(1, 0)].symbol(), "b");
}

#[test]
fn a_frame_that_grows_too_large_is_shown() {
    let mut terminal = terminal(20, 3);
    terminal.feed(b"\x1b[?2026h");
    for _ in 0..31 {
        terminal.feed(&[b'x'; 64 << 10]);
    }
    assert_eq!(row(&terminal, 0), "");
    terminal.feed(&[b'x'; 128 << 10]);
    assert_eq!(row(&terminal, 0), "x".repeat(20));
}

/// Pieces of streams, real and broken.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,10}".prop_map(String::into_bytes),
        "\x1b\\[[?>=]?[0-9;:]{0,12}[ $]?[@-~]".prop_map(String::into_bytes),
        "\x1b\\][0-9]{1,5};[ -~]{0,20}(\x07|\x1b\\\\)".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "🇩🇪",
            "1\u{fe0f}\u{20e3}",
            "👍🏽",
            "家",
            "\r\n",
            "\t",
            "\x1b[?2026h",
            "\x1b[?2026l",
            "\x1b[?1049h",
            "\x1b[?1049l",
            "\x1b[2J",
            "\x1b[H",
            "\x1b[5;3r",
            "\x1b[4h",
            "\x1b[?7l",
            "\x1b[?6h",
            "\x1bM",
            "\x1b[99L",
            "\x1b[99P",
            "\x1b[300b",
            "\x1bc",
            "\x1b[>1u",
            "\x1b[<9u",
            "\x1b7",
            "\x1b8",
            "\x1b[999C",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_stream_with_resizes_and_scrolls_is_survived_and_split_alike(
        pieces in prop::collection::vec(piece(), 1..40),
        cuts in prop::collection::vec(1_usize..30, 1..20),
        sizes in prop::collection::vec((0_u16..60, 0_u16..20), 1..6),
        scrolls in prop::collection::vec(-20_i32..20, 1..6),
    ) {
        let bytes = pieces.concat();
        let mut whole = terminal(30, 8);
        let mut split = terminal(30, 8);
        let want = whole.feed(&bytes);
        let mut got = Vec::new();
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < bytes.len() {
            let to = (at + cuts.next().unwrap()).min(bytes.len());
            got.extend(split.feed(&bytes[at..to]));
            at = to;
        }
        prop_assert_eq!(got, want);
        prop_assert_eq!(drawn(&split), drawn(&whole));
        prop_assert_eq!(split.cursor(), whole.cursor());
        prop_assert_eq!(split.modes(), whole.modes());
        // The same stream again, between new sizes and views.
        for ((cols, rows), lines) in sizes.iter().zip(scrolls.iter().cycle()) {
            whole.resize(Size { cols: *cols, rows: *rows });
            whole.scroll(*lines);
            whole.select(lcc::front::terminal::SelectionKind::Words, *cols, *rows);
            whole.feed(&bytes);
            whole.extend_selection(*rows, *cols);
            drawn(&whole);
            let _ = whole.selected_text();
        }
    }
}
