//! Mouse events: SGR (1006) where the child tracks the mouse, cursor keys for the wheel where
//! it shows a whole screen and does not.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use crate::front::terminal::{Modes, MouseTracking};

/// Cursor keys that one notch of the wheel stands for.
const LINES_A_NOTCH: usize = 3;

/// The bytes of a mouse event, with cells counted from the pane's corner. None if the child did
/// not ask for this event, or if it began outside the pane. A drag that leaves the pane stays at
/// its edge.
#[must_use]
pub fn mouse(event: MouseEvent, modes: Modes, pane: Rect) -> Option<Vec<u8>> {
    let held = matches!(event.kind, MouseEventKind::Drag(_) | MouseEventKind::Up(_));
    let inside = pane.contains((event.column, event.row).into());
    if pane.is_empty() || !(inside || held) {
        return None;
    }
    if modes.mouse == MouseTracking::Off {
        return wheel_as_keys(event.kind, modes);
    }
    let (code, last, wanted) = match event.kind {
        MouseEventKind::Down(button) => (number(button), 'M', true),
        MouseEventKind::Up(button) => (number(button), 'm', true),
        MouseEventKind::Drag(button) => {
            (number(button) + 32, 'M', modes.mouse != MouseTracking::Clicks)
        }
        MouseEventKind::Moved => (35, 'M', modes.mouse == MouseTracking::Motion),
        MouseEventKind::ScrollUp => (64, 'M', true),
        MouseEventKind::ScrollDown => (65, 'M', true),
        MouseEventKind::ScrollLeft => (66, 'M', true),
        MouseEventKind::ScrollRight => (67, 'M', true),
    };
    if !wanted || !modes.sgr_mouse {
        return None;
    }
    let code = code + modifiers(event.modifiers);
    let column = event.column.clamp(pane.left(), pane.right() - 1) - pane.left() + 1;
    let row = event.row.clamp(pane.top(), pane.bottom() - 1) - pane.top() + 1;
    Some(format!("\x1b[<{code};{column};{row}{last}").into_bytes())
}

/// Mode 1007.
fn wheel_as_keys(kind: MouseEventKind, modes: Modes) -> Option<Vec<u8>> {
    if !(modes.alternate_screen && modes.alternate_scroll) {
        return None;
    }
    let key: &[u8] = match (kind, modes.app_cursor) {
        (MouseEventKind::ScrollUp, false) => b"\x1b[A",
        (MouseEventKind::ScrollUp, true) => b"\x1bOA",
        (MouseEventKind::ScrollDown, false) => b"\x1b[B",
        (MouseEventKind::ScrollDown, true) => b"\x1bOB",
        _ => return None,
    };
    Some(key.repeat(LINES_A_NOTCH))
}

const fn number(button: MouseButton) -> u8 {
    match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    }
}

