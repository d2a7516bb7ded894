//! Makes a manifest: one bounded walk through a project, nearest folders first.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ring::digest::{SHA256, digest};

use super::{
    Entry, Manifest, Texts,
    look::{About, Root},
    rules,
};
use crate::engine::sandbox::policy::Kind;

/// A larger file is known by its inode and last change.
const LARGEST: u64 = 8 << 20;
/// The text of larger files is not kept.
const LARGEST_TEXT: u64 = 64 << 10;
/// All kept text together.
const ALL_TEXT: usize = 4 << 20;
/// Files with several names that are named.
const NAMED: usize = 5;
/// Folders that hold what tools made, not what they trust.
const SKIPPED: [&str; 8] =
    ["__pycache__", ".hg", ".svn", ".jj", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox"];

/// How far a walk may go.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Names to look at, at most.
    pub names: usize,
    /// Of them in `node_modules`, where only the count of hard links matters.
    pub modules: usize,
    /// Time, at most.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { names: 60_000, modules: 20_000, time: Duration::from_millis(1_500) }
    }
}

/// How a folder is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// An ordinary folder.
    Plain,
    /// `.git` or a bare repository, whose own path this deep ends.
    Git(usize),
    /// A `node_modules`: `.bin`, and hard links.
    Modules,
    /// Below one: hard links alone.
    Counted,
    /// A virtual environment's `lib`: `*.pth` alone.
    Library,
}

/// Walks through the project.
///
/// # Errors
/// When the project itself cannot be opened. What cannot be read inside is left out.
pub fn scan(project: &Path, budget: Budget) -> io::Result<(Manifest, Texts)> {
    let root = Root::open(project)?;
    let mut walk = Walk {
        root,
        end: Instant::now() + budget.time,
        left: budget.names,
        modules_left: budget.modules,
        text_left: ALL_TEXT,
        made: Manifest::default(),
        texts: Texts::new(),
        // `.git` goes first: it matters most, and a huge work tree must not keep it out.
        first: VecDeque::new(),
        queue: VecDeque::from([(PathBuf::new(), View::Plain)]),
    };
    while let Some((folder, view)) = walk.first.pop_front().or_else(|| walk.queue.pop_front()) {
        if walk.left == 0 || Instant::now() > walk.end {
            walk.made.cut = true;
            break;
        }
        walk.folder(&folder, view);
    }
    Ok((walk.made, walk.texts))
}

