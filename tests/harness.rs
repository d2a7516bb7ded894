//! The harness itself, proved on programs that every machine has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{Key, Lcc, Outer, Program, Project, lcc::scrubbed, restored};

const SOON: Duration = Duration::from_secs(20);

fn sh(script: &str, cols: u16, rows: u16) -> Outer {
    let home = std::env::temp_dir();
    Outer::start(&Program {
        program: "/bin/sh".into(),
        args: ["-c", script].map(Into::into).to_vec(),
        env: scrubbed(&home),
        cwd: home,
        cols,
        rows,
    })
}

#[test]
fn what_is_typed_arrives_and_what_is_printed_is_seen() {
    let mut outer = sh("read a; echo \"got <$a>\"; exit 3", 40, 5);
    outer.type_text("hello");
    outer.key(Key::Enter);
    outer.wait_for("got <hello>", SOON);
    assert_eq!(outer.wait_end(SOON).exit_code(), 3);
    assert!(outer.first_byte().is_some());
    assert_eq!(outer.leftovers(), Vec::<String>::new());
}

#[test]
fn the_size_is_told_and_a_resize_arrives() {
    let mut outer = sh("trap 'stty size' WINCH; stty size; read a; read b", 70, 9);
    outer.wait_for("9 70", SOON);
    outer.resize(100, 20);
    outer.wait_for("20 100", SOON);
    let (rows, cols) = outer.screen().size();
    assert_eq!((rows.get(), cols.get()), (20, 100));
}

#[test]
fn the_environment_is_scrubbed_to_what_is_given() {
    let mut outer = sh("env | cut -d= -f1 | sort | tr '\\n' ' '; echo end", 200, 5);
    outer.wait_for("end", SOON);
    let text = outer.screen_text();
    for name in text.split_whitespace() {
        let known = ["PATH", "HOME", "LCC_STATE_DIR", "TERM", "COLORTERM", "LANG", "SHELL"];
        let shells_own = ["PWD", "OLDPWD", "SHLVL", "_", "end"];
        assert!(known.contains(&name) || shells_own.contains(&name), "{name} leaked: {text}");
    }
}

#[test]
fn queries_of_a_program_are_answered() {
    // The program reads as many bytes as the answer has and shows them without the escapes.
    for (query, answer) in [
        ("\\033[c", "\x1b[?62;22c"),
        ("\\033[>q", "\x1bP>|outer 1.0\x1b\\"),
        ("\\033[6n", "\x1b[1;1R"),
        ("\\033[?u", "\x1b[?0u"),
        ("\\033[?2026$p", "\x1b[?2026;2$y"),
        ("\\033]11;?\\033\\\\", "\x1b]11;rgb:1010/1010/1010\x1b\\"),
    ] {
        let mut outer = sh(
            &format!(
                "stty raw -echo; printf '{query}'; a=$(dd bs=1 count={} 2>/dev/null | \
                 tr -d '\\033'); stty sane; printf 'A %s E' \"$a\"",
                answer.len()
            ),
            60,
            5,
        );
        let shown = format!("A {} E", answer.replace('\x1b', ""));
        outer.wait_until(query, SOON, |screen| screen.contents().contains(&shown));
    }
}

#[test]
fn what_a_program_leaves_switched_on_is_found() {
    let mut outer = sh("stty raw; printf '\\033[?1049h\\033[?25l\\033[?2004h\\033[>1u'", 40, 5);
    outer.wait_end(SOON);
    let left = outer.leftovers().join("; ");
    for part in ["?1049 on", "?25 off", "?2004 on", "kitty", "alternate", "hidden", "line"] {
        assert!(left.contains(part), "{part} in {left}");
    }
    for (raw, expected) in [
        (&b"\x1b[?1049h\x1b[?25lx\x1b[?25h\x1b[?1049l"[..], ""),
        (b"\x1b[?1000;1006h\x1b[?1006;1000l", ""),
        (b"\x1b[>1u\x1b[<u", ""),
        (b"\x1b[>1u\x1b[>1u\x1b[<1u", "kitty keyboard pushed 1 times"),
        (b"\x1b[4 q", "cursor shape 4"),
        (b"\x1b[4 q\x1b[0 q", ""),
        (b"\x1b[?7l", "mode ?7 off"),
        (b"\x1b[", ""),
    ] {
        assert_eq!(restored::leftovers(raw).join("; "), expected, "{raw:?}");
    }
}

#[test]
#[should_panic(expected = "waited for \"never\"; the program ended")]
fn waiting_for_what_never_comes_shows_the_screen() {
    sh("echo here I am", 40, 3).wait_for("never", SOON);
}

#[test]
fn a_dropped_terminal_ends_its_program() {
    let outer = sh("exec sleep 600", 40, 3);
    let pid = outer.pid();
    drop(outer);
    let alive = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), None);
    assert_eq!(alive, Err(nix::errno::Errno::ESRCH));
}

#[test]
fn keys_are_what_xterm_sends() {
    for (key, bytes) in [
        (Key::F(1), &b"\x1bOP"[..]),
        (Key::F(4), b"\x1bOS"),
        (Key::F(5), b"\x1b[15~"),
        (Key::F(10), b"\x1b[21~"),
        (Key::Ctrl(']'), b"\x1d"),
        (Key::Ctrl('c'), b"\x03"),
    ] {
        assert_eq!(key.bytes(), bytes, "{key:?}");
    }
}

#[test]
fn a_project_can_be_a_repository() {
    let project = Project::with_git();
    assert!(project.path().join(".git").is_dir());
    assert!(project.read("README.md").is_some_and(|text| text.starts_with("# demo")));
    assert_eq!(project.read("no such file"), None);
}

#[test]
fn the_built_program_starts_with_folders_of_its_own() {
    let project = Project::new();
    let lcc = Lcc::new(project.path()).config("window = 32768\n").args(["--version"]);
    assert!(lcc.home().join(".config/lcc/config.toml").is_file());
    assert!(lcc.state().starts_with(lcc.home()));
    assert!(lcc.command().output().unwrap().status.success());
    assert!(lcc.size(80, 24).start().wait_end(SOON).success());
}
