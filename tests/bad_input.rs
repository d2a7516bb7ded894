//! What a stranger types wrong: each has a message that names the thing, the place and the way
//! out, and exit code 2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{fmt::Write as _, net::TcpListener, path::Path, time::Duration};

use common::{Key, Lcc, Outer, Program, Project, Real};

const SOON: Duration = Duration::from_secs(30);

/// Runs without a terminal; exit code and words as text, with this run's paths taken out.
fn words(lcc: &Lcc, project: &Path) -> String {
    let output = assert_cmd::Command::from_std(lcc.command()).timeout(SOON).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "errors go to stderr");
    let text = plain(&String::from_utf8_lossy(&output.stderr), lcc, project);
    let code = output.status.code().map_or_else(|| "killed".to_owned(), |c| c.to_string());
    format!("[{code}] {}\n", text.trim_end())
}

fn plain(text: &str, lcc: &Lcc, project: &Path) -> String {
    text.replace(&project.display().to_string(), "PROJECT")
        .replace(&lcc.home().display().to_string(), "HOME")
}

/// One line of arguments after the other.
fn table(lines: &[&str]) -> String {
    let project = Project::new();
    let mut all = String::new();
    for line in lines {
        let lcc = Lcc::new(project.path()).args(line.split_whitespace().map(str::to_owned));
        let said = words(&lcc, project.path());
        assert!(said.starts_with("[2] "), "lcc {line}: {said}");
        let _ = write!(all, "$ lcc {line}\n{said}\n");
    }
    all
}

#[test]
fn flags_of_the_cockpit() {
    insta::assert_snapshot!(table(&[
        "--nonsense",
        "--server nonsense",
        "--server http://192.0.2.1:8080",
        "--server http://user:word@127.0.0.1:8080",
        "--window 0",
        "--window many",
        "--profile fat",
        "--sandbox none",
        "--theme neon",
        "--project /",
        "--project /tmp",
        "--project missing",
        "--project README.md",
        "--config missing.toml",
    ]));
}

#[test]
fn arguments_of_the_commands() {
    insta::assert_snapshot!(table(&[
        "status",
        "status abc",
        "practice --script nonsense",
        "practice --window 0",
        "practice --read-rate=-1",
        "practice --listen nonsense",
        "proxy",
        "proxy --upstream nonsense",
        "proxy --upstream http://192.0.2.1:1",
        "proxy --upstream http://127.0.0.1:1 --listen 0.0.0.0:0",
        "sandbox",
        "sandbox --sandbox none -- true",
        "sandbox --project / -- true",
    ]));
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let project = Project::new();
    for args in [
        &["practice", "--listen", addr.as_str()][..],
        &["proxy", "--upstream", "http://127.0.0.1:1", "--listen", addr.as_str()],
    ] {
        let said = words(&Lcc::new(project.path()).args(args), project.path());
        assert!(said.starts_with("[2] lcc: --listen 127.0.0.1:"), "{said}");
        assert!(said.contains("Address already in use"), "{said}");
        assert!(said.contains("free"), "{said}");
    }
}

