//! The status socket: whoever of this user connects gets one snapshot as a line of JSON.

use std::{
    io,
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::{io::AsyncWriteExt, net::UnixListener, sync::watch, task::JoinHandle};

use crate::protocol::Snapshot;

/// Name of the socket in a session's folder.
pub const SOCKET: &str = "status.sock";
/// Name of the file with the process id and the project.
pub const ABOUT: &str = "session.json";

/// A session's folder while the session lives; removed with everything in it when dropped.
#[derive(Debug)]
pub(super) struct StatusPage {
    folder: PathBuf,
    task: JoinHandle<()>,
}

impl StatusPage {
    /// Makes the folder (mode 0700) and serves the newest snapshot in it.
    pub(super) fn open(
        folder: &Path,
        project: &Path,
        snapshots: watch::Receiver<Snapshot>,
    ) -> io::Result<Self> {
        if let Some(sessions) = folder.parent() {
            bury_dead(sessions);
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        let about = serde_json::json!({ "pid": std::process::id(), "project": project });
        std::fs::write(folder.join(ABOUT), about.to_string())?;
        let socket = folder.join(SOCKET);
        match std::fs::remove_file(&socket) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let task = tokio::spawn(serve(listener, snapshots));
        Ok(Self { folder: folder.to_owned(), task })
    }
}

impl Drop for StatusPage {
    fn drop(&mut self) {
        self.task.abort();
        remove(&self.folder);
    }
}

/// Removes what sessions left below `sessions` that died without tidying up: their socket is there
/// and nobody listens. Only files that a session makes are removed.
pub fn bury_dead(sessions: &Path) {
    for entry in std::fs::read_dir(sessions).into_iter().flatten().flatten() {
        let refused = UnixStream::connect(entry.path().join(SOCKET))
            .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            remove(&entry.path());
        }
    }
}

/// Only what was made here: a folder that holds anything else stays.
fn remove(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(SOCKET));
    let _ = std::fs::remove_file(folder.join(ABOUT));
    let _ = std::fs::remove_dir(folder);
}

async fn serve(listener: UnixListener, snapshots: watch::Receiver<Snapshot>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let Ok(mut line) = serde_json::to_vec(&*snapshots.borrow()) else { continue };
        line.push(b'\n');
        tokio::spawn(async move {
            // A reader that went away takes nothing from the session.
            let _ = stream.write_all(&line).await;
        });
    }
}
