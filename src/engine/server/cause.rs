//! Why a server most likely died, read from its exit and the end of its log.

use std::fmt;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
        }
    }
}

/// The likely cause, and with it the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Something else listens on its port.
    PortTaken(u16),
    /// The model file is not there, or is none.
    ModelUnreadable,
    /// The memory did not suffice.
    OutOfMemory,
    /// An option that this build does not know, or a value it does not take.
    UnknownOption(String),
    /// The server is up and cannot load its model: its own words.
    NoModel(String),
    /// The program cannot be run at all.
    NotStartable(String),
    /// It ran and answered nothing for so many seconds, and was killed for it.
    Hung(u64),
    /// The log does not tell.
    Unknown,
}

impl Cause {
    /// Whether another start would fail in the same way.
    #[must_use]
    pub const fn is_hopeless(&self) -> bool {
        match self {
            Self::ModelUnreadable
            | Self::UnknownOption(_)
            | Self::NoModel(_)
            | Self::NotStartable(_) => true,
            Self::PortTaken(_) | Self::OutOfMemory | Self::Hung(_) | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken(port) => write!(
                f,
                "port {port} is taken by another program. End that one, or take another port \
                 with --port"
            ),
            Self::ModelUnreadable => f.write_str(
                "the model file is missing, cut short or of a kind this build does not know. \
                 Check the path, fetch the file anew, or update the server",
            ),
            Self::OutOfMemory => f.write_str(
                "most likely the memory did not suffice. Take a smaller --window, --kv-type q8_0 or a \
                 smaller model, or end other programs",
            ),
            Self::UnknownOption(line) => {
                write!(f, "this build does not take an option ({line}). Leave it out, or update")
            }
            Self::NoModel(words) => write!(
                f,
                "it cannot load its model ({words}). lcc downloads no model: see `ollama list` \
                 for those that are here"
            ),
            Self::NotStartable(why) => {
                write!(f, "the program cannot be started: {why}. Name another with --program")
            }
            Self::Hung(seconds) => {
                write!(f, "it ran, but answered nothing for {seconds} s; lcc killed it")
            }
            Self::Unknown => f.write_str("the log does not tell why"),
        }
    }
}

/// Words of llama.cpp's, Ollama's and the system's messages, in small letters.
const PORT: [&str; 4] =
    ["couldn't bind", "address already in use", "address in use", "failed to bind"];
const MEMORY: [&str; 9] = [
    "out of memory",
    "unable to allocate",
    "failed to allocate",
    "cannot allocate memory",
    "bad_alloc",
    "erroroutofdevicememory",
    "insufficient memory",
    "memoryerror",
    "model requires more system memory",
];
const OPTION: [&str; 5] = [
    "invalid argument",
    "unknown argument",
    "unrecognized argument",
    "error while handling argument",
    "expected value for argument",
];
const MODEL: [&str; 7] = [
    "failed to load model",
    "error loading model",
    "failed to open gguf",
    "gguf_init_from_file",
    "invalid magic",
    "no such file or directory",
    "exiting due to model loading error",
];

/// The cause as the last lines of the log have it; `port` is the server's own.
#[must_use]
pub fn likely(exit: Exit, log: &[String], port: u16) -> Cause {
    let says = |words: &[&str]| {
        log.iter().rev().find(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })
    };
    if says(&PORT).is_some() {
        return Cause::PortTaken(port);
    }
    // Before the model: a model that does not fit "failed to load" as well.
    if says(&MEMORY).is_some() {
        return Cause::OutOfMemory;
    }
    if let Some(line) = says(&OPTION) {
        return Cause::UnknownOption(line.trim().to_owned());
    }
    if says(&MODEL).is_some() {
        return Cause::ModelUnreadable;
    }
    match exit {
        Exit::Signal(9) if still_loading(log) => Cause::OutOfMemory,
        Exit::Signal(_) | Exit::Code(_) => Cause::Unknown,
    }
}

/// While it still loads, a kill is the system's answer to a model that does not fit.
fn still_loading(log: &[String]) -> bool {
    let ready = |line: &String| line.contains("listening") || line.contains("all slots are idle");
    !log.is_empty() && !log.iter().any(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_from_the_log() {
        for (exit, log, expected) in [
            (
                Exit::Code(1),
                "srv  start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080",
                Cause::PortTaken(8080),
            ),
            (
                Exit::Code(1),
                "Error: listen tcp 127.0.0.1:11434: bind: address already in use",
                Cause::PortTaken(8080),
            ),
            (
                Exit::Code(1),
                "srv load_model: failed to load model, '/m.gguf'\nexiting due to model loading error",
                Cause::ModelUnreadable,
            ),
            (
                Exit::Code(1),
                "ggml_metal: error: failed to allocate buffer\nsrv: failed to load model, '/m.gguf'",
                Cause::OutOfMemory,
            ),
            (Exit::Signal(6), "terminate: std::bad_alloc", Cause::OutOfMemory),
            (
                Exit::Code(1),
                "error: invalid argument: --kv-unified",
                Cause::UnknownOption("error: invalid argument: --kv-unified".to_owned()),
            ),
            (Exit::Signal(9), "load_tensors: loading", Cause::OutOfMemory),
            (Exit::Signal(9), "server is listening on x", Cause::Unknown),
            (Exit::Signal(11), "load_tensors: loading", Cause::Unknown),
            (Exit::Code(0), "", Cause::Unknown),
        ] {
            let lines: Vec<String> = log.lines().map(str::to_owned).collect();
            assert_eq!(likely(exit, &lines, 8080), expected, "{log}");
        }
    }

    #[test]
    fn only_what_time_may_mend_is_tried_again() {
        for (cause, hopeless) in [
            (Cause::PortTaken(1), false),
            (Cause::OutOfMemory, false),
            (Cause::Unknown, false),
            (Cause::ModelUnreadable, true),
            (Cause::UnknownOption(String::new()), true),
            (Cause::NotStartable(String::new()), true),
        ] {
            assert_eq!(cause.is_hopeless(), hopeless, "{cause:?}");
            assert!(!cause.to_string().is_empty());
        }
    }
}
