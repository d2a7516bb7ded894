//! `lcc status`: the figures of a running session, from its status socket.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use super::CommandError;
use crate::{
    domain::{Risk, units},
    engine::session::{ABOUT, SOCKET, bury_dead},
    protocol::Snapshot,
};

/// Between two lines of `--watch`.
const PERIOD: Duration = Duration::from_secs(1);

/// Prints the figures of the session `id`, or of the newest one below `sessions`.
///
/// # Errors
/// [`CommandError::Usage`] when there is no such session.
pub fn run(
    sessions: &Path,
    id: Option<&str>,
    json: bool,
    watch: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    loop {
        let line = read(sessions, id)?;
        let text = if json {
            line
        } else {
            let snapshot: Snapshot = serde_json::from_str(&line).map_err(|e| {
                CommandError::Other(format!("the session speaks another version of lcc: {e}"))
            })?;
            describe(&snapshot)
        };
        match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(CommandError::other)?,
        }
        if !watch {
            return Ok(());
        }
        thread::sleep(PERIOD);
    }
}

/// One line of JSON from a session; folders of sessions that died are removed on the way.
fn read(sessions: &Path, id: Option<&str>) -> Result<String, CommandError> {
    let mut live: Vec<(SystemTime, String)> = Vec::new();
    for folder in folders(sessions) {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if id.is_some_and(|id| id != name) {
            continue;
        }
        // One that does not answer ended meanwhile, or is about to begin.
        if let Ok(line) = ask(&folder) {
            let since = folder.join(ABOUT).metadata().and_then(|m| m.modified());
            live.push((since.unwrap_or(SystemTime::UNIX_EPOCH), line));
        }
    }
    bury_dead(sessions);
    live.sort_by_key(|(since, _)| *since);
    live.pop().map(|(_, line)| line).ok_or_else(|| {
        CommandError::Usage(match id {
            Some(id) => format!("no session {id} is running. Without an id: the newest one"),
            None => "no session is running. Start one with lcc".to_owned(),
        })
    })
}

