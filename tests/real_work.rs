//! The real Claude Code at ordinary work in the sandbox, and what lcc says of it afterwards.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::Phase,
    engine::practice::{self, PracticeOptions},
};

const START: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_secs(110);

/// One line for each thing that worked. What a machine lacks says so instead of failing.
const SCRIPT: &str = r#"
step() { name=$1; shift; if "$@" > "log-$name" 2>&1; then echo "$name works"; else echo "$name FAILED: $(tail -n 3 "log-$name" | tr '\n' ' ')"; fi; }
have() { command -v "$1" > /dev/null; }
serve() {
  python3 -u -m http.server 0 --bind 127.0.0.1 > port.log 2> /dev/null & server=$!
  for i in $(seq 400); do grep -q port port.log && break; sleep 0.05; done
  curl -sf "http://127.0.0.1:$(sed 's/.*port \([0-9]*\).*/\1/;q' port.log)/hello.txt"; code=$?
  kill $server; return $code
}
commit() { git add -A && git commit -q -m 'by Claude Code' && [ -z "$(git status --short --untracked-files=no)" ]; }
venv() { python3 -m venv .venv && .venv/bin/python -m unittest -q test_it.py; }
{
  step edit grep -q 'an edited file' hello.txt
  have cargo && step cargo cargo test || echo 'cargo is not here'
  have npm && step npm npm test || echo 'npm is not here'
  step venv venv
  step server serve
  step commit commit
} > result.txt 2>&1
"#;

fn project() -> Project {
    let project = Project::with_git();
    project.write("hello.txt", "a file of the project\n");
    project.write(".gitignore", "target\n.venv\nlog-*\nport.log\nresult.txt\n__pycache__\n");
    project.write("work.sh", SCRIPT);
    project.write(
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    project.write("src/lib.rs", "#[test]\nfn holds() { assert_eq!(1 + 1, 2); }\n");
    project.write(
        "package.json",
        r#"{"name":"demo","version":"1.0.0","scripts":{"test":"node --test"}}"#,
    );
    project.write("a.test.js", "require('node:test')('holds', () => {});\n");
    project.write(
        "test_it.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n",
    );
    project.write("Makefile", "all:\n\techo made\n");
    project
}

/// The user's own toolchains, whose places the throw-away home does not have.
fn toolchains(mut lcc: Lcc) -> Lcc {
    let home = std::env::var("HOME").unwrap();
    for (name, place) in
        [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")]
    {
        let usual = Path::new(&home).join(place);
        let place = std::env::var_os(name).map_or(usual, Into::into);
        if place.exists() {
            lcc = lcc.env(name, place);
        }
    }
    lcc
}

fn prompt(lcc: &Lcc, outer: &mut Outer, text: &str) {
    let turns = lcc.figures().expect("the session answers").turns;
    outer.type_text(text);
    outer.wait_for(text.split(";;").next().unwrap().trim(), WORK);
    outer.key(Key::Enter);
    let end = Instant::now() + WORK;
    loop {
        let figures = lcc.figures().expect("the session answers");
        if figures.turns > turns && figures.phase == Phase::Idle {
            return;
        }
        assert!(Instant::now() < end, "{text}: the screen:\n{}", outer.screen_text());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn drive(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options =
        PracticeOptions { read_rate: 20_000.0, write_rate: 2_000.0, ..PracticeOptions::default() };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    let project = project();
    let config = project.path().with_extension("gitconfig");
    std::fs::write(&config, "[user]\n\tname = Ada\n\temail = ada@example.test\n").unwrap();
    let lcc = toolchains(Lcc::new(project.path()))
        .env("LCC_CLAUDE", &claude)
        .env("GIT_CONFIG_GLOBAL", &config)
        .args(["--server", &format!("http://{}", server.addr())]);
    let mut outer = lcc.start();
    outer.wait_for("❯", START);

    prompt(
        &lcc,
        &mut outer,
        "practice: read hello.txt ;; practice: edit hello.txt a file => an edited file",
    );
    prompt(&lcc, &mut outer, "practice: bash bash work.sh");
    let result = project.read("result.txt").expect("the script ran");
    println!("{version}:\n{result}");
    assert!(!result.contains("FAILED"), "{result}");
    for step in ["edit", "venv", "server", "commit"] {
        assert!(result.contains(&format!("{step} works")), "{step}: {result}");
    }
    // What other programs run: one changed, one new; the protected one stays as it is.
    prompt(
        &lcc,
        &mut outer,
        "practice: bash printf 'all:\\n\\tcurl x\\n' > Makefile; echo x > conftest.py",
    );
    prompt(&lcc, &mut outer, "practice: bash echo x >> .git/config");
    assert!(outer.leave(START).success());
    let _gone = std::fs::remove_file(&config);

    let said = String::from_utf8_lossy(&outer.raw()).into_owned();
    let end: String = said.chars().skip(said.chars().count().saturating_sub(200)).collect();
    let wanted = "3 files that other tools run were changed: lcc report --last";
    assert!(end.contains(wanted), "{end}");
    assert!(!project.read(".git/config").unwrap().contains('x'));
    let shown = lcc.run(&["report", "--last"]);
    for line in [
        "Makefile  (for a build tool)",
        "-\techo made",
        "+\tcurl x",
        "conftest.py",
        "new folder      .venv",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn claude_code_2_1_197_edits_builds_serves_and_commits() {
    drive("2.1.197");
}

#[test]
fn claude_code_2_1_330_edits_builds_serves_and_commits() {
    drive("2.1.330");
}
