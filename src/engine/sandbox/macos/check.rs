//! Every attempt behind the profile, or without it, for whoever wants to see how each ends.

use std::{
    fs::{self, DirBuilder},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Instant,
};

use serde::Serialize;

use super::{
    attempts,
    canary::Canary,
    launch,
    probes::{self, Ending, Orders, Probed},
    profile,
};
use crate::{
    domain::Tier,
    engine::sandbox::{LaunchError, Request, Terminal},
};

/// How many attempts ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Stopped.
    pub blocked: u64,
    /// Gone through.
    pub open: u64,
    /// Not tried.
    pub could_not_run: u64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The version of this shape.
    pub version: u32,
    /// The tier; `off` without a sandbox.
    pub tier: Tier,
    /// Milliseconds from the first look to the verdict.
    pub took_ms: u64,
    /// Whether nothing gets out; without a sandbox, whether the attempts do.
    pub holds: bool,
    /// How many ended how.
    pub totals: Totals,
    /// The attempts made from inside.
    pub attempts: Vec<Probed>,
    /// What the host's canaries show as touched.
    pub touched: Vec<String>,
    /// Operations that were judged by the profile's text alone.
    pub judged: u64,
    /// Those of them that it leaves open although it must not.
    pub judged_open: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Makes every attempt behind the strict tier. The program of the request is never started.
///
/// # Errors
/// A [`LaunchError`] when there is no such sandbox. One that does not hold is no error.
pub fn strict(request: &Request) -> Result<Checked, LaunchError> {
    let begun = Instant::now();
    let host = launch::preflight()?;
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(LaunchError::io("binding a port"))?;
    let port = listener.local_addr().map_err(LaunchError::io("binding a port"))?.port();
    let session = uuid::Uuid::new_v4().simple().to_string();
    let mut notes = Vec::new();
    let places = launch::survey(request, &host, port, Terminal::Inherit, &session, &mut notes)?;
    let profile = profile::generate(&places)?;
    let policy = attempts::read(&profile)
        .map_err(|trouble| LaunchError::broken("profile", trouble.to_string()))?;
    let judged = attempts::judge(&policy, &places);
    let (attempts, touched) = launch::attempt(&profile, &places)?;
    let open = |outcome: &&attempts::Outcome| outcome.open && !outcome.right;
    let judged_open: Vec<String> = judged
        .iter()
        .filter(open)
        .map(|outcome| format!("{}: {}", outcome.number, outcome.name))
        .collect();
    let totals = totals(&attempts);
    let holds = totals.blocked == attempts.len() as u64
        && !attempts.is_empty()
        && touched.is_empty()
        && judged_open.is_empty();
    Ok(Checked {
        version: 1,
        tier: Tier::Strict,
        took_ms: millis(begun),
        holds,
        totals,
        attempts,
        touched,
        judged: judged.len() as u64,
        judged_open,
        notes,
    })
}

/// Makes the attempts without a sandbox, in a new folder at `place`, which is removed after.
///
/// # Errors
/// When the folder cannot be made.
pub fn control(place: &Path) -> io::Result<Checked> {
    let begun = Instant::now();
    DirBuilder::new().mode(0o700).create(place)?;
    let tried = || -> io::Result<_> {
        for name in ["project/.git/hooks", "home/.cache"] {
            DirBuilder::new().recursive(true).mode(0o700).create(place.join(name))?;
        }
        let canary = Canary::plant(place)?;
        let attempts = probes::run(&Orders {
            targets: canary.targets()?,
            project: place.join("project"),
            home: place.join("home"),
            protected: vec![place.join("project/.git/hooks"), place.join("project/.mcp.json")],
            pins: vec![place.join("project/.git")],
            user_home: Some(place.join("home")),
        });
        Ok((attempts, canary.touched()))
    };
    let outcome = tried();
    // What is left over lies in lcc's own folder and holds nothing.
    let _left_over = fs::remove_dir_all(place);
    let (attempts, touched) = outcome?;
    let totals = totals(&attempts);
    Ok(Checked {
        version: 1,
        tier: Tier::Off,
        took_ms: millis(begun),
        // Two of three at least: programs of the system may be missing or refuse by themselves.
        holds: totals.open * 3 >= attempts.len() as u64 * 2 && !touched.is_empty(),
        totals,
        attempts,
        touched: touched.into_iter().map(str::to_owned).collect(),
        judged: 0,
        judged_open: Vec::new(),
        notes: Vec::new(),
    })
}

fn totals(attempts: &[Probed]) -> Totals {
    let mut totals = Totals::default();
    for probed in attempts {
        match probed.ending {
            Ending::Blocked => totals.blocked += 1,
            Ending::Open => totals.open += 1,
            Ending::Failed => totals.could_not_run += 1,
        }
    }
    totals
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
