//! Installing Claude Code by npm into lcc's own data folder, after the user said yes.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use thiserror::Error;

/// The version lcc installs: the newest one its tests drive.
pub const TESTED: &str = "2.1.330";

/// The folder below lcc's data folder that npm installs into.
fn folder(data: &Path) -> PathBuf {
    data.join("claude-code")
}

/// Where the program lies after an installation.
#[must_use]
pub fn program(data: &Path) -> PathBuf {
    folder(data).join("node_modules/.bin/claude")
}

/// The exact command that installs Claude Code below `data`.
#[must_use]
pub fn command(data: &Path) -> Vec<String> {
    let prefix = folder(data).display().to_string();
    let package = format!("@anthropic-ai/claude-code@{TESTED}");
    ["npm", "install", "--no-audit", "--no-fund", "--prefix", &prefix, &package]
        .map(str::to_owned)
        .to_vec()
}

/// Why the installation failed.
#[derive(Debug, Error)]
pub enum InstallError {
    /// npm cannot be started.
    #[error(
        "npm cannot be started ({0}). Install Node.js 22 or newer (it brings npm), then try again"
    )]
    NoNpm(std::io::Error),
    /// The folder cannot be made.
    #[error("{folder}: {error}. Set another data folder with XDG_DATA_HOME")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// npm ended with an error.
    #[error("`{command}` ended with {status}. Its own words are above")]
    Failed {
        /// The command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// npm ended well, but the program does not start.
    #[error("npm ended well, but {program} does not run. Remove {folder} and try again")]
    Broken {
        /// The program.
        program: String,
        /// The folder to remove.
        folder: String,
    },
}

/// Installs Claude Code; npm's own words go to stderr.
///
/// npm 11 no longer runs a package's install script unasked; the script only puts the platform's
/// program in place, so it is run here by name when npm left it out.
///
/// # Errors
/// [`InstallError`] with the way out.
pub fn install(data: &Path) -> Result<PathBuf, InstallError> {
    let folder = folder(data);
    std::fs::create_dir_all(&folder)
        .map_err(|error| InstallError::Folder { folder: folder.display().to_string(), error })?;
    let words = command(data);
    let status = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(InstallError::NoNpm)?;
    if !status.success() {
        return Err(InstallError::Failed { command: words.join(" "), status });
    }
    let program = program(data);
    if !runs(&program) {
        let placed = Command::new("node")
            .arg("install.cjs")
            .current_dir(folder.join("node_modules/@anthropic-ai/claude-code"))
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status();
        if !placed.is_ok_and(|s| s.success()) || !runs(&program) {
            return Err(InstallError::Broken {
                program: program.display().to_string(),
                folder: folder.display().to_string(),
            });
        }
    }
    Ok(program)
}

fn runs(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_tested_version_and_lcc_s_folder() {
        let words = command(Path::new("/d"));
        assert_eq!(
            words.join(" "),
            "npm install --no-audit --no-fund --prefix /d/claude-code @anthropic-ai/claude-code@2.1.330"
        );
        assert_eq!(program(Path::new("/d")), Path::new("/d/claude-code/node_modules/.bin/claude"));
    }
}
