//! `lcc`: the cockpit in this directory.

use std::{
    ffi::OsString,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use super::{
    CommandError, bodies, keys, project, reach, serve,
    settings::{Surroundings, flags},
    setup::{self, Consent},
    themes,
};
use crate::{
    cli::CockpitArgs,
    config::{AttentionTable, Key, NotifyForm, Origin, Resolved, Settings},
    domain::Equipment,
    engine::{
        backend::LogPlace,
        claude::state::Look,
        practice::PracticeOptions,
        sandbox::{manifest::keep, toolchain::Outfit},
        session::{self, Open, ServerChoice, SessionSettings},
        window::warm::Pace,
    },
    front::{
        shell::{self, Notifies},
        theme::{Depth, Theme},
    },
};

/// Everything a start needs, decided before the screen is taken.
struct Start {
    /// The project's folder in lcc's state.
    private: PathBuf,
    session: SessionSettings,
    front: shell::FrontOptions,
}

/// Runs the cockpit until the user leaves it.
///
/// # Errors
/// [`CommandError`] with the way out; the terminal is then as it was.
pub fn run(args: &CockpitArgs) -> Result<(), CommandError> {
    let around = Surroundings::look(args.config.as_deref())?;
    let start = prepare(args, &around)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CommandError::other)?;
    // A credential that cannot be had is told while there is a plain screen to tell it on.
    runtime.block_on(start.session.reach.prove()).map_err(CommandError::usage)?;
    let (private, id) = (start.private, start.session.id.clone());
    runtime.block_on(async move {
        let (commands, updates, engine) = session::start(start.session);
        let left = shell::run(start.front, commands, updates).await;
        // The front has let go of its ends by now: the engine sees it and ends the child.
        let _ = engine.await;
        left.map_err(CommandError::other)
    })?;
    farewell(&private, &id)
}

/// What the session left for other programs: one line, or an error when something changed that
/// the sandbox keeps as it is.
fn farewell(private: &Path, id: &str) -> Result<(), CommandError> {
    let Some(review) = keep::recall(private).filter(|review| review.session == id) else {
        return Ok(());
    };
    if let Some(summary) = review.summary() {
        println!("{summary}");
    }
    match review.alarm() {
        Some(alarm) => Err(CommandError::Other(alarm)),
        None => Ok(()),
    }
}

fn prepare(args: &CockpitArgs, around: &Surroundings) -> Result<Start, CommandError> {
    let loaded = around.load(flags(args))?;
    let resolved = &loaded.resolved;
    let settings = &resolved.settings;
    let home = around.home();
    let project = project::project(args.project.as_deref(), &around.here, home.as_deref())?;
    reach::outside(&settings.access, &project)?;
    let way = reach::reach(settings)?;
    let bodies = bodies::outside(settings.log_bodies.as_deref(), &project)?;
    let themes = around.themes()?;
    let theme = themes::pick(&themes, &settings.theme).map_err(CommandError::usage)?;
    let (keymap, remarks) = keys::keymap(&loaded)?;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CommandError::usage(
            "the cockpit needs a terminal on stdin and stdout. \
             Run it in one; for scripts there are lcc status, lcc doctor and lcc sandbox",
        ));
    }
    let consent = if args.yes { Consent::Given } else { Consent::Ask };
    let server_log = match (&settings.server_log, home.clone()) {
        (Some(path), _) => LogPlace::File(path.clone()),
        (None, Some(home)) => LogPlace::Usual { home },
        (None, None) => LogPlace::Off,
    };
    let places = setup::places(settings.claude.as_deref(), home, &around.paths.data);
    let claude = setup::claude_code(&places, consent)?;
    setup::sandbox(settings.sandbox, consent)?;

    let outfit =
        super::outfit::outfit(around, settings, settings.sandbox, &project, &args.add_dir)?
            .in_pane();
    let id = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect::<String>();
    let private = around.paths.state.join("projects").join(project::folder_name(&project));
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let session = SessionSettings {
        run_dir: around.paths.state.join("sessions").join(&id),
        learned_dir: around.paths.state.join("reading"),
        state_dir: around.paths.state.clone(),
        warm_start: settings.warm_start,
        snapshots: Pace {
            every_s: settings.snapshots.every,
            limit: settings.snapshots.limit << 20,
        },
        id,
        home: private.join("home"),
        claude: claude.path,
        lcc: own_program()?,
        server: settings.server.clone().map_or(ServerChoice::Search, ServerChoice::Url),
        serve: settings.serve.auto.then(|| serve::from_config(settings, around, Vec::new())),
        reach: way,
        warning: bodies::with(reach::warning(settings), bodies.as_deref()),
        log_bodies: bodies,
        server_log,
        model: settings.model.clone(),
        policy: settings.policy,
        window: settings.window,
        output_reserve: given(resolved, Key::OutputReserve).then_some(settings.output_reserve),
        profile: profile(resolved),
        api: settings.dialect,
        thinking: settings.thinking,
        thinking_limit: settings.thinking_limit,
        prefix_care: settings.prefix_care,
        side_requests: settings.side_requests,
        ping_seconds: settings.ping_seconds,
        tier: settings.sandbox,
        limits: super::limits::limits(settings),
        recheck_minutes: settings.recheck_minutes,
        open: match args.resume.as_deref() {
            None => Open::New,
            Some("") => Open::Last,
            Some(id) => Open::Resume(id.to_owned()),
        },
        extra: extra(args, &outfit),
        screen_reader: settings.screen_reader,
        look: look(&theme, depth(around)),
        size,
        practice: PracticeOptions {
            read_rate: settings.practice.read_rate,
            write_rate: settings.practice.write_rate,
            ..PracticeOptions::default()
        },
        surroundings: surroundings(around),
        outfit,
        project: project.clone(),
    };
    let panes = around.paths.state.join("panes.json");
    let front = shell::FrontOptions {
        theme,
        themes,
        depth: depth(around),
        keymap,
        title: shell::Title {
            project: project.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            practice: false,
        },
        scrollback: usize::try_from(settings.scrollback).unwrap_or(usize::MAX),
        border: shell::Border::new(settings.clipboard, project.clone()),
        aside: aside(settings, around, &project),
        panes: std::fs::read_to_string(&panes)
            .ok()
            .and_then(|text| shell::Arrangement::read(&text))
            .unwrap_or_default(),
        column: settings.panes,
        screen_reader: settings.screen_reader,
        remarks,
        files: shell::Files { themes: Some(around.paths.themes.clone()), panes: Some(panes) },
    };
    Ok(Start { private, session, front })
}

