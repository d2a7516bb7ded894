//! Colours by role, read from themes/*.toml, and their downgrade to what the terminal can show.

mod builtin;
mod colour;
mod depth;
mod parse;
mod role;
#[cfg(test)]
mod sight;

pub use builtin::{builtin, load};
pub use colour::{contrast, parse_colour};
pub use depth::{Depth, downgrade, downgrade_buffer};
pub use parse::{ThemeError, parse};
pub use role::Role;

use ratatui::style::{Color, Style};

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

    /// Whether it is made for a light ground: its text is nearer to black than to white. A theme
    /// that leaves the text to the terminal counts as dark.
    #[must_use]
    pub fn is_light(&self) -> bool {
        let text = self.style(Role::Text).fg.unwrap_or(Color::Reset);
        let to = |ground| contrast(text, ground);
        match (to(Color::Rgb(0, 0, 0)), to(Color::Rgb(255, 255, 255))) {
            (Some(black), Some(white)) => white > black,
            (None, _) | (_, None) => false,
        }
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
