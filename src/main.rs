//! The `lcc` program: reads the command line and hands over to a command.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use lcc::{
    cli::{Cli, ConfigWhat, SandboxWhat, Sub},
    commands::{
        self, CommandError,
        report::ReportArgs,
        sandbox::{SandboxArgs, check::CheckArgs},
        settings::Surroundings,
    },
    config::Flags,
    engine::practice::PracticeOptions,
};

fn main() -> ExitCode {
    // The sandbox's inner stage comes first: it must meet nothing but itself.
    #[cfg(target_os = "linux")]
    {
        let mut words = std::env::args_os().skip(1);
        let first = words.next();
        if first.as_ref().is_some_and(|w| w == "__inner") {
            return lcc::engine::sandbox::linux::inner::main(words.collect());
        }
        // So do the two other processes that its attempts need.
        match first {
            // So does the helper that enters a running sandbox.
            Some(word) if word == "__hold" => {
                return lcc::engine::sandbox::linux::hold::main(words);
            }
            Some(word) if word == lcc::engine::sandbox::linux::canary::WORD => {
                return lcc::engine::sandbox::linux::canary::stay(words.collect());
            }
            Some(word) if word == lcc::engine::sandbox::linux::inner::CONTROL => {
                return lcc::engine::sandbox::linux::inner::control();
            }
            Some(word) if word == lcc::engine::sandbox::linux::reduced::INNER => {
                return lcc::engine::sandbox::linux::reduced::inner::main(words.collect());
            }
            Some(_) | None => {}
        }
    }
    #[cfg(target_os = "macos")]
    {
        use lcc::engine::sandbox::macos::{probes, sweep};
        let word = std::env::args_os().nth(1);
        if word.as_ref().is_some_and(|word| word == probes::COMMAND) {
            return probes::main();
        }
        if word.is_some_and(|word| word == sweep::COMMAND) {
            return sweep::main();
        }
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
        Some(Sub::Practice { listen, read_rate, write_rate, window, script, slot_save_path }) => {
            drop(out);
            let options = PracticeOptions {
                read_rate,
                write_rate,
                window,
                script,
                slots_dir: slot_save_path,
                ..PracticeOptions::default()
            };
            block_on(async {
                commands::practice::run(listen, options).await.map_err(CommandError::usage)
            })
            .map(done)
        }
        Some(Sub::Serve(args)) => {
            drop(out);
            block_on(commands::serve::run(&args)).map(done)
        }
        Some(Sub::Service { what }) => block_on(commands::service::run(&what, &mut out)).map(done),
        Some(Sub::Proxy { options, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            block_on(commands::proxy::configured(&around, options, out)).map(done)
        }
        Some(Sub::Sandbox {
            what: Some(SandboxWhat::Check { project, tier, json, negative_control }),
            ..
        }) => {
            let around = Surroundings::look(None)?;
            let args = CheckArgs { project, tier, json, negative_control };
            commands::sandbox::check::run(&around, &args, &mut out)
        }
        Some(Sub::Sandbox { what: None, project, tier, add_dir, verbose, command }) => {
            drop(out);
            let around = Surroundings::look(None)?;
            let home = around.home();
            let project =
                commands::project::project(project.as_deref(), &around.here, home.as_deref())?;
            let settings = around.load(Flags::default())?.resolved.settings;
            let limits = commands::limits::limits(&settings);
            let outfit = commands::outfit::outfit(&around, &settings, tier, &project, &add_dir)?;
            Ok(commands::sandbox::run(SandboxArgs {
                limits,
                outfit,
                project: Some(project),
                tier,
                state: around.paths.state,
                read_only: Vec::new(),
                command,
                verbose,
            }))
        }
        Some(Sub::Doctor { json, deep, smoke, server, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            let depth = commands::doctor::Depth { deep, smoke };
            let facts = block_on(async {
                Ok(commands::doctor::gather(&around, server.as_deref(), depth).await)
            })?;
            let findings = commands::doctor::check(&facts);
            commands::doctor::print(&findings, json, &mut out).map_err(CommandError::other)?;
            Ok(ExitCode::from(u8::from(commands::doctor::failed(&findings))))
        }
        Some(Sub::Status { id, json, watch }) => {
            let around = Surroundings::look(None)?;
            let sessions = around.paths.state.join("sessions");
            commands::status::run(&sessions, id.as_deref(), json, watch, &mut out).map(done)
        }
        Some(Sub::Report { last, json, server, project, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            let args = ReportArgs { project, server, json, last };
            block_on(commands::report::run(&around, &args, &mut out)).map(done)
        }
        Some(Sub::Snapshots { what }) => {
            let around = Surroundings::look(None)?;
            commands::snapshots::run(&around.paths.state, &what, &mut out).map(done)
        }
        Some(Sub::Config { what, config }) => {
            let around = Surroundings::look(config.as_deref())?;
            let text = match what {
                ConfigWhat::Path => commands::config::path(&around.paths),
                ConfigWhat::Check => {
                    commands::config::check(&around.paths, &around.load(Flags::default())?)?
                }
                ConfigWhat::Show => commands::config::show(&around.load(Flags::default())?),
            };
            write!(out, "{text}").map_err(CommandError::other).map(done)
        }
        Some(Sub::Themes) => {
            let around = Surroundings::look(None)?;
            commands::themes::run(Some(&around.paths.themes), &mut out, &mut io::stderr())
                .map_err(CommandError::usage)
                .map(done)
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
