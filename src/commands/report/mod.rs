//! `lcc report`: what the fixed part of this project's last session consisted of, what it left
//! for other programs, what tried to leave, and what each profile would cost.

mod costs;
mod egress;
mod left;
mod print;

use std::{io::Write, path::PathBuf};

use serde::Serialize;

use super::{CommandError, project, reach, settings::Surroundings, setup};
use crate::{
    config::{Flags, Settings, is_loopback},
    domain::{Egress, Equipment, Profile, ServerFacts},
    engine::{
        access::Reach,
        backend, claude,
        proxy::{count::Question, upstream::Upstream},
        sandbox::{
            egress::recorded,
            manifest::keep::{self, Review},
        },
        session::record::{self, Record},
    },
};

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct ReportArgs {
    /// The project; the current folder where none is named.
    pub project: Option<PathBuf>,
    /// The server that counts.
    pub server: Option<String>,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether to print only what the last session left for other programs.
    pub last: bool,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The project.
    pub project: PathBuf,
    /// Claude Code's version; `None` when it is not installed or does not tell.
    pub claude: Option<String>,
    /// The server that counted; `None`: none answered, tokens are estimates.
    pub server: Option<String>,
    /// The project's last session; `None` when there was none.
    pub session: Option<Record>,
    /// What that session left for other programs; `None` when none has ended yet.
    pub left: Option<Review>,
    /// What tried to leave the machine in that session and was stopped, most frequent first.
    pub egress: Vec<Egress>,
    /// What each profile's first request would cost.
    pub profiles: Vec<costs::Cost>,
}

/// What everything below needs to know.
struct Basis<'a> {
    around: &'a Surroundings,
    settings: &'a Settings,
    project: PathBuf,
    home: PathBuf,
    record: Option<Record>,
    server: Option<Counting>,
}

/// A server that answers.
struct Counting {
    url: String,
    facts: ServerFacts,
    question: Question,
}

/// Prints the report.
///
/// # Errors
/// [`CommandError`] when the settings are wrong or nothing can be written.
pub async fn run(
    around: &Surroundings,
    args: &ReportArgs,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let loaded = around.load(Flags { server: args.server.clone(), ..Flags::default() })?;
    let settings = &loaded.resolved.settings;
    let project =
        project::project(args.project.as_deref(), &around.here, around.home().as_deref())?;
    let private = around.paths.state.join("projects").join(project::folder_name(&project));
    let home = private.join("home");
    let record = record::recall(&home);
    let left = keep::recall(&private);
    let attempts = recorded(&private).map_err(|e| {
        CommandError::Other(format!("{}: {e}", private.join("egress.jsonl").display()))
    })?;
    if args.last {
        return last(&project, left.as_ref(), &attempts, args.json, out);
    }
    let server = server(settings, record.as_ref()).await?;
    if server.is_none()
        && let Some(url) = &settings.server
    {
        return Err(CommandError::Other(format!(
            "no model server answers at {url}: nobody can count. Start it, or name another one \
             with --server URL"
        )));
    }
    let basis = Basis { around, settings, project, home, record, server };
    let places = setup::places(settings.claude.as_deref(), around.home(), &around.paths.data);
    let program = claude::find(&places).ok();
    let profiles = match &program {
        Some(program) => costs::costs(&basis, program, &equipments(settings)).await,
        None => Vec::new(),
    };
    let report = Report {
        project: basis.project,
        claude: program.and_then(|p| p.version).map(|v| v.to_string()),
        server: basis.server.map(|s| s.url),
        session: basis.record,
        left,
        egress: attempts,
        profiles,
    };
    let text = if args.json {
        serde_json::to_string_pretty(&report).map_err(CommandError::other)? + "\n"
    } else {
        print::text(&report)
    };
    out.write_all(text.as_bytes()).map_err(CommandError::other)
}

/// What the last session left, alone: no program is started and no server asked.
fn last(
    project: &std::path::Path,
    left: Option<&Review>,
    attempts: &[Egress],
    json: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let text = if json {
        let value = serde_json::json!({ "project": project, "left": left, "egress": attempts });
        serde_json::to_string_pretty(&value).map_err(CommandError::other)? + "\n"
    } else {
        format!("project   {}\n", project.display())
            + &left::text(left, true)
            + &egress::text(attempts)
    };
    out.write_all(text.as_bytes()).map_err(CommandError::other)
}

/// lcc's own profiles and the user's.
fn equipments(settings: &Settings) -> Vec<Equipment> {
    let own = settings.profiles.values().cloned();
    Profile::ALL.into_iter().map(Equipment::from).chain(own).collect()
}

/// The server that was named, else the one of the last session, if it answers.
async fn server(
    settings: &Settings,
    record: Option<&Record>,
) -> Result<Option<Counting>, CommandError> {
    let (url, way) = match (&settings.server, record) {
        (Some(url), _) => (url.clone(), reach::reach(settings)?),
        // Another machine's server only where the settings name it.
        (None, Some(record)) if is_loopback(&record.server) => {
            (record.server.clone(), Reach::plain().map_err(CommandError::usage)?)
        }
        (None, Some(_) | None) => return Ok(None),
    };
    let Ok(facts) = backend::identify(&way, &url).await else { return Ok(None) };
    let upstream = Upstream::new(&url, way).map_err(CommandError::usage)?;
    let headers = [(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    )];
    let question = Question { upstream, headers: headers.into_iter().collect(), local_host: false };
    Ok(Some(Counting { url, facts, question }))
}
