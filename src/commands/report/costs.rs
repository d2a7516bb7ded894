//! What a profile's first request would cost: recorded once a version and profile, counted by the
//! server, timed by what was learned of its reading.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Basis;
use crate::{
    commands::outfit::outfit,
    domain::{Equipment, Tier},
    engine::{
        claude::{
            self, ClaudeProgram, Conversation, EnvironmentInputs, Order, capture,
            capture::PATIENCE, state::Look,
        },
        proxy::{body::Body, sections::sections},
        sandbox, session, window,
    },
};

/// Tokens that a byte takes where nobody ever counted.
const TOKENS_PER_BYTE: f64 = 0.25;
/// The window where nobody tells one; it changes nothing of the fixed part.
const SOME_WINDOW: u64 = 32_768;

/// What one profile costs.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// Its name.
    pub profile: String,
    /// Whether the last session had it.
    pub current: bool,
    /// Tools it has.
    pub tools: usize,
    /// Bytes of system and tools as the server renders them.
    pub bytes: u64,
    /// Tokens of system and tools.
    pub tokens: Option<u64>,
    /// Whether the server counted them; else they are estimated by bytes.
    pub counted: bool,
    /// Of the window, in percent.
    pub percent: Option<f64>,
    /// Seconds the server needs to read them, nothing cached.
    pub read_s: Option<f64>,
    /// Options this version of Claude Code does not know.
    pub left_out: Vec<String>,
    /// Why nothing is known.
    pub problem: Option<String>,
}

/// The costs of all, in their order.
pub(super) async fn costs(
    basis: &Basis<'_>,
    program: &ClaudeProgram,
    all: &[Equipment],
) -> Vec<Cost> {
    let mut costs = Vec::new();
    for equipment in all {
        let mut cost = Cost {
            profile: equipment.name.clone(),
            current: basis.record.as_ref().is_some_and(|r| r.profile == equipment.name),
            tools: 0,
            bytes: 0,
            tokens: None,
            counted: false,
            percent: None,
            read_s: None,
            left_out: claude::options(equipment, program.version).left_out,
            problem: None,
        };
        match first_request(basis, program, equipment).await {
            Ok(body) => weigh(basis, &body, &mut cost).await,
            Err(problem) => cost.problem = Some(problem),
        }
        costs.push(cost);
    }
    costs
}

async fn weigh(basis: &Basis<'_>, text: &str, cost: &mut Cost) {
    let Some(body) = Body::read(text) else { return };
    cost.tools = body.tools.as_ref().map_or(0, Vec::len);
    cost.bytes = window::fixed_parts(&sections(&body)).iter().map(|part| part.bytes).sum();
    let counted = match &basis.server {
        Some(server) => server.question.fixed(text).await,
        None => None,
    };
    cost.counted = counted.is_some();
    let estimate = (cost.bytes as f64 * tokens_per_byte(basis)).round() as u64;
    let tokens = counted.unwrap_or(estimate);
    cost.tokens = Some(tokens);
    let size = basis.server.as_ref().and_then(|s| s.facts.window);
    let size = size.or_else(|| basis.record.as_ref().and_then(|r| r.window));
    cost.percent = size.and_then(|size| crate::domain::units::percent(tokens, size));
    let kind = basis.server.as_ref().map(|s| s.facts.kind);
    let kind = kind.or_else(|| basis.record.as_ref().map(|r| r.server_kind));
    let curve = kind.zip(model(basis)).and_then(|(kind, model)| {
        session::reading_curve(&basis.around.paths.state.join("reading"), kind, &model)
    });
    cost.read_s = curve.and_then(|curve| curve.seconds(0, tokens));
}

/// What the last session's server made of a byte.
fn tokens_per_byte(basis: &Basis<'_>) -> f64 {
    let record = basis.record.as_ref();
    let bytes: u64 = record.map_or(0, |r| r.parts.iter().map(|part| part.bytes).sum());
    match record.and_then(|r| r.fixed) {
        Some(fixed) if bytes > 0 => fixed as f64 / bytes as f64,
        Some(_) | None => TOKENS_PER_BYTE,
    }
}

