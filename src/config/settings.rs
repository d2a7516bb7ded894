//! The settings themselves, and where each came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{
    access::AccessSettings, attention::AttentionTable, keys::KeysLine, schema::Key, value::Given,
};
use crate::domain::{
    Api, ClipboardPolicy, Equipment, KvType, Policy, PrefixCare, Profile, ServeKind, SidePolicy,
    Tier,
};

/// The settings of the practice server.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeSettings {
    /// Tokens read per second, above 0.
    pub read_rate: f64,
    /// Tokens written per second, above 0.
    pub write_rate: f64,
}

/// The model server that lcc starts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeTable {
    /// Whether the cockpit starts it.
    pub auto: bool,
    /// Whether it goes on when the session ends.
    pub keep: bool,
    /// The kind; `None`: told from program and model.
    pub kind: Option<ServeKind>,
    /// The program; `None`: found on `PATH`.
    pub program: Option<PathBuf>,
    /// A GGUF file's path, or a name that Ollama knows.
    pub model: Option<String>,
    /// The port on 127.0.0.1; `None`: the program's own.
    pub port: Option<u16>,
    /// How the KV cache is stored.
    pub kv_type: KvType,
    /// MiB for the prompt cache; `None`: by the machine's memory.
    pub cache_ram: Option<u64>,
    /// Whether a model with sliding windows keeps its whole cache.
    pub swa_full: bool,
}

impl Default for ServeTable {
    fn default() -> Self {
        Self {
            auto: false,
            keep: false,
            kind: None,
            program: None,
            model: None,
            port: None,
            kv_type: KvType::F16,
            cache_ram: None,
            swa_full: true,
        }
    }
}

/// Saved slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotsTable {
    /// MiB that they may take together; 0: none are made.
    pub limit: u64,
    /// Seconds between two saves of a conversation at the least.
    pub every: u64,
}

/// What the sandboxed programs may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsTable {
    /// MiB of memory; 0: no cap; `None`: by the machine's memory.
    pub memory: Option<u64>,
    /// Processes; 0: no cap.
    pub processes: u64,
    /// MiB of disk that must stay free; 0: not watched.
    pub disk_free: u64,
}

