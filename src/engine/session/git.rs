//! What git says of a project, asked so that nothing of the project's own repository is run.
//!
//! Claude Code may write the project's files, and a repository's configuration can name commands:
//! filters, hooks, a file-system monitor. So git is not pointed at the repository. It is given a
//! scratch one made here, without configuration, which borrows the project's objects and index;
//! `.gitattributes` may then name filters, but nothing says what they are.

use std::{ffi::OsStr, fs, io, path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::domain::transcript::ChangedFile;

/// A large project may take longer; the note is then written without git.
const PATIENCE: Duration = Duration::from_secs(2);
/// Files that are kept of what git lists.
const MOST_FILES: usize = 200;
/// A branch's name or a commit's is shorter.
const LONGEST_REF: u64 = 4_096;
/// Bytes of a list of packed references that are read.
const PACKED: u64 = 16 << 20;

/// The files of `project` that differ from its last commit; `None` when it is no repository, git
/// is not there, or it takes too long. `path`: where programs are looked for.
pub(super) async fn changed(project: &Path, path: Option<&str>) -> Option<Vec<ChangedFile>> {
    let head = head(&project.join(".git"))?;
    let scratch = Scratch::make(&head).ok()?;
    let ask = |words: &[&str]| ask(&scratch, project, path, words);
    let status = ask(&[
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=normal",
        "--ignore-submodules=all",
        "--no-renames",
    ]);
    let counts = ask(&[
        "diff",
        "--numstat",
        "-z",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--ignore-submodules=all",
        "HEAD",
        "--",
    ]);
    let both = async { tokio::join!(status, counts) };
    let (status, counts) = tokio::time::timeout(PATIENCE, both).await.ok()?;
    Some(files(&status?, &counts.unwrap_or_default()))
}

/// The files of `project` that git knows or does not ignore, by their paths, `most` at most;
/// `None` as with [`changed`].
pub(super) async fn listed(project: &Path, path: Option<&str>, most: usize) -> Option<Vec<String>> {
    let head = head(&project.join(".git"))?;
    let scratch = Scratch::make(&head).ok()?;
    let words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    let out = tokio::time::timeout(PATIENCE, ask(&scratch, project, path, &words)).await.ok()??;
    let names = out.split(|b| *b == 0).filter_map(|name| std::str::from_utf8(name).ok());
    // A repository within is named as a folder.
    let files = names.filter(|name| !name.is_empty() && !name.ends_with('/'));
    Some(files.take(most).map(str::to_owned).collect())
}

/// What git prints, asked of the scratch repository about the project's files; `None` when it
/// fails.
fn ask(
    scratch: &Scratch,
    project: &Path,
    path: Option<&str>,
    words: &[&str],
) -> impl Future<Output = Option<Vec<u8>>> + use<> {
    let repository = project.join(".git");
    let mut git = Command::new("git");
    git.args(["--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"])
        .args(words)
        .env_clear()
        .env("PATH", path.map_or_else(|| OsStr::new("/usr/bin:/bin"), OsStr::new))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_DIR", &scratch.0)
        .env("GIT_WORK_TREE", project)
        .env("GIT_OBJECT_DIRECTORY", repository.join("objects"))
        .env("GIT_INDEX_FILE", repository.join("index"))
        .current_dir(&scratch.0)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    async move {
        let out = git.output().await.ok()?;
        out.status.success().then_some(out.stdout)
    }
}

/// A repository that holds nothing but where `HEAD` is. Removed when dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn make(head: &Head) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("lcc-git-{}", uuid::Uuid::new_v4().simple());
        let scratch = Self(std::env::temp_dir().join(name));
        fs::DirBuilder::new().mode(0o700).create(&scratch.0)?;
        for folder in ["refs", "objects", "info"] {
            fs::create_dir(scratch.0.join(folder))?;
        }
        let head = match head {
            Head::Commit(id) => id.clone(),
            Head::Unborn => "ref: refs/heads/main".to_owned(),
        };
        fs::write(scratch.0.join("HEAD"), format!("{head}\n"))?;
        fs::write(
            scratch.0.join("config"),
            "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
        )?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the project's last commit is.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    Commit(String),
    /// There is none yet.
    Unborn,
}

/// Reads it from the files themselves. A `.git` that is no folder (a worktree, a submodule) points
/// out of the project and is left alone.
fn head(repository: &Path) -> Option<Head> {
    if !fs::symlink_metadata(repository).ok()?.is_dir() {
        return None;
    }
    let text = small(&repository.join("HEAD"), LONGEST_REF)?;
    let text = text.trim();
    let Some(name) = text.strip_prefix("ref:").map(str::trim) else {
        return commit(text).map(Head::Commit);
    };
    // Only what git itself would name: no way out of the folder.
    let plain =
        name.starts_with("refs/") && !name.split('/').any(|part| part.is_empty() || part == "..");
    if !plain {
        return None;
    }
    if let Some(id) = small(&repository.join(name), LONGEST_REF) {
        return commit(id.trim()).map(Head::Commit);
    }
    let packed = small(&repository.join("packed-refs"), PACKED).unwrap_or_default();
    let found = packed.lines().filter_map(|line| line.split_once(' ')).find(|(_, n)| *n == name);
    match found {
        Some((id, _)) => commit(id).map(Head::Commit),
        None => Some(Head::Unborn),
    }
}

