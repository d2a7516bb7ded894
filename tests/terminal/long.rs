//! Ten minutes of the real Claude Code, both versions and both renderers: at any split the same,
//! frame by frame what an independent terminal shows, and no size in between does lasting harm.
//!
//! Recorded by `cargo run --example record`, 100x30. `LCC_TEST_LONG=1` compares every frame.

use lcc::front::terminal::{Size, Terminal};
use proptest::prelude::*;

use crate::replay::{frames, replaced};
use crate::{drawn, rows, terminal};

const RECORDINGS: [(&str, &[u8]); 4] = [
    ("2.1.197 inline", include_bytes!("../fixtures/terminal/claude-2.1.197-inline-long.bin")),
    ("2.1.197 fullscreen", include_bytes!("../fixtures/terminal/claude-2.1.197-full-long.bin")),
    ("2.1.330 inline", include_bytes!("../fixtures/terminal/claude-2.1.330-inline-long.bin")),
    ("2.1.330 fullscreen", include_bytes!("../fixtures/terminal/claude-2.1.330-full-long.bin")),
];

fn independent() -> vt100::Parser {
    vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0)
}

/// Both screens as text, without what is counted otherwise.
fn same(ours: &Terminal, theirs: &vt100::Parser) -> Result<(), String> {
    let our: Vec<String> = rows(ours).iter().map(|row| replaced(row)).collect();
    let their: Vec<String> =
        theirs.screen().rows(0, 100).map(|row| row.trim_end().to_owned()).collect();
    for (y, (our, their)) in our.iter().zip(&their).enumerate() {
        if our != their {
            return Err(format!("row {y}\n ours   {our:?}\n theirs {their:?}"));
        }
    }
    Ok(())
}

#[test]
fn an_independent_terminal_sees_the_same_for_ten_minutes() {
    let all = std::env::var("LCC_TEST_LONG").is_ok_and(|value| value == "1");
    for (name, bytes) in RECORDINGS {
        let ends = frames(bytes);
        assert!(ends.len() > 200, "{name} has {} frames", ends.len());
        let (mut ours, mut theirs, mut from) = (terminal(100, 30), independent(), 0);
        for (at, end) in ends.iter().enumerate() {
            let frame = String::from_utf8_lossy(&bytes[from..*end]);
            from = *end;
            ours.feed(frame.as_bytes());
            theirs.process(replaced(&frame).as_bytes());
            if all || at % 16 == 0 || at + 1 == ends.len() {
                same(&ours, &theirs).unwrap_or_else(|why| panic!("{name}, byte {end}: {why}"));
                if let Some(cursor) = ours.cursor() {
                    let place = (cursor.row, cursor.col);
                    assert_eq!(place, theirs.screen().cursor_position(), "{name}, byte {end}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn any_split_of_ten_minutes_gives_the_same(
        which in 0_usize..4,
        cuts in prop::collection::vec(1_usize..5_000, 1..40),
    ) {
        let (name, bytes) = RECORDINGS[which];
        let (mut whole, mut split) = (terminal(100, 30), terminal(100, 30));
        let want = whole.feed(bytes);
        let (mut got, mut rest) = (Vec::new(), bytes);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            got.extend(split.feed(now));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(got == want, "{}: other events", name);
        prop_assert_eq!(drawn(&split), drawn(&whole), "{}", name);
        prop_assert_eq!(split.cursor(), whole.cursor(), "{}", name);
        prop_assert_eq!(split.modes(), whole.modes(), "{}", name);
    }

    /// Sizes come and go in the middle, as when somebody drags a corner. Claude Code then draws
    /// anew, which a repaint of the independent terminal's screen stands for; from there on both
    /// must agree again: no size leaves a margin, a mode or half a character behind.
    #[test]
    fn sizes_in_between_do_no_lasting_harm(
        which in 0_usize..4,
        storms in prop::collection::vec(
            (0.0_f64..0.9, prop::collection::vec((2_u16..180, 1_u16..60), 1..6)), 1..4
        ),
    ) {
        let (name, bytes) = RECORDINGS[which];
        let ends = frames(bytes);
        let (mut ours, mut theirs, mut from) = (terminal(100, 30), independent(), 0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let places: Vec<usize> =
            storms.iter().map(|(share, _)| (ends.len() as f64 * share) as usize).collect();
        for (at, end) in ends.iter().enumerate() {
            let frame = String::from_utf8_lossy(&bytes[from..*end]);
            from = *end;
            ours.feed(frame.as_bytes());
            theirs.process(replaced(&frame).as_bytes());
            for (_, sizes) in places.iter().zip(&storms).filter(|(p, _)| **p == at).map(|(_, s)| s) {
                for (cols, rows) in sizes {
                    ours.resize(Size { cols: *cols, rows: *rows });
                    drawn(&ours);
                }
                ours.resize(Size { cols: 100, rows: 30 });
                ours.feed(theirs.screen().contents_formatted().as_bytes());
                let (row, col) = theirs.screen().cursor_position();
                ours.feed(format!("\x1b[0m\x1b[{};{}H", row + 1, col + 1).as_bytes());
                // The look of the next characters is the stream's own again.
                ours.feed(theirs.screen().attributes_formatted().as_bytes());
            }
            if at % 64 == 0 || at + 1 == ends.len() {
                let told = same(&ours, &theirs);
                prop_assert!(told.is_ok(), "{}, byte {}: {}", name, end, told.unwrap_err());
            }
        }
    }
}
