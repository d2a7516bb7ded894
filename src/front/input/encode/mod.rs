//! Events of the outer terminal as the bytes that the child expects in its present modes.

mod key;
mod mouse;
mod paste;

pub(super) use key::control_byte;
pub use key::key;
pub use mouse::mouse;
pub use paste::paste;

use crate::front::terminal::Modes;

/// A change of focus; none unless the child asked (mode 1004).
#[must_use]
pub fn focus(gained: bool, modes: Modes) -> Option<Vec<u8>> {
    modes.focus_events.then(|| if gained { b"\x1b[I".to_vec() } else { b"\x1b[O".to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn focus_is_told_only_when_asked_for() {
        assert_eq!(focus(true, Modes::default()), None);
        let modes = Modes { focus_events: true, ..Modes::default() };
        assert_eq!(focus(true, modes), Some(b"\x1b[I".to_vec()));
        assert_eq!(focus(false, modes), Some(b"\x1b[O".to_vec()));
    }
}
