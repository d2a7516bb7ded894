//! Things planted on the host that the attempts try to reach, and the look at them afterwards.

mod janitor;
mod sockets;
mod sys;
pub mod targets;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    pty::openpty,
};

pub use janitor::{WORD, stay};
pub use sockets::short;
use targets::{Places, Targets};

use janitor::Janitor;
use sockets::Sockets;
use sys::{Key, Segment};

const SECRET: &str = "secret";
const LINKED: &str = "linked";
/// What the files and folders of canaries begin with; a UUID follows.
const FILE: &str = ".lcc-canary-";

/// Where canaries are planted.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The private home; the folder above it takes the secrets of the state folder.
    pub home: &'a Path,
    /// The project; the folder above it takes a secret.
    pub project: &'a Path,
    /// lcc's own program, which becomes the process with a secret. Without one there is none.
    pub lcc: Option<&'a Path>,
}

/// The planted things; removed when dropped.
#[derive(Debug)]
pub struct Canary {
    folder: PathBuf,
    text: String,
    sockets: Sockets,
    /// Only there until the program has started.
    passing: Option<Passing>,
    /// Locked for as long as the canary is watched.
    _in_use: File,
}

/// What would be in the way, or cost something, for a whole session.
#[derive(Debug)]
struct Passing {
    beside: Secret,
    above: Option<(u64, u64)>,
    tmp: Option<Secret>,
    shm: Option<Secret>,
    linked: Option<Removed>,
    _inside: Removed,
    process: Option<Janitor>,
    segment: Option<Segment>,
    key: Option<Key>,
    terminal: Option<(File, OwnedFd, PathBuf)>,
    leaked: File,
}

/// A file that goes with its owner.
#[derive(Debug)]
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // A file that is left over does no harm: it holds random text.
        let _left_over = fs::remove_file(&self.0);
    }
}

/// A file with the secret.
#[derive(Debug)]
struct Secret {
    path: Removed,
    _in_use: File,
}

impl Secret {
    fn plant(folder: &Path, text: &str) -> io::Result<Self> {
        let path = folder.join(format!("{FILE}{text}"));
        // Under another name until it is locked: a start beside this one would sweep it.
        let first = Removed(folder.join(format!("{FILE}{text}.new")));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&first.0)?;
        file.lock()?;
        file.write_all(text.as_bytes())?;
        // Whatever the caller's mask: everybody may read it, so that not its mode protects it.
        file.set_permissions(Permissions::from_mode(0o644))?;
        fs::rename(&first.0, &path)?;
        Ok(Self { path: Removed(path), _in_use: file })
    }

    fn path(&self) -> PathBuf {
        self.path.0.clone()
    }

    fn intact(&self, text: &str) -> bool {
        fs::read(&self.path.0).is_ok_and(|content| content == text.as_bytes())
    }
}

/// Removes the canaries of starts that were killed: nobody holds their lock any more.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        if !janitor::is_ours(&path) {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let held = if is_folder { path.join(SECRET) } else { path.clone() };
        let dead = match File::open(held) {
            Ok(secret) => secret.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if dead {
            // What cannot be removed does no harm.
            let _left_over =
                if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Removes what killed starts left in the private home; theirs is the folder that is gone.
fn sweep_home(cache: &Path, parent: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.rsplit_once('.')).map(|(id, _)| id);
        if let Some(id) = id
            && janitor::is_ours(Path::new(id))
            && !parent.join(id).exists()
        {
            let _left_over = fs::remove_file(entry.path());
        }
    }
}

