//! `lcc themes`: the themes there are, the built-in ones and the user's.

use std::{
    io::{self, Write},
    path::Path,
};

use thiserror::Error;

use crate::front::{
    shell,
    theme::{self, Theme, ThemeError},
};

/// Why themes could not be read or listed.
#[derive(Debug, Error)]
pub enum ThemesError {
    /// A file or the folder cannot be read.
    #[error("the themes in {folder} cannot be read: {source}")]
    Read {
        /// The folder.
        folder: String,
        /// What the system says.
        source: io::Error,
    },
    /// No theme has this name.
    #[error("there is no theme {name:?}; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The list cannot be written.
    #[error("the list cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// The built-in themes and those of the user's folder, with what is wrong with the latter. A
/// folder that does not exist has no themes.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn load(folder: Option<&Path>) -> Result<(Vec<Theme>, Vec<ThemeError>), ThemesError> {
    let files = folder.map_or_else(
        || Ok(Vec::new()),
        |folder| {
            shell::texts(folder).map_err(|source| ThemesError::Read {
                folder: folder.display().to_string(),
                source,
            })
        },
    )?;
    Ok(theme::load(&files))
}

/// The theme of this name.
///
/// # Errors
/// When there is none; the error lists those there are.
pub fn pick(themes: &[Theme], name: &str) -> Result<Theme, ThemesError> {
    themes.iter().find(|theme| theme.name() == name).cloned().ok_or_else(|| ThemesError::Unknown {
        name: name.to_owned(),
        known: themes.iter().map(Theme::name).collect::<Vec<_>>().join(", "),
    })
}

/// Lists names to `out`, one a line, and what is wrong with the user's files to `complaints`.
///
/// # Errors
/// When the folder cannot be read or the list not be written.
pub fn run(
    folder: Option<&Path>,
    out: &mut impl Write,
    complaints: &mut impl Write,
) -> Result<(), ThemesError> {
    let (themes, errors) = load(folder)?;
    for theme in &themes {
        writeln!(out, "{}", theme.name())?;
    }
    for error in errors {
        writeln!(complaints, "{error}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lists_the_built_in_ones_and_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let mine = include_str!("../../themes/dark.toml").replace("\"dark\"", "\"mine\"");
        fs::write(folder.path().join("mine.toml"), mine).unwrap();
        fs::write(folder.path().join("bad.toml"), "name = \"bad\"\ncolor = 1\n").unwrap();
        fs::write(folder.path().join("notes.txt"), "not a theme").unwrap();
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        run(Some(folder.path()), &mut out, &mut complaints).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "dark\nlight\nhigh-contrast\nhigh-contrast-light\ncolourblind-dark\ncolourblind-light\ndusk\nansi16\nmine\n"
        );
        let complaints = String::from_utf8(complaints).unwrap();
        assert!(complaints.contains("bad.toml:2: color:"), "{complaints}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let (themes, errors) = load(Some(Path::new("/does/not/exist"))).unwrap();
        assert!(errors.is_empty());
        assert_eq!(pick(&themes, "light").unwrap().name(), "light");
        let error = pick(&themes, "neon").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no theme \"neon\"; there are dark, light, high-contrast, high-contrast-light, \
             colourblind-dark, colourblind-light, dusk, ansi16"
        );
    }
}
