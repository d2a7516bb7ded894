//! Things planted on the host that the probes try to reach, and the look at them afterwards.

use std::{
    fs::{self, DirBuilder, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::wire::Targets;

const SECRET: &str = "secret";
/// What the folders of canaries begin with; a UUID follows.
const PREFIX: &str = ".canary-";

/// The planted things; removed when dropped.
#[derive(Debug)]
pub struct Canary {
    folder: PathBuf,
    text: String,
    listener: TcpListener,
    /// Locked for as long as the canary is watched.
    _in_use: File,
}

/// Removes the canaries of starts that were killed: nobody holds their lock any more.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .is_some_and(|id| uuid::Uuid::try_parse(id).is_ok());
        let dead = ours
            && match File::open(entry.path().join(SECRET)) {
                Ok(secret) => secret.try_lock().is_ok(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
        if dead {
            // What cannot be removed does no harm.
            let _left_over = fs::remove_dir_all(entry.path());
        }
    }
}

impl Canary {
    /// Plants beside lcc's private state folder, which is outside of all that is mounted.
    ///
    /// # Errors
    /// When the folder above it cannot be written, or no port is left.
    pub fn plant(home: &Path) -> io::Result<Self> {
        let text = uuid::Uuid::new_v4().to_string();
        let parent = home.parent().ok_or_else(|| io::Error::other("no folder above"))?;
        // One at a time: a canary without its lock yet would look abandoned.
        let turn = File::open(parent)?;
        turn.lock()?;
        sweep(parent);
        let folder = parent.join(format!("{PREFIX}{text}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let in_use = File::create(folder.join(SECRET))?;
        in_use.lock()?;
        drop(turn);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let canary = Self { folder, text, listener, _in_use: in_use };
        fs::write(canary.folder.join(SECRET), &canary.text)?;
        Ok(canary)
    }

    /// Where the probes find them.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn targets(&self) -> io::Result<Targets> {
        Ok(Targets {
            secret: self.folder.join(SECRET),
            outside: self.folder.clone(),
            tcp_port: self.listener.local_addr()?.port(),
            host_pid: i32::try_from(std::process::id()).map_err(io::Error::other)?,
        })
    }

    /// What was touched; nothing, if the sandbox holds. What cannot be looked at counts as touched.
    #[must_use]
    pub fn touched(&self) -> Vec<String> {
        let mut touched = Vec::new();
        match self.listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => touched.push("a connection reached the host's loopback".to_owned()),
        }
        if fs::read(self.folder.join(SECRET)).ok().as_deref() != Some(self.text.as_bytes()) {
            touched.push("a file outside was changed".to_owned());
        }
        let entries = fs::read_dir(&self.folder).map(Iterator::count).unwrap_or_default();
        if entries != 1 {
            touched.push("a file outside was created or removed".to_owned());
        }
        touched
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // A folder that is left over does no harm: it holds random text.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn canaries_of_killed_starts_are_swept_and_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let home = state.path().join("home");
        let living = Canary::plant(&home).unwrap();
        let dead = state.path().join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        let bare = state.path().join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        let foreign = state.path().join(format!("{PREFIX}of-somebody"));
        for folder in [&dead, &bare, &foreign] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(dead.join(SECRET), "x").unwrap();
        let new = Canary::plant(&home).unwrap();
        assert!(!dead.exists() && !bare.exists());
        assert!(foreign.exists() && living.folder.exists() && new.folder.exists());
        assert_eq!(living.touched(), Vec::<String>::new());
        drop(living);
        assert!(new.folder.exists());
    }

    #[test]
    fn every_touch_shows() {
        let state = tempfile::tempdir().unwrap();
        let home = state.path().join("home");
        let canary = Canary::plant(&home).unwrap();
        let targets = canary.targets().unwrap();
        assert_eq!(canary.touched(), Vec::<String>::new());
        let _stream = TcpStream::connect((Ipv4Addr::LOCALHOST, targets.tcp_port)).unwrap();
        assert_eq!(canary.touched().len(), 1);
        fs::write(&targets.secret, "x").unwrap();
        fs::write(targets.outside.join("new"), "x").unwrap();
        assert_eq!(canary.touched().len(), 2);
        drop(canary);
        assert!(!targets.outside.exists());
    }
}
