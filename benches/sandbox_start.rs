//! What the strict sandbox adds to the start of a child: sandboxed and bare starts alternate in
//! one process, both on a terminal of lcc's own.
//!
//! `cargo bench --bench sandbox_start`; `PAIRS` sets how often (default 20). A start is the time
//! from the call that launches `echo` to its first byte on the terminal. Beside it stands what
//! lcc does before: looking for toolchains, and at the files of a project that others trust.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use lcc::{
    domain::Tier,
    engine::{
        pty::Pty,
        sandbox::{
            self, Request, Terminal,
            manifest::scan::{Budget, scan},
            policy::Extra,
            toolchain::{
                self,
                gather::{self, Caller},
            },
        },
    },
};

/// Milliseconds that the sandbox may add.
const BOUND: f64 = 40.0;
/// Files of the project that is walked through.
const FILES: usize = 5_000;

struct Start {
    /// Until the first byte.
    byte: Duration,
    /// Until the launch returned: the sandbox has proved itself by then.
    proved: Duration,
    probes: u64,
}

fn start(tier: Tier, root: &Path, mounts: &[Extra]) -> Start {
    let request = Request {
        tier,
        project: root.join("project"),
        home: root.join("home"),
        state: root.to_owned(),
        program: "/bin/echo".into(),
        args: vec!["up".into()],
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        lcc: env!("CARGO_BIN_EXE_lcc").into(),
        read_only: Vec::new(),
        mounts: mounts.to_vec(),
    };
    let pty = Pty::open(80, 24).unwrap();
    let mut reader = pty.reader().unwrap();
    let endpoint = sandbox::endpoint(tier).unwrap();
    let begun = Instant::now();
    let launched = sandbox::launch(request, endpoint, Terminal::Pty(&pty)).unwrap();
    let proved = begun.elapsed();
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    let at = begun.elapsed();
    launched.child.wait().unwrap();
    Start { byte: at, proved, probes: launched.report.probes }
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64() * 1_000.0
}

fn project(root: &Path) -> PathBuf {
    let project = root.join("project");
    fs::create_dir_all(&project).unwrap();
    fs::create_dir_all(root.join("home")).unwrap();
    for n in 0..FILES {
        let folder = project.join(format!("src/{}", n / 50));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file{n}.rs")), "fn f() {}\n").unwrap();
    }
    fs::write(project.join("Makefile"), "all:\n").unwrap();
    let made = Command::new("git").args(["init", "-q"]).arg(&project).status().unwrap();
    assert!(made.success());
    project
}

fn main() {
    // `cargo test --benches` asks for a list of tests; there are none here.
    if std::env::args().any(|word| word == "--list" || word == "--test") {
        return;
    }
    if let Err(missing) = sandbox::preflight() {
        eprintln!("SKIPPED sandbox_start: {missing}");
        return;
    }
    let pairs: usize = std::env::var("PAIRS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let root =
        tempfile::tempdir_in(if Path::new("/var/tmp").exists() { "/var/tmp" } else { "/tmp" })
            .unwrap();
    let project = project(root.path());
    let caller = Caller {
        home: std::env::var_os("HOME").map(PathBuf::from),
        env: std::env::vars().collect(),
        project: project.clone(),
        state: root.path().join("home"),
    };
    let begun = Instant::now();
    let outfit = toolchain::plan(&gather::facts(&caller));
    let looked = begun.elapsed();

    let (mut strict, mut proved, mut fitted, mut bare, mut walked) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut probes = 0;
    for round in 0..=pairs {
        let sandboxed = start(Tier::Strict, root.path(), &[]);
        let alone = start(Tier::Off, root.path(), &[]);
        let with_tools = start(Tier::Strict, root.path(), &outfit.mounts);
        let begun = Instant::now();
        let (manifest, _) = scan(&project, Budget::default()).unwrap();
        let walk = begun.elapsed();
        assert!(manifest.seen > FILES && !manifest.cut);
        // The first round warms the page cache and counts for nobody.
        if round > 0 {
            strict.push(sandboxed.byte);
            proved.push(sandboxed.proved);
            fitted.push(with_tools.byte);
            bare.push(alone.byte);
            walked.push(walk);
            probes = sandboxed.probes;
        }
    }
    let (strict, proved, bare) = (median(strict), median(proved), median(bare));
    let (fitted, walked) = (median(fitted), median(walked));
    let looked = looked.as_secs_f64() * 1_000.0;
    println!("medians of {pairs} starts, milliseconds");
    println!("bare                                    {bare:8.1}");
    println!("strict sandbox                          {strict:8.1}  (+{:.1})", strict - bare);
    println!("  of it until it had proved itself      {proved:8.1}  ({probes} attempts)");
    println!(
        "strict, with {:2} mounts of toolchains    {fitted:8.1}  (+{:.1})",
        outfit.mounts.len(),
        fitted - bare
    );
    println!("before: finding toolchains, once        {looked:8.1}  ({})", outfit.tools.join(", "));
    println!("before: the files others trust          {walked:8.1}  ({FILES} files)");
    let verdict = if strict - bare <= BOUND { "held" } else { "NOT held" };
    println!("bound: {BOUND:.0} ms added: {verdict}");
}
