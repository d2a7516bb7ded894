//! The texts of the terminal's answers to queries.

use super::palette::Rgb;
use super::tap::Question;

/// DA1: a VT220 with ANSI colours. No sixel, no ReGIS, nothing that would have to be honoured.
pub(super) const PRIMARY_ATTRIBUTES: &str = "\x1b[?62;22c";

/// DA2: terminal type 1 (VT220), the version as one number, no cartridge.
pub(super) fn secondary_attributes(version: &str) -> String {
    let number = version
        .split(|c: char| !c.is_ascii_digit())
        .take(3)
        .fold(0_u32, |sum, part| sum * 100 + part.parse::<u32>().unwrap_or(0).min(99));
    format!("\x1b[>1;{number};0c")
}

/// XTVERSION.
pub(super) fn version(version: &str) -> String {
    format!("\x1bP>|lcc({version})\x1b\\")
}

/// DSR ?997: the colour scheme in use.
pub(super) fn colour_scheme(dark: bool) -> String {
    format!("\x1b[?997;{}n", if dark { 1 } else { 2 })
}

/// DECRPM for a private mode that is known.
pub(super) fn private_mode(mode: u16, set: bool) -> String {
    format!("\x1b[?{mode};{}$y", if set { 1 } else { 2 })
}

/// DECRPM for a private mode that is always on and cannot be changed.
pub(super) fn permanent_mode(mode: u16) -> String {
    format!("\x1b[?{mode};3$y")
}

/// The answer to `CSI ? 4 m`.
pub(super) fn modify_other_keys(level: u8) -> String {
    format!("\x1b[>4;{level}m")
}

/// A colour report: `prefix` is the OSC's number and, for OSC 4, the index.
pub(super) fn colour(prefix: &str, Rgb { r, g, b }: Rgb, terminator: &str) -> String {
    format!("\x1b]{prefix};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{terminator}")
}

/// CPR: row and column from 1.
pub(super) fn cursor(row: usize, col: usize) -> String {
    format!("\x1b[{row};{col}R")
}

/// DECXCPR: row and column from 1, on page 1.
pub(super) fn extended_cursor(row: usize, col: usize) -> String {
    format!("\x1b[?{row};{col};1R")
}

/// "No": the same whatever was asked, so that nothing of the question comes back.
pub(super) const fn refused(question: Question) -> &'static str {
    match question {
        Question::Setting => "\x1bP0$r\x1b\\",
        Question::Capability => "\x1bP0+r\x1b\\",
    }
}
