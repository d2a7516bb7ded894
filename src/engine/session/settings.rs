//! What a session is started with.

use std::{ffi::OsString, path::PathBuf};

use crate::{
    domain::{Api, Equipment, Policy, PrefixCare, SidePolicy, Tier},
    engine::{
        access::Reach,
        backend::LogPlace,
        claude::state::Look,
        practice::PracticeOptions,
        sandbox::{limits::Limits, toolchain::Outfit},
        server::ServeSettings,
        window::warm::Pace,
    },
};

/// Everything the engine needs to know to start; read once, at the edge.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// lcc's id of this session: the name of its folder and the argument of `lcc status`.
    pub id: String,
    /// The project: the only folder of the user that Claude Code may write.
    pub project: PathBuf,
    /// The Claude Code program, all links followed.
    pub claude: PathBuf,
    /// lcc's own program, which is also the sandbox's inner stage.
    pub lcc: PathBuf,
    /// Claude Code's private home for this project.
    pub home: PathBuf,
    /// The folder for this session's status socket.
    pub run_dir: PathBuf,
    /// The folder for what is learned of servers' reading speed.
    pub learned_dir: PathBuf,
    /// lcc's state folder: prompts and snapshots of earlier sessions.
    pub state_dir: PathBuf,
    /// Whether the server reads the start of a prompt ahead.
    pub warm_start: bool,
    /// How often slots are saved, and what they may take; a limit of 0 saves none.
    pub snapshots: Pace,
    /// Which model server.
    pub server: ServerChoice,
    /// The way to that server.
    pub reach: Reach,
    /// What the user must be told of that way, first of all.
    pub warning: Option<String>,
    /// Where the server writes its log.
    pub server_log: LogPlace,
    /// The model's name, when the server serves several.
    pub model: Option<String>,
    /// Who acts when the window runs out.
    pub policy: Policy,
    /// The window to work with, when it is to be smaller than the server's.
    pub window: Option<u64>,
    /// Tokens kept for one answer; by the window's size when `None`.
    pub output_reserve: Option<u64>,
    /// The profile; by the window's size when `None`.
    pub profile: Option<Equipment>,
    /// How the server is asked, when the user chose.
    pub api: Option<Api>,
    /// Whether the model may think.
    pub thinking: bool,
    /// Tokens of unwanted thinking after which a request is stopped; 0: never.
    pub thinking_limit: u64,
    /// What keeps the start of every prompt the same.
    pub prefix_care: PrefixCare,
    /// What is done with requests beside the conversation.
    pub side_requests: SidePolicy,
    /// Seconds of silence after which Claude Code gets a ping; 0: never.
    pub ping_seconds: u64,
    /// The file that the bodies of requests are written into; `None`: nowhere.
    pub log_bodies: Option<PathBuf>,
    /// The sandbox.
    pub tier: Tier,
    /// What Claude Code and its programs may use.
    pub limits: Limits,
    /// Minutes between two looks at the running sandbox; 0: only at the end.
    pub recheck_minutes: u64,
    /// The conversation to open first.
    pub open: Open,
    /// Arguments the user gave for Claude Code itself.
    pub extra: Vec<OsString>,
    /// Whether Claude Code draws for a screen reader.
    pub screen_reader: bool,
    /// Claude Code's colours.
    pub look: Look,
    /// Size of the pane in cells, columns first.
    pub size: (u16, u16),
    /// The server to start when none answers; `None`: none is started.
    pub serve: Option<ServeSettings>,
    /// How the practice server behaves, should it be needed.
    pub practice: PracticeOptions,
    /// What Claude Code may know of the user's surroundings.
    pub surroundings: Surroundings,
    /// Toolchains, added folders and variables that Claude Code gets.
    pub outfit: Outfit,
}

/// Which model server to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerChoice {
    /// The one at this base URL; lcc waits for it.
    Url(String),
    /// The first one found on the usual ports; the practice server when there is none.
    Search,
}

/// The conversation to open first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Open {
    /// An empty one.
    #[default]
    New,
    /// The one with this id.
    Resume(String),
    /// The last one of the project.
    Last,
}

/// What Claude Code may know of the user's surroundings.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The outer `LANG`, when it names a UTF-8 locale.
    pub lang: Option<String>,
    /// The outer `PATH`, which only an unsandboxed Claude Code gets.
    pub path: Option<String>,
    /// The outer `TZ`.
    pub tz: Option<String>,
    /// Whether lcc runs as user 0.
    pub root: bool,
}
