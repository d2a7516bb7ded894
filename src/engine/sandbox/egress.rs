//! The ledger of attempts to leave: filled where they are stopped, read by the session.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::{Egress, EgressWay};

/// Different attempts kept until the session takes them; a flood of more becomes one entry.
const KEPT: usize = 256;
/// Bytes of a session's record after which no more is written.
const RECORD_BYTES: u64 = 1 << 20;
/// The name of a session's record, beside the project's private home.
pub const RECORD: &str = "egress.jsonl";
/// What stands for all destinations that there was no room for.
const OTHERS: &str = "further destinations";

type Key = (Option<String>, String, EgressWay);

/// Attempts that the session has not seen yet. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<Mutex<BTreeMap<Key, u64>>>);

impl Attempts {
    /// Counts one attempt.
    pub fn add(&self, egress: Egress) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Egress { program, destination, how, times } = egress;
        let key = (program, destination, how);
        let key = if waiting.len() < KEPT || waiting.contains_key(&key) {
            key
        } else {
            (None, OTHERS.to_owned(), how)
        };
        *waiting.entry(key).or_default() += times;
    }

    /// What came since the last look.
    #[must_use]
    pub fn take(&self) -> Vec<Egress> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting
            .into_iter()
            .map(|((program, destination, how), times)| Egress { program, destination, how, times })
            .collect()
    }
}

/// Bytes sent by all interfaces but loopback, from the text of a network's `/proc/PID/net/dev`;
/// `None` when the text is not such a table.
///
/// The tenth column after the name is the transmitted bytes (`man 5 proc_pid_net`, `dev`).
#[must_use]
pub fn bytes_left(net_dev: &str) -> Option<u64> {
    let mut lines = net_dev.lines();
    // Two lines of headings.
    (lines.next()?.contains("Transmit") && lines.next()?.contains("bytes")).then_some(())?;
    let mut sum = 0u64;
    for line in lines {
        let (name, columns) = line.split_once(':')?;
        let sent: u64 = columns.split_whitespace().nth(8)?.parse().ok()?;
        if name.trim() != "lo" {
            sum = sum.saturating_add(sent);
        }
    }
    Some(sum)
}

/// Adds attempts to the session's record, which starts anew with `fresh`. Mode 0600.
///
/// # Errors
/// What the system says; the figures do not depend on the record.
pub fn record(folder: &Path, attempts: &[Egress], fresh: bool) -> io::Result<()> {
    let path = folder.join(RECORD);
    if !fresh && fs::metadata(&path).is_ok_and(|about| about.len() > RECORD_BYTES) {
        return Ok(());
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(!fresh)
        .truncate(fresh)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    let mut lines = Vec::new();
    for attempt in attempts {
        serde_json::to_writer(&mut lines, attempt)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)
}

/// The attempts of the project's last session, summed up, most frequent first. A line that cannot
/// be read is left out.
///
/// # Errors
/// What the system says, but for a record that is not there: then there were none.
pub fn recorded(folder: &Path) -> io::Result<Vec<Egress>> {
    let file = match fs::File::open(folder.join(RECORD)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = BufReader::new(file).lines();
    Ok(sum(lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok())))
}

/// The same attempts as one entry each, most frequent first.
pub fn sum(attempts: impl IntoIterator<Item = Egress>) -> Vec<Egress> {
    let mut all: BTreeMap<Key, u64> = BTreeMap::new();
    for Egress { program, destination, how, times } in attempts {
        let entry = all.entry((program, destination, how)).or_default();
        *entry = entry.saturating_add(times);
    }
    let mut all: Vec<Egress> = all
        .into_iter()
        .map(|((program, destination, how), times)| Egress { program, destination, how, times })
        .collect();
    all.sort_by_key(|egress| std::cmp::Reverse(egress.times));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curl(destination: &str) -> Egress {
        Egress::new(Some("curl".to_owned()), destination, EgressWay::Connect)
    }

    #[test]
    fn the_same_attempt_is_one_entry_and_a_flood_stays_small() {
        let attempts = Attempts::default();
        for _ in 0..3 {
            attempts.clone().add(curl("127.0.0.77:80"));
        }
        let taken = attempts.take();
        assert_eq!(taken, [Egress { times: 3, ..curl("127.0.0.77:80") }]);
        assert!(attempts.take().is_empty());
        for port in 0..100_000 {
            attempts.add(curl(&format!("127.0.0.1:{port}")));
        }
        let taken = attempts.take();
        assert!(taken.len() <= KEPT + 1, "{}", taken.len());
        assert_eq!(taken.iter().map(|egress| egress.times).sum::<u64>(), 100_000);
    }

    #[test]
    fn only_what_leaves_loopback_counts() {
        const HEAD: &str = "Inter-|   Receive                            |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
        let lo = "    lo:  9000      10    0    0    0     0          0         0     9000      10    0    0    0     0       0          0\n";
        let eth = "  eth0: 77 1 0 0 0 0 0 0 1234 2 0 0 0 0 0 0\n";
        for (text, bytes) in [
            (format!("{HEAD}{lo}"), Some(0)),
            (HEAD.to_owned(), Some(0)),
            (format!("{HEAD}{lo}{eth}"), Some(1234)),
            (format!("{HEAD}{lo}  sit0: nonsense\n"), None),
            (String::new(), None),
        ] {
            assert_eq!(bytes_left(&text), bytes, "{text}");
        }
    }

    #[test]
    fn a_session_leaves_its_record() {
        let folder = tempfile::tempdir().unwrap();
        assert!(recorded(folder.path()).unwrap().is_empty());
        record(folder.path(), &[curl("a")], true).unwrap();
        record(folder.path(), &[curl("b"), curl("b")], false).unwrap();
        let read = recorded(folder.path()).unwrap();
        assert_eq!(read, [Egress { times: 2, ..curl("b") }, curl("a")]);
        fs::write(folder.path().join(RECORD), "nonsense\n").unwrap();
        assert!(recorded(folder.path()).unwrap().is_empty());
        record(folder.path(), &[], true).unwrap();
        assert_eq!(fs::metadata(folder.path().join(RECORD)).unwrap().len(), 0);
    }
}
