//! What earlier sessions learned of a server's reading speed, in one small file a model.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    domain::{ServerFacts, ServerKind},
    engine::metrics::Curve,
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
    let path = file(folder, kind, model);
    if !fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= LARGEST) {
        return None;
    }
    let curve: Curve = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some(curve.sound())
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
    fs::create_dir_all(folder)?;
    let path = file(folder, facts.kind, model);
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let text = serde_json::to_vec(curve)?;
    let written = fs::File::create(&beside).and_then(|mut file| file.write_all(&text));
    match written.and_then(|()| fs::rename(&beside, &path)) {
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
    use crate::domain::Dialect;

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
