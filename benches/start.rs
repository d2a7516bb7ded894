//! How long a start takes: lcc's first frame, and Claude Code's in lcc against bare.
//!
//! `LCC_REAL_CLAUDE_2_1_330=… cargo bench --bench start`: ten pairs, in turn, on one machine.
//! Both run the same Claude Code with the same arguments and environment against the same
//! practice server; the bare one runs without a sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lcc::{
    domain::{Profile, Tier},
    engine::{
        claude::{self, Conversation, EnvironmentInputs, state::Look},
        practice::{self, PracticeOptions},
        window::believe,
    },
};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const PAIRS: usize = 10;
const LIMIT: Duration = Duration::from_secs(30);
/// Stands on Claude Code's first frame, whatever its version.
const CLAUDE: &str = "Claude Code v";
/// Stands on lcc's first frame.
const LCC: &str = " lcc ";

/// Runs a program in a PTY until all marks were on its screen; when each was seen first.
fn run(
    program: &Path,
    args: &[String],
    env: &BTreeMap<String, String>,
    cwd: &Path,
    marks: &[&str],
) -> Vec<Duration> {
    let size = PtySize { rows: 40, cols: 120, ..PtySize::default() };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(program);
    command.args(args);
    command.cwd(cwd);
    command.env_clear();
    for (name, value) in env {
        command.env(name, value);
    }
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    let start = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let cells = |n| NonZeroU16::new(n).unwrap();
    let mut screen = vt100::Parser::new(cells(40), cells(120), 0);
    let mut seen = vec![None; marks.len()];
    let mut buffer = [0; 65_536];
    while seen.iter().any(Option::is_none) && start.elapsed() < LIMIT {
        let n = reader.read(&mut buffer).unwrap_or(0);
        if n == 0 {
            break;
        }
        let at = start.elapsed();
        screen.process(&buffer[..n]);
        // Whoever asks what terminal this is gets an answer at once, as from a terminal.
        if buffer[..n].windows(3).any(|w| w == b"\x1b[c") {
            let _ = writer.write_all(b"\x1b[?6c");
        }
        let text = screen.screen().contents();
        for (mark, seen) in marks.iter().zip(&mut seen) {
            if seen.is_none() && text.contains(mark) {
                *seen = Some(at);
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    seen.into_iter().map(|s| s.expect("the mark came")).collect()
}

fn median(mut values: Vec<Duration>) -> f64 {
    values.sort();
    values[values.len() / 2].as_secs_f64() * 1_000.0
}

fn main() {
    let Some(claude) = ["LCC_REAL_CLAUDE_2_1_330", "LCC_REAL_CLAUDE_2_1_197"]
        .iter()
        .find_map(std::env::var_os)
        .map(PathBuf::from)
    else {
        println!("SKIPPED start: set LCC_REAL_CLAUDE_2_1_330 to Claude Code's program");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, PracticeOptions::default()).await.unwrap()
    });
    let url = format!("http://{}", server.addr());
    let root = tempfile::tempdir().unwrap();
    let project = root.path().join("project");
    let home = root.path().join("bare-home");
    std::fs::create_dir_all(&project).unwrap();
    claude::state::seed(&home, &project, Look::Dark).unwrap();
    let path = std::env::var("PATH").unwrap();

    let version = claude::version::from_package(&claude);
    let options = claude::options(&Profile::Lean.into(), version);
    let bare_env = claude::environment(&EnvironmentInputs {
        base_url: &url,
        token: "t",
        model: "practice",
        belief: believe(claude::compacts(version), 32_768, 4_096, 26_947),
        options: &options,
        tier: Tier::Strict,
        home: &home.display().to_string(),
        path: &path,
        lang: None,
        tz: None,
        more: &BTreeMap::new(),
        bare_root: true,
    });
    let lcc_home = root.path().display().to_string();
    let lcc_env: BTreeMap<String, String> = [
        ("HOME", lcc_home.as_str()),
        ("LCC_STATE_DIR", &format!("{lcc_home}/state")),
        ("LCC_CLAUDE", &claude.display().to_string()),
        ("PATH", &path),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();

    let lcc = Path::new(env!("CARGO_BIN_EXE_lcc"));
    let (mut frame, mut inside, mut bare) = (vec![], vec![], vec![]);
    for round in 0..=PAIRS {
        let at = run(lcc, &["--server".into(), url.clone()], &lcc_env, &project, &[LCC, CLAUDE]);
        let conversation = Conversation::New(uuid::Uuid::new_v4().to_string());
        let words: Vec<String> =
            claude::arguments(&options, Tier::Strict, "practice", &conversation, &[])
                .iter()
                .map(|w| w.to_string_lossy().into_owned())
                .collect();
        let alone = run(&claude, &words, &bare_env, &project, &[CLAUDE]);
        // The first round warms the page cache and counts for nobody.
        if round > 0 {
            frame.push(at[0]);
            inside.push(at[1]);
            bare.push(alone[0]);
        }
    }
    let (frame, inside, bare) = (median(frame), median(inside), median(bare));
    println!("medians of {PAIRS} pairs, milliseconds after exec");
    println!("lcc's first frame                {frame:8.1}");
    println!("Claude Code's first frame, bare  {bare:8.1}");
    println!("Claude Code's first frame in lcc {inside:8.1}  (+{:.1})", inside - bare);
}
