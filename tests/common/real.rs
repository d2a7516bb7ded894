//! The real parts that `tests/run` sets up: Claude Code, llama.cpp's server, a model.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Where the real parts are. Each is `None` when it is missing, said aloud; with
/// `LCC_TEST_REAL=1` a missing part fails the test instead.
pub struct Real;

impl Real {
    /// The program of a Claude Code version, e.g. `2.1.197`.
    pub fn claude(version: &str) -> Option<PathBuf> {
        let variable = format!("LCC_REAL_CLAUDE_{}", version.replace('.', "_"));
        let usual = format!(".real/claude-{version}/node_modules/.bin/claude");
        find(&variable, &usual, &format!("Claude Code {version}"))
    }

    /// The Python that has `xllamacpp`.
    pub fn python() -> Option<PathBuf> {
        find("LCC_REAL_PYTHON", ".real/venv/bin/python", "Python with xllamacpp")
    }

    /// The small model.
    pub fn model() -> Option<PathBuf> {
        find("LCC_REAL_MODEL", ".real/gemma-3-270m.gguf", "the Gemma 3 270M model")
    }

    /// bubblewrap.
    pub fn bwrap() -> Option<PathBuf> {
        on_path("bwrap").or_else(|| missing("bubblewrap"))
    }

    /// tmux.
    pub fn tmux() -> Option<PathBuf> {
        on_path("tmux").or_else(|| missing("tmux"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn find(variable: &str, usual: &str, name: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map_or_else(|| root().join(usual), PathBuf::from);
    if path.exists() { Some(path) } else { missing(name) }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

fn missing(name: &str) -> Option<PathBuf> {
    let binary = env::current_exe().ok();
    let binary = binary.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    let binary = binary.and_then(|stem| stem.rsplit_once('-')).map_or("test", |(name, _)| name);
    let current = thread::current();
    let test = current.name().unwrap_or("test").to_owned();
    let message = format!("{binary}::{test}: needs {name}; run tests/run");
    assert!(env::var_os("LCC_TEST_REAL").is_none_or(|v| v != "1"), "{message}");
    // Past the capture of the test harness: a skipped test must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED {message}");
    None
}

/// llama.cpp's HTTP server with the small model, 32,768 tokens and one slot, unless told
/// otherwise. Ends when dropped, and with the test however that ends.
pub struct RealServer {
    child: Child,
    /// Open for as long as the server shall live.
    _stdin: ChildStdin,
    url: String,
}

impl RealServer {
    /// Starts it on a free port and waits until it is healthy; `None` when a part is missing.
    pub fn start(extra: &[&str]) -> Option<Self> {
        let (python, model) = (Real::python()?, Real::model()?);
        let mut child = Command::new(python)
            .arg(root().join("tests/real/llama_server.py"))
            .arg("--model")
            .arg(model)
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let stdin = child.stdin.take().expect("its stdin");
        let stdout = child.stdout.take().expect("its stdout");
        let (lines, ready) = mpsc::channel();
        thread::spawn(move || {
            // The first line is awaited; the rest is drained, so that nothing blocks.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let mut server = Self { child, _stdin: stdin, url: String::new() };
        let line = ready.recv_timeout(Duration::from_secs(120));
        let line = line.expect("llama_server.py says that it is ready within two minutes");
        server.url = line.strip_prefix("ready ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Some(server)
    }

    /// Its base URL, e.g. `http://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
