//! Landlock: files once more, and no reach to processes and abstract sockets outside.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use nix::{
    fcntl::{FcntlArg, fcntl},
    sys::stat::{SFlag, fstat},
};

use crate::engine::sandbox::linux::wire::{Landlock, Orders};

/// The newest interface whose rights are asked for; older kernels enforce what they know.
const NEWEST: ABI = ABI::V6;

/// Restricts this process and its children.
///
/// The file view is the mounts' work; this layer holds where a mount would not: everything visible
/// may be read, four trees and the devices may be written. Ports are left alone: in a network
/// namespace of its own they only break servers that the program starts.
pub(super) fn enforce(orders: &Orders) -> Result<Landlock, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let mut ruleset = allow(ruleset, Path::new("/"), AccessFs::from_read(NEWEST))?;
    for tree in [orders.project.as_path(), &orders.home, Path::new("/tmp"), Path::new("/dev/shm")] {
        ruleset = allow(ruleset, tree, all ^ AccessFs::IoctlDev)?;
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::ReadDir;
    ruleset = allow(ruleset, Path::new("/dev"), device)?;
    // The streams belong to the host's folders: without rules of their own the program could not
    // open /dev/stderr. A rule gives what the stream itself was opened for, and no more.
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
    let status = ruleset.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::None,
    })
}

/// What a stream may be reopened for; `None` for pipes and sockets, which Landlock leaves alone.
pub(in crate::engine::sandbox::linux) fn stream_access(
    stream: BorrowedFd<'_>,
) -> Option<BitFlags<AccessFs>> {
    let kind = SFlag::from_bits_truncate(fstat(stream).ok()?.st_mode) & SFlag::S_IFMT;
    let mode = fcntl(stream, FcntlArg::F_GETFL).ok()? & libc::O_ACCMODE;
    let mut access = match mode {
        libc::O_RDONLY => AccessFs::ReadFile.into(),
        libc::O_WRONLY => AccessFs::WriteFile.into(),
        _ => AccessFs::ReadFile | AccessFs::WriteFile,
    };
    match kind {
        SFlag::S_IFREG => Some(access),
        SFlag::S_IFCHR => {
            access |= AccessFs::IoctlDev;
            Some(access)
        }
        _ => None,
    }
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
    ruleset.add_rule(PathBeneath::new(fd, access))
}