fn modifiers(mods: KeyModifiers) -> u8 {
    let bit = |modifier, value| if mods.contains(modifier) { value } else { 0 };
    bit(KeyModifiers::SHIFT, 4) + bit(KeyModifiers::ALT, 8) + bit(KeyModifiers::CONTROL, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Rect = Rect { x: 10, y: 5, width: 80, height: 20 };

    fn encode(
        kind: MouseEventKind,
        at: (u16, u16),
        mods: KeyModifiers,
        modes: Modes,
    ) -> Option<String> {
        let event = MouseEvent { kind, column: at.0, row: at.1, modifiers: mods };
        mouse(event, modes, PANE).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn tracking(mouse: MouseTracking) -> Modes {
        Modes { mouse, sgr_mouse: true, ..Modes::default() }
    }

    #[test]
    fn events_in_sgr_form() {
        use MouseEventKind::{
            Down, Drag, Moved, ScrollDown, ScrollLeft, ScrollRight, ScrollUp, Up,
        };
        let none = KeyModifiers::NONE;
        let table = [
            (Down(MouseButton::Left), (10, 5), none, "\x1b[<0;1;1M"),
            (Up(MouseButton::Left), (89, 24), none, "\x1b[<0;80;20m"),
            (Down(MouseButton::Middle), (11, 6), none, "\x1b[<1;2;2M"),
            (Down(MouseButton::Right), (11, 6), KeyModifiers::CONTROL, "\x1b[<18;2;2M"),
            (Down(MouseButton::Left), (11, 6), KeyModifiers::SHIFT, "\x1b[<4;2;2M"),
            (Drag(MouseButton::Left), (12, 6), KeyModifiers::ALT, "\x1b[<40;3;2M"),
            (Drag(MouseButton::Left), (0, 0), none, "\x1b[<32;1;1M"),
            (Up(MouseButton::Left), (200, 200), none, "\x1b[<0;80;20m"),
            (Moved, (12, 6), none, "\x1b[<35;3;2M"),
            (ScrollUp, (12, 6), none, "\x1b[<64;3;2M"),
            (ScrollDown, (12, 6), none, "\x1b[<65;3;2M"),
            (ScrollLeft, (12, 6), none, "\x1b[<66;3;2M"),
            (ScrollRight, (12, 6), none, "\x1b[<67;3;2M"),
        ];
        for (kind, at, mods, want) in table {
            let got = encode(kind, at, mods, tracking(MouseTracking::Motion));
            assert_eq!(got.as_deref(), Some(want), "{kind:?} at {at:?}");
        }
    }

    #[test]
    fn only_what_was_asked_for() {
        use MouseTracking::{Clicks, Drags, Motion, Off};
        let drag = MouseEventKind::Drag(MouseButton::Left);
        let down = MouseEventKind::Down(MouseButton::Left);
        let table = [
            (down, [(Off, false), (Clicks, true), (Drags, true), (Motion, true)]),
            (drag, [(Off, false), (Clicks, false), (Drags, true), (Motion, true)]),
            (
                MouseEventKind::Moved,
                [(Off, false), (Clicks, false), (Drags, false), (Motion, true)],
            ),
            (
                MouseEventKind::ScrollUp,
                [(Off, false), (Clicks, true), (Drags, true), (Motion, true)],
            ),
        ];
        for (kind, row) in table {
            for (mode, want) in row {
                let got = encode(kind, (20, 10), KeyModifiers::NONE, tracking(mode));
                assert_eq!(got.is_some(), want, "{kind:?} in {mode:?}");
            }
        }
        assert_eq!(encode(down, (9, 5), KeyModifiers::NONE, tracking(Motion)), None, "outside");
        let old = Modes { mouse: Motion, ..Modes::default() };
        assert_eq!(encode(down, (20, 10), KeyModifiers::NONE, old), None, "no 1006");
        let event = MouseEvent { kind: drag, column: 0, row: 0, modifiers: KeyModifiers::NONE };
        assert_eq!(mouse(event, tracking(Motion), Rect::ZERO), None, "no pane");
    }

    #[test]
    fn the_wheel_scrolls_a_screen_that_does_not_track_the_mouse() {
        let none = KeyModifiers::NONE;
        let mut modes =
            Modes { alternate_screen: true, alternate_scroll: true, ..Modes::default() };
        let up = MouseEventKind::ScrollUp;
        assert_eq!(encode(up, (20, 10), none, modes).unwrap(), "\x1b[A\x1b[A\x1b[A");
        modes.app_cursor = true;
        let down = MouseEventKind::ScrollDown;
        assert_eq!(encode(down, (20, 10), none, modes).unwrap(), "\x1bOB\x1bOB\x1bOB");
        modes.alternate_scroll = false;
        assert_eq!(encode(up, (20, 10), none, modes), None);
        modes = Modes { alternate_scroll: true, ..Modes::default() };
        assert_eq!(encode(up, (20, 10), none, modes), None, "the scrollback is lcc's to scroll");
    }
}
