//! Landlock alone as the file view: what is not named here is out of reach.

use std::{io, os::fd::AsFd, path::Path};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::wire::Orders;
use crate::engine::sandbox::{linux::inner::landlock::stream_access, reduced};

/// The interface without which there is no reduced tier (Linux 6.12): it keeps signals and
/// abstract sockets inside.
const NEEDED: ABI = ABI::V6;

/// Whether this kernel can give the tier.
#[must_use]
pub fn available() -> bool {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEEDED)))
        .and_then(landlock::Ruleset::create)
        .is_ok()
}

/// Restricts this process and its children.
///
/// # Errors
/// When the kernel cannot enforce all of it.
pub(super) fn enforce(orders: &Orders) -> io::Result<()> {
    match rules(orders).map_err(io::Error::other)? {
        RulesetStatus::FullyEnforced => Ok(()),
        // A hard requirement has failed before it comes here; refused all the same.
        RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced => {
            Err(io::Error::other("the kernel enforces it in part only"))
        }
    }
}

fn rules(orders: &Orders) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(NEEDED);
    // No port is allowed: the one connection there is comes from lcc ready-made.
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(NEEDED))?
        .scope(Scope::from_all(NEEDED))?
        .create()?;
    let system = reduced::READABLE.iter().chain(&reduced::NAMES).map(Path::new);
    for path in system.chain(orders.trees.readable.iter().map(AsRef::as_ref)) {
        ruleset = allow(ruleset, path, AccessFs::from_read(NEEDED))?;
    }
    for path in &orders.trees.writable {
        ruleset = allow(ruleset, path, all ^ AccessFs::IoctlDev)?;
    }
    for path in reduced::DEVICES {
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        ruleset = allow(ruleset, Path::new(path), device)?;
    }
    // The terminal, and files that the caller redirected the streams to: each as it is open.
    for stream in [io::stdin().as_fd(), io::stdout().as_fd(), io::stderr().as_fd()] {
        if let Some(access) = stream_access(stream) {
            // A memory file takes no rule and needs none.
            let before = ruleset.try_clone();
            ruleset = match (ruleset.add_rule(PathBeneath::new(stream, access)), before) {
                (Ok(with), _) => with,
                (Err(_), Ok(without)) => without,
                (Err(error), Err(_)) => return Err(error),
            };
        }
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else {
        // What is not there needs no permission.
        return Ok(ruleset);
    };
    // A file takes only the rights that files have.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEEDED) };
    ruleset.add_rule(PathBeneath::new(fd, access))
}
