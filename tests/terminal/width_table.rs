//! Every string of Unicode's emoji test and many of its grapheme test: the columns each takes.
//!
//! `tests/fixtures/terminal/widths.tsv` holds columns, code points and source. The strings are
//! Unicode's (emoji-test.txt 13.1, GraphemeBreakTest.txt 17.0). An emoji takes two columns, as
//! UTS 51 has it drawn; for the rest the columns are those of Python's `wcwidth` 0.9.4, which
//! shares nothing with lcc's tables.

use crate::{drawn, terminal};

const TABLE: &str = include_str!("../fixtures/terminal/widths.tsv");

/// One row of the table.
struct Row {
    columns: u16,
    text: String,
    source: &'static str,
}

fn table() -> Vec<Row> {
    let character = |hex| char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
    let row = |line: &'static str| {
        let mut parts = line.split('\t');
        Row {
            columns: parts.next().unwrap().parse().unwrap(),
            text: parts.next().unwrap().split(' ').map(character).collect(),
            source: parts.next().unwrap(),
        }
    };
    TABLE.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[test]
fn every_string_of_unicodes_tests_takes_its_columns() {
    let rows = table();
    assert!(rows.len() > 4_000, "{} strings", rows.len());
    let mut wrong = Vec::new();
    for Row { columns, text, source } in &rows {
        let mut terminal = terminal(40, 2);
        terminal.feed(text.as_bytes());
        terminal.feed(b"|");
        let buffer = drawn(&terminal);
        let at = (0..40).find(|x| buffer[(*x, 0)].symbol() == "|");
        if at != Some(*columns) {
            wrong.push(format!("{}\t{at:?}, not {columns}\t{source}", text.escape_unicode()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
