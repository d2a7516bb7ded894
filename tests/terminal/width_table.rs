//! Every string of Unicode's emoji test and many of its grapheme test: the columns each takes.
//!
//! `tests/fixtures/terminal/widths.tsv` holds columns, code points and source. The strings are
//! Unicode's (emoji-test.txt 13.1, GraphemeBreakTest.txt 17.0). An emoji takes two columns, as
//! UTS 51 has it drawn; for the rest the columns are those of Python's `wcwidth` 0.9.4, which
//! shares nothing with lcc's tables. Where lcc counts otherwise the row says so and why: these are
//! all the differences, and a test keeps their number.

use crate::{drawn, terminal};

const TABLE: &str = include_str!("../fixtures/terminal/widths.tsv");

/// One row of the table.
struct Row {
    columns: u16,
    text: String,
    source: &'static str,
    /// What the other library says, and why lcc does not.
    otherwise: Option<&'static str>,
}

fn table() -> Vec<Row> {
    let character = |hex| char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
    let row = |line: &'static str| {
        let mut parts = line.split('\t');
        Row {
            columns: parts.next().unwrap().parse().unwrap(),
            text: parts.next().unwrap().split(' ').map(character).collect(),
            source: parts.next().unwrap(),
            otherwise: parts.next(),
        }
    };
    TABLE.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[test]
fn every_string_of_unicodes_tests_takes_its_columns() {
    let rows = table();
    assert!(rows.len() > 4_000, "{} strings", rows.len());
    let mut wrong = Vec::new();
    for Row { columns, text, source, .. } in &rows {
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

#[test]
fn the_differences_are_few_and_explained() {
    let rows = table();
    let told: Vec<&Row> = rows.iter().filter(|row| row.otherwise.is_some()).collect();
    let emoji = told.iter().filter(|row| row.source.starts_with("emoji"));
    assert_eq!(emoji.count(), 0, "every emoji takes its two columns");
    let of = |why: &str| told.iter().filter(|row| row.otherwise.unwrap().ends_with(why)).count();
    // Half a flag is one column here, as in East Asian Width; marks without a letter draw nothing
    // to count; a spacing mark has a column of its own here, as in every terminal whose C library
    // counts; a joiner joins emoji alone.
    let counts = [
        of("half a flag"),
        of("a mark without a letter"),
        of("a spacing mark or a conjunct"),
        of("a joiner between other than emoji"),
    ];
    assert_eq!(counts.iter().sum::<usize>(), told.len());
    assert!(told.len() * 30 < rows.len(), "{counts:?} of {}", rows.len());
}
