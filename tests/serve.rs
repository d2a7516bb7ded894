//! `lcc serve` and `lcc service` with servers that are scripts: slow, dying, deaf, in the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(target_os = "linux")] // It looks for survivors in /proc.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use common::{Lcc, Project};
use lcc::{
    domain::ServeKind,
    engine::{
        backend,
        server::{Cause, Limits, Log, Plan, Probe, Report, Supervised, Supervision, supervise},
    },
};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

/// Finds `--port`, names the practice server.
const HEAD: &str = "#!/bin/sh
test \"$1\" = --help && exit 0
while [ $# -gt 0 ]; do test \"$1\" = --port && port=$2; shift; done
serve='LCC practice --listen 127.0.0.1:'$port
";

/// Nothing here takes so long; a test that waits longer has failed.
const LONG: Duration = Duration::from_secs(60);

fn script(dir: &Path, body: &str) -> PathBuf {
    let path = dir.join("server");
    let head = HEAD.replace("LCC", env!("CARGO_BIN_EXE_lcc"));
    fs::write(&path, format!("{head}{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Fake {
    dir: TempDir,
    port: u16,
    supervised: Option<Supervised>,
    reports: UnboundedReceiver<Report>,
}

impl Fake {
    fn start(body: &str) -> Self {
        Self::with(body, free_port(), false)
    }

    fn with(body: &str, port: u16, keep: bool) -> Self {
        Self::limited(body, port, keep, Limits::default().hung)
    }

    fn limited(body: &str, port: u16, keep: bool, hung: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan {
            kind: ServeKind::LlamaServer,
            program: script(dir.path(), body),
            args: vec!["--port".into(), port.to_string(), dir.path().display().to_string()],
            env: Vec::new(),
            port,
            probe: Probe::Health,
            notes: Vec::new(),
        };
        let limits = Limits {
            first: Duration::from_millis(20),
            grace: Duration::from_millis(300),
            hung,
            ..Limits::default()
        };
        let log = Log::new(dir.path().join("state/server.log"), 100_000);
        let what = Supervision { plan, log, limits, keep };
        let (supervised, reports) = supervise(backend::client().unwrap().client().clone(), what);
        Self { dir, port, supervised: Some(supervised), reports }
    }

    /// The next report that is not about loading.
    async fn next(&mut self) -> Report {
        loop {
            let report = tokio::time::timeout(LONG, self.reports.recv()).await;
            match report.expect("a report in time").expect("a report") {
                Report::Loading { .. } => {}
                report => return report,
            }
        }
    }

    async fn started(&mut self) -> u32 {
        match self.next().await {
            Report::Started { pid } => pid,
            other => panic!("{other:?}"),
        }
    }

    async fn ready(&mut self) -> u32 {
        let pid = self.started().await;
        let report = self.next().await;
        assert!(matches!(report, Report::Ready { .. }), "{report:?}");
        pid
    }
}

/// Waits until nothing of the group runs; what is dead and not yet waited for does not count.
fn gone(pid: u32) {
    let end = std::time::Instant::now() + LONG;
    loop {
        let left: Vec<String> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
            .filter(|stat| {
                // After the name in parentheses: state, parent, group.
                let (_, rest) = stat.rsplit_once(')').unwrap();
                let words: Vec<&str> = rest.split_ascii_whitespace().collect();
                words[0] != "Z" && words[2] == pid.to_string()
            })
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(std::time::Instant::now() < end, "of group {pid} there still runs: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_becomes_ready_and_ends_when_asked() {
    let mut fake = Fake::start("sleep 1.5; exec $serve");
    let pid = fake.started().await;
    let report = fake.reports.recv().await.unwrap();
    let Report::Loading { since, memory } = report else { panic!("{report:?}") };
    assert!(since < Duration::from_secs(30) && memory.is_some_and(|bytes| bytes > 0));
    assert!(matches!(fake.next().await, Report::Ready { .. }));
    fake.supervised.take().unwrap().end().await;
    assert_eq!(fake.next().await, Report::Ended);
    gone(pid);
    assert!(TcpListener::bind(("127.0.0.1", fake.port)).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_started_again() {
    let mut fake = Fake::start("exec $serve");
    let pid = fake.ready().await;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    let report = fake.next().await;
    let Report::Died { how, .. } = &report else { panic!("{report:?}") };
    assert_eq!(how, "ended by signal 9");
    let second = fake.ready().await;
    assert_ne!(pid, second);
    drop(fake.supervised.take());
    gone(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_runs_and_answers_nothing_is_started_again() {
    let mut fake = Fake::limited("exec $serve", free_port(), false, Duration::from_millis(100));
    let pid = fake.ready().await;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGSTOP).unwrap();
    let report = fake.next().await;
    let Report::Died { cause, .. } = &report else { panic!("{report:?}") };
    assert!(matches!(cause, Cause::Hung(_)), "{cause:?}");
    let second = fake.ready().await;
    assert_ne!(pid, second);
    drop(fake.supervised.take());
    gone(second);
}

#[test]
fn a_killed_lcc_serve_leaves_no_server() {
    let (lcc, _project, port) = lcc("exec $serve", &["serve"]);
    let mut child = lcc.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = std::time::Instant::now() + LONG;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < end, "it never listened");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(std::time::Instant::now() < end, "the server outlives lcc");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_start_without_a_word_is_given_up_after_five_restarts() {
    let mut fake = Fake::start("echo \"this is life $$\"; exit 3");
    let mut starts = 0;
    let last = loop {
        match fake.next().await {
            Report::Started { .. } => starts += 1,
            Report::Died { cause, .. } => assert_eq!(cause, Cause::Unknown),
            report => break report,
        }
    };
    assert_eq!(starts, 6, "one start and five restarts");
    let Report::GivenUp { how, cause, lines, .. } = &last else { panic!("{last:?}") };
    assert_eq!((how.as_str(), cause), ("ended with code 3", &Cause::Unknown));
    assert_eq!(lines.len(), 1, "the last life's words alone: {lines:?}");
    assert!(last.to_string().contains("this is life"), "{last}");
    // It stays with it: no further word, and the channel ends.
    assert_eq!(fake.reports.recv().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_get_better_is_given_up_at_once() {
    for (body, expected) in [
        ("echo 'error: invalid argument: --new' >&2; exit 1", "does not take an option"),
        ("echo \"failed to load model, '/m.gguf'\"; exit 1", "model file is missing"),
    ] {
        let mut fake = Fake::start(body);
        fake.started().await;
        let report = fake.next().await;
        assert!(matches!(report, Report::GivenUp { .. }), "{report:?}");
        assert!(report.to_string().contains(expected), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_and_its_owner_left_alone() {
    let owner = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = owner.local_addr().unwrap().port();
    let mut fake = Fake::with("exec $serve", port, false);
    let report = fake.next().await;
    let Report::GivenUp { cause, .. } = &report else { panic!("{report:?}") };
    assert_eq!(cause, &Cause::PortTaken(port));
    assert!(owner.local_addr().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_deaf_to_sigterm_is_killed_with_its_whole_group() {
    let mut fake = Fake::start("trap '' TERM HUP; $serve & $serve & sleep 600 & wait; wait; wait");
    let pid = fake.ready().await;
    fake.supervised.take().unwrap().end().await;
    assert_eq!(fake.next().await, Report::Ended);
    gone(pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_server_leaves_behind_is_ended() {
    let mut fake = Fake::start("sleep 600 & exit 3");
    let pid = fake.started().await;
    assert!(matches!(fake.next().await, Report::Died { .. }));
    gone(pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_kept_outlives_its_supervisor() {
    let mut fake = Fake::with("exec $serve", free_port(), true);
    let pid = fake.ready().await;
    fake.supervised.take().unwrap().end().await;
    let client = backend::client().unwrap();
    let url = format!("http://127.0.0.1:{}", fake.port);
    let healthy = backend::identify(&client, &url).await;
    killpg(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    healthy.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_bounded_while_the_server_writes() {
    let flood = "while :; do printf '%01000d\\n' 1; sleep 0.002; done & exec $serve";
    let mut fake = Fake::start(flood);
    fake.ready().await;
    let log = fake.dir.path().join("state/server.log");
    let old = fake.dir.path().join("state/server.log.1");
    let end = std::time::Instant::now() + LONG;
    while !old.exists() {
        assert!(std::time::Instant::now() < end, "never set aside");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(fs::metadata(&old).unwrap().len() <= 100_000);
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    fake.supervised.take().unwrap().end().await;
}

/// `lcc` with a fake server and a file that passes for a model.
fn lcc(body: &str, command: &[&str]) -> (Lcc, Project, u16) {
    let project = Project::new();
    let program = script(project.path(), body);
    project.write("m.gguf", "GGUF");
    let port = free_port();
    let lcc = Lcc::new(project.path())
        .args(command.iter().copied())
        .args(["--program", &program.display().to_string(), "--model", "m.gguf"])
        .args(["--kind", "llama-server", "--port", &port.to_string()]);
    (lcc, project, port)
}

#[test]
fn each_signal_ends_lcc_serve_and_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (lcc, _project, port) = lcc("$serve & wait", &["serve"]);
        let mut child = lcc.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), format!("listening on http://127.0.0.1:{port}"));
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "{signal}: the port is held");
    }
}

#[test]
fn lcc_serve_that_gives_up_says_why_with_the_code_of_no_server() {
    let (lcc, _project, _) = lcc("echo 'error: invalid argument: -x' >&2; exit 1", &["serve"]);
    let output = lcc.command().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("--help could not be read") && said.contains("invalid argument: -x"));
    assert!(said.contains("state/server.log"), "{said}");
}

#[test]
fn downloads_and_missing_models_are_refused_before_anything_starts() {
    for (more, word) in [
        (&["--", "-hf", "org/model"][..], "-hf is refused"),
        (&["--", "--host", "0.0.0.0"], "127.0.0.1 alone"),
        (&["--window", "12"], "too small"),
        (&["--kv-type", "q9"], "expected f16"),
    ] {
        let (lcc, _project, _) = lcc("touch started", &["serve"]);
        let output = lcc.args(more.iter().copied()).command().output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word), "{said}");
    }
}

/// A service manager that notes what it was asked and answers as told.
fn manager(dir: &Path, code: u8) -> String {
    let path = dir.join("systemctl");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}/asked\necho no bus >&2\nexit {code}\n",
        dir.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
}

fn run(mut command: Command) -> (i32, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let mut text = String::new();
    output.stdout.as_slice().read_to_string(&mut text).unwrap();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[test]
fn a_service_is_printed_installed_and_removed() {
    let unit = |lcc: &Lcc| lcc.home().join(".config/systemd/user/lcc-server.service");
    let (print, _project, port) = lcc("", &["service", "print", "--for", "systemd"]);
    let (code, text) = run(print.command());
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("# Written by lcc service") && text.contains(&format!("\"{port}\"")));
    assert!(!unit(&print).exists());

    for (code, yes) in [(0_u8, false), (0, true), (1, true)] {
        let (lcc, project, _) = lcc("", &["service", "install", "--for", "systemd", "--user"]);
        let lcc = lcc.env("PATH", manager(project.path(), code));
        let lcc = if yes { lcc.args(["--yes"]) } else { lcc };
        let (ended, said) = run(lcc.command());
        assert_eq!(ended, i32::from(code), "{said}");
        assert!(unit(&lcc).exists(), "the file stays even when it could not be started");
        let asked = project.read("asked").unwrap_or_default();
        match (yes, code) {
            (false, _) => {
                assert!(
                    said.contains("systemctl --user enable --now lcc-server.service"),
                    "{said}"
                );
                assert_eq!(asked, "");
            }
            (true, 0) => {
                assert_eq!(asked, "--user daemon-reload\n--user enable --now lcc-server.service\n");
            }
            (true, _) => {
                assert!(said.contains("no bus") && said.contains("stays as it is"), "{said}");
                assert_eq!(asked, "--user daemon-reload\n");
            }
        }
        let remove = || {
            let mut command = lcc.command();
            let envs: Vec<_> = command
                .get_envs()
                .filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned())))
                .collect();
            command = Command::new(env!("CARGO_BIN_EXE_lcc"));
            command.args(["service", "uninstall", "--for", "systemd"]).env_clear().envs(envs);
            run(command)
        };
        assert_eq!(remove().0, 0);
        assert!(!unit(&lcc).exists());
        let (code, said) = remove();
        assert!(code == 2 && said.contains("no such service"), "{said}");
        fs::write(unit(&lcc), "[Unit]\n").unwrap();
        let (code, said) = remove();
        assert!(code == 2 && said.contains("not written by lcc"), "{said}");
        assert!(unit(&lcc).exists());
    }
}
