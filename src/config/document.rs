//! The file: TOML with spans, walked along the schema; every problem with its line.

use std::{collections::BTreeMap, path::Path};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    error::{Place, Problem},
    keys::{self, KeysLine},
    profiles,
    schema::Key,
    suggest::nearest,
    value::Given,
};
use crate::domain::Equipment;

/// One assignment of the file that the schema knows.
struct Found<'a> {
    key: Key,
    text: String,
    line: usize,
    value: &'a DeValue<'a>,
}

/// Walks a file's text and hands each known assignment to `apply`; problems are collected.
///
/// `apply` gets the key, the value and the line, and says what is wrong with the value. A file
/// that is not TOML at all is not walked: half a file must not set anything.
pub(super) fn read(
    path: &Path,
    text: &str,
    own: &mut BTreeMap<String, Equipment>,
    own_keys: &mut Vec<KeysLine>,
    mut apply: impl FnMut(Key, &Given<'_>, usize) -> Result<(), String>,
) -> Vec<Problem> {
    let lines = Lines { path, text };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return errors
            .iter()
            .map(|error| {
                let at = error.span().map_or(0, |span| span.start);
                lines.problem(lines.line(at), String::new(), error.message().replace('\n', ", "))
            })
            .collect();
    }
    let mut problems = Vec::new();
    for found in lines.walk(table.get_ref(), None, &mut problems) {
        if let Err(message) = apply(found.key, &Given::Toml(found.value), found.line) {
            problems.push(lines.problem(found.line, found.text, message));
        }
    }
    if let Some(table) = table.get_ref().get(keys::TABLE).and_then(|t| t.get_ref().as_table()) {
        let mut wrong = Vec::new();
        *own_keys = keys::read(table, |at| lines.line(at), &mut wrong);
        problems.extend(
            wrong
                .into_iter()
                .map(|(at, text, message)| lines.problem(lines.line(at), text, message)),
        );
    }
    if let Some(table) = table.get_ref().get(profiles::TABLE).and_then(|t| t.get_ref().as_table()) {
        let mut wrong = Vec::new();
        *own = profiles::read(table, &mut wrong);
        problems.extend(
            wrong
                .into_iter()
                .map(|(at, text, message)| lines.problem(lines.line(at), text, message)),
        );
    }
    // The table is sorted by name; a reader goes from top to bottom.
    problems.sort_by_key(|problem| match problem.place {
        Place::File { line, .. } => line,
        Place::Env | Place::Flag => 0,
    });
    problems
}

/// The text, for turning offsets into lines.
struct Lines<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Lines<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    fn problem(&self, line: usize, text: String, message: String) -> Problem {
        Problem { place: Place::File { path: self.path.to_owned(), line }, text, message }
    }

    fn source(&self, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> String {
        let written = self.text.get(value.span()).unwrap_or_default();
        let first = written.lines().next().unwrap_or_default();
        let shown: String = first.chars().take(60).collect();
        let more = if shown.len() < written.len() { "…" } else { "" };
        format!("{} = {shown}{more}", name.get_ref())
    }

    fn walk<'a>(
        &self,
        table: &'a DeTable<'a>,
        inside: Option<&str>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        for (name, value) in table {
            let line = self.line(name.span().start);
            // `sandbox` is both a word at the top and a table.
            let table = inside.is_none()
                && value.get_ref().is_table()
                && Key::TABLES.contains(&name.get_ref().as_ref());
            if let Some(key) = Key::find(inside, name.get_ref()).filter(|_| !table) {
                let text = self.source(name, value);
                let text = if key.may_be_secret(&text) {
                    format!("{} = …", name.get_ref())
                } else {
                    text
                };
                found.push(Found { key, text, line, value: value.get_ref() });
            } else if inside.is_none()
                && [profiles::TABLE, keys::TABLE].contains(&name.get_ref().as_ref())
                && value.get_ref().is_table()
            {
                // Its tables have names of the user's; they are read apart.
            } else if inside.is_none() && Key::TABLES.contains(&name.get_ref().as_ref()) {
                match value.get_ref().as_table() {
                    Some(table) => found.extend(self.walk(table, Some(name.get_ref()), problems)),
                    None => problems.push(self.problem(
                        line,
                        self.source(name, value),
                        format!("expected a table, written [{}]", name.get_ref()),
                    )),
                }
            } else {
                problems.push(self.unknown(name.get_ref(), inside, line));
            }
        }
        found
    }

    fn unknown(&self, name: &str, inside: Option<&str>, line: usize) -> Problem {
        let in_table = Key::ALL.map(Key::entry);
        let here = in_table.iter().filter(|entry| entry.table == inside).map(|entry| entry.name);
        let tables = Key::TABLES
            .into_iter()
            .chain([profiles::TABLE, keys::TABLE])
            .filter(|_| inside.is_none());
        let elsewhere = in_table.iter().find(|entry| entry.table != inside && entry.name == name);
        let message = match (nearest(name, here.chain(tables)), elsewhere) {
            (_, Some(entry)) => format!(
                "unknown key here (it belongs {})",
                entry.table.map_or_else(
                    || "at the top of the file, before any table".to_owned(),
                    |table| format!("under [{table}]")
                )
            ),
            (Some(meant), None) => format!("unknown key (did you mean {meant}?)"),
            (None, None) => "unknown key (lcc config show lists them all)".to_owned(),
        };
        let text = inside.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"));
        self.problem(line, text, message)
    }
}
