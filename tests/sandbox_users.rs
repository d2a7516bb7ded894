//! Whose rights the sandboxed program has: an ordinary user's, or as root the project's owner's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use lcc::{
    domain::Tier,
    engine::{
        pty::Pty,
        sandbox::{self, Request, Terminal},
    },
};

/// A user without an entry anywhere.
const ADA: u32 = 12_345;

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    /// A project of user `owner` in a folder with this mode; lcc's state is root's. Tests that need
    /// to be root are skipped, loudly, where they are not.
    fn new(owner: u32, mode: u32) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            let _ = writeln!(std::io::stderr(), "SKIPPED sandbox_users: needs to be root");
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        for folder in ["project", "state/home"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("project/file"), "x\n").unwrap();
        for path in ["project", "project/file"] {
            chown(root.path().join(path), Some(owner), Some(owner)).unwrap();
        }
        fs::set_permissions(root.path(), fs::Permissions::from_mode(mode)).unwrap();
        Some(Self { root })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, script: &str) -> Output {
        lcc(Path::new(env!("CARGO_BIN_EXE_lcc")), self, script).output().unwrap()
    }
}

fn lcc(program: &Path, bench: &Bench, script: &str) -> Command {
    let mut lcc = Command::new(program);
    lcc.env("LCC_STATE_DIR", bench.path("state")).env("HOME", "/nonexistent");
    lcc.arg("sandbox").arg("--project").arg(bench.path("project")).arg("--verbose");
    lcc.args(["--", "bash", "-c", script]).stdin(Stdio::null()).current_dir("/");
    lcc
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn root_becomes_the_owner_of_the_project() {
    // In a folder that the owner may enter, and in one like root's home that they may not.
    for mode in [0o755, 0o700] {
        let Some(bench) = Bench::new(ADA, mode) else { return };
        let output = bench.run(
            "id -u; echo made > made; mkdir d; echo again > /dev/stderr; touch ~/.cache/x; \
             git -C / init -q x 2>/dev/null || echo closed; cat file",
        );
        let said = text(&output.stderr);
        assert_eq!(text(&output.stdout), "1000\nclosed\nx\n", "{said}");
        assert!(said.contains(&format!("the rights of user {ADA} alone")), "{said}");
        assert!(said.contains("again"), "{said}");
        for name in ["made", "d"] {
            let about = fs::metadata(bench.path("project").join(name)).unwrap();
            assert_eq!((about.uid(), about.gid()), (ADA, ADA), "{name}");
        }
        let left: Vec<_> = fs::read_dir(bench.path("project"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 3, "placeholders are left: {left:?}");
    }
}

#[test]
fn the_host_sees_the_owner_and_files_of_root_stay_closed() {
    let Some(bench) = Bench::new(ADA, 0o755) else { return };
    let project = bench.path("project");
    fs::write(project.join("of-root"), "secret").unwrap();
    fs::set_permissions(project.join("of-root"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = lcc(
        Path::new(env!("CARGO_BIN_EXE_lcc")),
        &bench,
        "cat of-root; (echo x >> of-root); echo ready; read end",
    );
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    // bubblewrap, its first process and the program: all of them are the owner's.
    let mut seen = 0;
    let mut left = vec![child.id()];
    while let Some(parent) = left.pop() {
        let listed = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let threads = fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
        let of_threads = threads
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .collect::<String>();
        for pid in
            of_threads.split_whitespace().chain(listed.iter().flat_map(|l| l.split_whitespace()))
        {
            let pid: u32 = pid.parse().unwrap();
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let ids =
                format!("Uid:\t{ADA}\t{ADA}\t{ADA}\t{ADA}\nGid:\t{ADA}\t{ADA}\t{ADA}\t{ADA}\n");
            assert!(status.contains(&ids), "{status}");
            assert!(
                status.contains("CapPrm:\t0000000000000000") || status.contains("Groups:\t \n")
            );
            seen += 1;
            left.push(pid);
        }
    }
    assert!(seen >= 3, "only {seen} processes");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(project.join("of-root")).unwrap(), "secret");
}

#[test]
fn the_terminal_of_lccs_own_is_the_owners() {
    let Some(bench) = Bench::new(ADA, 0o711) else { return };
    let pty = Pty::open(80, 24).unwrap();
    let mut reader = pty.reader().unwrap();
    let script = "stty size; echo by-name > /dev/stderr; echo tty > /dev/tty; echo end";
    let request = Request {
        tier: Tier::Strict,
        project: bench.path("project"),
        home: bench.path("state/home"),
        state: bench.path("state"),
        program: "bash".into(),
        args: ["-c", script].map(Into::into).into(),
        env: [("TERM".to_owned(), "xterm".to_owned())].into(),
        lcc: env!("CARGO_BIN_EXE_lcc").into(),
        read_only: Vec::new(),
    };
    let endpoint = sandbox::endpoint(Tier::Strict).unwrap();
    let launched = sandbox::launch(request, endpoint, Terminal::Pty(&pty)).unwrap();
    assert!(launched.child.wait().unwrap().success());
    let mut seen = Vec::new();
    // The last user of the terminal has gone: reading ends with an error.
    let _ended = reader.read_to_end(&mut seen);
    assert_eq!(text(&seen), "24 80\r\nby-name\r\ntty\r\nend\r\n");
    let home = fs::metadata(bench.path("state/home/.claude")).unwrap();
    assert_eq!(home.uid(), ADA);
}

#[test]
fn a_project_of_roots_runs_hardened_and_says_so() {
    let Some(bench) = Bench::new(0, 0o700) else { return };
    let output = bench.run(
        "grep -c '0000000000000000' <(grep ^Cap /proc/self/status); \
         cat /proc/sys/kernel/core_pattern > /tmp/x; (cat /tmp/x > /proc/sys/kernel/core_pattern); \
         [ ! -e /proc/sysrq-trigger ] || (echo h > /proc/sysrq-trigger) || true; echo end",
    );
    let said = text(&output.stderr);
    assert_eq!(text(&output.stdout), "5\nend\n", "{said}");
    assert!(said.contains("root's own project"), "{said}");
    assert!(said.contains("core_pattern: Read-only file system"), "{said}");
}

#[test]
fn an_ordinary_user_has_the_same_sandbox() {
    let Some(bench) = Bench::new(ADA, 0o755) else { return };
    // The program may lie where only root can go.
    let program = bench.path("lcc");
    fs::copy(env!("CARGO_BIN_EXE_lcc"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(bench.path("state")).unwrap();
    fs::create_dir(bench.path("state")).unwrap();
    chown(bench.path("state"), Some(ADA), Some(ADA)).unwrap();
    let script = "id -u; echo x > made; (echo x > .mcp.json) 2>/dev/null || echo held";
    let mut command = lcc(&program, &bench, script);
    let output = command.uid(ADA).gid(ADA).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(text(&output.stdout), "1000\nheld\n", "{said}");
    assert!(!said.contains("root"), "{said}");
    assert_eq!(fs::metadata(bench.path("project/made")).unwrap().uid(), ADA);
    assert!(!bench.path("project/.mcp.json").exists());
    // What belongs to another user is refused.
    chown(bench.path("project"), Some(0), Some(0)).unwrap();
    let mut command = lcc(&program, &bench, "true");
    let output = command.uid(ADA).gid(ADA).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("it belongs to user 0"), "{}", text(&output.stderr));
}
