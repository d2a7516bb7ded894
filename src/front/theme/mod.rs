//! Colours by role, read from themes/*.toml, and their downgrade to what the terminal can show.

mod builtin;
mod colour;
mod depth;
mod parse;
mod role;

pub use builtin::{builtin, load};
pub use colour::{contrast, parse_colour};
pub use depth::{Depth, downgrade, downgrade_buffer};
pub use parse::{ThemeError, parse};
pub use role::Role;

use ratatui::style::Style;

/// A name and a style for each role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The name given in the theme's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the role is drawn: foreground, background and attributes, at full colour depth.
    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

impl Default for Theme {
    /// Plain text without any colour; only bold, dim and reversed.
    fn default() -> Self {
        let mut styles = [Style::new(); Role::ALL.len()];
        styles[Role::Warn as usize] = Style::new().bold();
        styles[Role::Alert as usize] = Style::new().bold().reversed();
        styles[Role::Title as usize] = Style::new().bold();
        styles[Role::Key as usize] = Style::new().bold();
        styles[Role::Selected as usize] = Style::new().reversed();
        Self { name: "plain".to_owned(), styles }
    }
}
