//! Where a server's log is, and a stream of its lines from there.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    sync::mpsc,
    time::sleep,
};

use crate::domain::ServerKind;

use super::tail::Tail;

/// Between looks at a log file.
const LOOK: Duration = Duration::from_millis(50);
/// Between looks for a log that is not there.
const SEEK: Duration = Duration::from_secs(2);
/// Lines that wait to be read before the reader itself waits.
const QUEUE: usize = 1_024;

/// Where to look for the server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPlace {
    /// Nowhere.
    Off,
    /// In this file.
    File(PathBuf),
    /// Where the servers of this kind write it, below the user's home folder.
    Usual {
        /// The home folder.
        home: PathBuf,
    },
}

/// A line, and whether it was written while lcc looked.
pub(super) type Line = (String, bool);

enum Found {
    File(PathBuf),
    Journal,
    Nothing,
}

/// Sends the log's lines until nobody listens; never ends by itself.
pub(super) async fn follow(place: &LogPlace, kind: ServerKind, out: mpsc::Sender<Line>) {
    loop {
        match found(place, kind) {
            Found::File(path) => follow_file(path, &out).await,
            Found::Journal => follow_journal(&out).await,
            Found::Nothing => {}
        }
        if out.is_closed() {
            return;
        }
        sleep(SEEK).await;
    }
}

/// A channel for lines.
pub(super) fn channel() -> (mpsc::Sender<Line>, mpsc::Receiver<Line>) {
    mpsc::channel(QUEUE)
}

fn found(place: &LogPlace, kind: ServerKind) -> Found {
    let home = match place {
        LogPlace::Off => return Found::Nothing,
        LogPlace::File(path) => return Found::File(path.clone()),
        LogPlace::Usual { home } => home,
    };
    match kind {
        ServerKind::Ollama => {
            let path = home.join(".ollama/logs/server.log");
            if path.is_file() {
                Found::File(path)
            } else if cfg!(target_os = "linux") {
                Found::Journal
            } else {
                Found::Nothing
            }
        }
        ServerKind::LmStudio => {
            newest(&home.join(".lmstudio/server-logs")).map_or(Found::Nothing, Found::File)
        }
        ServerKind::Practice
        | ServerKind::LlamaServer
        | ServerKind::Llamafile
        | ServerKind::Vllm
        | ServerKind::Sglang
        | ServerKind::LlamaSwap
        | ServerKind::MlxLm
        | ServerKind::Unknown => Found::Nothing,
    }
}

/// The newest file in the newest month's folder: names sort by date.
fn newest(folder: &Path) -> Option<PathBuf> {
    let last = |folder: &Path, is: fn(&Path) -> bool| {
        let entries = std::fs::read_dir(folder).ok()?;
        entries.flatten().map(|entry| entry.path()).filter(|path| is(path)).max()
    };
    last(&last(folder, Path::is_dir)?, Path::is_file)
}

async fn follow_file(path: PathBuf, out: &mpsc::Sender<Line>) {
    let mut tail = Tail::new(path);
    loop {
        let look = tokio::task::spawn_blocking(move || {
            let mut lines = Vec::new();
            let result = tail.look(|line, live| lines.push((line.to_owned(), live)));
            (tail, lines, result)
        });
        let Ok((back, lines, result)) = look.await else { return };
        tail = back;
        for line in lines {
            if out.send(line).await.is_err() {
                return;
            }
        }
        if result.is_err() {
            // Not readable for this user; another look later.
            return;
        }
        sleep(LOOK).await;
    }
}

/// systemd's journal of the service `ollama`; ends at once where there is none.
async fn follow_journal(out: &mpsc::Sender<Line>) {
    let child = Command::new("journalctl")
        .args(["--unit", "ollama", "--follow", "--lines", "0", "--output", "cat", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else { return };
    let Some(stdout) = child.stdout.take() else { return };
    let mut pieces = BufReader::new(stdout).split(b'\n');
    while let Ok(Some(piece)) = pieces.next_segment().await {
        if out.send((String::from_utf8_lossy(&piece).into_owned(), true)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_log_of_lm_studio_is_found() {
        let home = tempfile::tempdir().unwrap();
        let logs = home.path().join(".lmstudio/server-logs");
        for (month, day) in [("2026-08", "2026-08-31.1.log"), ("2026-09", "2026-09-01.1.log")] {
            std::fs::create_dir_all(logs.join(month)).unwrap();
            std::fs::write(logs.join(month).join(day), "").unwrap();
        }
        let place = LogPlace::Usual { home: home.path().to_owned() };
        let Found::File(path) = found(&place, ServerKind::LmStudio) else { panic!("no file") };
        assert!(path.ends_with("2026-09/2026-09-01.1.log"), "{}", path.display());
        assert!(matches!(found(&place, ServerKind::Vllm), Found::Nothing));
    }
}
