//! Finding out what a plan needs: the program, its options, the model file, the memory.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::domain::ServeKind;

use super::{
    options::Options,
    plan::{Facts, Wish},
};

/// For a program to print its help; a llamafile unpacks itself before it does.
const HELP: Duration = Duration::from_secs(10);
/// The figures of a GGUF file stand before its words; so much is looked through.
const HEAD: u64 = 1 << 20;

/// What a plan needs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The program is on no path.
    #[error("{name} is not on PATH. Install it, or name the program with --program PATH")]
    NoProgram {
        /// The name that was looked for.
        name: &'static str,
    },
    /// The named program is none.
    #[error("{}: {why}. Name another program with --program", path.display())]
    NotAProgram {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The model is not a file that can be served.
    #[error("model {}: {why}. lcc downloads no model: name a GGUF file that is here", path.display())]
    Model {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A folder of lcc's own cannot be made.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Places {
    /// Relative paths begin here.
    pub here: PathBuf,
    /// The value of `PATH`.
    pub path: Option<std::ffi::OsString>,
    /// lcc's state folder.
    pub state: PathBuf,
}

impl Places {
    /// The server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("server.log")
    }
}

/// Finds out what a plan for `wish` needs. Runs the program once, for its help.
///
/// # Errors
/// [`GatherError`] when program or model are not there.
pub async fn gather(wish: &Wish, places: &Places) -> Result<Facts, GatherError> {
    let kind = wish.kind();
    let program = program(wish, kind, places)?;
    let slots_dir = places.state.join("slots");
    // Saved slots hold what was said in them.
    crate::engine::warm::private_dir(&slots_dir)
        .map_err(|source| GatherError::Folder { path: slots_dir.clone(), source })?;
    let (model_file, slides) = match kind {
        ServeKind::Ollama => (None, false),
        ServeKind::LlamaServer | ServeKind::Llamafile => match &wish.model {
            Some(model) if places.here.join(model) != program => {
                let file = places.here.join(model);
                let slides = look_at_model(&file)?;
                (Some(file), slides)
            }
            Some(_) | None => (None, false),
        },
    };
    let needs_shell = kind == ServeKind::Llamafile && begins_with(&program, b"MZ");
    let options = match kind {
        ServeKind::Ollama => Options::UNREAD,
        ServeKind::LlamaServer | ServeKind::Llamafile => read_help(&program, needs_shell).await,
    };
    let system = sysinfo::System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::everything()),
    );
    let memory = system.ok().map(|s| s.total_memory()).filter(|bytes| *bytes > 0);
    Ok(Facts { program, needs_shell, options, model_file, slides, memory, slots_dir })
}

fn program(wish: &Wish, kind: ServeKind, places: &Places) -> Result<PathBuf, GatherError> {
    let named = match (&wish.program, &wish.model) {
        (Some(program), _) => Some(places.here.join(program)),
        // A llamafile with its model inside is both.
        (None, Some(model)) if kind == ServeKind::Llamafile && model.ends_with(".llamafile") => {
            Some(places.here.join(model))
        }
        (None, _) => None,
    };
    if let Some(path) = named {
        return match executable(&path) {
            Ok(true) => Ok(path),
            Ok(false) => Err(not_a_program(path, "it is not an executable file".to_owned())),
            Err(e) => Err(not_a_program(path, e.to_string())),
        };
    }
    places
        .path
        .as_deref()
        .and_then(|path| on_path(path, OsStr::new(kind.name())))
        .ok_or(GatherError::NoProgram { name: kind.name() })
}

const fn not_a_program(path: PathBuf, why: String) -> GatherError {
    GatherError::NotAProgram { path, why }
}

fn executable(path: &Path) -> io::Result<bool> {
    let meta = fs::metadata(path)?;
    Ok(meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn on_path(path: &OsStr, name: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| executable(file).unwrap_or(false))
}

fn begins_with(path: &Path, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == magic
}

/// Checks that `file` is a GGUF file; whether its model has sliding windows.
fn look_at_model(file: &Path) -> Result<bool, GatherError> {
    let wrong = |why: String| GatherError::Model { path: file.to_owned(), why };
    let mut head = Vec::new();
    File::open(file)
        .and_then(|f| f.take(HEAD).read_to_end(&mut head))
        .map_err(|e| wrong(e.to_string()))?;
    if !head.starts_with(b"GGUF") {
        return Err(wrong("it is not a GGUF file".to_owned()));
    }
    let key = b".attention.sliding_window";
    Ok(head.windows(key.len()).any(|part| part == key))
}

async fn read_help(program: &Path, needs_shell: bool) -> Options {
    let mut command = if needs_shell {
        let mut shell = tokio::process::Command::new("/bin/sh");
        shell.arg(program).arg("--server");
        shell
    } else {
        tokio::process::Command::new(program)
    };
    command.arg("--help").stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(HELP, command.output()).await;
    let Ok(Ok(output)) = output else { return Options::UNREAD };
    if !output.status.success() {
        return Options::UNREAD;
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Options::read(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn places(dir: &Path) -> Places {
        Places {
            here: dir.to_owned(),
            path: Some(dir.as_os_str().to_owned()),
            state: dir.join("state"),
        }
    }

    #[tokio::test]
    async fn program_options_and_model_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let help = "#!/bin/sh\nprintf -- '-c, --ctx-size N   size\\n--jinja      templates\\n'\n";
        let program = script(dir.path(), "llama-server", help);
        fs::write(dir.path().join("m.gguf"), b"GGUF..gemma3.attention.sliding_window..").unwrap();
        let wish = Wish { model: Some("m.gguf".into()), ..Wish::default() };
        let facts = gather(&wish, &places(dir.path())).await.unwrap();
        assert_eq!(facts.program, program);
        assert!(facts.options.were_read() && facts.options.is_bare("--jinja"));
        assert!(facts.slides && !facts.needs_shell && facts.slots_dir.is_dir());
        assert_eq!(facts.model_file, Some(dir.path().join("m.gguf")));
    }

    #[tokio::test]
    async fn each_missing_part_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("text.gguf"), "hello").unwrap();
        fs::write(dir.path().join("plain"), "hello").unwrap();
        let ok = script(dir.path(), "ok", "#!/bin/sh\n");
        let wish = |program: Option<&Path>, model: &str| Wish {
            kind: Some(ServeKind::LlamaServer),
            program: program.map(Path::to_owned),
            model: Some(model.into()),
            ..Wish::default()
        };
        for (wish, word) in [
            (wish(None, "text.gguf"), "not on PATH"),
            (wish(Some(Path::new("plain")), "text.gguf"), "not an executable"),
            (wish(Some(Path::new("nowhere")), "text.gguf"), "No such file"),
            (wish(Some(&ok), "text.gguf"), "not a GGUF file"),
            (wish(Some(&ok), "org/model-from-afar"), "downloads no model"),
        ] {
            let e = gather(&wish, &places(dir.path())).await.unwrap_err().to_string();
            assert!(e.contains(word), "{e}");
        }
    }
}
