//! The status socket: whoever of this user connects gets one snapshot as a line of JSON.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
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
        // Only what was made here: a folder that holds anything else stays.
        let _ = std::fs::remove_file(self.folder.join(SOCKET));
        let _ = std::fs::remove_file(self.folder.join(ABOUT));
        let _ = std::fs::remove_dir(&self.folder);
    }
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
