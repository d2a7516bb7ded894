//! `lcc serve`: starts a model server, says how it comes up, keeps it alive until interrupted.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, settings::Surroundings};
use crate::{
    cli::ServeArgs,
    config::{Flags, ServeFlags, Settings},
    engine::{
        backend,
        server::{
            self, Limits, Log, MOST_BYTES, Places, Plan, Report, ServeSettings, Supervision,
            USUAL_WINDOW, Wish,
        },
    },
};

/// Between two words on loading where nobody can see a line change.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Serves until SIGINT, SIGTERM or SIGHUP. The first line on stdout is `listening on URL`, once
/// the server is ready; everything else goes to stderr.
///
/// # Errors
/// [`CommandError::Usage`] when program, model or settings are wrong, [`CommandError::NoServer`]
/// when the server died for good.
pub async fn run(args: &ServeArgs) -> Result<(), CommandError> {
    let around = Surroundings::look(args.config.as_deref())?;
    let settings = settings(args, &around)?;
    let plan = prepare(&settings).await?;
    let url = plan.url();
    let log = Log::new(settings.log(), MOST_BYTES);
    let mut voice = Voice::new();
    for note in &plan.notes {
        voice.line(note);
    }
    voice.line(&format!("{} for {url}, log {}", plan.kind, log.path().display()));
    let client = backend::client().map_err(CommandError::other)?;
    let mut ends = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(|kind| signal(kind).map_err(CommandError::other));
    let [Ok(int), Ok(term), Ok(hup)] = &mut ends else {
        return Err(CommandError::Other("signals cannot be waited for".to_owned()));
    };
    let what = Supervision { plan, log, limits: Limits::default(), keep: false };
    let (supervised, mut reports) = server::supervise(client.client().clone(), what);
    loop {
        let report = tokio::select! {
            report = reports.recv() => report,
            _ = int.recv() => { supervised.stop(); continue; }
            _ = term.recv() => { supervised.stop(); continue; }
            _ = hup.recv() => { supervised.stop(); continue; }
        };
        match report {
            Some(report @ Report::Loading { since, .. }) => {
                voice.progress(&report.to_string(), since);
            }
            Some(report @ Report::Ready { .. }) => {
                voice.line(&report.to_string());
                let mut out = std::io::stdout();
                // Whoever read it may be gone; the server is served all the same.
                let _ = writeln!(out, "listening on {url}").and_then(|()| out.flush());
            }
            Some(report @ (Report::Started { .. } | Report::Died { .. })) => {
                voice.line(&report.to_string());
            }
            Some(report @ Report::GivenUp { .. }) => {
                voice.clear();
                return Err(CommandError::NoServer(report.to_string()));
            }
            Some(Report::Ended) | None => {
                voice.line(&Report::Ended.to_string());
                return Ok(());
            }
        }
    }
}

/// Looks at the machine and plans.
pub(super) async fn prepare(settings: &ServeSettings) -> Result<Plan, CommandError> {
    server::prepare(&settings.wish, &settings.places).await.map_err(CommandError::usage)
}

/// The settings that the command line and the configuration make together.
pub(super) fn settings(
    args: &ServeArgs,
    around: &Surroundings,
) -> Result<ServeSettings, CommandError> {
    let absolute = |path: &Path| around.here.join(path).to_string_lossy().into_owned();
    let flags = Flags {
        window: args.window.clone(),
        serve: ServeFlags {
            kind: args.kind.clone(),
            program: args.program.as_deref().map(absolute),
            model: args.model.clone(),
            port: args.port.clone(),
            kv_type: args.kv_type.clone(),
        },
        ..Flags::default()
    };
    let loaded = around.load(flags)?;
    Ok(from_config(&loaded.resolved.settings, around, args.extra.clone()))
}

/// What the `[serve]` table wishes for.
pub(super) fn from_config(
    settings: &Settings,
    around: &Surroundings,
    extra: Vec<String>,
) -> ServeSettings {
    let serve = &settings.serve;
    let wish = Wish {
        kind: serve.kind,
        program: serve.program.clone(),
        model: serve.model.clone(),
        alias: settings.model.clone(),
        window: settings.window.unwrap_or(USUAL_WINDOW),
        port: serve.port,
        kv_type: serve.kv_type,
        cache_ram: serve.cache_ram,
        swa_full: serve.swa_full,
        extra,
    };
    let places = Places {
        here: around.here.clone(),
        path: around.env.get("PATH").map(Into::into),
        state: around.paths.state.clone(),
    };
    ServeSettings { wish, places, keep: serve.keep }
}

/// Words on stderr; progress changes in place where that is a terminal. A closed stderr is borne.
struct Voice {
    terminal: bool,
    pending: bool,
    said: Duration,
}

impl Voice {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), pending: false, said: Duration::ZERO }
    }

    fn line(&mut self, text: &str) {
        self.clear();
        self.said = Duration::ZERO;
        let _ = writeln!(std::io::stderr(), "lcc: {text}");
    }

    fn progress(&mut self, text: &str, since: Duration) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[Klcc: {text}");
            self.pending = true;
        } else if since >= self.said + PLAIN_EVERY {
            let _ = writeln!(std::io::stderr(), "lcc: {text}");
            self.said = since;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.pending) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
