//! A theme's file: a name, an optional ground, and a style for every role.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use thiserror::Error;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Role, Theme, colour::parse_colour};

/// What is wrong with a theme's file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {key}: {problem}")]
pub struct ThemeError {
    /// The file as the user knows it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key, such as `roles.warn`; `theme` when the file as a whole is meant.
    pub key: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

const COLOURS: &str =
    "expected \"#rrggbb\", \"default\" or a palette name such as \"red\" or \"bright-blue\"";

/// Reads a theme. `file` is only used in errors.
///
/// # Errors
/// When the text is not TOML, a key is not known, a value is not a colour, or a role is missing.
pub fn parse(file: &str, text: &str) -> Result<Theme, ThemeError> {
    let source = Source { file, text };
    let document = DeTable::parse(text)
        .map_err(|error| source.error(error.span(), "theme", error.message().to_owned()))?;
    let mut name = None;
    let mut ground = None;
    let mut roles = None;
    for (key, value) in document.get_ref() {
        match key.get_ref().as_ref() {
            "name" => name = Some(source.string("name", value)?.to_owned()),
            "background" => ground = Some(source.colour("background", value)?),
            "roles" => roles = Some(source.table("roles", value)?),
            other => {
                let problem = "not known; a theme has name, background and [roles]".to_owned();
                return Err(source.error(Some(key.span()), other, problem));
            }
        }
    }
    let name = name.ok_or_else(|| source.missing("name"))?;
    let roles = roles.ok_or_else(|| source.missing("roles"))?;
    let styles = source.styles(roles, ground)?;
    Ok(Theme { name, styles })
}

/// The text being read, to say where in it something is.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn styles(
        &self,
        roles: &DeTable<'_>,
        ground: Option<Color>,
    ) -> Result<[Style; Role::ALL.len()], ThemeError> {
        let mut found = [None; Role::ALL.len()];
        for (key, value) in roles {
            let path = format!("roles.{}", key.get_ref());
            let Some(role) = Role::from_key(key.get_ref()) else {
                let known = Role::ALL.map(Role::key).join(", ");
                let problem = format!("not a role; roles are {known}");
                return Err(self.error(Some(key.span()), &path, problem));
            };
            let mut style = self.style(&path, value)?;
            style.bg = style.bg.or(ground);
            found[role as usize] = Some(style);
        }
        let mut styles = [Style::new(); Role::ALL.len()];
        for role in Role::ALL {
            styles[role as usize] = found[role as usize]
                .ok_or_else(|| self.missing(&format!("roles.{}", role.key())))?;
        }
        Ok(styles)
    }

    /// A colour alone, or a table of `fg`, `bg` and attributes.
    fn style(&self, path: &str, value: &Spanned<DeValue<'_>>) -> Result<Style, ThemeError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Ok(Style::new().fg(self.colour(path, value)?));
        };
        let mut style = Style::new();
        for (key, value) in table {
            let path = format!("{path}.{}", key.get_ref());
            let modifier = match key.get_ref().as_ref() {
                "fg" => {
                    style.fg = Some(self.colour(&path, value)?);
                    continue;
                }
                "bg" => {
                    style.bg = Some(self.colour(&path, value)?);
                    continue;
                }
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underline" => Modifier::UNDERLINED,
                "reversed" => Modifier::REVERSED,
                _ => {
                    let problem =
                        "not known; expected fg, bg, bold, dim, italic, underline or reversed";
                    return Err(self.error(Some(key.span()), &path, problem.to_owned()));
                }
            };
            let DeValue::Boolean(on) = value.get_ref() else {
                return Err(self.error(Some(value.span()), &path, "expected true or false".into()));
            };
            if *on {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }

    fn colour(&self, path: &str, value: &Spanned<DeValue<'_>>) -> Result<Color, ThemeError> {
        match value.get_ref() {
            DeValue::String(text) => parse_colour(text),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        }
        .ok_or_else(|| self.error(Some(value.span()), path, COLOURS.to_owned()))
    }

    fn string<'v>(
        &self,
        path: &str,
        value: &'v Spanned<DeValue<'_>>,
    ) -> Result<&'v str, ThemeError> {
        let DeValue::String(text) = value.get_ref() else {
            return Err(self.error(Some(value.span()), path, "expected a text".into()));
        };
        Ok(text)
    }

    fn table<'v, 'i>(
        &self,
        path: &str,
        value: &'v Spanned<DeValue<'i>>,
    ) -> Result<&'v DeTable<'i>, ThemeError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.error(Some(value.span()), path, "expected a table: [roles]".into()));
        };
        Ok(table)
    }

    fn missing(&self, key: &str) -> ThemeError {
        self.error(None, key, "missing; see the themes that come with lcc".to_owned())
    }

    fn error(&self, span: Option<Range<usize>>, key: &str, problem: String) -> ThemeError {
        let start = span.map_or(0, |span| span.start).min(self.text.len());
        let line = 1 + self.text.bytes().take(start).filter(|b| *b == b'\n').count();
        ThemeError { file: self.file.to_owned(), line, key: key.to_owned(), problem }
    }
}
