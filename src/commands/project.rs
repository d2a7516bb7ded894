//! Which folder is the project, and which folders never are.

use std::path::{Path, PathBuf};

use super::CommandError;

/// The real path of the project: `asked`, or `here`.
///
/// # Errors
/// [`CommandError::Usage`] when it is no folder, the root, the home folder or one that holds it,
/// or a folder for everybody's temporary files: Claude Code may write everything in its project.
pub fn project(
    asked: Option<&Path>,
    here: &Path,
    home: Option<&Path>,
) -> Result<PathBuf, CommandError> {
    let named = here.join(asked.unwrap_or(Path::new(".")));
    let shown = named.display();
    let real = named.canonicalize().map_err(|e| {
        CommandError::Usage(format!("project {shown}: {e}. Name a folder with --project DIR"))
    })?;
    let refuse = |what: &str| {
        Err(CommandError::Usage(format!(
            "project {}: {what}. Claude Code may change everything in its project; \
             go into the project's own folder, or name it with --project DIR",
            real.display()
        )))
    };
    if !real.is_dir() {
        return refuse("it is not a folder");
    }
    if real == Path::new("/") {
        return refuse("it is the whole file system");
    }
    if ["/tmp", "/var/tmp", "/private/tmp", "/dev/shm"].iter().any(|p| real == Path::new(p)) {
        return refuse("it holds everybody's temporary files");
    }
    if let Some(home) = home.and_then(|h| h.canonicalize().ok()) {
        if real == home {
            return refuse("it is your home folder");
        }
        if home.starts_with(&real) {
            return refuse("your home folder is inside it");
        }
    }
    Ok(real)
}

/// A folder name for a project's private state: readable, and unique by a digest of its path.
#[must_use]
pub fn folder_name(project: &Path) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    // `DefaultHasher::new()` has fixed keys; a collision would only share a private home.
    let mut digest = DefaultHasher::new();
    project.hash(&mut digest);
    let name: String = project
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(40)
        .collect();
    format!("{}-{:016x}", name.trim_start_matches('.'), digest.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_the_home_and_what_holds_it_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("users/me");
        let project_dir = home.join("p");
        std::fs::create_dir_all(&project_dir).unwrap();
        let check = |p: &Path| project(Some(p), Path::new("/"), Some(&home));
        assert_eq!(check(&project_dir).unwrap(), project_dir.canonicalize().unwrap());
        for (bad, word) in [
            (Path::new("/"), "whole file system"),
            (home.as_path(), "home folder"),
            (dir.path(), "inside it"),
            (Path::new("/tmp"), "temporary"),
            (Path::new("/nonexistent-lcc"), "--project"),
        ] {
            let e = check(bad).unwrap_err();
            assert_eq!(e.code(), 2);
            assert!(e.to_string().contains(word), "{e}");
        }
        let file = home.join("f");
        std::fs::write(&file, "").unwrap();
        assert!(check(&file).unwrap_err().to_string().contains("not a folder"));
    }

    #[test]
    fn folder_names_differ_by_path_and_hold_no_separators() {
        let a = folder_name(Path::new("/a/my project"));
        let b = folder_name(Path::new("/b/my project"));
        assert_ne!(a, b);
        assert!(a.starts_with("myproject-"), "{a}");
        assert!(!folder_name(Path::new("/x/..")).contains('/'));
    }
}
