//! Looks at the places of a start without following a link inside the project.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::{
        stat::{Mode, mkdirat},
        statfs::fstatfs,
    },
};

use super::{
    beneath::{self, Identity},
    owner,
    placeholders::{Placeholders, Turn},
    points::stop_at,
    repositories,
};
use crate::engine::sandbox::{
    LaunchError, Request,
    policy::{
        Content, Extra, Ground, HOME_FOLDERS, Kind, Program, Refusal, guard,
        protected::{missing, plain, watched},
        repository::Repository,
    },
};

/// Resolves every path of the request and looks at what stands in protected places.
///
/// # Errors
/// [`LaunchError`] when a path is not there or cannot be looked at.
pub fn survey(request: Request) -> Result<Ground, LaunchError> {
    let project = resolve(&request.project, "the project")?;
    let home = resolve(&request.home, "lcc's state folder")?;
    furnish(&home)?;
    let lcc = resolve(&request.lcc, "lcc's own program")?;
    let read_only = request
        .read_only
        .iter()
        .map(|path| resolve(path, "a readable folder"))
        .collect::<Result<Vec<_>, _>>()?;
    let mounts = request.mounts.into_iter().map(extra).collect::<Result<Vec<_>, _>>()?;
    let looked = |error| LaunchError::io(named("the project", &project))(error);
    let folder = beneath::folder(&project).map_err(looked)?;
    let about = beneath::about(&folder).map_err(looked)?;
    let repositories = repositories::find(&folder, &project).map_err(looked)?;
    let mut shown: Vec<&Path> = vec![&project, &home];
    shown.extend(read_only.iter().map(PathBuf::as_path));
    let in_place = mounts.iter().filter(|extra| extra.source() == Some(&extra.target));
    shown.extend(in_place.map(|extra| extra.target.as_path()));
    let program = program(&request.program, &project, &shown)?;
    let mut notes = repositories.notes;
    notes.extend(elsewhere(&folder).map(|kind| {
        format!(
            "the project lies on {kind}: file locks, Landlock and the numbers by which lcc tells \
             files apart may not hold there"
        )
    }));
    let found = found(&project, &repositories.repositories)?;
    Ok(Ground {
        owner: about.st_uid,
        group: about.st_gid,
        owner_home: owner::home(about.st_uid),
        project,
        home,
        lcc,
        read_only,
        mounts,
        program,
        args: request.args,
        env: request.env,
        found,
        placeholders: BTreeSet::new(),
        repositories: repositories.repositories,
        notes,
    })
}

/// The kind of a file system that is not this machine's own, by its magic number.
fn elsewhere(folder: &OwnedFd) -> Option<&'static str> {
    const KINDS: [(u32, &str); 6] = [
        (0x6969, "a network folder (NFS)"),
        (0xff53_4d42, "a network folder (CIFS)"),
        (0xfe53_4d42, "a network folder (SMB)"),
        (0x0102_1997, "a folder of another system (9p)"),
        (0x6573_5546, "a file system made by a program (FUSE)"),
        (0x00c3_6400, "a network folder (Ceph)"),
    ];
    let magic = fstatfs(folder).ok()?.filesystem_type().0;
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    let magic = magic as u32;
    KINDS.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

/// What stands in every protected place and above it.
fn found(
    project: &Path,
    repositories: &[Repository],
) -> Result<BTreeMap<PathBuf, Kind>, LaunchError> {
    let mut found = BTreeMap::new();
    let mut roots: BTreeMap<PathBuf, OwnedFd> = BTreeMap::new();
    for (path, root) in watched(project, repositories) {
        let failed = |error| LaunchError::io(named("a protected path", &path))(error);
        if !roots.contains_key(&root) {
            roots.insert(root.clone(), beneath::folder(&root).map_err(failed)?);
        }
        let Some(folder) = roots.get(&root) else { continue };
        let inside = path.strip_prefix(&root).unwrap_or(&path);
        if let Some((kind, _)) = beneath::look(folder, inside).map_err(failed)? {
            found.insert(path, kind);
        }
    }
    Ok(found)
}

/// Makes something empty in every protected place where nothing stands, and looks again. The
/// places have been found to be plain before: nothing is made beside a link.
///
/// # Errors
/// [`LaunchError`] when a folder cannot be written.
pub fn fill(
    ground: &mut Ground,
    placeholders: &Placeholders,
    turn: &Turn,
    owner: Option<owner::Owner>,
) -> Result<(), LaunchError> {
    // Joining may have removed what dead sessions left.
    ground.found = found(&ground.project, &ground.repositories)?;
    plain(&ground.found)?;
    ground.placeholders = placeholders.standing();
    let wanted = missing(ground);
    stop_at("joined");
    placeholders.make(turn, &wanted, owner.map(owner::Owner::ids)).map_err(LaunchError::io(
        format!("making placeholders for protected paths in {}", ground.project.display()),
    ))?;
    ground.placeholders = placeholders.standing();
    ground.found = found(&ground.project, &ground.repositories)?;
    Ok(())
}

