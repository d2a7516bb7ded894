//! What a sandboxed program is fitted out with: toolchains, added folders, passed variables.

use std::path::Path;

pub use crate::engine::sandbox::toolchain::folders::AddDir;

use super::{CommandError, settings::Surroundings};
use crate::{
    config::Settings,
    domain::Tier,
    engine::sandbox::toolchain::{
        self, Outfit,
        gather::{self, Caller},
        variables,
    },
};

/// Looks at the machine and the settings; `added` are the folders of the command line.
///
/// # Errors
/// [`CommandError::Usage`] when an added folder is not there or must not be shown.
pub fn outfit(
    around: &Surroundings,
    settings: &Settings,
    tier: Tier,
    project: &Path,
    added: &[AddDir],
) -> Result<Outfit, CommandError> {
    let caller = Caller {
        home: around.home(),
        env: around.env.clone(),
        project: project.to_owned(),
        state: around.paths.state.clone(),
    };
    let mut outfit = match tier {
        Tier::Strict | Tier::Reduced => toolchain::plan(&gather::facts(&caller)).in_tier(tier),
        // Without a sandbox everything is where it always is.
        Tier::Off => Outfit::default(),
    };
    let configured = settings.add_dirs.iter().map(|text| text.parse());
    let dirs = configured
        .chain(added.iter().cloned().map(Ok))
        .collect::<Result<Vec<AddDir>, String>>()
        .map_err(CommandError::usage)?;
    let added = gather::added(&around.here, around.home().as_deref(), &dirs)
        .map_err(CommandError::usage)?;
    let mut passed = variables::pass(&around.env, &settings.pass_env);
    // The search path is planned; it is not passed.
    passed.env.remove("PATH");
    outfit.add(added, passed.env, passed.notes);
    Ok(outfit)
}
