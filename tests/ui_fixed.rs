//! The largest parts of the fixed prompt, where the column has rows left for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use lcc::protocol::{FixedFigures, Snapshot};
use ui_support::{broken, frame, idle, running, text};

fn parts() -> Vec<FixedFigures> {
    let sizes = [("system[1]", 1_068), ("tool Grep", 806), ("tool Bash", 661), ("tool Read", 452)];
    let more = (1..=6).map(|n| (["tool A", "tool B", "tool C"][n % 3], 60 - n as u64));
    sizes
        .into_iter()
        .chain(more)
        .map(|(part, tokens)| FixedFigures {
            part: part.into(),
            bytes: tokens * 4,
            tokens: Some(tokens),
            counted: part != "tool Read",
        })
        .collect()
}

fn with(snapshot: Snapshot, size: (u16, u16)) -> String {
    text(&frame(&running(size, Snapshot { fixed_parts: parts(), ..snapshot })))
}

#[test]
fn a_large_screen_lists_them_largest_first() {
    let screen = with(idle(), (200, 60));
    let line = |what: &str| {
        screen
            .lines()
            .position(|line| line.contains(what))
            .unwrap_or_else(|| panic!("{what}\n{screen}"))
    };
    assert!(line("largest of system and tools") < line("system[1]"));
    assert!(line("system[1]") < line("tool Grep"));
    assert!(screen.lines().nth(line("tool Grep")).unwrap().contains("806 tok"));
    assert!(screen.lines().nth(line("tool Read")).unwrap().contains("~452 tok"));
    assert!(line("2 more") > line("tool Read"));
}

#[test]
fn where_there_is_no_room_nothing_else_gives_way() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        for snapshot in [idle, broken] {
            let before = text(&frame(&running(size, snapshot())));
            let after = with(snapshot(), size);
            let lost: Vec<&str> = before
                .lines()
                .flat_map(|l| l.split('│'))
                .map(str::trim)
                .filter(|cell| !cell.is_empty() && !after.contains(cell))
                .collect();
            assert_eq!(lost, Vec::<&str>::new(), "{size:?}\n{after}");
        }
    }
}
