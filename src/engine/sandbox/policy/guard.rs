//! Which folders may become a project, a home or a readable folder of a sandbox.

use std::path::{Path, PathBuf};

use super::{Ground, HostFacts, Refusal, Repository, Role};

/// System folders: neither they nor anything below them may be a project.
const SYSTEM: [&str; 12] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/sys",
    "/dev", "/boot",
];
/// Folders that hold other things than one project; what is below them may be one.
const SHARED: [&str; 11] = [
    "/", "/home", "/tmp", "/var", "/var/tmp", "/run", "/mnt", "/media", "/opt", "/srv", "/run/lcc",
];
const OTHER_FOLDER: &str = "start lcc in the folder of one project, or name one with --project";

/// Checks every place of the start.
///
/// # Errors
/// The first [`Refusal`] found.
pub fn places(host: &HostFacts, ground: &Ground) -> Result<(), Refusal> {
    project(host, ground)?;
    home(host, ground)?;
    for folder in &ground.read_only {
        readable(host, ground, folder)?;
    }
    for known in
        ground.repositories.iter().filter(|known| !known.folder.starts_with(&ground.project))
    {
        repository(host, ground, known)?;
    }
    if host.bwrap.starts_with(&ground.project) || host.bwrap.starts_with(&ground.home) {
        return Err(Refusal::new(
            &host.bwrap,
            "this bubblewrap lies where the sandboxed program can write",
            "install bubblewrap by the system's package manager",
        ));
    }
    Ok(())
}

fn plain(path: &Path) -> Result<(), Refusal> {
    let dotted = path
        .components()
        .any(|part| matches!(part, std::path::Component::ParentDir | std::path::Component::CurDir));
    if !path.is_absolute() || dotted {
        return Err(Refusal::new(path, "the path is not absolute and resolved", OTHER_FOLDER));
    }
    if path.to_str().is_none() {
        return Err(Refusal::new(path, "its name is not UTF-8", "rename it"));
    }
    Ok(())
}

fn not_system(path: &Path) -> Result<(), Refusal> {
    if SHARED.iter().any(|shared| path == Path::new(shared)) || path.starts_with("/run/lcc") {
        return Err(Refusal::new(path, "this folder is shared by the whole system", OTHER_FOLDER));
    }
    if SYSTEM.iter().any(|system| path.starts_with(system)) {
        return Err(Refusal::new(path, "this is a folder of the operating system", OTHER_FOLDER));
    }
    Ok(())
}

fn project(host: &HostFacts, ground: &Ground) -> Result<(), Refusal> {
    let path = &ground.project;
    plain(path)?;
    not_system(path)?;
    if homes(host, ground).any(|user_home| user_home.starts_with(path)) {
        return Err(Refusal::new(
            path,
            "it is your home folder or contains it, with keys and settings of other programs",
            OTHER_FOLDER,
        ));
    }
    // Root becomes the owner instead.
    if ground.owner != host.uid && host.uid != 0 {
        return Err(Refusal::new(
            path,
            format!("it belongs to user {}, but lcc runs as user {}", ground.owner, host.uid),
            "start lcc as the project's owner",
        ));
    }
    if host.bwrap.starts_with(path) {
        return Err(Refusal::new(path, "it contains bubblewrap itself", OTHER_FOLDER));
    }
    Ok(())
}

fn home(host: &HostFacts, ground: &Ground) -> Result<(), Refusal> {
    const FIX: &str = "set LCC_STATE_DIR to a folder of its own, outside the project";
    let path = &ground.home;
    plain(path)?;
    not_system(path).map_err(|refusal| Refusal { fix: FIX.to_owned(), ..refusal })?;
    if homes(host, ground).any(|user_home| user_home.starts_with(path)) {
        return Err(Refusal::new(path, "it is your real home folder or contains it", FIX));
    }
    if path.starts_with(&ground.project) || ground.project.starts_with(path) {
        return Err(Refusal::new(path, "lcc's state and the project lie in each other", FIX));
    }
    if ground.lcc.starts_with(path) {
        return Err(Refusal::new(path, "lcc's own program lies in its state folder", FIX));
    }
    Ok(())
}

/// The home folders of the caller and of the project's owner.
fn homes<'a>(host: &'a HostFacts, ground: &'a Ground) -> impl Iterator<Item = &'a PathBuf> {
    host.user_home.iter().chain(&ground.owner_home)
}

/// A repository outside the project, parts of which become writable.
fn repository(host: &HostFacts, ground: &Ground, known: &Repository) -> Result<(), Refusal> {
    const FIX: &str = "start lcc in a clone of its own, or move the .git file away";
    let top = match &known.role {
        Role::Whole | Role::Sealed => &known.folder,
        Role::Worktree { common } => common,
    };
    for path in [top, &known.folder] {
        plain(path)?;
        not_system(path).map_err(|refusal| Refusal { fix: FIX.to_owned(), ..refusal })?;
        let whole = homes(host, ground).any(|user_home| user_home.starts_with(path));
        let ours = [&ground.home, &ground.lcc, &host.bwrap];
        if whole || ours.iter().any(|own| own.starts_with(path) || path.starts_with(own)) {
            return Err(Refusal::new(path, "this cannot be the project's repository", FIX));
        }
        if ground.project.starts_with(path) {
            return Err(Refusal::new(path, "the project lies in its own repository", FIX));
        }
    }
    if !known.folder.starts_with(top) || top.starts_with(&ground.project) {
        return Err(Refusal::new(&known.folder, "it lies outside its main repository", FIX));
    }
    Ok(())
}

fn readable(host: &HostFacts, ground: &Ground, path: &Path) -> Result<(), Refusal> {
    const FIX: &str = "name the one folder that is needed";
    plain(path)?;
    let pseudo = ["/proc", "/sys", "/dev", "/run", "/tmp"];
    if path == Path::new("/") || pseudo.iter().any(|at| path == Path::new(at)) {
        return Err(Refusal::new(path, "it would show the whole system", FIX));
    }
    if ["/proc", "/sys", "/dev", "/run/lcc", "/etc"].iter().any(|at| path.starts_with(at)) {
        return Err(Refusal::new(path, "it is part of the sandbox itself", FIX));
    }
    if homes(host, ground).any(|user_home| user_home.starts_with(path)) {
        return Err(Refusal::new(path, "it would show your whole home folder", FIX));
    }
    if ground.home.starts_with(path) || path.starts_with(&ground.home) {
        return Err(Refusal::new(path, "it overlaps lcc's own state", FIX));
    }
    if path.starts_with(&ground.project) {
        return Err(Refusal::new(path, "it lies in the project, which can be written", FIX));
    }
    Ok(())
}

/// Whether a program's path is visible inside without a mount of its own.
#[must_use]
pub fn visible(path: &Path, shown: &[&Path]) -> bool {
    path.starts_with("/usr") || shown.iter().any(|folder| path.starts_with(folder))
}
