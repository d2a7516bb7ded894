//! Mounts beside project and home: toolchains, folders the user adds, small files made up.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Ground, HostFacts, Refusal, guard};

/// Bytes that a folder in memory may hold.
pub(super) const MEMORY_SIZE: &str = "268435456";
/// Where lcc's own files lie inside.
pub const OWN: &str = "/run/lcc";

/// One more mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// Where it is seen inside: absolute.
    pub target: PathBuf,
    /// What is seen there.
    pub content: Content,
}

/// What an [`Extra`] shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file or folder of the host, to be read.
    ReadOnly(PathBuf),
    /// A folder of the host, to be read and written; the user named it.
    Writable(PathBuf),
    /// An empty folder in memory, gone at the end.
    Memory,
    /// A small file made for the sandbox, in a place where nothing is.
    Text(Vec<u8>),
    /// A small file over one of the host's that must not be read.
    Mask(Vec<u8>),
}

impl Extra {
    /// A file or folder of the host at its own place.
    #[must_use]
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { target: path.clone(), content: Content::ReadOnly(path) }
    }

    /// The path on the host, where there is one.
    #[must_use]
    pub fn source(&self) -> Option<&Path> {
        match &self.content {
            Content::ReadOnly(path) | Content::Writable(path) => Some(path),
            Content::Memory | Content::Text(_) | Content::Mask(_) => None,
        }
    }

    /// Whether something may be written below its place.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        match self.content {
            Content::Writable(_) | Content::Memory => true,
            Content::ReadOnly(_) | Content::Text(_) | Content::Mask(_) => false,
        }
    }
}

/// Checks one extra mount; the project's and the home's places have been checked.
///
/// # Errors
/// A [`Refusal`] when its place or its source must not become part of the sandbox.
pub(super) fn check(host: &HostFacts, ground: &Ground, extra: &Extra) -> Result<(), Refusal> {
    const FIX: &str = "name the one folder that is needed";
    guard::plain(&extra.target)?;
    let target = &extra.target;
    let own_file = target.parent() == Some(Path::new(OWN))
        && target.file_name() != Some(OsStr::new("bin"))
        && target.file_name() != Some(OsStr::new("package"))
        && matches!(extra.content, Content::Text(_));
    let system = ["/proc", "/sys", "/dev", "/run/lcc", "/etc", "/usr", "/tmp/.X11-unix"];
    if !own_file && (target == Path::new("/") || system.iter().any(|at| target.starts_with(at))) {
        return Err(Refusal::new(target, "it is part of the sandbox itself", FIX));
    }
    // Mount points are never made where an earlier session could have planted a link.
    if target.starts_with(&ground.project) {
        return Err(Refusal::new(target, "it lies in the project, which is visible anyway", FIX));
    }
    if target.starts_with(&ground.home) || ground.home.starts_with(target) {
        return Err(Refusal::new(target, "it overlaps lcc's own state", FIX));
    }
    match &extra.content {
        Content::ReadOnly(source) => guard::readable(host, ground, source),
        Content::Writable(source) => writable(host, ground, source),
        Content::Memory | Content::Text(_) | Content::Mask(_) => Ok(()),
    }
}

fn writable(host: &HostFacts, ground: &Ground, path: &Path) -> Result<(), Refusal> {
    const FIX: &str = "add it without :rw, or name a folder below it";
    guard::readable(host, ground, path)?;
    guard::not_system(path).map_err(|refusal| Refusal { fix: FIX.to_owned(), ..refusal })?;
    if ground.project.starts_with(path) {
        return Err(Refusal::new(path, "it contains the project, whose files are protected", FIX));
    }
    if ground.lcc.starts_with(path) || host.bwrap.starts_with(path) {
        return Err(Refusal::new(path, "it contains lcc's or bubblewrap's own program", FIX));
    }
    Ok(())
}

/// Whether what stands at `entry` inside may be read and not written: the deepest tree decides.
#[must_use]
pub(super) fn readable_only(ground: &Ground, entry: &Path) -> bool {
    let own = [(&ground.project, true), (&ground.home, true)];
    let shown = ground.read_only.iter().map(|path| (path, false));
    let extras = ground.mounts.iter().map(|extra| (&extra.target, extra.is_writable()));
    own.into_iter()
        .chain(shown)
        .chain(extras)
        .filter(|(path, _)| entry.starts_with(path))
        .max_by_key(|(path, writable)| (path.components().count(), *writable))
        .map_or_else(
            // A folder of which single files are shown lies on the root, which is read-only.
            || {
                let lists = |extra: &Extra| extra.target.parent() == Some(entry);
                entry.starts_with("/usr")
                    || (!entry.starts_with("/tmp") && ground.mounts.iter().any(lists))
            },
            |(_, writable)| !writable,
        )
}
