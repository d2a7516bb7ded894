//! The table of every setting: its name, its type, where it can be set, what it means.

#[path = "schema_access.rs"]
mod access;
#[path = "schema_attention.rs"]
mod attention;
#[path = "schema_bodies.rs"]
mod bodies;
#[path = "schema_clipboard.rs"]
mod clipboard;
#[path = "schema_limits.rs"]
mod limits;
#[path = "schema_panes.rs"]
mod panes;
#[path = "schema_patience.rs"]
mod patience;
#[path = "schema_prefix.rs"]
mod prefix;
#[path = "schema_recheck.rs"]
mod recheck;
#[path = "schema_sandbox.rs"]
mod sandbox;
#[path = "schema_serve.rs"]
mod serve;
#[path = "schema_warm.rs"]
mod warm;

use crate::domain::PrefixRule;
#[path = "schema_side.rs"]
mod side;

/// One setting. The order is the order of `lcc config show` and of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// URL of the model server.
    Server,
    /// Whether a server that is not on this machine may be used.
    AllowRemote,
    /// Path of the server's log.
    ServerLog,
    /// Model name sent to the server.
    Model,
    /// Size of the context window in tokens.
    Window,
    /// Tokens kept free for an answer.
    OutputReserve,
    /// Who acts when the window runs out.
    Policy,
    /// The API in which the server is asked.
    Dialect,
    /// Whether the model may think.
    Thinking,
    /// Tokens of unwanted thinking after which a request is stopped.
    ThinkingLimit,
    /// What is done with requests beside the conversation.
    SideRequests,
    /// Seconds of silence after which the client gets a ping.
    PingSeconds,
    /// File that the bodies of requests are written into.
    LogBodies,
    /// How much of Claude Code's own equipment is loaded.
    Profile,
    /// Tier of the sandbox.
    Sandbox,
    /// Folders that the sandboxed program may read or write besides the project.
    AddDirs,
    /// Variables that pass into the sandbox.
    PassEnv,
    /// Minutes between two looks at the running sandbox.
    RecheckMinutes,
    /// Path of the Claude Code program.
    Claude,
    /// Name of the theme.
    Theme,
    /// The leader key.
    Leader,
    /// Whether the panes are shown at the start.
    Panes,
    /// Who may write the clipboard.
    Clipboard,
    /// Lines kept above the pane.
    Scrollback,
    /// Seconds from which on a turn is long.
    AttentionAfter,
    /// Whether a call rings the bell.
    AttentionBell,
    /// How a call has the terminal notify.
    AttentionNotify,
    /// Whether the task bar shows progress.
    AttentionProgress,
    /// A program that is run at a call.
    AttentionCommand,
    /// Where a call is posted to.
    AttentionWebhook,
    /// Whether a screen reader reads along.
    ScreenReader,
    /// Authorities to trust.
    TlsCa,
    /// Client certificate.
    TlsCert,
    /// Its key.
    TlsKey,
    /// File with a bearer token.
    AuthBearerFile,
    /// File with an `x-api-key`.
    AuthKeyFile,
    /// Program that prints the credential.
    AuthCommand,
    /// Header for what that program prints.
    AuthHeader,
    /// Reading rate of the practice server in tokens per second.
    PracticeReadRate,
    /// Writing rate of the practice server in tokens per second.
    PracticeWriteRate,
    /// Whether the cockpit starts a model server itself.
    ServeAuto,
    /// Whether that server goes on when the session ends.
    ServeKeep,
    /// Kind of the server that `lcc serve` starts.
    ServeKind,
    /// Its program.
    ServeProgram,
    /// Its model.
    ServeModel,
    /// Its port.
    ServePort,
    /// How its KV cache is stored.
    ServeKvType,
    /// Memory for its prompt cache.
    ServeCacheRam,
    /// Whether a model with sliding windows keeps its whole cache.
    ServeSwaFull,
    /// Whether the server reads the start of a prompt ahead.
    WarmStart,
    /// Disk for saved slots.
    SnapshotsLimit,
    /// Seconds between two saves.
    SnapshotsEvery,
    /// Memory that the sandboxed programs may take.
    LimitsMemory,
    /// Processes they may have.
    LimitsProcesses,
    /// Disk that must stay free.
    LimitsDiskFree,
    /// Whether a rule for the start of every prompt is in force.
    PrefixCare(PrefixRule),
}

