//! Toolchains inside the sandbox: found on the host, shown read-only, without their credentials.
//!
//! Pure but for `gather`: what stands where goes in, mounts and variables come out.

pub mod cargo_config;
pub mod credential;
pub mod folders;
pub mod gather;
pub mod identity;
pub mod table;
#[cfg(test)]
mod tests;
pub mod variables;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use credential::{holds_credentials, is_credential};
use table::Tool;

use super::policy::{Content, Extra, extra::OWN};
use crate::domain::Tier;

/// A toolchain as it stands on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub tool: &'static Tool,
    /// Its folder as the user names it.
    pub root: PathBuf,
    /// Its parts that exist and can be read: relative name, and where it really lies.
    pub parts: Vec<(PathBuf, PathBuf)>,
    /// Its files that must be covered: relative names.
    pub masks: Vec<PathBuf>,
}

/// Everything the planner has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The user's real home, links resolved.
    pub home: Option<PathBuf>,
    /// The project, which is visible anyway.
    pub project: PathBuf,
    /// lcc's state folder, of which nothing is shown.
    pub state: PathBuf,
    /// The toolchains.
    pub found: Vec<Found>,
    /// The entries of the user's search path: as named, and where they really lie.
    pub path: Vec<(PathBuf, PathBuf)>,
    /// Cargo's configuration file, where there is one.
    pub cargo_config: Option<String>,
    /// git's own settings of the user: name and value.
    pub git: Vec<(String, String)>,
}

/// What a child is fitted out with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outfit {
    /// What is shown, parents first.
    pub mounts: Vec<Extra>,
    /// What the child is told.
    pub env: BTreeMap<String, String>,
    /// The search path in the user's order; the sandbox drops what can be written.
    pub path: Vec<PathBuf>,
    /// The names of the toolchains that are shown.
    pub tools: Vec<&'static str>,
    /// The folders that the user added.
    pub added: Vec<PathBuf>,
    /// git's own settings of the user.
    git: Vec<(String, String)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Outfit {
    /// The search path as a variable.
    #[must_use]
    pub fn search_path(&self) -> String {
        let entries: Vec<&str> = self.path.iter().filter_map(|path| path.to_str()).collect();
        entries.join(":")
    }

    /// The same for a tier: without a view of its own there is nothing to mount, and what lcc
    /// would have put into a file is said by variables.
    #[must_use]
    pub fn in_tier(mut self, tier: Tier) -> Self {
        match tier {
            Tier::Strict => self,
            Tier::Reduced | Tier::Off => {
                self.mounts.retain(|extra| matches!(extra.content, Content::ReadOnly(_)));
                self.env.remove("GIT_CONFIG_GLOBAL");
                for (name, value) in &self.git {
                    let variables = match name.as_str() {
                        "user.name" => ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"],
                        "user.email" => ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"],
                        _ => continue,
                    };
                    self.env.extend(variables.map(|name| (name.to_owned(), value.clone())));
                }
                self
            }
        }
    }

    /// The same for a program on a terminal of lcc's own: the outer terminal's looks and size are
    /// not the pane's, and a language that is not UTF-8 would be drawn wrong.
    #[must_use]
    pub fn in_pane(mut self) -> Self {
        const OUTER: [&str; 5] = ["TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES"];
        self.env.retain(|name, value| {
            let value = value.to_ascii_lowercase();
            let plain = value.ends_with("utf-8") || value.ends_with("utf8");
            !OUTER.contains(&name.as_str()) && (!name.starts_with("LC_") || plain)
        });
        self
    }

    /// Puts more on top: added folders, variables of the user's.
    pub fn add(
        &mut self,
        added: (Vec<PathBuf>, Vec<Extra>),
        env: BTreeMap<String, String>,
        notes: Vec<String>,
    ) {
        let (folders, mounts) = added;
        self.added.extend(folders);
        self.mounts.extend(mounts);
        self.env.extend(env);
        self.notes.extend(notes);
    }
}

