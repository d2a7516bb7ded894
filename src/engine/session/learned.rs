//! What earlier sessions learned of a server's reading speed, in one small file a model.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    domain::{ServerFacts, ServerKind},
    engine::{metrics::Curve, proxy::ratio::Ratio},
};

/// A file larger than this was not written here.
const LARGEST: u64 = 1 << 20;

/// The file for this kind of server and model; the state folder is the machine's own.
fn file(folder: &Path, kind: ServerKind, model: &str) -> PathBuf {
    // `DefaultHasher::new()` has fixed keys; a collision would only mix two models' speeds.
    let mut digest = DefaultHasher::new();
    (kind, model).hash(&mut digest);
    folder.join(format!("{:016x}.json", digest.finish()))
}

/// The curve of an earlier session, when there is one that can be read. Practice keeps none: its
/// speed is a setting.
pub(super) fn recall(folder: &Path, facts: &ServerFacts, model: &str) -> Option<Curve> {
    reading_curve(folder, facts.kind, model)
}

/// The same, by the kind of server alone.
#[must_use]
pub fn reading_curve(folder: &Path, kind: ServerKind, model: &str) -> Option<Curve> {
    if kind == ServerKind::Practice {
        return None;
    }
    let curve: Curve = serde_json::from_slice(&read(&file(folder, kind, model))?).ok()?;
    Some(curve.sound())
}

/// What an earlier session learned of this model's tokens; nothing when it cannot be read.
pub(super) fn recall_ratio(folder: &Path, facts: &ServerFacts, model: &str) -> Option<Ratio> {
    let kept =
        (facts.kind != ServerKind::Practice).then(|| read(&tokens(folder, facts, model)))??;
    Some(Ratio::recalled(serde_json::from_slice(&kept).ok()?))
}

/// Keeps what was learned of this model's tokens.
///
/// # Errors
/// What the system said; a session goes on without.
pub(super) fn keep_ratio(
    folder: &Path,
    facts: &ServerFacts,
    model: &str,
    ratio: &Ratio,
) -> io::Result<()> {
    if ratio.is_empty() || facts.kind == ServerKind::Practice {
        return Ok(());
    }
    write(folder, &tokens(folder, facts, model), &serde_json::to_vec(ratio)?)
}

fn tokens(folder: &Path, facts: &ServerFacts, model: &str) -> PathBuf {
    file(folder, facts.kind, model).with_extension("tokens")
}

fn read(path: &Path) -> Option<Vec<u8>> {
    if !fs::symlink_metadata(path).is_ok_and(|m| m.is_file() && m.len() <= LARGEST) {
        return None;
    }
    fs::read(path).ok()
}

/// Keeps the curve for later sessions: written beside and renamed, so that it is whole or old.
///
/// # Errors
/// What the system said; a session goes on without.
pub(super) fn keep(
    folder: &Path,
    facts: &ServerFacts,
    model: &str,
    curve: &Curve,
) -> io::Result<()> {
    if curve.is_empty() || facts.kind == ServerKind::Practice {
        return Ok(());
    }
    write(folder, &file(folder, facts.kind, model), &serde_json::to_vec(curve)?)
}

fn write(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| file.write_all(text));
    match written.and_then(|()| fs::rename(&beside, path)) {
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
    use crate::{domain::Dialect, engine::proxy::ratio::Weights};

    fn facts(kind: ServerKind) -> ServerFacts {
        ServerFacts {
            kind,
            version: None,
            model: None,
            window: None,
            slots: None,
            healthy: true,
            loading: false,
            dialect: Dialect::LLAMA,
        }
    }

    #[test]
    fn what_was_learned_of_tokens_is_kept_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let llama = facts(ServerKind::LlamaServer);
        let mut ratio = Ratio::default();
        keep_ratio(dir.path(), &llama, "m", &ratio).unwrap();
        assert_eq!(recall_ratio(dir.path(), &llama, "m"), None);
        let of = Weights { text: 9_000, pieces: 3, ..Weights::default() };
        ratio.learn(of, 2_000);
        keep_ratio(dir.path(), &llama, "m", &ratio).unwrap();
        assert_eq!(recall_ratio(dir.path(), &llama, "m"), Some(ratio));
        assert_eq!(recall_ratio(dir.path(), &llama, "n"), None);
        assert_eq!(recall(dir.path(), &llama, "m"), None);
        fs::write(tokens(dir.path(), &llama, "m"), "{\"counts\":[1").unwrap();
        assert_eq!(recall_ratio(dir.path(), &llama, "m"), None);
    }

    #[test]
    fn a_curve_is_kept_by_kind_and_model_and_damage_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let llama = facts(ServerKind::LlamaServer);
        let mut curve = Curve::default();
        curve.learn(0, 4_096, 12.0);
        assert_eq!(recall(dir.path(), &llama, "m"), None);
        keep(dir.path(), &llama, "m", &curve).unwrap();
        assert_eq!(recall(dir.path(), &llama, "m"), Some(curve.clone()));
        assert_eq!(recall(dir.path(), &llama, "other"), None);
        assert_eq!(recall(dir.path(), &facts(ServerKind::Ollama), "m"), None);
        fs::write(file(dir.path(), llama.kind, "m"), "{\"bins\":").unwrap();
        assert_eq!(recall(dir.path(), &llama, "m"), None);
        keep(dir.path(), &llama, "m", &Curve::default()).unwrap();
        assert_eq!(recall(dir.path(), &llama, "m"), None, "nothing learned overwrites nothing");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
