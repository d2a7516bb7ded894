//! The `lcc` program: reads the command line and hands over to a command.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use lcc::{
    cli::{Cli, ConfigWhat, Sub},
    commands::{self, CommandError, settings::Surroundings},
    engine::sandbox::inner,
};

fn main() -> ExitCode {
    // The sandbox's inner stage comes first: it must meet nothing but itself.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|w| w == inner::SUBCOMMAND) {
        return inner::main(words);
    }
    if let Err(e) = color_eyre::install() {
        eprintln!("lcc: {e}");
    }
    let cli = Cli::parse();
    commands::logging::start();
    match dispatch(cli) {
        Ok(code) => code,
        Err(e) => {
            // A message that cannot be written leaves nobody to tell.
            let _ = writeln!(io::stderr(), "lcc: {e}");
            ExitCode::from(e.code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    let done = |()| ExitCode::SUCCESS;
    match cli.command {
        None => {
            drop(out);
            commands::cockpit::run(&cli.cockpit).map(done)
        }
        Some(Sub::Practice { listen, read_rate, write_rate, window, script }) => {
            drop(out);
            let options = commands::practice::options(read_rate, write_rate, window, &script)?;
            block_on(commands::practice::run(listen, options)).map(done)
        }
        Some(Sub::Proxy { upstream, listen, allow_remote }) => {
            drop(out);
            block_on(commands::proxy::run(&upstream, listen, allow_remote)).map(done)
        }
        Some(Sub::Sandbox { project, command }) => {
            drop(out);
            commands::sandbox::run(project.as_deref(), &command)
        }
        Some(Sub::Doctor { json, server, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            let facts =
                block_on(async { Ok(commands::doctor::gather(&around, server.as_deref()).await) })?;
            let findings = commands::doctor::check(&facts);
            commands::doctor::print(&findings, json, &mut out).map_err(CommandError::other)?;
            Ok(ExitCode::from(u8::from(commands::doctor::failed(&findings))))
        }
        Some(Sub::Status { id, json, watch }) => {
            let around = Surroundings::look(None)?;
            let sessions = around.paths.state.join("sessions");
            commands::status::run(&sessions, id.as_deref(), json, watch, &mut out).map(done)
        }
        Some(Sub::Config { what, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            match what {
                ConfigWhat::Path => commands::config::path(&around, &mut out),
                ConfigWhat::Check => commands::config::check(&around, &mut out),
                ConfigWhat::Show => commands::config::show(&around, &mut out),
            }
            .map(done)
        }
        Some(Sub::Themes) => {
            let around = Surroundings::look(None)?;
            commands::themes::list(&around.paths.themes, &mut out).map(done)
        }
        Some(Sub::Completions { shell }) => {
            commands::manual::completions(shell, &mut out);
            Ok(ExitCode::SUCCESS)
        }
        Some(Sub::Man) => commands::manual::man(&mut out).map_err(CommandError::other).map(done),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CommandError::other)?
        .block_on(work)
}
