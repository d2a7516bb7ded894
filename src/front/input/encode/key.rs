//! Keys: xterm's legacy forms, modifyOtherKeys, and kitty's protocol for a child that pushed it:
//! flags 1 (disambiguate), 4 (alternate keys), 8 (all keys as escape codes) and 16 (their text).

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::front::terminal::Modes;

/// The bytes of a key; none for a release, for a key that has no encoding, and for a chord with
/// Super, Hyper or Meta unless the child speaks kitty's protocol.
#[must_use]
pub fn key(event: KeyEvent, modes: Modes) -> Vec<u8> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let mut mods = event.modifiers;
    let desktop = KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META;
    if mods.intersects(desktop) && !modes.kitty_disambiguate {
        return Vec::new();
    }
    let code = match event.code {
        KeyCode::BackTab => {
            mods.insert(KeyModifiers::SHIFT);
            KeyCode::Tab
        }
        KeyCode::Null => {
            mods.insert(KeyModifiers::CONTROL);
            KeyCode::Char(' ')
        }
        code => code,
    };
    match code {
        KeyCode::Char(c) => character(c, mods, modes),
        KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace | KeyCode::Esc => {
            editing(code, mods, modes)
        }
        code => functional(code, mods, modes),
    }
}

/// The byte of a control chord on a legacy terminal, where the key has one.
#[must_use]
pub(in crate::front::input) const fn control_byte(c: char) -> Option<u8> {
    Some(match c {
        'a'..='z' | 'A'..='Z' => c as u8 & 0x1f,
        ' ' | '2' | '@' => 0x00,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '6' => 0x1e,
        '_' | '7' | '/' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    })
}

/// The modifier parameter of CSI sequences: 1 plus shift 1, alt 2, ctrl 4, super 8, hyper 16,
/// meta 32.
fn parameter(mods: KeyModifiers) -> u8 {
    const TABLE: [(KeyModifiers, u8); 6] = [
        (KeyModifiers::SHIFT, 1),
        (KeyModifiers::ALT, 2),
        (KeyModifiers::CONTROL, 4),
        (KeyModifiers::SUPER, 8),
        (KeyModifiers::HYPER, 16),
        (KeyModifiers::META, 32),
    ];
    1 + TABLE.iter().filter(|(m, _)| mods.contains(*m)).map(|(_, bit)| bit).sum::<u8>()
}

/// kitty's `CSI code ; modifiers u`.
fn csi_u(code: u32, mods: KeyModifiers) -> Vec<u8> {
    match parameter(mods) {
        1 => format!("\x1b[{code}u").into_bytes(),
        m => format!("\x1b[{code};{m}u").into_bytes(),
    }
}

/// kitty's form of a key that carries text: `CSI code : shifted ; modifiers ; text u`, the
/// shifted key with flag 4, the text with flags 8 and 16. The code is that of the key without
/// Shift as far as that can be told: of a letter; a symbol comes shifted from the outer terminal.
fn csi_u_text(c: char, shifted: char, mods: KeyModifiers, modes: Modes) -> Vec<u8> {
    let mut lower = c.to_lowercase();
    let plain = match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    };
    let mut out = format!("\x1b[{}", u32::from(plain));
    if modes.kitty_alternates && mods.contains(KeyModifiers::SHIFT) && shifted != plain {
        out.push_str(&format!(":{}", u32::from(shifted)));
    }
    let chord = !mods.difference(KeyModifiers::SHIFT).is_empty();
    let text = modes.kitty_all && modes.kitty_text && !chord;
    match (parameter(mods), text) {
        (1, false) => {}
        (1, true) => out.push_str(&format!(";;{}", u32::from(shifted))),
        (m, false) => out.push_str(&format!(";{m}")),
        (m, true) => out.push_str(&format!(";{m};{}", u32::from(shifted))),
    }
    out.push('u');
    out.into_bytes()
}

/// xterm's `CSI 27 ; modifiers ; code ~`.
fn other_key(code: u32, mods: KeyModifiers) -> Vec<u8> {
    format!("\x1b[27;{};{code}~", parameter(mods)).into_bytes()
}

/// ESC before the bytes if Alt is held.
fn with_alt(mods: KeyModifiers, bytes: &[u8]) -> Vec<u8> {
    let alt: &[u8] = if mods.contains(KeyModifiers::ALT) { b"\x1b" } else { b"" };
    [alt, bytes].concat()
}

fn character(c: char, mods: KeyModifiers, modes: Modes) -> Vec<u8> {
    let c = if mods == KeyModifiers::CONTROL { symbol(c) } else { c };
    let shifted = shifted(c, mods);
    let chord = mods.difference(KeyModifiers::SHIFT);
    if chord.is_empty() && !modes.kitty_all {
        return shifted.to_string().into_bytes();
    }
    if modes.kitty_disambiguate {
        return csi_u_text(c, shifted, mods, modes);
    }
    let control = mods.contains(KeyModifiers::CONTROL);
    let byte = control_byte(c);
    let unheard_of = control && byte.is_none();
    if modes.modify_other_keys >= 2 || (modes.modify_other_keys == 1 && unheard_of) {
        return other_key(u32::from(shifted), mods);
    }
    match byte.filter(|_| control) {
        Some(byte) => with_alt(mods, &[byte]),
        None => with_alt(mods, shifted.to_string().as_bytes()),
    }
}