#[test]
fn the_configuration_file_is_told_line_by_line() {
    let project = Project::new();
    let mut all = String::new();
    for text in [
        "window = \"32k\"\ncolour = 1\npanes = 3\n",
        "window = \n",
        "window = 0\nleader = \"ctrl-c\"\nprofile = \"fat\"\nsandbox = \"none\"\n",
        "theme = \"neon\"\nserver = \"http://192.0.2.1\"\n",
    ] {
        let lcc = Lcc::new(project.path()).config(text);
        let said = words(&lcc, project.path());
        assert!(said.starts_with("[2] "), "{said}");
        let _ = write!(all, "{text}---\n{said}\n");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_home_folder_is_no_project() {
    let home = Project::new();
    let lcc = Lcc::new(home.path()).env("HOME", home.path());
    insta::assert_snapshot!(words(&lcc, home.path()));
}

#[test]
fn no_terminal() {
    let project = Project::new();
    insta::assert_snapshot!(words(&Lcc::new(project.path()), project.path()));
}

/// Runs in a terminal until it ends by itself.
fn on_a_terminal(lcc: &Lcc, project: &Path) -> String {
    let mut outer = lcc.start();
    let status = outer.wait_end(SOON);
    assert_eq!(outer.leftovers(), Vec::<String>::new());
    let text = plain(&String::from_utf8_lossy(&outer.raw()), lcc, project).replace('\r', "");
    assert!(!text.contains("\x1b[?1049h"), "no screen was taken: {text}");
    format!("[{}] {}\n", status.exit_code(), text.trim_end())
}

#[test]
fn lcc_claude_that_is_none() {
    let project = Project::new();
    let text = project.write("text", "claude\n");
    let stub = project.write("stub", "echo \"Error: not installed\" >&2\nexit 1\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&stub, mode).unwrap();
    let mut all = String::new();
    for path in [Path::new("/nonexistent/claude"), project.path(), &text, &stub] {
        let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", path);
        all += &on_a_terminal(&lcc, project.path());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn no_claude_code_and_no_consent() {
    let project = Project::new();
    let tools = tempfile::tempdir().unwrap();
    for place in ["/usr/local/bin/claude", "/opt/homebrew/bin/claude"] {
        assert!(!Path::new(place).exists(), "{place} is in the way of this test");
    }
    let lcc = Lcc::new(project.path()).env("PATH", tools.path());
    let mut outer = lcc.start();
    outer.wait_for("Run it now? [y/N]", SOON);
    outer.type_text("n");
    outer.key(Key::Enter);
    let status = outer.wait_end(SOON);
    let text = plain(&String::from_utf8_lossy(&outer.raw()), &lcc, project.path());
    insta::assert_snapshot!(format!("[{}] {}", status.exit_code(), text.replace('\r', "")));
    assert!(!lcc.home().join(".local/share/lcc").exists(), "nothing was installed");
}

/// bubblewrap itself hides bubblewrap from lcc: a machine without it.
#[cfg(target_os = "linux")]
#[test]
fn no_bubblewrap_and_no_consent() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(bwrap) = Real::bwrap().and_then(|path| path.canonicalize().ok()) else { return };
    let project = Project::new();
    let fake = project.write("claude", "#!/bin/sh\necho '2.1.197 (Claude Code)'\n");
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &fake);
    let command = lcc.command();
    let mut args: Vec<std::ffi::OsString> =
        ["--dev-bind", "/", "/", "--ro-bind", "/dev/null"].into_iter().map(Into::into).collect();
    args.extend([bwrap.clone().into(), "--".into(), command.get_program().to_owned()]);
    let env = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_owned())));
    let mut outer = Outer::start(&Program {
        program: bwrap,
        args,
        env: env.collect(),
        cwd: project.path().to_owned(),
        cols: 120,
        rows: 40,
    });
    outer.wait_until("the question or the end", SOON, |screen| {
        let text = screen.contents();
        text.contains("[y/N]") || text.contains("bubblewrap is not installed")
    });
    if outer.screen_text().contains("[y/N]") {
        outer.type_text("n");
        outer.key(Key::Enter);
    }
    let status = outer.wait_end(SOON);
    let text = plain(&String::from_utf8_lossy(&outer.raw()), &lcc, project.path());
    assert_eq!(status.exit_code(), 4, "{text}");
    assert!(text.contains("bubblewrap") && text.contains("install"), "{text}");
    assert!(!text.contains("\x1b[?1049h"), "no screen was taken: {text}");
    println!("{text}");
}

#[test]
fn no_npm_to_install_it_by() {
    let project = Project::new();
    let tools = tempfile::tempdir().unwrap();
    let lcc = Lcc::new(project.path()).env("PATH", tools.path()).args(["--yes"]);
    let text = on_a_terminal(&lcc, project.path());
    insta::assert_snapshot!(text);
}
