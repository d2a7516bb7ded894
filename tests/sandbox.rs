//! The sandbox as a user meets it: `lcc sandbox -- CMD`, run for real.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("project")).unwrap();
        fs::create_dir(root.path().join("state")).unwrap();
        Self { root }
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn lcc(&self, command: &[&str]) -> Command {
        self.lcc_in(&self.project(), command)
    }

    fn lcc_in(&self, project: &Path, command: &[&str]) -> Command {
        let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
        lcc.env("LCC_STATE_DIR", self.root.path().join("state"));
        lcc.arg("sandbox").arg("--project").arg(project).arg("--").args(command);
        lcc.stdin(Stdio::null());
        lcc
    }

    /// What lcc's state folder for commands holds.
    fn left_over(&self) -> Vec<String> {
        fs::read_dir(self.root.path().join("state/sandbox"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn sh(&self, script: &str) -> Output {
        self.lcc(&["bash", "-c", script]).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Processes whose command line holds the mark.
fn alive(mark: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| text(line).contains(mark))
        .count()
}

/// Polls until it holds; gives up after long enough for any machine.
fn becomes(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_secret_a_foreign_file_and_the_hosts_ports_are_out_of_reach() {
    let bench = Bench::new();
    let secret = bench.root.path().join("id_rsa");
    fs::write(&secret, "canary-secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let path = secret.display();
    // Of the real home only toolchains' folders are to be seen, and no file.
    let real_home = std::env::var("HOME").unwrap();
    let output = bench.sh(&format!(
        "cat '{path}'; cat ~/.ssh/id_rsa; find '{real_home}' -maxdepth 1 -type f; echo x > '{path}'; echo x > '{path}.new'; \
         echo x > ~/x; (echo x > /dev/tcp/127.0.0.1/{port}); (echo x > /dev/udp/127.0.0.1/{port}); \
         echo y > made; exit 7"
    ));
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "canary-secret");
    assert!(!bench.root.path().join("id_rsa.new").exists());
    assert!(listener.accept().is_err(), "a connection reached the host");
    assert_eq!(fs::read_to_string(bench.project().join("made")).unwrap(), "y\n");
    assert_eq!(bench.left_over(), ["lock"]);
}

#[test]
fn nothing_can_be_planted_in_the_home_for_the_next_start() {
    let bench = Bench::new();
    let output = bench.sh(
        "for f in x .bashrc .profile .gitconfig; do (echo evil > ~/$f) && echo wrote $f; done; \
         mv ~/.config ~/.away && echo moved; ln -s /etc ~/.new && echo linked; \
         for d in .cache .cargo .claude .config .local .npm; do echo ok > ~/$d/x && cat ~/$d/x; done",
    );
    assert_eq!(text(&output.stdout), "ok\n".repeat(6), "{}", text(&output.stderr));
}

#[test]
fn reading_a_key_writing_home_and_calling_the_host_all_fail() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = std::env::var("HOME").unwrap();
    let before = Path::new(&home).join("x").exists();
    let output = bench.sh(&format!(
        "cat ~/.ssh/id_rsa && echo READ; (echo x > ~/x) && echo WROTE; \
         curl -s --max-time 5 127.0.0.1:{port} && echo CALLED; true"
    ));
    assert_eq!(text(&output.stdout), "", "{}", text(&output.stderr));
    assert!(listener.accept().is_err(), "a connection reached the host");
    assert_eq!(Path::new(&home).join("x").exists(), before);
}

#[test]
fn exit_codes_and_signals_are_passed_on() {
    let bench = Bench::new();
    for (script, code) in
        [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137), ("kill -15 $$", 143)]
    {
        assert_eq!(bench.sh(script).status.code(), Some(code), "{script}");
    }
    let output = bench.lcc(&["no-such-program"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("cannot start no-such-program: No such file"));
}

#[test]
fn every_attempt_is_counted_and_blocked() {
    let bench = Bench::new();
    let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
    lcc.env("LCC_STATE_DIR", bench.root.path().join("state"));
    lcc.arg("sandbox").arg("--project").arg(bench.project()).args(["--verbose", "--", "true"]);
    let said = text(&lcc.output().unwrap().stderr);
    let counts = said.split("lcc: ").find_map(|line| line.split_once(" escape attempts blocked"));
    let (blocked, all) = counts.and_then(|(counts, _)| counts.split_once(" of ")).expect(&said);
    assert_eq!(blocked, all);
    // Those that work in every sandbox, and those that this project gives nothing to try on.
    assert!(all.parse::<u64>().unwrap() >= 150, "{said}");
}

#[test]
fn killing_lcc_leaves_nothing_behind() {
    let bench = Bench::new();
    let mark = format!("98765{}", std::process::id());
    let script = format!("setsid sleep {mark} & echo ready; wait");
    let mut lcc = bench.lcc(&["bash", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(lcc.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    assert!(becomes(|| alive(&mark) > 0));
    lcc.kill().unwrap();
    lcc.wait().unwrap();
    assert!(becomes(|| alive(&mark) == 0), "{} processes live on", alive(&mark));
    // The next start clears away the private home of the killed one.
    assert_eq!(bench.left_over().len(), 2);
    assert!(bench.sh("true").status.success());
    assert_eq!(bench.left_over(), ["lock"]);
}

#[test]
fn what_the_program_leaves_running_ends_with_it() {
    let bench = Bench::new();
    let mark = format!("87654{}", std::process::id());
    let script = format!(
        "read up < <(setsid sh -c 'echo up; exec sleep {mark} >/dev/null 2>&1'); [ $up = up ] && exit 5"
    );
    assert_eq!(bench.sh(&script).status.code(), Some(5));
    assert_eq!(alive(&mark), 0);
}

#[test]
fn gits_hooks_and_settings_cannot_be_changed_and_git_still_works() {
    let bench = Bench::new();
    let project = bench.project();
    let init = Command::new("git").arg("init").arg("-q").arg(&project).status().unwrap();
    assert!(init.success());
    fs::create_dir(project.join(".claude")).unwrap();
    fs::write(project.join(".claude/settings.json"), "{}").unwrap();
    fs::write(project.join(".mcp.json"), "{}").unwrap();
    let config = fs::read_to_string(project.join(".git/config")).unwrap();
    for script in [
        "echo x >> .git/config",
        "echo x > .git/hooks/pre-commit",
        "mv .git .git2",
        "mv .git/config .git/c",
        "rm -rf .git/hooks",
        "git config core.fsmonitor /tmp/x",
        "echo x > .claude/settings.json",
        "rm .claude/settings.json",
        "mv .claude .c",
        "echo x > .mcp.json",
        "rm -f .mcp.json",
        "ln -sf /etc/passwd .mcp.json",
    ] {
        let output = bench.sh(script);
        assert!(!output.status.success(), "`{script}` went through");
    }
    assert_eq!(fs::read_to_string(project.join(".git/config")).unwrap(), config);
    assert!(!project.join(".git/hooks/pre-commit").exists());
    let output = bench.sh(
        "echo a > f && git add -A && git -c user.name=a -c user.email=a@b commit -qm first && \
         git status --short && git log --format=%s",
    );
    assert_eq!(text(&output.stdout), "first\n", "{}", text(&output.stderr));
}

#[test]
fn a_link_in_a_protected_place_stops_the_start_and_creates_nothing() {
    for link in [".git", ".claude", ".mcp.json", ".git/hooks", ".claude/settings.json"] {
        let bench = Bench::new();
        let outside = bench.root.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let place = bench.project().join(link);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(Path::new("/oldroot").join(outside.strip_prefix("/").unwrap()), &place).unwrap();
        let output = bench.sh("true");
        assert_eq!(output.status.code(), Some(125), "{link}");
        assert!(text(&output.stderr).contains("a symbolic link stands in a protected place"));
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

#[test]
fn folders_that_are_no_project_are_refused_with_a_way_out() {
    let bench = Bench::new();
    let home = std::env::var("HOME").unwrap();
    for (project, code) in [("/", 2), ("/tmp", 2), ("/usr/share", 125), ("/etc", 125), (&home, 2)] {
        let output = bench.lcc_in(Path::new(project), &["true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{project}");
        let said = text(&output.stderr);
        assert!(said.contains("--project"), "{said}");
    }
    let missing = bench.root.path().join("missing");
    let output = bench.lcc_in(&missing, &["true"]).output().unwrap();
    assert!(text(&output.stderr).contains("No such file"));
}

#[test]
fn odd_project_names_work() {
    for name in ["with space", "quote'\"s", "line\nend", "ünïcødé ☃", "-dash", "a\\040b", "#x"]
    {
        let bench = Bench::new();
        let project = bench.root.path().join(name);
        fs::create_dir(&project).unwrap();
        let output = bench.lcc_in(&project, &["sh", "-c", "echo ok > made; pwd"]).output().unwrap();
        assert!(output.status.success(), "{name:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), format!("{}\n", project.display()));
        assert!(project.join("made").exists());
    }
}

#[test]
fn nothing_of_the_callers_environment_or_files_leaks_in() {
    let bench = Bench::new();
    let mut lcc = bench.lcc(&["bash", "-c", "env; ls /proc/self/fd; id -un; cat /etc/passwd"]);
    lcc.env("AWS_SECRET_ACCESS_KEY", "canary-key").env("LD_PRELOAD", "").env("TMUX", "canary-tmux");
    let output = lcc.output().unwrap();
    let out = text(&output.stdout);
    assert!(!out.contains("canary"), "{out}");
    assert!(out.contains("\n0\n1\n2\n3\nlcc\n"), "{out}");
    assert!(!out.contains("root:"), "{out}");
}

#[test]
fn interpreters_and_local_servers_work() {
    let bench = Bench::new();
    let output = bench.sh(
        "cat <(echo process substitution); echo to-stderr > /dev/stderr; mkfifo pipe && rm pipe; \
         exec 3<>/dev/tcp/127.0.0.1/3128 || echo no endpoint; echo done",
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(out.contains("process substitution\n"), "{out}{err}");
    assert!(out.contains("no endpoint\ndone\n"), "{out}{err}");
    assert!(err.contains("to-stderr"), "{err}");
}

#[test]
fn a_program_behind_a_link_is_shown_as_one_file() {
    let bench = Bench::new();
    let modules = bench.root.path().join("node_modules/tool");
    fs::create_dir_all(&modules).unwrap();
    fs::copy("/bin/cat", modules.join("tool.exe")).unwrap();
    fs::write(modules.join("secret"), "canary").unwrap();
    let bin = bench.root.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink("../node_modules/tool/tool.exe", bin.join("tool")).unwrap();
    let tool = bin.join("tool");
    let secret = modules.join("secret");
    let output = bench.lcc(&[tool.to_str().unwrap(), "/proc/self/cmdline"]).output().unwrap();
    assert!(text(&output.stdout).starts_with("/run/lcc/bin/tool\0"), "{}", text(&output.stderr));
    let output = bench.lcc(&[tool.to_str().unwrap(), secret.to_str().unwrap()]).output().unwrap();
    assert!(!text(&output.stdout).contains("canary"));
}

#[test]
fn where_no_sandbox_can_be_made_nothing_starts_and_the_fix_is_said() {
    let bench = Bench::new();
    // Inside lcc's own sandbox.
    let output = bench.sh("lcc sandbox --project . -- touch ran; echo $?");
    assert_eq!(text(&output.stdout), "125\n");
    assert!(text(&output.stderr).contains("start it outside"), "{}", text(&output.stderr));
    // Inside one that only forbids further user namespaces.
    let inner = bench.lcc(&["touch", "ran"]);
    let mut outer = Command::new("bwrap");
    outer.args(["--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--proc", "/proc"]);
    outer.arg("--").arg(inner.get_program()).args(inner.get_args());
    outer.env("LCC_STATE_DIR", bench.root.path().join("state"));
    let output = outer.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("bubblewrap cannot make a sandbox here"), "{said}");
    assert!(said.contains("max_user_namespaces"), "{said}");
    assert!(!bench.project().join("ran").exists());
}

#[test]
fn several_starts_in_one_project_prove_themselves_at_the_same_time() {
    let bench = Bench::new();
    let made = Command::new("git").args(["init", "--quiet"]).arg(bench.project()).status();
    assert!(made.unwrap().success());
    let start = || {
        let mut lcc = bench.lcc(&["true"]);
        lcc.stdout(Stdio::piped()).stderr(Stdio::piped());
        lcc.spawn().unwrap()
    };
    for _ in 0..3 {
        let together: Vec<_> = (0..4).map(|_| start()).collect();
        for lcc in together {
            let output = lcc.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
    }
}
