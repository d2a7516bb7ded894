//! The llama.cpp server that Ollama starts for a GGUF model: which port it listens on.

use std::ffi::OsString;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Looks through this machine's processes. Reads much, so it belongs on a blocking thread and is
/// done rarely. `None` where there is none, or where this user may not see it.
pub(super) fn port() -> Option<u16> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).without_tasks(),
    );
    system.processes().values().find_map(|process| {
        let parent = system.process(process.parent()?)?;
        let of_ollama = parent.name().to_str()?.starts_with("ollama");
        of_ollama.then(|| port_of(process.cmd())).flatten()
    })
}

/// The port in the arguments of a llama.cpp server.
fn port_of(arguments: &[OsString]) -> Option<u16> {
    let mut words = arguments.iter().filter_map(|word| word.to_str());
    let program = words.next()?.rsplit(['/', '\\']).next()?;
    if !program.starts_with("llama-server") {
        return None;
    }
    words.find(|word| *word == "--port")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_stands_in_the_arguments() {
        let port =
            |line: &str| port_of(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        let full = "/usr/lib/ollama/llama-server --model /b/sha256-1 --port 41234 --host 127.0.0.1";
        assert_eq!(port(full), Some(41_234));
        for other in ["ollama serve --port 1", "llama-server --port", "llama-server -c 9", ""] {
            assert_eq!(port(other), None, "{other}");
        }
    }
}
