//! Reading the settings at the edge: the folders, the environment, the file, the flags.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::CommandError;
use crate::{
    cli::CockpitArgs,
    config::{self, Flags, Loaded, Paths},
    front::theme::Theme,
};

/// Everything a command may need to know of where it runs.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The environment, without values that are not Unicode.
    pub env: BTreeMap<String, String>,
    /// The folder lcc was started in.
    pub here: PathBuf,
    /// lcc's folders.
    pub paths: Paths,
}

impl Surroundings {
    /// Looks around.
    ///
    /// # Errors
    /// [`CommandError::Usage`] when there is no home folder or a variable is wrong.
    pub fn look(config_flag: Option<&Path>) -> Result<Self, CommandError> {
        let env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let here = std::env::current_dir().map_err(|e| {
            CommandError::Usage(format!("the current folder is gone ({e}); go to another one"))
        })?;
        let paths = Paths::find(&env, config_flag, &here).map_err(CommandError::usage)?;
        Ok(Self { env, here, paths })
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.env.get("HOME").map(PathBuf::from)
    }

    /// The themes there are, lcc's own and the user's; a user's file that is wrong is left out
    /// here, `lcc themes` says what is wrong with it.
    ///
    /// # Errors
    /// [`CommandError::Usage`] when the folder of themes cannot be read.
    pub fn themes(&self) -> Result<Vec<Theme>, CommandError> {
        let (themes, _) =
            super::themes::load(Some(&self.paths.themes)).map_err(CommandError::usage)?;
        Ok(themes)
    }

    /// Reads the settings with `flags` on top.
    ///
    /// # Errors
    /// [`CommandError::Usage`] with every problem of the file, the environment and the flags.
    pub fn load(&self, flags: Flags) -> Result<Loaded, CommandError> {
        let themes = self.themes()?.iter().map(|t| t.name().to_owned()).collect();
        config::load(&self.paths, self.env.clone(), flags, themes).map_err(CommandError::usage)
    }
}

/// The flags that override settings.
#[must_use]
pub fn flags(args: &CockpitArgs) -> Flags {
    Flags {
        server: args.server.clone(),
        allow_remote: args.allow_remote,
        model: args.model.clone(),
        window: args.window.clone(),
        policy: args.policy.clone(),
        dialect: args.dialect.clone(),
        profile: args.profile.clone(),
        sandbox: args.sandbox.clone(),
        theme: args.theme.clone(),
        log_bodies: args.log_bodies.as_deref().map(absolute),
        screen_reader: args.screen_reader,
        serve: config::ServeFlags::default(),
    }
}

/// A path as the current folder makes it whole.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
