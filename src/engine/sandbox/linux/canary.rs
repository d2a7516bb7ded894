//! Things planted on the host that the probes try to reach, and the look at them afterwards.

use std::{
    fs::{self, DirBuilder},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::wire::Targets;

const SECRET: &str = "secret";

/// The planted things; removed when dropped.
#[derive(Debug)]
pub struct Canary {
    folder: PathBuf,
    text: String,
    listener: TcpListener,
}

impl Canary {
    /// Plants beside lcc's private state folder, which is outside of all that is mounted.
    ///
    /// # Errors
    /// When the folder above it cannot be written, or no port is left.
    pub fn plant(home: &Path) -> io::Result<Self> {
        let text = uuid::Uuid::new_v4().to_string();
        let parent = home.parent().ok_or_else(|| io::Error::other("no folder above"))?;
        let folder = parent.join(format!(".canary-{text}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let canary = Self { folder, text, listener };
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