struct Walk {
    root: Root,
    end: Instant,
    left: usize,
    modules_left: usize,
    text_left: usize,
    made: Manifest,
    texts: Texts,
    first: VecDeque<(PathBuf, View)>,
    queue: VecDeque<(PathBuf, View)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, view: View) {
        let Ok(names) = self.root.list(folder) else { return };
        let has = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
        let bare = view == View::Plain && ["HEAD", "objects", "refs"].iter().all(|name| has(name));
        let view = if bare {
            self.made.repositories.insert(folder.to_owned());
            View::Git(folder.components().count())
        } else {
            view
        };
        // What cargo and others made says so itself.
        let made_by_tools = view == View::Plain && has("CACHEDIR.TAG");
        let venv = view == View::Plain && has("pyvenv.cfg");
        for (name, about) in names {
            let counted = matches!(view, View::Modules | View::Counted);
            let left = if counted { &mut self.modules_left } else { &mut self.left };
            if *left == 0 {
                self.made.cut = true;
                return;
            }
            *left -= 1;
            self.made.seen += 1;
            let path = folder.join(&name);
            if about.kind == Kind::Folder {
                if !made_by_tools {
                    self.enter(path, &name, view, venv);
                }
            } else {
                self.file(path, &about, view, venv);
            }
        }
    }

    fn enter(&mut self, path: PathBuf, name: &OsString, view: View, venv: bool) {
        let name = name.to_str().unwrap_or_default();
        let depth = path.components().count();
        match view {
            View::Plain if name == ".git" => {
                self.made
                    .repositories
                    .insert(path.parent().map(Path::to_owned).unwrap_or_default());
                self.first.push_back((path, View::Git(depth)));
            }
            View::Plain if name == "node_modules" => self.queue.push_back((path, View::Modules)),
            View::Plain if SKIPPED.contains(&name) => {}
            View::Plain if venv && ["lib", "lib64", "Lib"].contains(&name) => {
                self.queue.push_back((path, View::Library));
            }
            View::Plain => self.queue.push_back((path, View::Plain)),
            View::Git(end) => {
                let own = depth == end + 1;
                let trusted = ["hooks", "info", "modules", "worktrees"].contains(&name);
                if (own && trusted) || (!own && !["objects", "refs", "logs", "lfs"].contains(&name))
                {
                    self.first.push_back((path, view));
                }
            }
            View::Modules if name == ".bin" => self.queue.push_back((path, View::Plain)),
            View::Modules | View::Counted => self.queue.push_back((path, View::Counted)),
            // lib/python3.x/site-packages, and no deeper.
            View::Library if name.starts_with("python") || name == "site-packages" => {
                self.queue.push_back((path, View::Library));
            }
            View::Library => {}
        }
    }

    fn file(&mut self, path: PathBuf, about: &About, view: View, venv: bool) {
        if about.kind == Kind::File && about.links > 1 {
            let modules = path.iter().any(|part| part == "node_modules");
            let linked = &mut self.made.linked;
            linked.count += 1;
            linked.in_modules += usize::from(modules);
            if !modules && linked.first.len() < NAMED && !matches!(view, View::Git(_)) {
                linked.first.push(path.clone());
            }
        }
        let trusted = match view {
            View::Plain => {
                if path.file_name().is_some_and(|name| name == ".git") {
                    self.made
                        .repositories
                        .insert(path.parent().map(Path::to_owned).unwrap_or_default());
                    true
                } else {
                    let in_bin = venv_bin(&path);
                    rules::reader(&path).is_some() || venv || in_bin
                }
            }
            View::Git(depth) => {
                let inside: PathBuf = path.iter().skip(depth).collect();
                rules::in_git(&inside).is_some()
            }
            View::Library => path.extension().is_some_and(|end| end == "pth"),
            View::Modules | View::Counted => false,
        };
        if trusted {
            let entry = self.entry(&path, about);
            self.made.files.insert(path, entry);
        }
    }

    fn entry(&mut self, path: &Path, about: &About) -> Entry {
        let content = match about.kind {
            Kind::Link => self
                .root
                .target(path)
                .map(|target| target.to_string_lossy().into_owned())
                .unwrap_or_default(),
            Kind::File if about.size > LARGEST => {
                let (inode, seconds, nanos) = about.stamp;
                format!("inode {inode} changed {seconds}.{nanos:09}")
            }
            Kind::File => match self.root.read(path, LARGEST) {
                Ok(Some(bytes)) => {
                    self.keep_text(path, &bytes);
                    hex(digest(&SHA256, &bytes).as_ref())
                }
                Ok(None) | Err(_) => String::new(),
            },
            Kind::Folder | Kind::Special => String::new(),
        };
        Entry { kind: about.kind, mode: about.mode, size: about.size, content }
    }

    fn keep_text(&mut self, path: &Path, bytes: &[u8]) {
        if bytes.len() as u64 > LARGEST_TEXT || bytes.len() > self.text_left || bytes.contains(&0) {
            return;
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.text_left -= text.len();
            self.texts.insert(path.to_owned(), text.to_owned());
        }
    }
}

/// Programs of a virtual environment, whatever it is called: known by the python beside them.
fn venv_bin(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bin = path.parent().and_then(Path::file_name).is_some_and(|parent| parent == "bin");
    bin && (name.starts_with("python") || name.starts_with("activate") || name == "pip")
}

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