/// Resolves the source of an extra mount; its place inside stays as it was named.
fn extra(mount: Extra) -> Result<Extra, LaunchError> {
    let content = match mount.content {
        Content::ReadOnly(path) => Content::ReadOnly(resolve(&path, "a readable folder")?),
        Content::Writable(path) => Content::Writable(resolve(&path, "a writable folder")?),
        made @ (Content::Memory | Content::Text(_) | Content::Mask(_)) => made,
    };
    Ok(Extra { content, ..mount })
}

/// Makes the writable folders of the private home. What lies in the home was writable in earlier
/// sessions' folders, so nothing is followed: a name that is no plain folder is refused.
fn furnish(home: &Path) -> Result<(), LaunchError> {
    let folder = beneath::folder(home).map_err(LaunchError::io(named("the private home", home)))?;
    for name in HOME_FOLDERS {
        let path = home.join(name);
        match mkdirat(&folder, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => {
                return Err(LaunchError::io(named("the private home", &path))(error.into()));
            }
        }
        let found = beneath::look(&folder, Path::new(name))
            .map_err(LaunchError::io(named("the private home", &path)))?;
        if !matches!(found, Some((Kind::Folder, _))) {
            return Err(Refusal::new(
                &path,
                "it must be a folder and is something else",
                "remove it; lcc makes it anew",
            )
            .into());
        }
    }
    Ok(())
}

/// Whether everything in `verify` is still what it was; gives which files they are, and which the
/// project and the home are: the inner stage must meet the very same.
///
/// # Errors
/// [`LaunchError::Broken`] naming the first path that changed.
pub fn verify(
    ground: &Ground,
    verify: &[(PathBuf, Kind)],
) -> Result<Vec<(PathBuf, Identity)>, LaunchError> {
    let changed = |path: &Path| {
        let detail = format!("{} changed while the sandbox was prepared", path.display());
        LaunchError::broken("protected paths", detail)
    };
    let whole = [&ground.project, &ground.home].map(|path| (path.clone(), Kind::Folder));
    let mut identities = Vec::new();
    for (path, wanted) in whole.iter().chain(verify) {
        // The whole path may hold no link, not only its part in the project.
        let above = path.parent().ok_or_else(|| changed(path))?;
        let folder = beneath::folder(above).map_err(|_| changed(path))?;
        let name = path.file_name().unwrap_or_default();
        match beneath::look(&folder, Path::new(name)) {
            Ok(Some((kind, identity))) if kind == *wanted => {
                identities.push((path.clone(), identity));
            }
            Ok(_) | Err(_) => return Err(changed(path)),
        }
    }
    Ok(identities)
}

fn named(what: &str, path: &Path) -> String {
    format!("looking at {what} {}", path.display())
}

fn resolve(path: &Path, what: &str) -> Result<PathBuf, LaunchError> {
    fs::canonicalize(path).map_err(LaunchError::io(named(what, path)))
}

/// Finds out how the program becomes visible inside.
fn program(wanted: &Path, project: &Path, shown: &[&Path]) -> Result<Program, LaunchError> {
    let text = wanted.as_os_str();
    if !text.as_encoded_bytes().contains(&b'/') {
        return Ok(Program::Name(text.to_owned()));
    }
    let failed = |reason: String| LaunchError::Program { path: wanted.to_owned(), reason };
    let wanted_path = project.join(wanted);
    let real = fs::canonicalize(&wanted_path).map_err(|error| failed(error.to_string()))?;
    let about = fs::metadata(&real).map_err(|error| failed(error.to_string()))?;
    if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
        return Err(failed("it is not an executable file".to_owned()));
    }
    if guard::visible(&real, shown) {
        // A link such as /usr/bin/python3 keeps its name, which programs look at.
        let keep = guard::visible(&wanted_path, shown) && wanted_path.is_absolute();
        return Ok(Program::Visible(if keep { wanted_path } else { real }));
    }
    if is_script(&real).map_err(|error| failed(error.to_string()))?
        && let Some(folder) = package(&real)
        && let Ok(script) = real.strip_prefix(folder)
    {
        return Ok(Program::Package { folder: folder.to_owned(), script: script.to_owned() });
    }
    let name = wanted.file_name().unwrap_or(OsStr::new("program")).to_owned();
    Ok(Program::File { real, name })
}

fn is_script(path: &Path) -> io::Result<bool> {
    let mut start = [0u8; 2];
    let read = File::open(path)?.take(2).read(&mut start)?;
    Ok(read == 2 && &start == b"#!")
}

/// The package folder of a script; its dependencies lie inside it or not at all.
fn package(script: &Path) -> Option<&Path> {
    script.ancestors().skip(1).take(4).find(|folder| folder.join("package.json").is_file())
}