/// What is known about one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The TOML table it lives in; `None` for the top of the file.
    pub table: Option<&'static str>,
    /// The key inside the table.
    pub name: &'static str,
    /// The type, in the words of the reference.
    pub kind: &'static str,
    /// The default, as `lcc config show` prints it.
    pub default: &'static str,
    /// A valid line for the file.
    pub example: &'static str,
    /// The environment variable.
    pub env: &'static str,
    /// The flag, where the command line has one.
    pub flag: Option<&'static str>,
    /// What it does, one or two sentences.
    pub doc: &'static str,
}

impl Entry {
    /// The dotted name, e.g. `practice.read_rate`.
    #[must_use]
    pub fn path(&self) -> String {
        match self.table {
            Some(table) => format!("{table}.{}", self.name),
            None => self.name.to_owned(),
        }
    }
}

impl Key {
    /// Every setting.
    pub const ALL: [Self; 63] = [
        Self::Server,
        Self::AllowRemote,
        Self::ServerLog,
        Self::Model,
        Self::Window,
        Self::OutputReserve,
        Self::Policy,
        Self::Dialect,
        Self::Thinking,
        Self::ThinkingLimit,
        Self::PingSeconds,
        Self::LogBodies,
        Self::SideRequests,
        Self::Profile,
        Self::Sandbox,
        Self::RecheckMinutes,
        Self::Claude,
        Self::Theme,
        Self::Leader,
        Self::Panes,
        Self::Clipboard,
        Self::Scrollback,
        Self::AttentionAfter,
        Self::AttentionBell,
        Self::AttentionNotify,
        Self::AttentionProgress,
        Self::AttentionCommand,
        Self::AttentionWebhook,
        Self::ScreenReader,
        Self::TlsCa,
        Self::TlsCert,
        Self::TlsKey,
        Self::AuthBearerFile,
        Self::AuthKeyFile,
        Self::AuthCommand,
        Self::AuthHeader,
        Self::AddDirs,
        Self::PassEnv,
        Self::PracticeReadRate,
        Self::PracticeWriteRate,
        Self::ServeAuto,
        Self::ServeKeep,
        Self::ServeKind,
        Self::ServeProgram,
        Self::ServeModel,
        Self::ServePort,
        Self::ServeKvType,
        Self::ServeCacheRam,
        Self::ServeSwaFull,
        Self::WarmStart,
        Self::SnapshotsLimit,
        Self::SnapshotsEvery,
        Self::LimitsMemory,
        Self::LimitsProcesses,
        Self::LimitsDiskFree,
        Self::PrefixCare(PrefixRule::Attribution),
        Self::PrefixCare(PrefixRule::GitStatus),
        Self::PrefixCare(PrefixRule::Dates),
        Self::PrefixCare(PrefixRule::SessionPaths),
        Self::PrefixCare(PrefixRule::Environment),
        Self::PrefixCare(PrefixRule::SystemMessages),
        Self::PrefixCare(PrefixRule::CacheMarks),
        Self::PrefixCare(PrefixRule::ToolOrder),
    ];

    /// The tables that a file may have.
    pub const TABLES: [&'static str; 9] = [
        "tls",
        "auth",
        "practice",
        "serve",
        "snapshots",
        "limits",
        "prefix_care",
        "sandbox",
        "attention",
    ];

    /// The setting with this name in this table.
    #[must_use]
    pub fn find(table: Option<&str>, name: &str) -> Option<Self> {
        // A file with a table `[sandbox]` cannot have a line `sandbox = …`, too.
        if (table, name) == (Some("sandbox"), "tier") {
            return Some(Self::Sandbox);
        }
        Self::ALL.into_iter().find(|key| {
            let entry = key.entry();
            entry.table == table && entry.name == name
        })
    }

    /// Whether a wrong value may be a secret that was put in the wrong place: no message shows it.
    #[must_use]
    pub fn may_be_secret(self, text: &str) -> bool {
        let password_in_url = self == Self::Server && text.contains('@');
        password_in_url || self.entry().table == Some("auth")
    }

