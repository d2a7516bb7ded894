//! What a session keeps of its fixed part for `lcc report`: sizes and names, no text.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::SessionSettings;
use crate::{
    domain::{ServerKind, Source},
    protocol::{FixedFigures, Snapshot},
};

/// A file larger than this was not written here.
const LARGEST: u64 = 1 << 20;

/// One session's fixed part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// lcc's id of the session.
    pub session: String,
    /// Claude Code's version, as far as known.
    pub claude: Option<String>,
    /// The profile.
    pub profile: String,
    /// The model's name.
    pub model: String,
    /// The server's kind and address.
    pub server_kind: ServerKind,
    /// Its base URL.
    pub server: String,
    /// Tokens one request may use.
    pub window: Option<u64>,
    /// Tokens kept for one answer.
    pub output_reserve: u64,
    /// System and tools together.
    pub fixed: Option<u64>,
    /// Who counted `fixed`.
    pub fixed_source: Option<Source>,
    /// Its parts, the largest first.
    pub parts: Vec<FixedFigures>,
}

/// Where the record of a project's last session lies: beside the private home, out of the
/// sandbox's sight.
#[must_use]
pub fn place(home: &Path) -> PathBuf {
    home.with_file_name("report.json")
}

/// The record of the last session; `None` when there is none that can be read.
#[must_use]
pub fn recall(home: &Path) -> Option<Record> {
    let path = place(home);
    if !fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= LARGEST) {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a record when it changed.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    last: Option<Record>,
}

impl Keeper {
    /// Keeps what a snapshot tells of the fixed part.
    ///
    /// # Errors
    /// What the system said; a session goes on without.
    pub(super) fn keep(
        &mut self,
        settings: &SessionSettings,
        line: &super::Line,
        snapshot: &Snapshot,
    ) -> io::Result<()> {
        if snapshot.fixed_parts.is_empty() {
            return Ok(());
        }
        let plan = &line.plan;
        let record = Record {
            session: snapshot.session.clone(),
            claude: plan.version.map(|v| v.to_string()),
            profile: plan.equipment.name.clone(),
            model: plan.model.clone(),
            server_kind: line.server.facts.kind,
            server: line.server.url.clone(),
            window: Some(plan.window),
            output_reserve: plan.output,
            fixed: snapshot.window.fixed,
            fixed_source: snapshot.window.fixed_source,
            parts: snapshot.fixed_parts.clone(),
        };
        if self.last.as_ref() == Some(&record) {
            return Ok(());
        }
        let written = write(&place(&settings.home), &record);
        self.last = Some(record);
        written
    }
}

/// Written beside and renamed, so that it is whole or old.
fn write(path: &Path, record: &Record) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let text = serde_json::to_vec_pretty(record)?;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    match file.and_then(|mut f| f.write_all(&text)).and_then(|()| fs::rename(&beside, path)) {
        Ok(()) => Ok(()),
        Err(e) => {
            // Half a file helps nobody.
            let _ = fs::remove_file(&beside);
            Err(e)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_whole_and_damage_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        assert_eq!(recall(&home), None);
        let part =
            FixedFigures { part: "tool Read".into(), bytes: 9, tokens: Some(3), counted: true };
        let record = Record {
            session: "s".into(),
            claude: Some("2.1.330".into()),
            profile: "lean".into(),
            model: "m".into(),
            server_kind: ServerKind::LlamaServer,
            server: "http://127.0.0.1:1".into(),
            window: Some(32_768),
            output_reserve: 4_096,
            fixed: Some(3_900),
            fixed_source: Some(Source::Server),
            parts: vec![part],
        };
        write(&place(&home), &record).unwrap();
        assert_eq!(recall(&home), Some(record));
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(place(&home).metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(place(&home), "{").unwrap();
        assert_eq!(recall(&home), None);
    }
}
