//! Where lcc keeps its files, by the habits of the system and `LCC_CONFIG`, `LCC_STATE_DIR`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// The folders of lcc. Nothing here is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`.
    pub config_file: PathBuf,
    /// Whether `config_file` was asked for, so that it must exist.
    pub config_required: bool,
    /// The user's own themes, `*.toml`.
    pub themes: PathBuf,
    /// Sessions, logs, history, the sandbox's private homes.
    pub state: PathBuf,
    /// What lcc installs for itself, such as Claude Code.
    pub data: PathBuf,
}

/// The folders cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// No home folder.
    #[error("HOME is not set: lcc cannot tell where its files are. Set HOME")]
    NoHome(#[from] etcetera::HomeDirError),
    /// A variable holds a path that depends on where lcc was started.
    #[error("{variable}={}: expected an absolute path", path.display())]
    Relative {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

impl Paths {
    /// Tells the folders: XDG's on Linux and macOS alike, as command-line programs do.
    ///
    /// `config_flag` is `--config`; it wins over `LCC_CONFIG` and is taken relative to `cwd`.
    ///
    /// # Errors
    /// No home folder, or a relative path in a variable.
    pub fn find(
        env: &BTreeMap<String, String>,
        config_flag: Option<&Path>,
        cwd: &Path,
    ) -> Result<Self, PathsError> {
        let base = Xdg::new()?;
        let config = base.config_dir().join("lcc");
        let asked = match config_flag {
            Some(path) => Some(cwd.join(path)),
            None => variable(env, "LCC_CONFIG")?,
        };
        let state = variable(env, "LCC_STATE_DIR")?
            .unwrap_or_else(|| base.state_dir().unwrap_or_else(|| base.data_dir()).join("lcc"));
        Ok(Self {
            config_required: asked.is_some(),
            config_file: asked.unwrap_or_else(|| config.join("config.toml")),
            themes: config.join("themes"),
            state,
            data: base.data_dir().join("lcc"),
        })
    }
}

fn variable(
    env: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<Option<PathBuf>, PathsError> {
    let Some(path) = env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(PathsError::Relative { variable: name, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn variables_and_the_flag_win_over_the_usual_places() {
        let env = env(&[("LCC_STATE_DIR", "/s"), ("LCC_CONFIG", "/c.toml")]);
        let cwd = Path::new("/srv");
        let paths = Paths::find(&env, None, cwd).unwrap();
        assert_eq!(paths.state, Path::new("/s"));
        assert_eq!(paths.config_file, Path::new("/c.toml"));
        assert!(paths.config_required);
        let paths = Paths::find(&env, Some(Path::new("mine.toml")), cwd).unwrap();
        assert_eq!(paths.config_file, Path::new("/srv/mine.toml"));
    }

    #[test]
    fn the_usual_file_need_not_exist() {
        let paths = Paths::find(&env(&[("LCC_CONFIG", "")]), None, Path::new("/")).unwrap();
        assert!(!paths.config_required);
        assert!(paths.config_file.ends_with("lcc/config.toml"));
        assert!(paths.data.ends_with("lcc"));
    }

    #[test]
    fn a_relative_path_in_a_variable_is_refused() {
        let error = Paths::find(&env(&[("LCC_STATE_DIR", "s")]), None, Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "LCC_STATE_DIR=s: expected an absolute path");
    }
}