/// The key of a control code that was read as a digit: from a terminal without kitty's protocol
/// `Ctrl-\\ ] ^ _` come as `Ctrl-4 5 6 7`, and a child that has it must not see digits.
const fn symbol(c: char) -> char {
    match c {
        '4' => '\\',
        '5' => ']',
        '6' => '^',
        '7' => '_',
        c => c,
    }
}

/// The letter as Shift makes it; symbols arrive shifted already.
fn shifted(c: char, mods: KeyModifiers) -> char {
    let mut upper = c.to_uppercase();
    match (mods.contains(KeyModifiers::SHIFT), upper.next(), upper.next()) {
        (true, Some(upper), None) => upper,
        _ => c,
    }
}

/// Enter, Tab, Backspace, Esc.
fn editing(code: KeyCode, mods: KeyModifiers, modes: Modes) -> Vec<u8> {
    let shift = mods.contains(KeyModifiers::SHIFT);
    let control = mods.contains(KeyModifiers::CONTROL);
    let (number, plain): (u32, &[u8]) = match code {
        KeyCode::Enter if modes.new_line => (13, b"\r\n"),
        KeyCode::Enter => (13, b"\r"),
        KeyCode::Tab if shift => (9, b"\x1b[Z"),
        KeyCode::Tab => (9, b"\t"),
        KeyCode::Backspace if control => (127, b"\x08"),
        KeyCode::Backspace => (127, b"\x7f"),
        _ => (27, b"\x1b"),
    };
    // A newline in the prompt instead of sending it: Claude Code reads this form in every mode.
    let newline = code == KeyCode::Enter && shift;
    // kitty leaves the other three as they were unless a modifier is held or flag 8 is set.
    let disambiguated =
        modes.kitty_disambiguate && (code == KeyCode::Esc || modes.kitty_all || !mods.is_empty());
    if newline && !modes.kitty_disambiguate {
        // With another modifier it would mean nothing to it.
        return csi_u(number, KeyModifiers::SHIFT);
    }
    if disambiguated {
        return csi_u(number, mods);
    }
    let entered = matches!(code, KeyCode::Enter | KeyCode::Tab);
    let other = match modes.modify_other_keys {
        0 => false,
        1 => control && entered,
        _ => mods.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT),
    };
    if other {
        return other_key(number, mods);
    }
    with_alt(mods, plain)
}

/// How a functional key is written.
enum Form {
    /// `SS3 x` without modifiers in application cursor mode, else `CSI x`, `CSI 1 ; m x`.
    Cursor(char),
    /// `SS3 x` without modifiers always; under kitty's flag `CSI x`.
    Keypad(char),
    /// `CSI n ~`, `CSI n ; m ~`.
    Tilde(u8),
    /// kitty's private code; nothing on a legacy terminal.
    Private(u32),
}

fn functional(code: KeyCode, mods: KeyModifiers, modes: Modes) -> Vec<u8> {
    let kitty = modes.kitty_disambiguate;
    let form = match code {
        KeyCode::Up => Form::Cursor('A'),
        KeyCode::Down => Form::Cursor('B'),
        KeyCode::Right => Form::Cursor('C'),
        KeyCode::Left => Form::Cursor('D'),
        KeyCode::KeypadBegin => Form::Cursor('E'),
        KeyCode::End => Form::Cursor('F'),
        KeyCode::Home => Form::Cursor('H'),
        KeyCode::Insert => Form::Tilde(2),
        KeyCode::Delete => Form::Tilde(3),
        KeyCode::PageUp => Form::Tilde(5),
        KeyCode::PageDown => Form::Tilde(6),
        KeyCode::F(number) => match function(number, kitty) {
            Some(form) => form,
            None => return Vec::new(),
        },
        KeyCode::Menu if !kitty => Form::Tilde(29),
        KeyCode::PrintScreen => Form::Private(57361),
        KeyCode::Pause => Form::Private(57362),
        KeyCode::Menu => Form::Private(57363),
        _ => return Vec::new(),
    };
    match (form, parameter(mods)) {
        (Form::Cursor(x), 1) if modes.app_cursor && !kitty => format!("\x1bO{x}"),
        (Form::Keypad(x), 1) if !kitty => format!("\x1bO{x}"),
        (Form::Cursor(x) | Form::Keypad(x), 1) => format!("\x1b[{x}"),
        (Form::Cursor(x) | Form::Keypad(x), m) => format!("\x1b[1;{m}{x}"),
        (Form::Tilde(n), 1) => format!("\x1b[{n}~"),
        (Form::Tilde(n), m) => format!("\x1b[{n};{m}~"),
        (Form::Private(code), _) if kitty => return csi_u(code, mods),
        (Form::Private(_), _) => return Vec::new(),
    }
    .into_bytes()
}

/// F1 to F35. The gaps in the numbers are the VT220's.
fn function(number: u8, kitty: bool) -> Option<Form> {
    Some(match number {
        1 => Form::Keypad('P'),
        2 => Form::Keypad('Q'),
        // `CSI R` would be a cursor position report.
        3 if kitty => Form::Tilde(13),
        3 => Form::Keypad('R'),
        4 => Form::Keypad('S'),
        5 => Form::Tilde(15),
        6..=10 => Form::Tilde(number + 11),
        13..=35 if kitty => Form::Private(57376 + u32::from(number - 13)),
        11..=14 => Form::Tilde(number + 12),
        15 | 16 => Form::Tilde(number + 13),
        17..=20 => Form::Tilde(number + 14),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
