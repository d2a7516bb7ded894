//! Writes what the user saves to a file that is new.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Where names lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// Plain names.
    pub(super) saved: PathBuf,
    /// Names with `./`, and those with a folder in them.
    pub(super) project: PathBuf,
    /// Names with `~/`.
    pub(super) home: Option<PathBuf>,
}

/// Writes a file; says where it is, or why there is none.
pub(super) fn save(places: &Places, name: &str, text: &str) -> Result<String, String> {
    let path = resolve(places, name)?;
    let said = path.display().to_string();
    let why = |error: &io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{said} is there already; nothing is overwritten: take another name")
        }
        _ => format!("{said}: {error}"),
    };
    if path.parent() == Some(places.saved.as_path()) {
        fs::create_dir_all(&places.saved).map_err(|error| why(&error))?;
    }
    // A link in the project may lead anywhere, and Claude Code may have made it.
    if path.starts_with(&places.project) {
        inside(&path, &places.project)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| why(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| why(&error))?;
    Ok(said)
}

fn resolve(places: &Places, name: &str) -> Result<PathBuf, String> {
    if name.ends_with('/') || Path::new(name).file_name().is_none() {
        return Err(format!("{name} is no name of a file"));
    }
    if let Some(rest) = name.strip_prefix("~/") {
        let home = places.home.as_ref().ok_or("there is no home folder")?;
        return Ok(home.join(rest));
    }
    if name.starts_with('/') {
        return Ok(PathBuf::from(name));
    }
    if name.contains('/') {
        return Ok(places.project.join(name.trim_start_matches("./")));
    }
    Ok(places.saved.join(name))
}

fn inside(path: &Path, project: &Path) -> Result<(), String> {
    let real =
        |path: &Path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    let folder = real(path.parent().unwrap_or(project))?;
    if folder.starts_with(real(project)?) {
        Ok(())
    } else {
        Err(format!("{} leads out of the project", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path) -> Places {
        let project = root.join("project");
        fs::create_dir(&project).unwrap();
        Places { saved: root.join("state/saved"), project, home: Some(root.to_owned()) }
    }

    #[test]
    fn names_lead_where_they_say_and_nothing_is_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        fs::create_dir(places.project.join("sub")).unwrap();
        for (name, path) in [
            ("a.txt", "state/saved/a.txt"),
            ("./b.txt", "project/b.txt"),
            ("sub/c.txt", "project/sub/c.txt"),
            ("~/d.txt", "d.txt"),
        ] {
            let path = root.path().join(path);
            assert_eq!(save(&places, name, "text\n"), Ok(path.display().to_string()));
            assert_eq!(fs::read_to_string(&path).unwrap(), "text\n");
            let again = save(&places, name, "other").unwrap_err();
            assert!(again.contains("is there already"), "{again}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "text\n");
        }
        let absolute = root.path().join("e.txt");
        assert!(save(&places, &absolute.display().to_string(), "x").is_ok());
    }

    #[test]
    fn names_that_are_none_and_ways_out() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        std::os::unix::fs::symlink(root.path(), places.project.join("out")).unwrap();
        std::os::unix::fs::symlink(root.path().join("x"), places.project.join("link")).unwrap();
        for (name, why) in [
            ("dir/", "no name"),
            ("..", "no name"),
            ("~/", "no name"),
            ("./out/x.txt", "leads out"),
            ("../x.txt", "leads out"),
            ("./link", "already"),
            ("./nowhere/x.txt", "nowhere"),
        ] {
            let error = save(&places, name, "x").unwrap_err();
            assert!(error.contains(why), "{name}: {error}");
        }
    }
}