impl Canary {
    /// Plants them all. What the machine cannot give (IPv6, a keyring) is left out.
    ///
    /// # Errors
    /// When a folder cannot be written, or no port is left.
    pub fn plant(ground: Ground<'_>) -> io::Result<Self> {
        let text = uuid::Uuid::new_v4().to_string();
        let name = format!("{FILE}{text}");
        let parent = ground.home.parent().ok_or_else(|| io::Error::other("no folder above"))?;
        let cache = ground.home.join(".cache");
        DirBuilder::new().recursive(true).mode(0o700).create(&cache)?;
        // One at a time: a canary without its lock yet would look abandoned.
        let turn = File::open(parent)?;
        turn.lock()?;
        sweep(parent);
        sweep_home(&cache, parent);
        let folder = parent.join(&name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let mut in_use = File::create(folder.join(SECRET))?;
        in_use.lock()?;
        drop(turn);
        in_use.write_all(text.as_bytes())?;

        let above = ground.project.parent().filter(|above| above.parent().is_some());
        if let Some(above) = above {
            sweep(above);
        }
        let beside = above
            .map_or_else(|| Err(io::ErrorKind::NotFound.into()), |at| Secret::plant(at, &text))
            .or_else(|_| Secret::plant(Path::new("/var/tmp"), &text))?;
        let tmp = Secret::plant(Path::new("/tmp"), &text).ok();
        let shm = Secret::plant(Path::new("/dev/shm"), &text).ok();
        let linked = link(&folder, &cache.join(format!("{name}.link")));
        let inside = Removed(cache.join(format!("{name}.socket")));
        let sockets = Sockets::bind(&folder, &inside.0, &name)?;
        let leaked = File::open(folder.join(SECRET))?;
        sys::leak(&leaked)?;

        let mut files = vec![folder.clone(), beside.path()];
        files.extend([&tmp, &shm].into_iter().flatten().map(Secret::path));
        let process = ground.lcc.map(|lcc| Janitor::start(lcc, &text, &files)).transpose()?;
        let passing = Passing {
            beside,
            above: ground.project.parent().and_then(identity),
            tmp,
            shm,
            linked,
            _inside: inside,
            process,
            segment: Segment::plant(&text).ok(),
            key: Key::plant(&name, &text).ok(),
            terminal: terminal().ok(),
            leaked,
        };
        Ok(Self { folder, text, sockets, passing: Some(passing), _in_use: in_use })
    }

    /// Where the attempts find them.
    ///
    /// # Errors
    /// When they were cleared away already.
    pub fn targets(&self, places: Places) -> io::Result<Targets> {
        let passing = self.passing.as_ref().ok_or_else(|| io::Error::other("cleared away"))?;
        let (tcp, udp, dns, unix) = self.sockets.addresses();
        Ok(Targets {
            text: self.text.clone(),
            secret: self.folder.join(SECRET),
            outside: self.folder.clone(),
            beside: passing.beside.path(),
            above: passing.above,
            at_home: identity(&places.user_home),
            tmp: passing.tmp.as_ref().map(Secret::path),
            shm: passing.shm.as_ref().map(Secret::path),
            linked: passing.linked.as_ref().map(|linked| linked.0.clone()),
            places,
            tcp,
            udp,
            dns,
            unix,
            process: passing.process.as_ref().map(Janitor::id),
            host_pid: i32::try_from(std::process::id()).map_err(io::Error::other)?,
            segment: passing.segment.as_ref().map(Segment::id),
            key: passing.key.as_ref().map(Key::serial),
            terminal: passing.terminal.as_ref().map(|(.., slave)| slave.clone()),
            descriptor: passing.leaked.as_raw_fd(),
        })
    }

    /// What was touched since the last look; nothing, if the sandbox holds. What cannot be looked
    /// at counts as touched.
    #[must_use]
    pub fn touched(&self) -> Vec<String> {
        let mut touched = self.sockets.touched();
        let secret = fs::read(self.folder.join(SECRET));
        if !secret.is_ok_and(|content| content == self.text.as_bytes()) {
            touched.push("a file outside was changed".to_owned());
        }
        // The secret, two sockets and the file with a second name.
        let linked = usize::from(self.folder.join(LINKED).exists());
        let entries = fs::read_dir(&self.folder).map(Iterator::count).unwrap_or_default();
        if entries != 3 + linked {
            touched.push("a file outside was created or removed".to_owned());
        }
        if let Some(passing) = &self.passing {
            let places = [
                (Some(&passing.beside), "the folder above the project"),
                (passing.tmp.as_ref(), "/tmp"),
                (passing.shm.as_ref(), "/dev/shm"),
            ];
            for (secret, place) in places {
                if secret.is_some_and(|secret| !secret.intact(&self.text)) {
                    touched.push(format!("a file in {place} was changed"));
                }
            }
            if let Some((master, ..)) = &passing.terminal
                && io::Read::read(&mut &*master, &mut [0u8; 1]).is_ok()
            {
                touched.push("another terminal of the host was written to".to_owned());
            }
        }
        touched
    }

    /// Removes all that a session has no use for. Sockets and the secret in the state folder stay.
    pub fn settle(&mut self) {
        self.passing = None;
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

/// A file outside that has a second name inside, as shared package stores make them.
fn link(folder: &Path, inside: &Path) -> Option<Removed> {
    let outside = folder.join(LINKED);
    fs::write(&outside, "").ok()?;
    // Whoever owns the home inside may write it; lcc may run as another user.
    fs::set_permissions(&outside, Permissions::from_mode(0o666)).ok()?;
    fs::hard_link(&outside, inside).ok()?;
    Some(Removed(inside.to_owned()))
}

/// A terminal of the host: what its screen would get can be read.
fn terminal() -> io::Result<(File, OwnedFd, PathBuf)> {
    let pair = openpty(None, None)?;
    let path = nix::unistd::ttyname(&pair.slave)?;
    fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((File::from(pair.master), pair.slave, path))
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.settle();
        // A folder that is left over does no harm: it holds random text.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}