fn commit(id: &str) -> Option<String> {
    // A repository of longer ids would need more than a scratch one knows.
    (id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

fn small(path: &Path, most: u64) -> Option<String> {
    let meta = fs::symlink_metadata(path).ok()?;
    (meta.is_file() && meta.len() <= most).then(|| fs::read_to_string(path).ok()).flatten()
}

/// Puts git's two answers together.
fn files(status: &[u8], counts: &[u8]) -> Vec<ChangedFile> {
    let pieces = |bytes: &[u8]| {
        let pieces = bytes.split(|b| *b == 0).filter(|piece| !piece.is_empty());
        pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect::<Vec<_>>()
    };
    let counted: std::collections::HashMap<String, (u64, u64)> = pieces(counts)
        .iter()
        .filter_map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (added, removed, path) = (parts.next()?, parts.next()?, parts.next()?);
            // Binary files have `-` for both.
            Some((path.to_owned(), (added.parse().ok()?, removed.parse().ok()?)))
        })
        .collect();
    let file = |entry: &String| {
        let (status, path) = entry.split_at_checked(2)?;
        let path = path.strip_prefix(' ')?;
        Some(ChangedFile {
            path: path.to_owned(),
            status: status.trim().to_owned(),
            lines: counted.get(path).copied(),
        })
    };
    pieces(status).iter().filter_map(file).take(MOST_FILES).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command as Plain;

    use super::*;

    fn git(dir: &Path, words: &[&str]) {
        let out = Plain::new("git")
            .args(["-c", "user.email=a@example.org", "-c", "user.name=Ada"])
            .args(words)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    fn path() -> Option<String> {
        std::env::var("PATH").ok()
    }

    fn project() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "trunk"]);
        fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
        fs::write(dir.path().join("b.txt"), "b\n").unwrap();
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-qm", "first"]);
        dir
    }

    type Told<'a> = (&'a str, &'a str, Option<(u64, u64)>);

    fn told(files: &[ChangedFile]) -> Vec<Told<'_>> {
        files.iter().map(|f| (f.status.as_str(), f.path.as_str(), f.lines)).collect()
    }

    #[tokio::test]
    async fn changed_deleted_new_and_staged() {
        let dir = project();
        assert_eq!(changed(dir.path(), path().as_deref()).await, Some(vec![]));
        fs::write(dir.path().join("a.txt"), "one\nthree\nfour\n").unwrap();
        fs::remove_file(dir.path().join("b.txt")).unwrap();
        fs::create_dir(dir.path().join("new")).unwrap();
        fs::write(dir.path().join("new/ä b.txt"), "x").unwrap();
        fs::write(dir.path().join("c.txt"), "c\n").unwrap();
        git(dir.path(), &["add", "c.txt"]);
        let before = fs::read(dir.path().join(".git/index")).unwrap();
        let files = changed(dir.path(), path().as_deref()).await.unwrap();
        let expected = [
            ("M", "a.txt", Some((2, 1))),
            ("D", "b.txt", Some((0, 1))),
            ("A", "c.txt", Some((1, 0))),
            ("??", "new/", None),
        ];
        assert_eq!(told(&files), expected);
        assert_eq!(fs::read(dir.path().join(".git/index")).unwrap(), before);
        // The same with the reference packed away.
        git(dir.path(), &["pack-refs", "--all"]);
        assert_eq!(told(&changed(dir.path(), path().as_deref()).await.unwrap()), expected);
    }

    #[tokio::test]
    async fn nothing_of_the_projects_own_repository_runs() {
        let dir = project();
        let proof = dir.path().join("proof");
        let touch = format!("touch {}; cat", proof.display());
        for (key, value) in [
            ("filter.evil.clean", touch.as_str()),
            ("filter.evil.smudge", &touch),
            ("filter.evil.process", &touch),
            ("core.fsmonitor", &touch),
            ("diff.evil.command", &touch),
            ("diff.evil.textconv", &touch),
            ("diff.external", &touch),
            ("core.pager", &touch),
        ] {
            git(dir.path(), &["config", key, value]);
        }
        for place in [".gitattributes", ".git/info/attributes"] {
            fs::create_dir_all(dir.path().join(".git/info")).unwrap();
            fs::write(dir.path().join(place), "* filter=evil diff=evil\n").unwrap();
        }
        let hook = dir.path().join(".git/hooks/post-index-change");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\n{touch}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&hook, mode).unwrap();
        fs::write(dir.path().join("a.txt"), "changed\n").unwrap();
        let files = changed(dir.path(), path().as_deref()).await.unwrap();
        assert!(told(&files).contains(&("M", "a.txt", Some((1, 2)))), "{files:?}");
        assert!(!proof.exists(), "a command of the repository ran");
        // The trap is one: git itself would have run it.
        let _ = Plain::new("git").args(["diff", "HEAD"]).current_dir(dir.path()).output().unwrap();
        assert!(proof.exists());
    }

    #[tokio::test]
    async fn no_repository_an_unborn_one_and_one_that_points_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(changed(dir.path(), path().as_deref()).await, None);
        git(dir.path(), &["init", "-q", "-b", "trunk"]);
        fs::write(dir.path().join("new.txt"), "x").unwrap();
        let files = changed(dir.path(), path().as_deref()).await.unwrap();
        assert_eq!(told(&files), [("??", "new.txt", None)]);
        let other = project();
        fs::remove_dir_all(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git"), format!("gitdir: {}/.git", other.path().display()))
            .unwrap();
        assert_eq!(changed(dir.path(), path().as_deref()).await, None);
    }

    #[test]
    fn heads_that_lead_out_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["ref: ../../x", "ref: refs/../../x", "ref: /etc/passwd", "abc", ""] {
            fs::write(dir.path().join("HEAD"), text).unwrap();
            assert_eq!(head(dir.path()), None, "{text}");
        }
    }
}
