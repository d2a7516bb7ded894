//! The one place where settings touch the disk: reading the file.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::{ConfigError, Flags, Layers, Paths, Resolved, resolve};

/// Settings, and the file they were read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Settings with their origins.
    pub resolved: Resolved,
    /// The file that was read; `None` where there is none.
    pub file: Option<PathBuf>,
}

/// Settings cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file was asked for and is not there.
    #[error("{}: no such file (asked for by --config or LCC_CONFIG)", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says is wrong.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

/// Reads the file, if there is one, and puts all layers together.
///
/// # Errors
/// A file that was asked for and is missing, one that cannot be read (not UTF-8 included), or
/// every problem of every layer.
pub fn load(
    paths: &Paths,
    env: BTreeMap<String, String>,
    flags: Flags,
    themes: Vec<String>,
) -> Result<Loaded, LoadError> {
    let path = &paths.config_file;
    let file = match std::fs::read_to_string(path) {
        Ok(text) => Some((path.clone(), text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if paths.config_required {
                return Err(LoadError::Missing(path.clone()));
            }
            None
        }
        Err(source) => return Err(LoadError::Unreadable { path: path.clone(), source }),
    };
    let read = file.as_ref().map(|(path, _)| path.clone());
    let resolved = resolve(&Layers { file, env, flags, themes })?;
    Ok(Loaded { resolved, file: read })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(dir: &std::path::Path, required: bool) -> Paths {
        Paths {
            config_file: dir.join("config.toml"),
            config_required: required,
            themes: dir.join("themes"),
            state: dir.to_owned(),
            data: dir.to_owned(),
        }
    }

    #[test]
    fn no_file_is_fine_unless_it_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let load = |required| {
            load(&paths(dir.path(), required), BTreeMap::new(), Flags::default(), Vec::new())
        };
        assert_eq!(load(false).unwrap().file, None);
        assert!(load(true).unwrap_err().to_string().contains("no such file"));
        std::fs::write(dir.path().join("config.toml"), [0xff, 0xfe]).unwrap();
        assert!(load(false).unwrap_err().to_string().contains("cannot be read"));
        std::fs::write(dir.path().join("config.toml"), "panes = false").unwrap();
        assert!(!load(true).unwrap().resolved.settings.panes);
    }
}