fn folders(sessions: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(sessions)
        .map(|all| all.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default()
}

fn ask(folder: &Path) -> io::Result<String> {
    let stream = UnixStream::connect(folder.join(SOCKET))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

/// The figures in a few lines of words.
fn describe(s: &Snapshot) -> String {
    let unknown = || "–".to_owned();
    let count = |n: Option<u64>| n.map_or_else(unknown, units::count);
    let ratio = |r: Option<f64>| r.map_or_else(unknown, |r| format!("{:.0} %", r * 100.0));
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<9} {value}");
    };
    row("session", s.session.clone());
    row("phase", format!("{} for {}", s.phase.word(), units::seconds(s.phase_s)));
    row(
        "window",
        format!(
            "{} of {} tokens ({}), fixed {}",
            count(s.window.used),
            count(s.window.size),
            s.window.percent.map_or_else(unknown, |p| format!("{p:.0} %")),
            count(s.window.fixed)
        ),
    );
    let turns = s.forecast.turns_left.map_or_else(unknown, |n| format!("~{n}"));
    let reason = s.forecast.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let risk = match s.forecast.risk {
        Risk::None => "no risk",
        Risk::Near => "near",
        Risk::Now => "NOW",
    };
    row("forecast", format!("{turns} turns left, {risk} (policy {}){reason}", s.forecast.policy));
    if let Some(last) = &s.compactions.last {
        let about = if last.after_estimated { "~" } else { "" };
        row(
            "compacted",
            format!(
                "{} times, last {} → {about}{} tokens in {}",
                s.compactions.count,
                count(last.before),
                count(last.after),
                units::seconds(last.seconds)
            ),
        );
    }
    if let Some(done) = s.prefill.done {
        let eta = s.prefill.eta_s.map_or_else(unknown, units::seconds);
        row(
            "prefill",
            format!("{} / {} tokens, answer in {eta}", units::count(done), count(s.prefill.total)),
        );
    }
    row(
        "cache",
        format!("last {}, session {}", ratio(s.cache.last_ratio), ratio(s.cache.session_ratio)),
    );
    row(
        "thinking",
        format!("{} tokens, {} leaked turns", s.thinking.tokens, s.thinking.leaked_turns),
    );
    row("noise", format!("{} swallowed", s.noise.total));
    row(
        "time",
        format!(
            "read {}, write {}, tools {}, idle {}",
            units::seconds(s.time.prefill_s),
            units::seconds(s.time.generate_s),
            units::seconds(s.time.tools_s),
            units::seconds(s.time.idle_s)
        ),
    );
    let kind = s.server.kind.map_or_else(unknown, |k| k.name().to_owned());
    row(
        "server",
        format!(
            "{kind} {} {}",
            s.server.model.as_deref().unwrap_or("–"),
            s.server.url.as_deref().unwrap_or("")
        ),
    );
    let tier = s.sandbox.tier.map_or_else(unknown, |t| t.to_string());
    row(
        "sandbox",
        format!("{tier}, {}/{} probes blocked", count(s.sandbox.blocked), count(s.sandbox.probes)),
    );
    let left = s.sandbox.left_bytes.map_or_else(unknown, units::bytes);
    let remote = match (&s.sandbox.remote, s.sandbox.remote_bytes) {
        (Some(host), Some(bytes)) => format!(", besides {} to {host}", units::bytes(bytes)),
        (Some(host), None) => format!(", besides what went to {host}"),
        (None, _) => String::new(),
    };
    let stopped = units::count(s.sandbox.egress_blocked);
    row("left", format!("{left} off this machine{remote}; {stopped} attempts to leave stopped"));
    for attempt in s.sandbox.egress.iter().take(5) {
        let program = attempt.program.as_deref().unwrap_or("a call");
        row("", format!("{program} → {} ×{}", attempt.destination, attempt.times));
    }
    if let Some(limits) = &s.sandbox.limits {
        let bytes = |n: Option<u64>| n.map_or_else(unknown, units::bytes);
        row(
            "limits",
            format!(
                "memory {} of {}, {} of {} processes, {} of disk free ({})",
                bytes(limits.memory_used),
                bytes(limits.memory),
                count(limits.processes_used),
                count(limits.processes),
                bytes(limits.disk_free),
                limits.held_by
            ),
        );
    }
    if let Some(ended) = &s.sandbox.ended {
        row("ended", ended.clone());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn session(root: &Path, name: &str, snapshot: &Snapshot) -> thread::JoinHandle<()> {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(ABOUT), "{}").unwrap();
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let line = serde_json::to_string(snapshot).unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            writeln!(stream, "{line}").unwrap();
        })
    }

    #[test]
    fn a_live_session_is_printed_and_a_dead_one_is_buried() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join("dead");
        std::fs::create_dir(&dead).unwrap();
        drop(UnixListener::bind(dead.join(SOCKET)).unwrap());
        let snapshot = Snapshot { session: "live".into(), ..Snapshot::default() };
        let served = session(dir.path(), "live", &snapshot);
        let mut out = Vec::new();
        run(dir.path(), None, true, false, &mut out).unwrap();
        served.join().unwrap();
        let back: Snapshot = serde_json::from_slice(&out).unwrap();
        assert_eq!(back, snapshot);
        assert!(!dead.exists());
    }

    #[test]
    fn unknown_figures_are_null_in_json_and_dashes_in_words() {
        let json = serde_json::to_value(Snapshot::default()).unwrap();
        for pointer in
            ["/window/used", "/prefill/done", "/cache/last_ratio", "/cache/break", "/server/rss"]
        {
            assert!(json.pointer(pointer).unwrap().is_null(), "{pointer}");
        }
        assert!(describe(&Snapshot::default()).contains("window    – of – tokens"));
    }

    #[test]
    fn without_a_session_it_says_so_with_code_2() {
        let dir = tempfile::tempdir().unwrap();
        let e = run(dir.path(), None, false, false, &mut Vec::new()).unwrap_err();
        assert_eq!(e.code(), 2);
        let e = run(dir.path(), Some("x"), false, false, &mut Vec::new()).unwrap_err();
        assert!(e.to_string().contains("session x"));
    }
}
