//! From a wish and the facts of the machine to a program, its arguments and its environment.

use std::path::{Path, PathBuf};

use crate::domain::{KvType, ServeKind};

use super::{options::Options, refused};

/// Tokens of a window when nobody names one.
pub const USUAL_WINDOW: u64 = 32_768;
/// Cells that the second slot adds: a title request with its answer needs about a thousand.
const SIDE_SLOT: u64 = 4_096;
/// llama.cpp's own limit of the prompt cache in memory, in MiB.
const CACHE_RAM: u64 = 8_192;
/// The prompt cache takes no more than this share of the machine's memory.
const CACHE_SHARE: u64 = 8;

/// What the user wants served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The kind; told from program and model when `None`.
    pub kind: Option<ServeKind>,
    /// The program; looked for on `PATH` when `None`.
    pub program: Option<PathBuf>,
    /// A GGUF file, or the name of one of Ollama's models.
    pub model: Option<String>,
    /// The name that requests carry; the file's own name when `None`.
    pub alias: Option<String>,
    /// Tokens of the window.
    pub window: u64,
    /// The port on 127.0.0.1; the program's own default when `None`.
    pub port: Option<u16>,
    /// How the KV cache is stored.
    pub kv_type: KvType,
    /// MiB of memory for the prompt cache; by the machine's memory when `None`.
    pub cache_ram: Option<u64>,
    /// Whether a model with sliding windows keeps its whole cache.
    pub swa_full: bool,
    /// More arguments for the program, as they are.
    pub extra: Vec<String>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            kind: None,
            program: None,
            model: None,
            alias: None,
            window: USUAL_WINDOW,
            port: None,
            kv_type: KvType::F16,
            cache_ram: None,
            swa_full: true,
            extra: Vec::new(),
        }
    }
}

impl Wish {
    /// The kind that was named, or the one that program and model point to.
    #[must_use]
    pub fn kind(&self) -> ServeKind {
        let program =
            self.program.as_deref().and_then(Path::file_name).map(|n| n.to_string_lossy());
        let program = program.as_deref().unwrap_or_default();
        let model = self.model.as_deref().unwrap_or_default();
        match self.kind {
            Some(kind) => kind,
            None if program.contains("llamafile") || model.ends_with(".llamafile") => {
                ServeKind::Llamafile
            }
            None if program.contains("ollama") => ServeKind::Ollama,
            None if !program.is_empty() || model.is_empty() || model.ends_with(".gguf") => {
                ServeKind::LlamaServer
            }
            None if model.starts_with(['/', '.', '~']) => ServeKind::LlamaServer,
            None => ServeKind::Ollama,
        }
    }
}

/// What was found out before planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The program, found.
    pub program: PathBuf,
    /// Whether the kernel may refuse the program, so that a shell must start it (a llamafile).
    pub needs_shell: bool,
    /// The options of this build.
    pub options: Options,
    /// The model file with all of its path; `None` for Ollama or a llamafile with its own.
    pub model_file: Option<PathBuf>,
    /// Whether the model has layers with a sliding window.
    pub slides: bool,
    /// Bytes of memory of the machine; `None` where it is not told.
    pub memory: Option<u64>,
    /// Folder for saved slots, which exists.
    pub slots_dir: PathBuf,
}

/// How it is told that the server is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `GET /health`: 503 while it loads, then 200.
    Health,
    /// `GET /api/version`, then this model is loaded with `POST /api/generate`; `None`: it has to
    /// be named later.
    Ollama(Option<String>),
}

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The kind.
    pub kind: ServeKind,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables that are set for it.
    pub env: Vec<(&'static str, String)>,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// How readiness is told.
    pub probe: Probe,
    /// What was left out or could not be done, a sentence each.
    pub notes: Vec<String>,
}

impl Plan {
    /// The base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A wish that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No model for a server that needs one.
    #[error(
        "no model to serve: name a GGUF file with --model FILE, or set serve.model in the \
         configuration"
    )]
    NoModel,
    /// An argument that would make the server download or be reached from outside.
    #[error("{option} is refused: {why}")]
    Refused {
        /// The argument.
        option: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
}

/// Plans the start.
///
/// # Errors
/// [`PlanError`] when there is no model, or an extra argument is one that lcc does not pass on.
pub fn plan(wish: &Wish, facts: &Facts) -> Result<Plan, PlanError> {
    if let Some((option, why)) = refused::first(&wish.extra) {
        return Err(PlanError::Refused { option, why });
    }
    let kind = wish.kind();
    let port = wish.port.unwrap_or_else(|| kind.port());
    match kind {
        ServeKind::LlamaServer if facts.model_file.is_none() => Err(PlanError::NoModel),
        ServeKind::LlamaServer | ServeKind::Llamafile => Ok(llama(wish, facts, kind, port)),
        ServeKind::Ollama => Ok(ollama(wish, facts, port)),
    }
}

/// Arguments in the making; what the build does not know is noted instead.
struct Arguments<'a> {
    options: &'a Options,
    args: Vec<String>,
    missing: Vec<String>,
}

impl Arguments<'_> {
    /// Adds an option under the first of its names that the build knows; whether it did.
    fn add(&mut self, names: &[&str], value: Option<&str>) -> bool {
        let Some(name) = names.iter().find(|name| self.options.has(name)) else {
            self.missing.extend(names.last().map(|name| (*name).to_owned()));
            return false;
        };
        self.args.push((*name).to_owned());
        // Before it took a value the option alone meant "on".
        if let Some(value) = value.filter(|_| !self.options.is_bare(name)) {
            self.args.push(value.to_owned());
        }
        true
    }
}

