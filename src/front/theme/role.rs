//! The roles a colour can have on screen.

/// What a piece of text or a bar is for; widgets ask for roles and never for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Role {
    /// Figures and sentences.
    Text,
    /// Labels, units and everything that can wait.
    Dim,
    /// The one colour that says: look here.
    Accent,
    /// Amber: *near*, reduced, not as it should be.
    Warn,
    /// Red: *now*, false or lost.
    Alert,
    /// All is as it should be.
    Good,
    /// The part of a bar that counts.
    Bar,
    /// The part of a bar that cannot be changed (system and tools, cached).
    BarFixed,
    /// The empty part of a bar.
    BarEmpty,
    /// Frames.
    Border,
    /// Names of panes.
    Title,
    /// Where a pane's figures come from.
    Source,
    /// A key's name in the bottom bar and in the help.
    Key,
    /// The chosen button of a dialog.
    Selected,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Text,
        Self::Dim,
        Self::Accent,
        Self::Warn,
        Self::Alert,
        Self::Good,
        Self::Bar,
        Self::BarFixed,
        Self::BarEmpty,
        Self::Border,
        Self::Title,
        Self::Source,
        Self::Key,
        Self::Selected,
    ];

    /// The key under `[roles]` in a theme's file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Accent => "accent",
            Self::Warn => "warn",
            Self::Alert => "alert",
            Self::Good => "good",
            Self::Bar => "bar",
            Self::BarFixed => "bar_fixed",
            Self::BarEmpty => "bar_empty",
            Self::Border => "border",
            Self::Title => "title",
            Self::Source => "source",
            Self::Key => "key",
            Self::Selected => "selected",
        }
    }

    /// The role whose key this is.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_list() {
        for (i, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, i);
            assert_eq!(Role::from_key(role.key()), Some(role));
        }
    }
}
