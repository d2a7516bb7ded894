//! F6 and F7 in the cockpit on the practice server, with a child that only plays Claude Code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(target_os = "linux")]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::engine::practice::{self, PracticeOptions, PracticeServer};

const SOON: Duration = Duration::from_secs(30);

/// Shows its arguments, and writes a transcript as Claude Code does once a line was entered.
const PLAY: &str = r#"#!/bin/bash
stty raw -echo
printf '\e[?2004h'
id=; last=
for word in "$@"; do
  [ "$last" = --session-id ] && id=$word
  last=$word
done
printf 'session %s\r\n' "$id"
case $last in *earlier\ session*) printf 'began with: %s\r\n' "${last//$'\n'/ | }" ;; esac
printf '❯ '
dir=$CLAUDE_CONFIG_DIR/projects/-the-project
text=
while IFS= read -r -n1 -d '' key; do
  case $key in
    $'\r' | $'\n')
      case $text in *$'\e[200~'*[!~]) text+=$key; continue ;; esac
      mkdir -p "$dir"
      plain=${text//$'\e[200~'/}; plain=${plain//$'\e[201~'/}; plain=${plain//[$'\r\n']/\\n}
      printf '{"type":"user","uuid":"u","parentUuid":null,"message":{"content":"%s"}}\n' "$plain" >> "$dir/$id.jsonl"
      printf '\r\nsaid %s\r\n❯ ' "$plain"
      text= ;;
    $'\x13') ;;
    *) text+=$key ;;
  esac
done
"#;

struct Cockpit {
    outer: Outer,
    project: Project,
    lcc: Lcc,
    _fake: tempfile::TempDir,
    _server: PracticeServer,
    _runtime: tokio::runtime::Runtime,
}

fn open() -> Cockpit {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, PracticeOptions::default()).await.unwrap()
    });
    let fake = tempfile::Builder::new().prefix("lcc-fake-").tempdir().unwrap();
    let program = fake.path().join("claude");
    fs::write(&program, PLAY).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let project = Project::with_git();
    project.write("new.txt", "new\n");
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", &program)
        .args(["--server", &format!("http://{}", server.addr())]);
    let mut outer = lcc.start();
    outer.wait_for("❯", SOON);
    Cockpit { outer, project, lcc, _fake: fake, _server: server, _runtime: runtime }
}

/// The file the session's words went into.
fn transcripts(lcc: &Lcc) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![lcc.state()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "jsonl")
                && path.components().any(|part| part.as_os_str() == ".claude")
            {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_note_of_what_was_said_begins_the_next_session() {
    let Some(_) = Real::bwrap() else { return };
    let mut c = open();
    // Nothing was said yet: F6 says so and opens nothing.
    c.outer.key(Key::F(6));
    c.outer.wait_for("nothing to hand over yet", SOON);

    c.outer.type_text("fix the failing ingress\r");
    c.outer.wait_for("said fix the failing ingress", SOON);
    let old = transcripts(&c.lcc);
    assert_eq!(old.len(), 1, "{old:?}");

    // Esc: nothing happened.
    c.outer.key(Key::F(6));
    c.outer.wait_for("a note for a fresh session", SOON);
    c.outer.key(Key::Escape);
    c.outer.wait_until("the note to go", SOON, |s| !s.contents().contains("a note for a fresh"));
    assert!(c.outer.screen_text().contains("said fix the failing ingress"));

    // The note quotes the task and knows what git knows; Ctrl-S starts with what stands there.
    c.outer.key(Key::F(6));
    c.outer.wait_for("> fix the failing ingress", SOON);
    c.outer.wait_for("?? new.txt", SOON);
    c.outer.type_text("EDITED ");
    c.outer.wait_for("EDITED This goes on", SOON);
    c.outer.key(Key::Ctrl('s'));
    c.outer.wait_for("began with: EDITED This goes on", SOON);
    // The id of the old session is told, and the file is where it was.
    let id = old[0].file_stem().unwrap().to_string_lossy().into_owned();
    c.outer.wait_for(&format!("lcc --resume {id}"), SOON);
    assert!(old[0].exists());
    drop(c.project);
}

#[test]
fn a_prompt_of_several_lines_goes_as_one_paste() {
    let Some(_) = Real::bwrap() else { return };
    let mut c = open();
    c.outer.key(Key::F(7));
    c.outer.wait_for("compose a prompt", SOON);
    c.outer.type_text("first line");
    c.outer.key(Key::Enter);
    c.outer.type_text("second line");
    // The practice server has a tokenizer: the weight is exact.
    c.outer.wait_until("the weight", SOON, |s| {
        let text = s.contents();
        text.contains("second line")
            && text.lines().any(|l| l.contains(" tok") && !l.contains("~0"))
    });
    c.outer.key(Key::Ctrl('s'));
    c.outer.wait_for("said first line\\nsecond line", SOON);
    let end = Instant::now() + SOON;
    while transcripts(&c.lcc).is_empty() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
}
