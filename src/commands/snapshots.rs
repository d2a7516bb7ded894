//! `lcc snapshots`: the saved slots of model servers, and removing them.

use std::{io::Write, path::Path};

use serde_json::json;

use super::CommandError;
use crate::{
    cli::SnapshotsWhat,
    domain::{Kept, units},
    engine::{
        warm::index::{Index, remove},
        window::warm::{Entry, Shelf},
    },
};

/// Lists or removes.
///
/// # Errors
/// [`CommandError::Usage`] for an id that is none, [`CommandError::Other`] when a file or the index
/// cannot be changed.
pub fn run(state: &Path, what: &SnapshotsWhat, out: &mut impl Write) -> Result<(), CommandError> {
    let index = Index::at(state.to_owned());
    match what {
        SnapshotsWhat::List { json: true } => as_json(&index.read(), out),
        SnapshotsWhat::List { json: false } => as_text(&index.read(), out),
        SnapshotsWhat::Rm { id, all } => rm(&index, id.as_deref().filter(|_| !all), out),
    }
}

fn as_json(shelf: &Shelf, out: &mut impl Write) -> Result<(), CommandError> {
    let value = json!({
        "bytes": shelf.bytes(),
        "snapshots": shelf.entries,
        "servers_without": shelf.vain,
    });
    let text = serde_json::to_string_pretty(&value).map_err(CommandError::other)?;
    writeln!(out, "{text}").map_err(CommandError::other)
}

fn as_text(shelf: &Shelf, out: &mut impl Write) -> Result<(), CommandError> {
    let mut entries: Vec<&Entry> = shelf.entries.iter().collect();
    entries.sort_by_key(|e| std::cmp::Reverse(e.used));
    let mut text = String::new();
    if entries.is_empty() {
        text.push_str(
            "no snapshots. They are made where llama-server has a --slot-save-path; lcc serve \
             gives it one\n",
        );
    }
    for e in &entries {
        let kept = match e.kept {
            Kept::Fixed => "fixed prefix",
            Kept::Conversation => "conversation",
        };
        let model = e.mark.model.as_deref().map(Path::new).and_then(Path::file_name);
        let model = model.map_or_else(|| "?".into(), |m| m.to_string_lossy());
        let proven = if e.proven { "" } else { ", not tried yet" };
        let unseen = if e.folder.is_some() { "" } else { ", file not visible to lcc" };
        text.push_str(&format!(
            "{}  {kept:<12}  {:>8} tok  {:>9}  {model}  {}{proven}{unseen}\n",
            e.id,
            units::count(e.tokens),
            units::bytes(e.bytes),
            e.project,
        ));
    }
    if !entries.is_empty() {
        let all = entries.len();
        text.push_str(&format!("{all} in all, {}\n", units::bytes(shelf.bytes())));
    }
    for vain in &shelf.vain {
        let name = vain.mark.kind.name();
        let model = vain.mark.model.as_deref().unwrap_or("?");
        text.push_str(&format!("none for {name} with {model}: {}\n", vain.why));
    }
    out.write_all(text.as_bytes()).map_err(CommandError::other)
}

fn rm(index: &Index, id: Option<&str>, out: &mut impl Write) -> Result<(), CommandError> {
    let gone = index.change(|shelf| match id {
        Some(id) => shelf.take(id).into_iter().collect(),
        None => {
            shelf.vain.clear();
            std::mem::take(&mut shelf.entries)
        }
    });
    let gone: Vec<Entry> = gone.map_err(CommandError::other)?;
    if let (Some(id), true) = (id, gone.is_empty()) {
        return Err(CommandError::Usage(format!(
            "no snapshot {id}; lcc snapshots list shows which there are"
        )));
    }
    let mut failed = Vec::new();
    for entry in gone {
        let file = match &entry.folder {
            Some(folder) => format!("{folder}/{}", entry.file),
            None => entry.file.clone(),
        };
        match remove(&entry) {
            Ok(true) => writeln!(out, "{} removed: {file}", entry.id),
            Ok(false) => writeln!(
                out,
                "{} forgotten; its file {file} lies in the folder of the server at {}, which lcc \
                 cannot see: remove it there",
                entry.id, entry.url
            ),
            Err(e) => {
                failed.push(format!("{file}: {e}"));
                Ok(())
            }
        }
        .map_err(CommandError::other)?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(CommandError::Other(format!(
        "forgotten, but not removed: {}. Remove it by hand",
        failed.join("; ")
    )))
}