/// There is no network: tools that would wait for one are told not to.
const OFFLINE: [(&str, &str); 3] =
    [("PIP_RETRIES", "0"), ("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("PIP_NO_INPUT", "1")];

/// Plans what is shown of the toolchains.
#[must_use]
pub fn plan(facts: &Facts) -> Outfit {
    let mut outfit = Outfit::default();
    outfit.env.extend(OFFLINE.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut mounts: BTreeMap<PathBuf, Content> = BTreeMap::new();
    let mut bins: Vec<PathBuf> = Vec::new();
    for found in &facts.found {
        let parts = shown(facts, found);
        if parts.is_empty() {
            continue;
        }
        for (place, real) in &parts {
            mounts.insert(place.clone(), Content::ReadOnly(real.clone()));
            // Absolute links inside name the real place.
            if place != real && free(facts, real) {
                mounts.entry(real.clone()).or_insert_with(|| Content::ReadOnly(real.clone()));
            }
        }
        let covered = found.masks.iter().map(|mask| found.root.join(mask));
        mounts.extend(covered.map(|mask| (mask, Content::Mask(Vec::new()))));
        if found.tool.memory && free(facts, &found.root) {
            mounts.insert(found.root.clone(), Content::Memory);
        }
        let root = found.root.to_string_lossy();
        for (name, value) in found.tool.env {
            outfit.env.insert((*name).to_owned(), value.replace('@', &root));
        }
        bins.extend(
            found
                .tool
                .bins
                .iter()
                .map(|bin| if bin.is_empty() { found.root.clone() } else { found.root.join(bin) }),
        );
        outfit.tools.push(found.tool.name);
    }
    configure_cargo(facts, &outfit.tools, &mut mounts);
    if let Some(text) = identity::file(&facts.git) {
        let place = Path::new(OWN).join("gitconfig");
        outfit.env.insert("GIT_CONFIG_GLOBAL".to_owned(), place.to_string_lossy().into_owned());
        mounts.insert(place, Content::Text(text.into_bytes()));
    }
    outfit.path = search_path(facts, &mounts, &bins);
    outfit.git.clone_from(&facts.git);
    // What lies in a part that is shown whole needs no mount of its own.
    outfit.mounts = without_nested(mounts);
    outfit
}

/// Whether a place is neither the project's nor lcc's own.
fn free(facts: &Facts, path: &Path) -> bool {
    let own = [&facts.project, &facts.state];
    !own.iter().any(|own| path.starts_with(own) || facts.state.starts_with(path))
        && !path.starts_with("/usr")
        && path.parent().is_some()
}

/// The parts of a toolchain that may be shown: place inside, place on the host.
fn shown(facts: &Facts, found: &Found) -> Vec<(PathBuf, PathBuf)> {
    let home = facts.home.as_deref();
    found
        .parts
        .iter()
        .map(|(part, real)| {
            let place = if part.as_os_str().is_empty() {
                found.root.clone()
            } else {
                found.root.join(part)
            };
            (place, real.clone())
        })
        .filter(|(place, real)| {
            free(facts, place)
                && free(facts, real)
                && !holds_credentials(place, home)
                && !holds_credentials(real, home)
        })
        .collect()
}

/// Cargo's configuration without its secrets, in the folder made in memory.
fn configure_cargo(facts: &Facts, tools: &[&'static str], mounts: &mut BTreeMap<PathBuf, Content>) {
    let cargo = facts.found.iter().find(|found| found.tool.name == "cargo");
    if let (Some(cargo), Some(text)) = (cargo, &facts.cargo_config)
        && tools.contains(&"cargo")
        && mounts.get(&cargo.root) == Some(&Content::Memory)
        && let Some(clean) = cargo_config::clean(text)
    {
        mounts.insert(cargo.root.join("config.toml"), Content::Text(clean.into_bytes()));
    }
}

/// The user's search path, then the toolchains' own folders; only what is shown.
fn search_path(
    facts: &Facts,
    mounts: &BTreeMap<PathBuf, Content>,
    bins: &[PathBuf],
) -> Vec<PathBuf> {
    let readable = |path: &Path| {
        let above = path.ancestors().find_map(|part| mounts.get(part));
        // A folder of which single files are shown lies on the root, which is read-only.
        let lists =
            || !path.starts_with("/tmp") && mounts.keys().any(|file| file.parent() == Some(path));
        match above {
            Some(content) => matches!(content, Content::ReadOnly(_)),
            None => {
                path.starts_with("/usr")
                    || ["/bin", "/sbin"].iter().any(|at| path == Path::new(at))
                    || lists()
            }
        }
    };
    let mut seen = BTreeSet::new();
    let mut path = Vec::new();
    let named = facts.path.iter().filter_map(|(named, real)| {
        let either = [named, real].into_iter().find(|path| readable(path))?;
        Some(either.clone())
    });
    let bins = bins.iter().filter(|bin| readable(bin)).cloned();
    for entry in named.chain(bins) {
        let is_credential = is_credential(&entry, facts.home.as_deref());
        if !is_credential && !entry.starts_with(&facts.project) && seen.insert(entry.clone()) {
            path.push(entry);
        }
    }
    path
}

fn without_nested(mounts: BTreeMap<PathBuf, Content>) -> Vec<Extra> {
    let mut kept: Vec<Extra> = Vec::new();
    for (target, content) in mounts {
        let same = kept.iter().rev().find(|above| target.starts_with(&above.target)).is_some_and(
            |above| match (&above.content, &content) {
                (Content::ReadOnly(outer), Content::ReadOnly(inner)) => {
                    target.strip_prefix(&above.target).is_ok_and(|rest| outer.join(rest) == *inner)
                }
                _ => false,
            },
        );
        if !same {
            kept.push(Extra { target, content });
        }
    }
    kept
}