fn model(basis: &Basis<'_>) -> Option<String> {
    let told = basis.server.as_ref().and_then(|s| s.facts.model.clone());
    basis.settings.model.clone().or(told).or_else(|| basis.record.as_ref().map(|r| r.model.clone()))
}

/// System and tools of a profile's first request: from the cache, or recorded now.
async fn first_request(
    basis: &Basis<'_>,
    program: &ClaudeProgram,
    equipment: &Equipment,
) -> Result<String, String> {
    let kept = place(basis, program, equipment);
    if let Some(text) = kept.as_ref().and_then(|path| fs::read_to_string(path).ok())
        && Body::read(&text).is_some_and(|body| body.tools.is_some())
    {
        return Ok(text);
    }
    let order = order(basis, program, equipment)?;
    let captured = capture(order, PATIENCE).await.map_err(|e| e.to_string())?;
    let body: Map<String, Value> =
        serde_json::from_slice(&captured.body).map_err(|e| e.to_string())?;
    let fixed: Map<String, Value> = body
        .into_iter()
        .filter(|(name, _)| ["model", "system", "tools"].contains(&name.as_str()))
        .chain([("messages".to_owned(), Value::Array(Vec::new()))])
        .collect();
    let text = Value::Object(fixed).to_string();
    if let Some(path) = kept
        && let Err(e) = keep(&path, &text)
    {
        tracing::warn!("{}: {e}; recorded anew the next time", path.display());
    }
    Ok(text)
}

/// Where it is kept; `None` where the version is not known: another one may take its place.
fn place(basis: &Basis<'_>, program: &ClaudeProgram, equipment: &Equipment) -> Option<PathBuf> {
    let version = program.version?;
    let mut digest = DefaultHasher::new();
    // Folder and own settings show in the system part; lcc's version stands for its options.
    let whole = serde_json::to_string(equipment).ok()?;
    (whole, &basis.project, env!("CARGO_PKG_VERSION")).hash(&mut digest);
    let name = format!("{version}-{}-{:016x}.json", equipment.name, digest.finish());
    Some(basis.around.paths.state.join("first").join(name))
}

fn keep(path: &std::path::Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn order(
    basis: &Basis<'_>,
    program: &ClaudeProgram,
    equipment: &Equipment,
) -> Result<Order, String> {
    let tier = basis.settings.sandbox;
    let options = claude::options(equipment, program.version);
    let model = model(basis).unwrap_or_else(|| "model".to_owned());
    let conversation = Conversation::New(uuid::Uuid::new_v4().to_string());
    let home = basis.home.display().to_string();
    let get = |name: &str| basis.around.env.get(name).map(String::as_str);
    let outfit = outfit(basis.around, basis.settings, tier, &basis.project, &[])
        .map_err(|e| e.to_string())?
        .in_pane();
    let inside = outfit.search_path();
    let path = match tier {
        Tier::Strict | Tier::Reduced if inside.is_empty() => sandbox::policy::PATH,
        Tier::Strict | Tier::Reduced => &inside,
        Tier::Off => get("PATH").unwrap_or(sandbox::policy::PATH),
    };
    let output = claude::output_budget(SOME_WINDOW);
    let env = claude::environment(&EnvironmentInputs {
        base_url: "",
        token: "",
        model: &model,
        belief: window::believe(
            claude::compacts(program.version),
            SOME_WINDOW,
            output,
            SOME_WINDOW,
        ),
        options: &options,
        tier,
        home: &home,
        path,
        lang: None,
        tz: get("TZ"),
        more: &outfit.env,
        bare_root: nix::unistd::geteuid().is_root() && tier == Tier::Off,
    });
    Ok(Order {
        tier,
        project: basis.project.clone(),
        home: basis.home.clone(),
        scratch: basis.around.paths.state.join("capture"),
        program: program.path.clone(),
        version: program.version,
        profile: equipment.name.clone(),
        lcc: std::env::current_exe().map_err(|e| format!("lcc's own program: {e}"))?,
        args: claude::arguments(&options, tier, &model, &conversation, &[]),
        env,
        look: Look::Dark,
        mounts: outfit.mounts,
    })
}