fn llama(wish: &Wish, facts: &Facts, kind: ServeKind, port: u16) -> Plan {
    let mut a = Arguments { options: &facts.options, args: Vec::new(), missing: Vec::new() };
    let mut notes = Vec::new();
    if kind == ServeKind::Llamafile {
        a.args.push("--server".to_owned());
        if facts.options.were_read() && facts.options.has("--nobrowser") {
            a.args.push("--nobrowser".to_owned());
        }
    }
    if let Some(file) = &facts.model_file {
        a.add(&["-m"], Some(&file.to_string_lossy()));
    }
    if facts.options.has("--offline") {
        a.add(&["--offline"], None);
    }
    a.add(&["--host"], Some("127.0.0.1"));
    a.add(&["--port"], Some(&port.to_string()));
    let side = facts.options.were_read()
        && facts.options.has("--kv-unified-per-slot")
        && facts.options.has("--kv-unified");
    if side {
        a.add(&["-c"], Some(&(wish.window + SIDE_SLOT).to_string()));
        a.add(&["-np"], Some("2"));
        a.add(&["--kv-unified"], None);
        a.add(&["--kv-unified-per-slot"], Some(&wish.window.to_string()));
    } else {
        a.add(&["-c"], Some(&wish.window.to_string()));
        a.add(&["-np"], Some("1"));
        notes.push(
            "one slot: this build cannot give side requests a small slot of their own \
             (--kv-unified-per-slot)"
                .to_owned(),
        );
    }
    a.add(&["-b"], Some("1024"));
    a.add(&["-fa", "--flash-attn"], Some("on"));
    if wish.kv_type != KvType::F16 {
        a.add(&["-ctk", "--cache-type-k"], Some(wish.kv_type.name()));
        a.add(&["-ctv", "--cache-type-v"], Some(wish.kv_type.name()));
    }
    a.add(&["--cache-ram"], Some(&cache_ram(wish, facts).to_string()));
    if facts.slides && wish.swa_full {
        a.add(&["--swa-full"], None);
    }
    a.add(&["--jinja"], None);
    a.add(&["--metrics"], None);
    a.add(&["--slots"], None);
    a.add(&["--slot-save-path"], Some(&facts.slots_dir.to_string_lossy()));
    if let Some(alias) = alias(wish, facts) {
        a.add(&["-a", "--alias"], Some(&alias));
    }
    if !a.missing.is_empty() {
        notes.push(format!(
            "left out, this build does not know: {}. A newer {} does",
            a.missing.join(" "),
            kind.name()
        ));
    }
    if !facts.options.were_read() {
        notes.push(format!(
            "{} --help could not be read: all options are passed as a new build takes them",
            facts.program.display()
        ));
    }
    let mut args = a.args;
    args.extend(wish.extra.iter().cloned());
    let (program, args) = in_shell(facts, args);
    Plan { kind, program, args, env: Vec::new(), port, probe: Probe::Health, notes }
}

/// A llamafile is a shell script to kernels that do not know its format.
fn in_shell(facts: &Facts, args: Vec<String>) -> (PathBuf, Vec<String>) {
    if !facts.needs_shell {
        return (facts.program.clone(), args);
    }
    let mut all = vec![facts.program.to_string_lossy().into_owned()];
    all.extend(args);
    (PathBuf::from("/bin/sh"), all)
}

fn cache_ram(wish: &Wish, facts: &Facts) -> u64 {
    let share = facts.memory.map_or(CACHE_RAM, |bytes| bytes / CACHE_SHARE / (1 << 20));
    wish.cache_ram.unwrap_or_else(|| share.min(CACHE_RAM))
}

fn alias(wish: &Wish, facts: &Facts) -> Option<String> {
    let stem = || {
        let file = facts.model_file.as_deref().and_then(Path::file_stem)?;
        Some(file.to_string_lossy().into_owned())
    };
    // A comma would make two names of it.
    wish.alias.clone().or_else(stem).map(|name| name.replace(',', "-"))
}

fn ollama(wish: &Wish, facts: &Facts, port: u16) -> Plan {
    let mut notes = Vec::new();
    let model = wish.model.clone().or_else(|| wish.alias.clone());
    if model.is_none() {
        notes.push("no model named: the first request loads one, and waits for it".to_owned());
    }
    let mut env = vec![
        ("OLLAMA_HOST", format!("127.0.0.1:{port}")),
        ("OLLAMA_CONTEXT_LENGTH", wish.window.to_string()),
        ("OLLAMA_FLASH_ATTENTION", "1".to_owned()),
        ("OLLAMA_KEEP_ALIVE", "-1".to_owned()),
        ("OLLAMA_NO_CLOUD", "1".to_owned()),
        ("OLLAMA_NUM_PARALLEL", "1".to_owned()),
        // Reaches the llama-server that Ollama starts for GGUF models.
        ("LLAMA_ARG_CACHE_RAM", cache_ram(wish, facts).to_string()),
    ];
    if wish.kv_type != KvType::F16 {
        env.push(("OLLAMA_KV_CACHE_TYPE", wish.kv_type.name().to_owned()));
    }
    let mut args = vec!["serve".to_owned()];
    args.extend(wish.extra.iter().cloned());
    let program = facts.program.clone();
    Plan { kind: ServeKind::Ollama, program, args, env, port, probe: Probe::Ollama(model), notes }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
