//! What a program left switched on in its terminal, told from the bytes it sent.

use std::collections::BTreeSet;

/// Modes that are on in a fresh terminal: autowrap, cursor blinking (either way) and cursor shown.
const ON_BY_DEFAULT: [u16; 2] = [7, 25];
/// Modes whose end state is the terminal's own affair.
const INDIFFERENT: [u16; 1] = [12];

/// Private modes, the kitty keyboard stack and the cursor shape that differ from a fresh
/// terminal once all of `raw` was sent; empty when the terminal is as it was.
pub fn leftovers(raw: &[u8]) -> Vec<String> {
    let mut on: BTreeSet<u16> = ON_BY_DEFAULT.into_iter().collect();
    let mut keyboard = 0_i32;
    let mut shape = 0;
    let mut modify_other_keys = 0;
    for sequence in csi(raw) {
        let Some((last, body)) = sequence.split_last() else { continue };
        let (mark, numbers) = match body.first() {
            Some(mark @ (b'?' | b'>' | b'<' | b'=')) => (Some(*mark), &body[1..]),
            _ => (None, body),
        };
        let text = String::from_utf8_lossy(numbers);
        let first = text.split([';', ':']).next().and_then(|n| n.trim().parse::<u16>().ok());
        match (mark, last) {
            (Some(b'?'), b'h' | b'l') => {
                for mode in text.split(';').filter_map(|n| n.parse::<u16>().ok()) {
                    if *last == b'h' {
                        on.insert(mode)
                    } else {
                        on.remove(&mode)
                    };
                }
            }
            (Some(b'>'), b'u') => keyboard += 1,
            (Some(b'<'), b'u') => keyboard -= i32::from(first.unwrap_or(1)),
            (Some(b'>'), b'm') if first == Some(4) => {
                let value = text.split(';').nth(1).and_then(|n| n.parse::<u16>().ok());
                modify_other_keys = value.unwrap_or(0);
            }
            (None, b'q') if text.ends_with(' ') => shape = first.unwrap_or(0),
            _ => {}
        }
    }
    let mut left = Vec::new();
    for mode in &on {
        if !ON_BY_DEFAULT.contains(mode) && !INDIFFERENT.contains(mode) {
            left.push(format!("mode ?{mode} on"));
        }
    }
    for mode in ON_BY_DEFAULT.iter().filter(|mode| !on.contains(mode)) {
        left.push(format!("mode ?{mode} off"));
    }
    if keyboard > 0 {
        left.push(format!("kitty keyboard pushed {keyboard} times"));
    }
    if modify_other_keys != 0 {
        left.push(format!("modifyOtherKeys {modify_other_keys}"));
    }
    if shape != 0 {
        left.push(format!("cursor shape {shape}"));
    }
    left
}

/// The bodies of all CSI sequences, final byte included.
fn csi(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.windows(2).enumerate().filter(|(_, pair)| *pair == b"\x1b[").filter_map(|(at, _)| {
        let body = &raw[at + 2..];
        let end = body.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
        Some(&body[..=end])
    })
}