/// Every setting, valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Base URL of the model server without trailing slash; `None`: probe for one.
    pub server: Option<String>,
    /// Whether `server` may be on another machine.
    pub allow_remote: bool,
    /// Absolute path of the server's log; `None`: where its kind usually writes it.
    pub server_log: Option<PathBuf>,
    /// Model name; `None`: what the server serves.
    pub model: Option<String>,
    /// Window in tokens; `None`: what the server says.
    pub window: Option<u64>,
    /// Tokens kept for one answer, less than `window`.
    pub output_reserve: u64,
    /// Who acts when the window runs out.
    pub policy: Policy,
    /// How the server is asked; `None`: as it wants.
    pub dialect: Option<Api>,
    /// Whether the model may think.
    pub thinking: bool,
    /// Tokens of unwanted thinking after which a request is stopped; 0: never.
    pub thinking_limit: u64,
    /// Seconds of silence after which the client of a stream gets a ping; 0: never.
    pub ping_seconds: u64,
    /// Absolute path of the file that the bodies of requests are written into; `None`: nowhere.
    pub log_bodies: Option<PathBuf>,
    /// What is done with requests beside the conversation.
    pub side_requests: SidePolicy,
    /// The name of the profile: one of lcc's or of `profiles`.
    pub profile: String,
    /// The user's own profiles, by name.
    pub profiles: BTreeMap<String, Equipment>,
    /// Sandbox tier asked for.
    pub sandbox: Tier,
    /// Folders besides the project: absolute, with `:rw` at the end of those that may be written.
    pub add_dirs: Vec<String>,
    /// Variables that pass into the sandbox; a `*` at the end stands for anything.
    pub pass_env: Vec<String>,
    /// Minutes between two looks at the running sandbox; 0: only at the end.
    pub recheck_minutes: u64,
    /// Absolute path of Claude Code; `None`: look for it.
    pub claude: Option<PathBuf>,
    /// Theme name.
    pub theme: String,
    /// Leader key as `ctrl-` and one lower-case character.
    pub leader: String,
    /// Whether the panes are shown at the start.
    pub panes: bool,
    /// Who may write the clipboard of the user's terminal.
    pub clipboard: ClipboardPolicy,
    /// Lines kept above the pane.
    pub scrollback: u64,
    /// Whom to call who looks elsewhere.
    pub attention: AttentionTable,
    /// Whether a screen reader reads along.
    pub screen_reader: bool,
    /// The user's own keys for lcc's commands.
    pub keys: Vec<KeysLine>,
    /// Certificates and credentials for `server`.
    pub access: AccessSettings,
    /// The practice server.
    pub practice: PracticeSettings,
    /// The model server that lcc starts itself.
    pub serve: ServeTable,
    /// Whether the server reads the start of a prompt ahead.
    pub warm_start: bool,
    /// Saved slots.
    pub snapshots: SnapshotsTable,
    /// What the sandboxed programs may use.
    pub limits: LimitsTable,
    /// What keeps the start of every prompt the same.
    pub prefix_care: PrefixCare,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: None,
            allow_remote: false,
            server_log: None,
            model: None,
            window: None,
            output_reserve: 4_096,
            policy: Policy::Ask,
            dialect: None,
            thinking: false,
            thinking_limit: 2_000,
            ping_seconds: 5,
            log_bodies: None,
            side_requests: SidePolicy::Auto,
            profile: Profile::Lean.name().to_owned(),
            profiles: BTreeMap::new(),
            sandbox: Tier::Strict,
            add_dirs: Vec::new(),
            pass_env: Vec::new(),
            recheck_minutes: 5,
            claude: None,
            theme: "dark".to_owned(),
            leader: "ctrl-]".to_owned(),
            panes: true,
            clipboard: ClipboardPolicy::Ask,
            screen_reader: false,
            keys: Vec::new(),
            access: AccessSettings::default(),
            practice: PracticeSettings { read_rate: 1_500.0, write_rate: 60.0 },
            serve: ServeTable::default(),
            scrollback: 10_000,
            attention: AttentionTable::default(),
            warm_start: true,
            snapshots: SnapshotsTable { limit: 4_096, every: 60 },
            limits: LimitsTable { memory: None, processes: 4_096, disk_free: 1_024 },
            prefix_care: PrefixCare::default(),
        }
    }
}

