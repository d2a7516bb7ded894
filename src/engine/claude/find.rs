//! Finding the Claude Code program: `LCC_CLAUDE`, `PATH`, npm's global folders, lcc's own folder.

use std::{
    ffi::OsString,
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use thiserror::Error;

use super::version::{self, Version};

/// What is wrong with a package whose install script did not run.
const STUB: &str = "Claude Code's own install script did not run there \
    (run `node install.cjs` in the folder of its package)";

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The value of `LCC_CLAUDE`; when set, the only place.
    pub explicit: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// lcc's own data folder.
    pub data: PathBuf,
}

/// A Claude Code program that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaudeProgram {
    /// The real file, all links followed.
    pub path: PathBuf,
    /// Its version, when it could be read.
    pub version: Option<Version>,
}

/// Why there is no Claude Code to start.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FindError {
    /// `LCC_CLAUDE` names something that cannot be started.
    #[error("LCC_CLAUDE={path}: {reason}. Set it to the claude program, or unset it")]
    Explicit {
        /// What it names.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is in none of the usual places.
    #[error(
        "Claude Code was not found in PATH, in npm's global folders or in {data}.\nInstall it: {command}\nor let lcc do that: lcc --yes"
    )]
    Nowhere {
        /// lcc's own data folder.
        data: String,
        /// The command that installs it.
        command: String,
    },
}

/// Finds the program.
///
/// # Errors
/// [`FindError`] when `LCC_CLAUDE` is wrong or there is none.
pub fn find(places: &Places) -> Result<ClaudeProgram, FindError> {
    if let Some(path) = &places.explicit {
        let wrong = |reason| FindError::Explicit { path: path.display().to_string(), reason };
        let real = path.canonicalize().map_err(|_| wrong("there is no such file"))?;
        if !is_program(&real) {
            return Err(wrong("it is not an executable file"));
        }
        if is_stub(&real) {
            return Err(wrong(STUB));
        }
        return Ok(describe(real));
    }
    candidates(places)
        .into_iter()
        .filter_map(|p| p.canonicalize().ok())
        .find(|p| is_program(p) && !is_stub(p))
        .map(describe)
        .ok_or_else(|| FindError::Nowhere {
            data: places.data.display().to_string(),
            command: super::install::command(&places.data).join(" "),
        })
}

/// Every place in the order of preference, whether or not something is there.
fn candidates(places: &Places) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = places
        .path
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|d| d.is_absolute())
        .map(|d| d.join("claude"))
        .collect();
    if let Some(home) = &places.home {
        for below in [".local/bin", ".claude/local", ".npm-global/bin", ".npm/bin", ".volta/bin"] {
            all.push(home.join(below).join("claude"));
        }
    }
    all.push(PathBuf::from("/usr/local/bin/claude"));
    all.push(PathBuf::from("/opt/homebrew/bin/claude"));
    all.push(super::install::program(&places.data));
    all
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Whether it is the text npm's package holds until its install script has put the platform's
/// program in place: executable, but neither a binary nor a script with its interpreter named.
fn is_stub(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_err()
        || (start != *b"#!" && start.iter().all(u8::is_ascii_graphic))
}

fn describe(path: PathBuf) -> ClaudeProgram {
    let version = version::from_package(&path).or_else(|| ask(&path));
    ClaudeProgram { path, version }
}

/// Asks the program itself. Its home is a folder that does not exist, so that it finds nothing.
fn ask(program: &Path) -> Option<Version> {
    let out = Command::new(program)
        .arg("--version")
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&out.stdout).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "#!/bin/sh\necho '2.1.300 (Claude Code)'\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_explicit_place_is_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let on_path = dir.path().join("bin/claude");
        program(&on_path);
        let mut places = Places {
            explicit: Some(dir.path().join("nothing")),
            path: Some(dir.path().join("bin").into_os_string()),
            home: None,
            data: dir.path().join("data"),
        };
        assert!(matches!(find(&places), Err(FindError::Explicit { .. })));
        places.explicit = Some(on_path.clone());
        let found = find(&places).unwrap();
        assert_eq!(found.path, on_path.canonicalize().unwrap());
        assert_eq!(found.version.unwrap().to_string(), "2.1.300");
    }

    #[test]
    fn lcc_s_own_folder_comes_last_and_is_named_when_all_are_empty() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let places =
            Places { path: Some(OsString::from("")), data: data.clone(), ..Places::default() };
        if let Err(e) = find(&places) {
            assert!(e.to_string().contains("npm install"), "{e}");
        }
        let own = super::super::install::program(&data);
        program(&own);
        let on_path = dir.path().join("bin/claude");
        program(&on_path);
        let places = Places { path: Some(dir.path().join("bin").into()), ..places };
        assert_eq!(find(&places).unwrap().path, on_path.canonicalize().unwrap());
    }
}
