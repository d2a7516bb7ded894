//! The file that the bodies of requests are written into: where it may lie, and what is said of it.

use std::path::{Path, PathBuf};

use super::CommandError;
use crate::engine::proxy::BodyLog;

/// What the user is told while it is written.
#[must_use]
pub fn warning(path: &Path) -> String {
    format!(
        "every request is written to {}: your code and words, until log_bodies is taken away",
        path.display()
    )
}

/// The same after another warning.
#[must_use]
pub fn with(other: Option<String>, path: Option<&Path>) -> Option<String> {
    let own = path.map(warning);
    match (other, own) {
        (Some(other), Some(own)) => Some(format!("{other}. {own}")),
        (other, own) => other.or(own),
    }
}

/// Checks the file before the screen is taken: it can be written, and Claude Code cannot reach it.
///
/// # Errors
/// [`CommandError::Usage`] that names the file.
pub fn outside(path: Option<&Path>, project: &Path) -> Result<Option<PathBuf>, CommandError> {
    let Some(path) = path else { return Ok(None) };
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    if folder.is_some_and(|folder| folder.starts_with(project)) {
        return Err(CommandError::Usage(format!(
            "--log-bodies {}: it lies in the project, where Claude Code can read and change it; \
             name a file elsewhere",
            path.display()
        )));
    }
    BodyLog::open(path).map_err(CommandError::usage)?;
    Ok(Some(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lies_outside_the_project_and_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().canonicalize().unwrap().join("project");
        std::fs::create_dir(&project).unwrap();
        let inside = outside(Some(&project.join("x")), &project).unwrap_err().to_string();
        assert!(inside.contains("in the project"), "{inside}");
        assert!(!project.join("x").exists());
        let path = folder.path().join("x");
        assert_eq!(outside(Some(&path), &project).unwrap(), Some(path.clone()));
        assert_eq!(outside(None, &project).unwrap(), None);
        assert!(with(None, Some(&path)).unwrap().contains("every request"));
        let both = with(Some("first".to_owned()), Some(&path)).unwrap();
        assert!(both.starts_with("first. every"), "{both}");
        assert_eq!(with(None, None), None);
    }
}