impl Settings {
    /// Sets one setting from a given value, or says what was expected instead.
    pub(super) fn set(&mut self, key: Key, given: &Given<'_>) -> Result<(), String> {
        match key {
            Key::Server => self.server = Some(given.url()?),
            Key::AllowRemote => self.allow_remote = given.switch()?,
            Key::ServerLog => self.server_log = Some(given.path()?),
            Key::Model => self.model = Some(given.text("the name of a model")?),
            Key::Window => self.window = Some(given.window()?),
            Key::OutputReserve => self.output_reserve = given.reserve()?,
            Key::Policy => self.policy = given.name()?,
            Key::Dialect => self.dialect = given.dialect()?,
            Key::Thinking => self.thinking = given.thinking()?,
            Key::ThinkingLimit => self.thinking_limit = given.tokens()?,
            Key::PingSeconds => self.ping_seconds = given.pause()?,
            Key::LogBodies => self.log_bodies = Some(given.path()?),
            Key::SideRequests => self.side_requests = given.name()?,
            Key::Profile => self.profile = given.text("the name of a profile")?,
            Key::Sandbox => self.sandbox = given.name()?,
            Key::AddDirs => self.add_dirs = given.folders()?,
            Key::PassEnv => self.pass_env = given.variables()?,
            Key::RecheckMinutes => self.recheck_minutes = given.minutes()?,
            Key::Claude => self.claude = Some(given.path()?),
            Key::Theme => self.theme = given.text("the name of a theme")?,
            Key::Leader => self.leader = given.leader()?,
            Key::Panes => self.panes = given.switch()?,
            Key::Clipboard => self.clipboard = given.name()?,
            Key::ScreenReader => self.screen_reader = given.switch()?,
            Key::TlsCa => self.access.ca = Some(given.path()?),
            Key::TlsCert => self.access.cert = Some(given.path()?),
            Key::TlsKey => self.access.key = Some(given.path()?),
            Key::AuthBearerFile => self.access.bearer_file = Some(given.path()?),
            Key::AuthKeyFile => self.access.key_file = Some(given.path()?),
            Key::AuthCommand => self.access.command = given.words()?,
            Key::AuthHeader => self.access.header = given.name()?,
            Key::PracticeReadRate => self.practice.read_rate = given.rate()?,
            Key::PracticeWriteRate => self.practice.write_rate = given.rate()?,
            Key::ServeAuto => self.serve.auto = given.switch()?,
            Key::ServeKeep => self.serve.keep = given.switch()?,
            Key::ServeKind => self.serve.kind = Some(given.name()?),
            Key::ServeProgram => self.serve.program = Some(given.path()?),
            Key::ServeModel => self.serve.model = Some(given.text("a GGUF file or a name")?),
            Key::ServePort => self.serve.port = Some(given.port()?),
            Key::ServeKvType => self.serve.kv_type = given.name()?,
            Key::ServeCacheRam => self.serve.cache_ram = Some(given.mebibytes()?),
            Key::ServeSwaFull => self.serve.swa_full = given.switch()?,
            Key::Scrollback => self.scrollback = given.lines()?,
            Key::AttentionAfter => self.attention.after = given.seconds()?,
            Key::AttentionBell => self.attention.bell = given.switch()?,
            Key::AttentionNotify => self.attention.notify = given.name()?,
            Key::AttentionProgress => self.attention.progress = given.switch()?,
            Key::AttentionCommand => self.attention.command = given.words()?,
            Key::AttentionWebhook => self.attention.webhook = Some(given.webhook()?),
            Key::WarmStart => self.warm_start = given.switch()?,
            Key::SnapshotsLimit => self.snapshots.limit = given.mebibytes()?,
            Key::SnapshotsEvery => self.snapshots.every = given.tokens()?,
            Key::LimitsMemory => self.limits.memory = Some(given.mebibytes()?),
            Key::LimitsProcesses => self.limits.processes = given.processes()?,
            Key::LimitsDiskFree => self.limits.disk_free = given.mebibytes()?,
            Key::PrefixCare(rule) => {
                self.prefix_care = self.prefix_care.with(rule, given.switch()?);
            }
        }
        Ok(())
    }

    /// The profile that is named; `None` when there is none of that name.
    #[must_use]
    pub fn equipment(&self) -> Option<Equipment> {
        let own = || self.profiles.get(&self.profile).cloned();
        self.profile.parse::<Profile>().map(Equipment::from).ok().or_else(own)
    }

