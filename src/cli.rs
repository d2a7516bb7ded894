//! The command line as clap sees it.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{practice::Script, proxy::ProxyOptions},
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
    /// Configuration file [default: see `lcc config path`].
    #[arg(long, value_name = "FILE", env = "LCC_CONFIG")]
    pub config: Option<PathBuf>,
    /// Open an earlier conversation: the one with this id, or the last one.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Project folder [default: this directory].
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
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
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Tokens it reads in a second.
        #[arg(long, value_name = "TOKENS", default_value_t = 2_000.0)]
        read_rate: f64,
        /// Tokens it writes in a second.
        #[arg(long, value_name = "TOKENS", default_value_t = 60.0)]
        write_rate: f64,
        /// Tokens one request may use.
        #[arg(long, value_name = "TOKENS", default_value_t = 32_768)]
        window: u64,
        /// How it behaves: normal, or a fault to play.
        #[arg(long, value_name = "NAME", default_value = "normal")]
        script: Script,
    },
    /// The proxy alone: one line of JSON for everything it observes.
    Proxy(ProxyOptions),
    /// Any command in the very sandbox Claude Code gets.
    Sandbox {
        /// Project folder [default: this directory].
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
        /// How strong: strict, reduced or off.
        #[arg(long = "sandbox", value_name = "TIER", default_value = "strict")]
        tier: Tier,
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
