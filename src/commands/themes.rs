//! `lcc themes`: the themes there are, lcc's own and the user's.

use std::{
    io::{self, Write},
    path::Path,
};

use super::CommandError;
use crate::front::theme::{self, Theme, ThemeError};

/// A theme file larger than this is no theme.
const LARGEST: u64 = 256 * 1024;

/// All themes, lcc's own first; a user's theme of the same name takes its place. With them, what
/// is wrong with the files that could not be read.
#[must_use]
pub fn all(folder: &Path) -> (Vec<Theme>, Vec<ThemeError>) {
    theme::load(&files(folder))
}

/// The names and texts of the user's theme files, in order of their names.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map(|all| all.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
        .into_iter()
        .filter(|p| p.metadata().is_ok_and(|m| m.is_file() && m.len() <= LARGEST))
        .filter_map(|p| Some((p.display().to_string(), std::fs::read_to_string(&p).ok()?)))
        .collect()
}

/// Prints the names, one a line, and on stderr what is wrong with the user's files.
///
/// # Errors
/// [`CommandError::Usage`] when a user's theme is wrong.
pub fn list(folder: &Path, out: &mut impl Write) -> Result<(), CommandError> {
    let (themes, wrong) = all(folder);
    let print = |out: &mut dyn Write| -> io::Result<()> {
        for theme in &themes {
            writeln!(out, "{}", theme.name())?;
        }
        out.flush()
    };
    print(out).map_err(CommandError::other)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    Err(CommandError::Usage(lines.join("\n")))
}