    /// One setting as text; what is not set reads as the schema's default does.
    #[must_use]
    pub fn show(&self, key: Key) -> String {
        let unset = || key.entry().default.to_owned();
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or_else(unset, |path| path.display().to_string())
        };
        let list = |names: &[String]| match names {
            [] => unset(),
            names => names.join(", "),
        };
        match key {
            Key::Server => self.server.clone().unwrap_or_else(unset),
            Key::AllowRemote => self.allow_remote.to_string(),
            Key::ServerLog => {
                self.server_log.as_ref().map_or_else(unset, |path| path.display().to_string())
            }
            Key::Model => self.model.clone().unwrap_or_else(unset),
            Key::Window => self.window.map_or_else(unset, |window| window.to_string()),
            Key::OutputReserve => self.output_reserve.to_string(),
            Key::Policy => self.policy.to_string(),
            Key::Dialect => self.dialect.map_or("auto", Api::name).to_owned(),
            Key::Thinking => if self.thinking { "on" } else { "off" }.to_owned(),
            Key::ThinkingLimit => self.thinking_limit.to_string(),
            Key::PingSeconds => self.ping_seconds.to_string(),
            Key::LogBodies => path(&self.log_bodies),
            Key::SideRequests => self.side_requests.to_string(),
            Key::Profile => self.profile.clone(),
            Key::Sandbox => self.sandbox.to_string(),
            Key::AddDirs => list(&self.add_dirs),
            Key::PassEnv => list(&self.pass_env),
            Key::RecheckMinutes => self.recheck_minutes.to_string(),
            Key::Claude => path(&self.claude),
            Key::Theme => self.theme.clone(),
            Key::Leader => self.leader.clone(),
            Key::Panes => self.panes.to_string(),
            Key::Clipboard => self.clipboard.to_string(),
            Key::ScreenReader => self.screen_reader.to_string(),
            Key::TlsCa => path(&self.access.ca),
            Key::TlsCert => path(&self.access.cert),
            Key::TlsKey => path(&self.access.key),
            Key::AuthBearerFile => path(&self.access.bearer_file),
            Key::AuthKeyFile => path(&self.access.key_file),
            // Without its arguments: somebody may have put a secret there after all.
            Key::AuthCommand => {
                self.access.command.first().map_or_else(unset, |program| {
                    match self.access.command.len() {
                        1 => program.clone(),
                        more => format!("{program} (and {} arguments)", more - 1),
                    }
                })
            }
            Key::AuthHeader => self.access.header.to_string(),
            Key::PracticeReadRate => self.practice.read_rate.to_string(),
            Key::PracticeWriteRate => self.practice.write_rate.to_string(),
            Key::ServeAuto => self.serve.auto.to_string(),
            Key::ServeKeep => self.serve.keep.to_string(),
            Key::ServeKind => self.serve.kind.map_or_else(unset, |kind| kind.to_string()),
            Key::ServeProgram => {
                self.serve.program.as_ref().map_or_else(unset, |path| path.display().to_string())
            }
            Key::ServeModel => self.serve.model.clone().unwrap_or_else(unset),
            Key::ServePort => self.serve.port.map_or_else(unset, |port| port.to_string()),
            Key::ServeKvType => self.serve.kv_type.to_string(),
            Key::ServeCacheRam => self.serve.cache_ram.map_or_else(unset, |mib| mib.to_string()),
            Key::ServeSwaFull => self.serve.swa_full.to_string(),
            Key::Scrollback => self.scrollback.to_string(),
            Key::AttentionAfter => self.attention.after.to_string(),
            Key::AttentionBell => self.attention.bell.to_string(),
            Key::AttentionNotify => self.attention.notify.to_string(),
            Key::AttentionProgress => self.attention.progress.to_string(),
            Key::AttentionCommand if self.attention.command.is_empty() => unset(),
            Key::AttentionCommand => self.attention.command.join(" "),
            Key::AttentionWebhook => self.attention.webhook.clone().unwrap_or_else(unset),
            Key::WarmStart => self.warm_start.to_string(),
            Key::SnapshotsLimit => self.snapshots.limit.to_string(),
            Key::SnapshotsEvery => self.snapshots.every.to_string(),
            Key::LimitsMemory => self.limits.memory.map_or_else(unset, |mib| mib.to_string()),
            Key::LimitsProcesses => self.limits.processes.to_string(),
            Key::LimitsDiskFree => self.limits.disk_free.to_string(),
            Key::PrefixCare(rule) => self.prefix_care.has(rule).to_string(),
        }
    }
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing set it.
    Default,
    /// A line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// This environment variable.
    Env(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The origin of every setting; a key that is absent is at its default.
pub(super) type Origins = BTreeMap<Key, Origin>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_tells_the_true_defaults() {
        for key in Key::ALL {
            assert_eq!(Settings::default().show(key), key.entry().default, "{key:?}");
        }
    }
}