/// The user's arguments for Claude Code, which is told of added folders by its own switch.
fn extra(args: &CockpitArgs, outfit: &Outfit) -> Vec<OsString> {
    let added = outfit.added.iter().map(|folder| {
        let mut word = OsString::from("--add-dir=");
        word.push(folder);
        word
    });
    added.chain(args.claude_args.iter().cloned()).collect()
}

/// Whom the front calls, and where it saves.
fn aside(settings: &Settings, around: &Surroundings, project: &Path) -> shell::AsideOptions {
    let AttentionTable { after, bell, notify, progress, command, webhook } =
        settings.attention.clone();
    let notifies = match notify {
        NotifyForm::Auto => None,
        NotifyForm::Osc9 => Some(Notifies::Osc9),
        NotifyForm::Osc777 => Some(Notifies::Osc777),
        NotifyForm::Osc99 => Some(Notifies::Osc99),
        NotifyForm::Off => Some(Notifies::Never),
    };
    let notify = notify != NotifyForm::Off;
    shell::AsideOptions {
        attention: shell::AttentionSettings { after_s: after, bell, notify, progress },
        notifies,
        command,
        webhook,
        env: around.env.clone(),
        project: project.to_owned(),
        saved: around.paths.state.join("saved"),
    }
}

fn given(resolved: &Resolved, key: Key) -> bool {
    resolved.origin(key) != Origin::Default
}

/// The profile that was asked for; by the window's size when none was.
fn profile(resolved: &Resolved) -> Option<Equipment> {
    given(resolved, Key::Profile).then(|| resolved.settings.equipment()).flatten()
}

/// What the outer terminal can show.
fn depth(around: &Surroundings) -> Depth {
    let get = |name: &str| around.env.get(name).map(String::as_str);
    Depth::detect(get("NO_COLOR"), get("COLORTERM"), get("TERM"))
}

/// Claude Code's colours that go with a theme of the frame.
fn look(theme: &Theme, depth: Depth) -> Look {
    match (depth, theme.is_light()) {
        (Depth::TrueColour | Depth::Indexed256, false) => Look::Dark,
        (Depth::TrueColour | Depth::Indexed256, true) => Look::Light,
        (Depth::Ansi16 | Depth::None, false) => Look::DarkAnsi,
        (Depth::Ansi16 | Depth::None, true) => Look::LightAnsi,
    }
}

fn own_program() -> Result<PathBuf, CommandError> {
    std::env::current_exe()
        .and_then(|p| p.canonicalize())
        .map_err(|e| CommandError::Other(format!("lcc cannot tell where its own program is: {e}")))
}

fn surroundings(around: &Surroundings) -> session::Surroundings {
    let utf8 = |v: &&String| {
        let v = v.to_ascii_lowercase();
        v.ends_with("utf-8") || v.ends_with("utf8")
    };
    session::Surroundings {
        lang: around.env.get("LANG").filter(utf8).cloned(),
        path: around.env.get("PATH").cloned(),
        tz: around.env.get("TZ").cloned(),
        root: nix::unistd::geteuid().is_root(),
    }
}
