//! Looks at the places of a start without following a link inside the project.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat},
};

use crate::engine::sandbox::{
    LaunchError, Request,
    policy::{Content, Extra, Ground, HOME_FOLDERS, Kind, Program, Refusal, guard, protected},
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
    let folder = open_project(&project).map_err(LaunchError::io(named("the project", &project)))?;
    let about = stat(&folder).map_err(LaunchError::io(named("the project", &project)))?;
    let mut found = BTreeMap::new();
    for path in protected::watched() {
        let kind = kind(&folder, &path)
            .map_err(LaunchError::io(named("a protected path", &project.join(&path))))?;
        if let Some(kind) = kind {
            found.insert(path, kind);
        }
    }
    let mut shown: Vec<&Path> = vec![&project, &home];
    shown.extend(read_only.iter().map(PathBuf::as_path));
    let in_place = mounts.iter().filter(|extra| extra.source() == Some(&extra.target));
    shown.extend(in_place.map(|extra| extra.target.as_path()));
    let program = program(&request.program, &project, &shown)?;
    Ok(Ground {
        owner: about.st_uid,
        project,
        home,
        lcc,
        read_only,
        mounts,
        program,
        args: request.args,
        env: request.env,
        found,
    })
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
    let folder = open_project(home).map_err(LaunchError::io(named("the private home", home)))?;
    for name in HOME_FOLDERS {
        let path = home.join(name);
        match mkdirat(&folder, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => {
                return Err(LaunchError::io(named("the private home", &path))(error.into()));
            }
        }
        let found = kind(&folder, Path::new(name))
            .map_err(LaunchError::io(named("the private home", &path)))?;
        if found != Some(Kind::Folder) {
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

/// Whether everything in `verify` is still what it was.
///
/// # Errors
/// [`LaunchError::Broken`] naming the first path that changed.
pub fn verify(project: &Path, verify: &[(PathBuf, Kind)]) -> Result<(), LaunchError> {
    let folder = open_project(project).map_err(LaunchError::io(named("the project", project)))?;
    for (path, wanted) in verify {
        let inside = path.strip_prefix(project).unwrap_or(path);
        if kind(&folder, inside).ok().flatten() != Some(*wanted) {
            return Err(LaunchError::broken(
                "protected paths",
                format!("{} changed while the sandbox was prepared", path.display()),
            ));
        }
    }
    Ok(())
}

fn named(what: &str, path: &Path) -> String {
    format!("looking at {what} {}", path.display())
}

fn resolve(path: &Path, what: &str) -> Result<PathBuf, LaunchError> {
    fs::canonicalize(path).map_err(LaunchError::io(named(what, path)))
}

fn how(flags: OFlag, resolve: ResolveFlag) -> OpenHow {
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(Mode::empty()).resolve(resolve)
}

fn open_project(project: &Path) -> io::Result<OwnedFd> {
    let how = how(OFlag::O_PATH | OFlag::O_DIRECTORY, ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(AT_FDCWD, project, how).map_err(|error| match error {
        Errno::ENOSYS => io::Error::other(
            "the kernel is older than 5.6, or lcc runs inside another sandbox; start it outside",
        ),
        other => other.into(),
    })
}

fn stat(fd: &OwnedFd) -> io::Result<FileStat> {
    Ok(fstat(fd)?)
}

/// What stands at a path below the project; `None` where nothing does.
fn kind(project: &OwnedFd, path: &Path) -> io::Result<Option<Kind>> {
    let how = how(
        OFlag::O_PATH | OFlag::O_NOFOLLOW,
        ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    );
    match openat2(project, path, how) {
        Ok(fd) => Ok(Some(match SFlag::from_bits_truncate(stat(&fd)?.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFDIR => Kind::Folder,
            SFlag::S_IFLNK => Kind::Link,
            _ => Kind::Special,
        })),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(Errno::ELOOP | Errno::EXDEV) => Ok(Some(Kind::Link)),
        Err(error) => Err(error.into()),
    }
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
