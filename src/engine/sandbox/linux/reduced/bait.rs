//! What the probes of the reduced tier try to reach on the host, and the look at it afterwards.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::wire::Targets;

const SECRET: &str = "secret";
/// What the folders begin with; a UUID follows.
const PREFIX: &str = ".bait-";

/// The planted things; removed when dropped.
#[derive(Debug)]
pub(super) struct Bait {
    folder: PathBuf,
    text: String,
    listener: TcpListener,
    /// Locked for as long as it is watched.
    _in_use: File,
}

impl Bait {
    /// Plants beside lcc's private home, where the program may not even look.
    pub(super) fn plant(home: &Path) -> io::Result<Self> {
        let text = uuid::Uuid::new_v4().to_string();
        let parent = home.parent().ok_or_else(|| io::Error::other("no folder above"))?;
        // One at a time: bait without its lock yet would look abandoned.
        let turn = File::open(parent)?;
        turn.lock()?;
        sweep(parent);
        let folder = parent.join(format!("{PREFIX}{text}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let mut in_use = File::create(folder.join(SECRET))?;
        in_use.lock()?;
        drop(turn);
        in_use.write_all(text.as_bytes())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self { folder, text, listener, _in_use: in_use })
    }

    /// Where the probes find it.
    pub(super) fn targets(&self) -> io::Result<Targets> {
        Ok(Targets {
            secret: self.folder.join(SECRET),
            outside: self.folder.clone(),
            tcp_port: self.listener.local_addr()?.port(),
            host_pid: i32::try_from(std::process::id()).map_err(io::Error::other)?,
        })
    }

    /// What was touched; nothing, if the sandbox holds. What cannot be looked at counts as touched.
    pub(super) fn touched(&self) -> Vec<String> {
        let mut touched = Vec::new();
        match self.listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => touched.push("a connection reached the host's loopback".to_owned()),
        }
        if fs::read(self.folder.join(SECRET)).ok().as_deref() != Some(self.text.as_bytes()) {
            touched.push("a file outside was changed".to_owned());
        }
        if fs::read_dir(&self.folder).map(Iterator::count).unwrap_or_default() != 1 {
            touched.push("a file outside was created or removed".to_owned());
        }
        touched
    }
}

/// Removes the bait of starts that were killed: nobody holds its lock any more.
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

impl Drop for Bait {
    fn drop(&mut self) {
        // A folder that is left over holds random text, and the next start removes it.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn every_touch_shows_and_dead_bait_is_swept() {
        let state = tempfile::tempdir().unwrap();
        let home = state.path().join("home");
        let dead = state.path().join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(SECRET), "x").unwrap();
        let bait = Bait::plant(&home).unwrap();
        assert!(!dead.exists());
        let targets = bait.targets().unwrap();
        assert_eq!(bait.touched(), Vec::<String>::new());
        let _stream = TcpStream::connect((Ipv4Addr::LOCALHOST, targets.tcp_port)).unwrap();
        assert_eq!(bait.touched().len(), 1);
        fs::write(&targets.secret, "x").unwrap();
        fs::write(targets.outside.join("new"), "x").unwrap();
        assert_eq!(bait.touched().len(), 2);
        let second = Bait::plant(&home).unwrap();
        assert!(targets.outside.exists() && second.folder.exists());
        drop(bait);
        assert!(!targets.outside.exists());
    }
}
