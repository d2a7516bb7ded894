//! The reduced tier as a user meets it: no namespaces, and still nothing gets out.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use lcc::{
    domain::{Egress, EgressWay, Tier},
    engine::{
        pty::Pty,
        sandbox::{self, Launched, Request, Terminal},
    },
};

struct Bench {
    root: tempfile::TempDir,
}

/// A place to work in; `None`, loudly, where the kernel cannot give the tier.
fn bench() -> Option<Bench> {
    if let Err(error) = sandbox::preflight_reduced() {
        eprintln!("SKIPPED: {error}");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("project")).unwrap();
    fs::create_dir_all(root.path().join("state/home")).unwrap();
    Some(Bench { root })
}

impl Bench {
    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn lcc(&self, script: &str) -> Command {
        let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
        lcc.env("LCC_STATE_DIR", self.root.path().join("state"));
        lcc.args(["sandbox", "--sandbox", "reduced", "-v", "--project"]).arg(self.project());
        lcc.args(["--", "bash", "-c", script]).stdin(Stdio::null());
        lcc
    }

    fn sh(&self, script: &str) -> Output {
        self.lcc(script).output().unwrap()
    }

    /// Starts a script on a terminal of its own.
    fn launch(&self, script: &str, pty: &Pty) -> Launched {
        let endpoint = sandbox::endpoint(Tier::Reduced).unwrap();
        let port = endpoint.port.to_string();
        let request = Request {
            tier: Tier::Reduced,
            project: self.project(),
            home: self.root.path().join("state/home"),
            state: self.root.path().join("state"),
            program: "bash".into(),
            args: ["-c", script, "bash", &port].map(Into::into).into(),
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            lcc: env!("CARGO_BIN_EXE_lcc").into(),
            read_only: Vec::new(),
            mounts: Vec::new(),
        };
        sandbox::launch(request, endpoint, Terminal::Pty(pty)).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn alive(mark: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| text(line).contains(mark))
        .count()
}

fn becomes(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Seconds of a sleep that nobody else has.
fn mark(n: u32) -> String {
    format!("{}.{n}", 100_000 + std::process::id())
}

#[test]
fn secrets_foreign_files_and_other_ports_are_out_of_reach() {
    let Some(bench) = bench() else { return };
    let secret = bench.root.path().join("id_rsa");
    fs::write(&secret, "canary-secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let path = secret.display();
    let output = bench.sh(&format!(
        "cat '{path}'; ln '{path}' stolen; echo x > '{path}'; echo x > '{path}.new'; echo x > ~/x; \
         echo x > /tmp/lcc-planted-{port}; (echo x > /dev/tcp/127.0.0.1/{port}); \
         (echo x > /dev/udp/127.0.0.1/{port}); cat /proc/1/environ; kill -0 1; \
         echo y > made; echo z > $TMPDIR/z && cat $TMPDIR/z; exit 7"
    ));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert_eq!(text(&output.stdout), "z\n", "{said}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "canary-secret");
    assert!(!bench.root.path().join("id_rsa.new").exists());
    assert!(!bench.project().join("stolen").exists());
    assert!(!PathBuf::from(format!("/tmp/lcc-planted-{port}")).exists());
    assert!(listener.accept().is_err(), "a connection reached the host");
    assert_eq!(fs::read_to_string(bench.project().join("made")).unwrap(), "y\n");
    for words in [
        " escape attempts blocked",
        "REDUCED sandbox, weaker than strict",
        "note: Servers cannot be started inside",
        &format!("stopped: bash → 127.0.0.1:{port} (connection)"),
        "stopped: bash → IPv4 datagram socket (UDP, name look-up) (socket)",
        "the command ended with exit code 7",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // All that this tier promises were stopped, and they are most of the list.
    let counted = said.lines().find_map(|line| {
        let (blocked, rest) = line.strip_prefix("lcc: ")?.split_once(" of ")?;
        let all = rest.strip_suffix(" escape attempts blocked")?;
        Some((blocked.parse::<u64>().ok()?, all.parse::<u64>().ok()?))
    });
    let (blocked, all) = counted.expect(&said);
    assert!(blocked == all && all >= 100, "{blocked} of {all}");
}

#[test]
fn a_connection_to_lcc_is_handed_in_and_others_are_told_by_program_and_destination() {
    let Some(bench) = bench() else { return };
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let other = canary.local_addr().unwrap().port();
    let pty = Pty::open(80, 24).unwrap();
    let Launched { child, listener, attempts, report, .. } = bench.launch(
        &format!(
            "exec 3<>/dev/tcp/127.0.0.1/$1; echo hello >&3; read -r word <&3; \
             echo $word > got; for n in 1 2 3; do (: > /dev/tcp/127.0.0.1/{other}); done; \
             (: > /dev/tcp/127.0.0.2/$1)"
        ),
        &pty,
    );
    let mut reader = pty.reader().unwrap();
    std::thread::spawn(move || drop(reader.read_to_end(&mut Vec::new())));
    assert_eq!((report.tier, report.probes), (Tier::Reduced, report.blocked));
    let port = listener.local_addr().unwrap().port();
    // The first connection is the start's own check that lcc can be reached.
    let line = listener
        .incoming()
        .map(|stream| {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            stream.write_all(b"back\n").unwrap_or_default();
            line
        })
        .find(|line| !line.is_empty())
        .unwrap();
    assert_eq!(line, "hello\n");
    assert!(child.wait_for(Duration::from_secs(60)).is_some());
    assert_eq!(fs::read_to_string(bench.project().join("got")).unwrap(), "back\n");
    let told = |destination: String, times| Egress {
        times,
        ..Egress::new(Some("bash".to_owned()), destination, EgressWay::Connect)
    };
    assert_eq!(
        attempts.take(),
        [told(format!("127.0.0.1:{other}"), 3), told(format!("127.0.0.2:{port}"), 1)]
    );
    assert!(canary.accept().is_err(), "a connection reached the host");
}

#[test]
fn what_a_command_leaves_running_ends_with_it() {
    let Some(bench) = bench() else { return };
    let mark = mark(1);
    let output = bench.sh(&format!(
        "setsid sleep {mark} & (setsid bash -c 'sleep {mark} & sleep {mark} & wait' &) ; \
         while [ $(ls /proc/*/cmdline | xargs grep -l {mark} 2>/dev/null | wc -l) -lt 3 ]; \
         do sleep 0.05; done; exit 3"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(alive(&mark), 0, "survivors");
}

#[test]
fn nothing_outlives_an_lcc_that_is_killed() {
    let Some(bench) = bench() else { return };
    let mark = mark(2);
    let script = format!("setsid sleep {mark} & (setsid sleep {mark} &); echo up; sleep {mark}");
    let mut lcc = bench.lcc(&script).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(lcc.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    lcc.kill().unwrap();
    lcc.wait().unwrap();
    assert!(becomes(|| alive(&mark) == 0), "{} survivors", alive(&mark));
}

#[test]
fn ending_the_child_ends_all_below_it() {
    let Some(bench) = bench() else { return };
    let mark = mark(3);
    let pty = Pty::open(80, 24).unwrap();
    let script = format!("trap '' TERM; setsid sleep {mark} & echo up; sleep {mark}; sleep {mark}");
    let Launched { child, .. } = bench.launch(&script, &pty);
    let mut shown = BufReader::new(pty.reader().unwrap());
    let mut line = String::new();
    shown.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "up");
    std::thread::spawn(move || drop(shown.read_to_end(&mut Vec::new())));
    child.terminate(Duration::ZERO).unwrap();
    assert_eq!(alive(&mark), 0, "survivors");
}

#[test]
fn git_works_and_keys_of_the_terminal_reach_the_program() {
    let Some(bench) = bench() else { return };
    let output = bench.sh(
        "git init -q . && git config user.email a@b && git config user.name a && echo x > f && \
         git add -A && git commit -qm one && git log --format=%s",
    );
    assert_eq!(text(&output.stdout), "one\n", "{}", text(&output.stderr));
    let pty = Pty::open(80, 24).unwrap();
    let script = "trap 'echo interrupted; exit 9' INT; echo up; while :; do sleep 0.05; done";
    let Launched { child, .. } = bench.launch(script, &pty);
    let mut shown = BufReader::new(pty.reader().unwrap());
    let mut line = String::new();
    shown.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "up");
    pty.writer().unwrap().write_all(b"\x03").unwrap();
    std::thread::spawn(move || drop(shown.read_to_end(&mut Vec::new())));
    let status = child.wait_for(Duration::from_secs(60)).unwrap();
    assert_eq!(status.code(), Some(9));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let Some(bench) = bench() else { return };
    let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
    lcc.env("LCC_STATE_DIR", bench.root.path().join("state"));
    lcc.args(["sandbox", "--sandbox", "reduced", "--project"]).arg(bench.project());
    let output = lcc.args(["--", "no-such-program"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = text(&output.stderr);
    assert!(said.contains("cannot start no-such-program: No such file"), "{said}");
}
