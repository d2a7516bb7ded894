//! How many columns a string takes: cursor after it, and where ratatui puts what follows.

use ratatui::buffer::CellWidth;

use crate::{drawn, row_of, terminal};

/// Strings with their columns.
const TABLE: [(&str, u16); 61] = [
    // Plain.
    ("a", 1),
    ("hello", 5),
    ("é", 1),
    ("e\u{301}", 1),
    ("ñ", 1),
    ("a\u{302}\u{323}", 1),
    ("─│╭╮", 4),
    ("❯●·…✻", 5),
    ("▝▘▛▜▐▌█", 7),
    ("\u{a0}", 1),
    // East Asian.
    ("家族", 4),
    ("日本語", 6),
    ("ｱ", 1),
    ("Ａ", 2),
    ("한글", 4),
    ("\u{1112}\u{1161}\u{11ab}", 2),
    ("　", 2),
    ("，", 2),
    // Emoji that are wide by themselves.
    ("😀", 2),
    ("✅", 2),
    ("🚀🚀", 4),
    ("⌚", 2),
    // Narrow ones, and the same with a presentation selector.
    ("❤", 1),
    ("❤\u{fe0f}", 2),
    ("☀\u{fe0f}", 2),
    ("⚠\u{fe0f}", 2),
    ("✈\u{fe0f}", 2),
    ("☎\u{fe0f}", 2),
    ("▶\u{fe0f}", 2),
    ("ℹ\u{fe0f}", 2),
    ("❤\u{fe0e}", 1),
    // Keycaps.
    ("1\u{fe0f}\u{20e3}", 2),
    ("#\u{fe0f}\u{20e3}", 2),
    ("*\u{fe0f}\u{20e3}", 2),
    // Flags: pairs, and a lone half.
    ("🇩🇪", 2),
    ("🇩🇪🇫🇷", 4),
    ("🇯🇵🇰🇷🇺🇸", 6),
    ("🇩", 1),
    ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 2),
    // Skin tones.
    ("👍🏽", 2),
    ("👋🏻👋🏿", 4),
    ("☝🏽", 2),
    ("✌🏿", 2),
    // Joined by ZWJ.
    ("👨\u{200d}👩\u{200d}👧", 2),
    ("👨\u{200d}👩\u{200d}👧\u{200d}👦", 2),
    ("👩🏽\u{200d}💻", 2),
    ("🧑\u{200d}🚀", 2),
    ("❤\u{fe0f}\u{200d}🔥", 2),
    ("🏳\u{fe0f}\u{200d}🌈", 2),
    ("🏴\u{200d}☠\u{fe0f}", 2),
    ("🤷🏽\u{200d}♀\u{fe0f}", 2),
    ("👁\u{fe0f}\u{200d}🗨\u{fe0f}", 2),
    ("😶\u{200d}🌫\u{fe0f}", 2),
    ("a\u{200d}b", 2),
    // Marks of other scripts.
    ("שָׁלוֹם", 4),
    ("مُحَمَّد", 4),
    ("กำ", 2),
    // Invisible characters.
    ("a\u{200b}b", 2),
    ("a\u{feff}b", 2),
    ("a\u{202e}b", 2),
    ("a\u{2060}b", 2),
];

#[test]
fn every_string_takes_its_columns() {
    let mut wrong = Vec::new();
    for (text, want) in TABLE {
        let mut terminal = terminal(20, 3);
        terminal.feed(text.as_bytes());
        let got = terminal.cursor().unwrap().col;
        if got != want {
            wrong.push(format!("{text:?} ({}): {got}, not {want}", text.escape_unicode()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_follows_a_string_is_drawn_behind_it() {
    for (text, columns) in TABLE {
        let mut terminal = terminal(20, 3);
        terminal.feed(format!("{text}|").as_bytes());
        let buffer = drawn(&terminal);
        assert_eq!(buffer[(columns, 0)].symbol(), "|", "{text:?}");
        // Ratatui's own walk over the row, by cell widths, meets the bar at the same column.
        let mut x = 0;
        while x < columns {
            x += buffer[(x, 0)].cell_width().max(1);
        }
        assert_eq!(x, columns, "{text:?}");
        let invisible = |c: &char| matches!(c, '\u{200b}' | '\u{feff}' | '\u{202e}' | '\u{2060}');
        let shown: String = text.chars().filter(|c| !invisible(c)).collect();
        assert_eq!(row_of(&buffer, 0), format!("{shown}|"), "nothing of it is lost");
    }
}

#[test]
fn a_cluster_may_come_in_pieces_of_any_size() {
    for (text, columns) in TABLE {
        let mut terminal = terminal(20, 3);
        for byte in text.as_bytes() {
            terminal.feed(&[*byte]);
        }
        assert_eq!(terminal.cursor().unwrap().col, columns, "{text:?}");
    }
}

#[test]
fn a_cut_character_takes_no_neighbour_with_it() {
    let text = "éM家aß1é";
    for cut in 0..text.len() {
        let mut terminal = terminal(20, 2);
        terminal.feed(&text.as_bytes()[..cut]);
        terminal.feed(&text.as_bytes()[cut..]);
        assert_eq!(crate::row(&terminal, 0), text, "cut at {cut}");
    }
}

#[test]
fn clusters_at_the_edge_wrap_or_stay_whole() {
    // A wide one that does not fit goes to the next row.
    let mut wraps = terminal(5, 3);
    wraps.feed("abcd👨\u{200d}👩\u{200d}👧x".as_bytes());
    assert_eq!(crate::row(&wraps, 0), "abcd");
    assert_eq!(crate::row(&wraps, 1), "👨\u{200d}👩\u{200d}👧x");
    // One that fits exactly leaves the cursor in the last column, about to wrap.
    let mut fits = terminal(5, 3);
    fits.feed("abc👍🏽x".as_bytes());
    assert_eq!(crate::row(&fits, 0), "abc👍🏽");
    assert_eq!(crate::row(&fits, 1), "x");
    // A narrow one in the last column cannot grow: it stays, and nothing is shifted.
    let mut stays = terminal(5, 3);
    stays.feed("abcd❤\u{fe0f}x".as_bytes());
    assert_eq!(crate::row(&stays, 0), "abcd❤\u{fe0f}");
    assert_eq!(crate::row(&stays, 1), "x");
}

#[test]
fn growing_over_half_of_a_wide_character_leaves_no_orphan() {
    let mut terminal = terminal(10, 2);
    terminal.feed("a家b\x1b[1G❤\u{fe0f}|".as_bytes());
    assert_eq!(crate::row(&terminal, 0), "❤\u{fe0f}|b");
}
