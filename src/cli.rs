//! The command line as clap sees it.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{outfit::AddDir, practice::Script, proxy::ProxyOptions},
    domain::Tier,
};

/// Claude Code, fully local, with the truth about the server beside it.
#[derive(Debug, Parser)]
#[command(name = "lcc", version, max_term_width = 100, subcommand_negates_reqs = true)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Without a command: opens the cockpit in this directory.\n\
    What stands after -- goes to Claude Code.")]
pub struct Cli {
    /// What to do; the cockpit when nothing is named.
    #[command(subcommand)]
    pub command: Option<Sub>,
    /// How the cockpit is to run.
    #[command(flatten)]
    pub cockpit: CockpitArgs,
}

/// Options of the cockpit.
#[derive(Debug, Clone, Default, Args)]
pub struct CockpitArgs {
    /// Base URL of the model server [default: the first one found on the usual ports].
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Allow a server that is not on this machine.
    #[arg(long)]
    pub allow_remote: bool,
    /// Name of the model, when the server has several.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Tokens to use at most [default: what the server gives].
    #[arg(long, value_name = "TOKENS")]
    pub window: Option<String>,
    /// When the window runs out: ask, auto (compacts by itself) or off [default: ask].
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,
    /// How the server is asked: auto, anthropic or openai [default: auto].
    #[arg(long, value_name = "API")]
    pub dialect: Option<String>,
    /// Claude Code's equipment: lean, standard or full [default: lean under 64K tokens].
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// The sandbox: strict, reduced or off [default: strict].
    #[arg(long, value_name = "TIER")]
    pub sandbox: Option<String>,
    /// Colours; `lcc themes` lists them.
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Append the body of every request to this file [default: nothing is kept].
    #[arg(long, value_name = "FILE")]
    pub log_bodies: Option<PathBuf>,
    /// For a screen reader: no frames, a plain line for every change of state.
    #[arg(long)]
    pub screen_reader: bool,
    /// Configuration file [default: see `lcc config path`].
    #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
    pub config: Option<PathBuf>,
    /// Open an earlier conversation: the one with this id, or the last one.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Project folder [default: this directory].
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// A further folder to read, or DIR:rw to write it, too; may be given several times.
    #[arg(long, value_name = "DIR[:rw]")]
    pub add_dir: Vec<AddDir>,
    /// Install what is missing without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Arguments for Claude Code itself.
    #[arg(last = true, value_name = "CLAUDE_ARGS")]
    pub claude_args: Vec<OsString>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Sub {
    /// The built-in practice model server alone: no model, for trying lcc out.
    Practice {
        /// Where to listen.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
        listen: SocketAddr,
        /// Tokens it reads in a second.
        #[arg(long, value_name = "TOKENS", default_value_t = 2_000.0, value_parser = rate)]
        read_rate: f64,
        /// Tokens it writes in a second.
        #[arg(long, value_name = "TOKENS", default_value_t = 60.0, value_parser = rate)]
        write_rate: f64,
        /// Tokens one request may use.
        #[arg(long, value_name = "TOKENS", default_value_t = 32_768, value_parser = tokens)]
        window: u64,
        /// How it behaves: normal, or a fault to play.
        #[arg(long, value_name = "NAME", default_value = "normal")]
        script: Script,
        /// Folder for saved slots, which exists [default: none are saved].
        #[arg(long, value_name = "DIR")]
        slot_save_path: Option<PathBuf>,
    },
    /// Starts a model server with settings right for Claude Code and keeps it alive.
    Serve(ServeArgs),
    /// A service that starts the same server at login.
    Service {
        /// What about it.
        #[command(subcommand)]
        what: ServiceWhat,
    },
    /// The proxy alone: one line of JSON for everything it observes.
    Proxy {
        /// The proxy itself.
        #[command(flatten)]
        options: ProxyOptions,
        /// Configuration file, for certificates and credentials of the upstream.
        #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Any command in the very sandbox Claude Code gets.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Sandbox {
        /// What else to do with the sandbox.
        #[command(subcommand)]
        what: Option<SandboxWhat>,
        /// Project folder [default: this directory].
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
        /// How strong: strict, reduced or off.
        #[arg(long = "sandbox", value_name = "TIER", default_value = "strict")]
        tier: Tier,
        /// A further folder to read, or DIR:rw to write it, too; may be given several times.
        #[arg(long, value_name = "DIR[:rw]")]
        add_dir: Vec<AddDir>,
        /// Say what the start proved.
        #[arg(long, short)]
        verbose: bool,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Checks everything lcc needs; says what is wrong and how to mend it.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Also run the model: thinking on and off, the same long prompt twice (a minute or two).
        #[arg(long)]
        deep: bool,
        /// Also have the model make exactly one tool call, and time it.
        #[arg(long)]
        smoke: bool,
        /// The server to look at [default: the configured one, else the first one found].
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// Configuration file.
        #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
        config: Option<PathBuf>,
    },
    /// The figures of a running session.
    Status {
        /// The session [default: the newest one].
        id: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Print anew every second until interrupted.
        #[arg(long)]
        watch: bool,
    },
    /// What the fixed part of this project's last session consisted of, and what each profile
    /// would cost.
    Report {
        /// Only what the last session left for other programs: the files they run, with a diff.
        #[arg(long)]
        last: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The server that counts [default: the configured one, else the last session's].
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// Project folder [default: this directory].
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
        /// Configuration file.
        #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Saved slots of model servers: what a new session or a restarted server need not read again.
    Snapshots {
        /// What about them.
        #[command(subcommand)]
        what: SnapshotsWhat,
    },
    /// The configuration.
    Config {
        /// What about it.
        #[command(subcommand)]
        what: ConfigWhat,
        /// Configuration file.
        #[arg(long, value_name = "FILE", env = "LCC_CONFIG", global = true)]
        config: Option<PathBuf>,
    },
    /// The themes there are.
    Themes,
    /// Completions for a shell, on stdout.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The manual page, on stdout.
    Man,
}

/// What is served, and how; each stands above the `[serve]` table of the configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// llama-server, llamafile or ollama [default: told from program and model].
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// The server's program [default: found on PATH].
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// A GGUF file, or the name of one of Ollama's models. Nothing is downloaded.
    #[arg(long, value_name = "FILE")]
    pub model: Option<String>,
    /// Tokens of the window [default: the configured one, else 32768].
    #[arg(long, value_name = "TOKENS")]
    pub window: Option<String>,
    /// Port on 127.0.0.1 [default: the program's own].
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// How the KV cache is stored: f16, q8_0 or q4_0.
    #[arg(long, value_name = "TYPE")]
    pub kv_type: Option<String>,
    /// Configuration file.
    #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
    pub config: Option<PathBuf>,
    /// More arguments for the server itself.
    #[arg(last = true, value_name = "SERVER_ARGS")]
    pub extra: Vec<String>,
}

/// Options of `lcc service`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServiceArgs {
    /// A service of this user; there is no other kind.
    #[arg(long)]
    pub user: bool,
    /// For systemd or launchd [default: this system's].
    #[arg(long = "for", value_name = "MANAGER")]
    pub manager: Option<String>,
}

/// What to do with the service.
#[derive(Debug, Clone, Subcommand)]
pub enum ServiceWhat {
    /// The service's file, on stdout.
    Print {
        /// For whom.
        #[command(flatten)]
        service: ServiceArgs,
        /// What it serves.
        #[command(flatten)]
        serve: ServeArgs,
    },
    /// Writes the file and says how to start it; with --yes starts it too.
    Install {
        /// For whom.
        #[command(flatten)]
        service: ServiceArgs,
        /// What it serves.
        #[command(flatten)]
        serve: ServeArgs,
        /// Enable and start it.
        #[arg(long, short)]
        yes: bool,
    },
    /// Removes the file, if lcc wrote it; with --yes ends the service first.
    Uninstall {
        /// For whom.
        #[command(flatten)]
        service: ServiceArgs,
        /// Disable and end it.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What else to do with the sandbox.
#[derive(Debug, Clone, Subcommand)]
pub enum SandboxWhat {
    /// Tries to get out in every way that lcc knows and prints how each try ended.
    Check {
        /// Project folder [default: a throw-away one].
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
        /// How strong: strict.
        #[arg(long = "sandbox", value_name = "TIER", default_value = "strict")]
        tier: Tier,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Try without a sandbox, on throw-away targets, to show that the tries can succeed.
        #[arg(long)]
        negative_control: bool,
    },
}

/// What to do with saved slots.
#[derive(Debug, Clone, Subcommand)]
pub enum SnapshotsWhat {
    /// All of them, the last used first.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Removes one, or all with everything that is remembered of servers.
    Rm {
        /// Its id.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
}

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigWhat {
    /// Where the file lies.
    Path,
    /// Whether the file is right.
    Check,
    /// Every setting and where it comes from.
    Show,
}

/// Where to listen.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an address and a port, e.g. 127.0.0.1:8080")
}

/// Tokens per second: 0 or more, 0 without a limit.
fn rate(text: &str) -> Result<f64, &'static str> {
    text.parse::<f64>()
        .ok()
        .filter(|rate| *rate >= 0.0)
        .ok_or("expected tokens per second, e.g. 2000, or 0 for no limit")
}

/// A whole number of tokens above 0.
fn tokens(text: &str) -> Result<u64, &'static str> {
    text.parse::<u64>()
        .ok()
        .filter(|tokens| *tokens > 0)
        .ok_or("expected a whole number of tokens above 0, e.g. 32768")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_stands_after_two_dashes_goes_to_claude_code() {
        let cli =
            Cli::try_parse_from(["lcc", "--profile", "full", "--", "--verbose", "-c"]).unwrap();
        assert_eq!(cli.cockpit.profile.as_deref(), Some("full"));
        assert_eq!(cli.cockpit.claude_args, ["--verbose", "-c"]);
    }

    #[test]
    fn resume_takes_an_id_or_none() {
        let with = Cli::try_parse_from(["lcc", "--resume", "abc"]).unwrap();
        assert_eq!(with.cockpit.resume.as_deref(), Some("abc"));
        let without = Cli::try_parse_from(["lcc", "--resume"]).unwrap();
        assert_eq!(without.cockpit.resume.as_deref(), Some(""));
        assert_eq!(Cli::try_parse_from(["lcc"]).unwrap().cockpit.resume, None);
    }
}