    /// What is known about the setting.
    #[must_use]
    pub const fn entry(self) -> Entry {
        match self {
            Self::Server => Entry {
                table: None,
                name: "server",
                kind: "URL",
                default: "(found by probing)",
                example: "server = \"http://127.0.0.1:8080\"",
                env: "LCC_SERVER",
                flag: Some("--server"),
                doc: "The model server. Without it the usual ports of this machine are asked, \
                      and where none answers the practice server starts.",
            },
            Self::AllowRemote => Entry {
                table: None,
                name: "allow_remote",
                kind: "true or false",
                default: "false",
                example: "allow_remote = true",
                env: "LCC_ALLOW_REMOTE",
                flag: Some("--allow-remote"),
                doc: "Lets `server` point to another machine. What Claude Code reads then \
                      leaves this one.",
            },
            Self::ServerLog => Entry {
                table: None,
                name: "server_log",
                kind: "path",
                default: "(where this kind of server writes it)",
                example: "server_log = \"/var/log/llama-server.log\"",
                env: "LCC_SERVER_LOG",
                flag: None,
                doc: "The server's log file, read for the progress of a prompt where the server \
                      tells none, and for what it drops or throws away. Ollama's and LM Studio's \
                      are found by themselves.",
            },
            Self::Model => Entry {
                table: None,
                name: "model",
                kind: "text",
                default: "(what the server serves)",
                example: "model = \"qwen3.6:35b-a3b\"",
                env: "LCC_MODEL",
                flag: Some("--model"),
                doc: "The model name sent to the server. Needed where a server has several.",
            },
            Self::Window => Entry {
                table: None,
                name: "window",
                kind: "whole number of tokens",
                default: "(what the server says)",
                example: "window = 32768",
                env: "LCC_WINDOW",
                flag: Some("--window"),
                doc: "The context window to plan with, 2,048 to 10,000,000 tokens. Set it where \
                      the server does not tell its own, or to use less of it.",
            },
            Self::OutputReserve => Entry {
                table: None,
                name: "output_reserve",
                kind: "whole number of tokens",
                default: "4096",
                example: "output_reserve = 4096",
                env: "LCC_OUTPUT_RESERVE",
                flag: None,
                doc: "Tokens of the window kept free for one answer; also the most that one \
                      answer may have. At least 256, and less than the window.",
            },
            Self::Policy => Entry {
                table: None,
                name: "policy",
                kind: "ask, auto or off",
                default: "ask",
                example: "policy = \"auto\"",
                env: "LCC_POLICY",
                flag: Some("--policy"),
                doc: "Who acts when the window runs out. With `ask` lcc says two turns ahead what \
                      can be done and what each way costs. With `auto` it has Claude Code compact \
                      at the first idle moment when the next turn may not fit, and asks nothing. \
                      With `off` there are figures only.",
            },
            Self::Dialect => Entry {
                table: None,
                name: "dialect",
                kind: "auto, anthropic or openai",
                default: "auto",
                example: "dialect = \"openai\"",
                env: "LCC_DIALECT",
                flag: Some("--dialect"),
                doc: "The API in which the server is asked. With `auto` it is Anthropic's, \
                      which Claude Code speaks itself, and OpenAI's for servers that have no \
                      other; lcc then translates. On llama-server `openai` also streams the \
                      progress of every prompt; take it where `/slots` is off.",
            },
            Self::Thinking => Entry {
                table: None,
                name: "thinking",
                kind: "off or on",
                default: "off",
                example: "thinking = \"off\"",
                env: "LCC_THINKING",
                flag: None,
                doc: "With `off` every request tells the server not to think, whatever Claude \
                      Code sent, and thinking that comes all the same never enters the \
                      conversation, unless nothing opens it (FIGURES.md, Thinking). With `on` \
                      Claude Code's own fields go through.",
            },
            Self::ThinkingLimit => Entry {
                table: None,
                name: "thinking_limit",
                kind: "whole number of tokens",
                default: "2000",
                example: "thinking_limit = 2000",
                env: "LCC_THINKING_LIMIT",
                flag: None,
                doc: "With thinking off: a request that thinks for more tokens than this is \
                      ended and sent once more, and so is one whose answer, given in one piece, \
                      is nothing but thinking. 0 does neither.",
            },
            Self::SideRequests => side::REQUESTS,
            Self::PingSeconds => patience::PING_SECONDS,
            Self::Profile => Entry {
                table: None,
                name: "profile",
                kind: "lean, standard, full or one of your own",
                default: "lean",
                example: "profile = \"lean\"",
                env: "LCC_PROFILE",
                flag: Some("--profile"),
                doc: "How much of Claude Code's own equipment is loaded into the window: six \
                      core tools, all that needs no network, or everything. Without this setting \
                      a window under 64K gets lean, a larger one standard. A profile of your \
                      own is a table [profiles.NAME], described in docs/WINDOW.md.",
            },
            Self::RecheckMinutes => recheck::RECHECK_MINUTES,
            Self::Sandbox => Entry {
                table: None,
                name: "sandbox",
                kind: "strict, reduced or off",
                default: "strict",
                example: "sandbox = \"strict\"",
                env: "LCC_SANDBOX",
                flag: Some("--sandbox"),
                doc: "The sandbox around Claude Code; in a file that has a table [sandbox] written \
                      `tier = \"strict\"` there. With `off` Claude Code asks for every \
                      permission itself. lcc never weakens it by itself.",
            },
            Self::Claude => Entry {
                table: None,
                name: "claude",
                kind: "path",
                default: "(looked for)",
                example: "claude = \"/opt/claude/bin/claude\"",
                env: "LCC_CLAUDE",
                flag: None,
                doc: "The Claude Code program. Without it lcc looks in PATH, npm's global \
                      folder and its own data folder.",
            },
            Self::Theme => Entry {
                table: None,
                name: "theme",
                kind: "name of a theme",
                default: "dark",
                example: "theme = \"dark\"",
                env: "LCC_THEME",
                flag: Some("--theme"),
                doc: "The colours; `lcc themes` lists them. `NO_COLOR` turns all colour off.",
            },
            Self::Leader => Entry {
                table: None,
                name: "leader",
                kind: "ctrl- and a letter, space or one of \\ ] ^ _",
                default: "ctrl-]",
                example: "leader = \"ctrl-]\"",
                env: "LCC_LEADER",
                flag: None,
                doc: "The one key that lcc takes from Claude Code besides F1 to F10: leader and \
                      a letter do what the function keys do.",
            },
            Self::Panes => Entry {
                table: None,
                name: "panes",
                kind: "true or false",
                default: "true",
                example: "panes = true",
                env: "LCC_PANES",
                flag: None,
                doc: "Whether the panes are shown at the start; F3 toggles them.",
            },
            Self::LogBodies => bodies::LOG_BODIES,
            Self::AddDirs => sandbox::ADD_DIRS,
            Self::PassEnv => sandbox::PASS_ENV,
            Self::Clipboard => clipboard::CLIPBOARD,
            Self::Scrollback => attention::SCROLLBACK,
            Self::AttentionAfter => attention::AFTER,
            Self::AttentionBell => attention::BELL,
            Self::AttentionNotify => attention::NOTIFY,
            Self::AttentionProgress => attention::PROGRESS,
            Self::AttentionCommand => attention::COMMAND,
            Self::AttentionWebhook => attention::WEBHOOK,
            Self::ScreenReader => panes::SCREEN_READER,
            Self::TlsCa => access::TLS_CA,
            Self::TlsCert => access::TLS_CERT,
            Self::TlsKey => access::TLS_KEY,
            Self::AuthBearerFile => access::AUTH_BEARER_FILE,
            Self::AuthKeyFile => access::AUTH_KEY_FILE,
            Self::AuthCommand => access::AUTH_COMMAND,
            Self::AuthHeader => access::AUTH_HEADER,
            Self::ServeAuto => serve::AUTO,
            Self::ServeKeep => serve::KEEP,
            Self::ServeKind => serve::KIND,
            Self::ServeProgram => serve::PROGRAM,
            Self::ServeModel => serve::MODEL,
            Self::ServePort => serve::PORT,
            Self::ServeKvType => serve::KV_TYPE,
            Self::ServeCacheRam => serve::CACHE_RAM,
            Self::ServeSwaFull => serve::SWA_FULL,
            Self::WarmStart => warm::WARM_START,
            Self::SnapshotsLimit => warm::LIMIT,
            Self::SnapshotsEvery => warm::EVERY,
            Self::LimitsMemory => limits::MEMORY,
            Self::LimitsProcesses => limits::PROCESSES,
            Self::LimitsDiskFree => limits::DISK_FREE,
            Self::PrefixCare(rule) => prefix::entry(rule),
            Self::PracticeReadRate => Entry {
                table: Some("practice"),
                name: "read_rate",
                kind: "tokens per second",
                default: "1500",
                example: "read_rate = 400",
                env: "LCC_PRACTICE_READ_RATE",
                flag: None,
                doc: "How fast the practice server reads a prompt; above 0.",
            },
            Self::PracticeWriteRate => Entry {
                table: Some("practice"),
                name: "write_rate",
                kind: "tokens per second",
                default: "60",
                example: "write_rate = 30",
                env: "LCC_PRACTICE_WRITE_RATE",
                flag: None,
                doc: "How fast the practice server writes an answer; above 0.",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_variables_are_unique_and_tables_are_listed() {
        let paths: BTreeSet<_> = Key::ALL.iter().map(|k| k.entry().path()).collect();
        let env: BTreeSet<_> = Key::ALL.iter().map(|k| k.entry().env).collect();
        assert_eq!(paths.len(), Key::ALL.len());
        assert_eq!(env.len(), Key::ALL.len());
        for key in Key::ALL {
            let entry = key.entry();
            assert_eq!(Key::find(entry.table, entry.name), Some(key));
            assert!(entry.table.is_none_or(|t| Key::TABLES.contains(&t)));
        }
    }
}
