//! `lcc serve` and a cockpit with a server of its own, on real llama.cpp.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use common::{Lcc, Project, Real};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

const START: Duration = Duration::from_secs(60);

/// A program with llama-server's command line; `None` when a part is missing.
fn llama_server(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let (python, model) = (Real::python()?, Real::model()?);
    let wrapper = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/llama_server_cli.py");
    let program = dir.join("llama-server");
    let text = format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", python.display(), wrapper.display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Some((program, model))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `lcc serve` and its lines on stderr. Ended in order when dropped.
struct Serve {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Serve {
    fn start(lcc: &Lcc) -> Self {
        let mut child = lcc.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (to, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Waits for a line with this text.
    fn wait_for(&mut self, text: &str) -> String {
        let end = Instant::now() + START;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(e) => panic!("waited for {text:?} ({e}); it said:\n{}", self.said.join("\n")),
            }
        }
    }

    fn server_pid(&mut self) -> i32 {
        let line = self.wait_for("(process ");
        let (_, rest) = line.rsplit_once("(process ").unwrap();
        rest.trim_end_matches(')').parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_llama_cpp_is_healthy_again_and_a_signal_ends_it() {
    let project = Project::new();
    let Some((program, model)) = llama_server(project.path()) else { return };
    let port = free_port();
    let lcc = Lcc::new(project.path()).args(["serve", "--window", "8192"]).args([
        "--program",
        program.to_str().unwrap(),
        "--model",
        model.to_str().unwrap(),
        "--port",
        &port.to_string(),
    ]);
    let mut serve = Serve::start(&lcc);
    let pid = serve.server_pid();
    serve.wait_for("ready after");

    // The settings arrived: the window of a slot, a second slot, metrics, the model's name.
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let url = format!("http://127.0.0.1:{port}");
    let props: Value =
        client.get(format!("{url}/props")).send().await.unwrap().json().await.unwrap();
    assert_eq!(props["default_generation_settings"]["n_ctx"], 8_192);
    assert_eq!(props["total_slots"], 2);
    assert_eq!(props["endpoint_metrics"], true);
    assert_eq!(props["endpoint_slots"], true);
    assert_eq!(props["model_alias"], model.file_stem().unwrap().to_str().unwrap());

    let killed = Instant::now();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    serve.wait_for("started again");
    let second = serve.server_pid();
    serve.wait_for("ready after");
    println!("healthy {:?} after the kill", killed.elapsed());
    let health = client.get(format!("{url}/health")).send().await.unwrap();
    assert!(health.status().is_success());

    serve.signal(Signal::SIGINT);
    assert!(serve.child.wait().unwrap().success());
    assert!(kill(Pid::from_raw(second), None).is_err(), "the server lives on");
}

#[test]
fn a_cockpit_starts_its_own_llama_cpp_and_ends_it() {
    let (Some(claude), Some(_)) = (Real::claude("2.1.330"), Real::bwrap()) else { return };
    let tools = Project::new();
    let Some((program, model)) = llama_server(tools.path()) else { return };
    let port = free_port();
    let project = Project::with_git();
    let config = format!(
        "[serve]\nauto = true\nprogram = \"{}\"\nmodel = \"{}\"\nport = {port}\n",
        program.display(),
        model.display()
    );
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &claude).config(&config);
    let started = Instant::now();
    let mut outer = lcc.start();
    outer.wait_for("❯", START);
    println!("prompt box after {:?}, the model's load included", started.elapsed());
    let figures = lcc.figures().expect("the session answers");
    assert_eq!(figures.window.size, Some(32_768));
    assert_eq!(figures.server.url, Some(format!("http://127.0.0.1:{port}")));
    assert!(outer.leave(START).success());
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "the server outlived its session");
}

#[test]
fn a_cockpit_whose_server_dies_says_why_and_practises() {
    let (Some(claude), Some(_)) = (Real::claude("2.1.330"), Real::bwrap()) else { return };
    let project = Project::with_git();
    let program =
        project.write("llama-server", "#!/bin/sh\necho 'error: invalid argument: -x'\nexit 1\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let model = project.write("m.gguf", "GGUF");
    let config = format!(
        "[serve]\nauto = true\nprogram = \"{}\"\nmodel = \"{}\"\nport = {}\n",
        program.display(),
        model.display(),
        free_port()
    );
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &claude).config(&config);
    let mut outer = lcc.start();
    outer.wait_for("not started again", START);
    outer.wait_for("❯", START);
    assert!(lcc.figures().is_some());
    assert!(outer.leave(START).success());
}
