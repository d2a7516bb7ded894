//! The places of one start on macOS, and which of them are refused.

use std::path::{Path, PathBuf};

use crate::engine::sandbox::policy::{HOME_FOLDERS, Refusal};

/// Where programs are looked for inside. The tools come before their shims in /usr/bin, which keep
/// a cache where nothing can be written.
const PATH: [&str; 7] = [
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/Library/Developer/CommandLineTools/usr/bin",
    "/usr/bin",
    "/bin",
    "/usr/sbin",
    "/sbin",
];

/// The folder of the private home that takes the place of `/tmp`.
pub const TEMPORARY: &str = "tmp";

/// The places of one start; absolute and resolved (`/private/tmp`, not `/tmp`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The project, writable.
    pub project: PathBuf,
    /// lcc's private state folder: readable, and writable in its folders for settings and caches.
    pub home: PathBuf,
    /// lcc's own program.
    pub lcc: PathBuf,
    /// The program to start.
    pub program: PathBuf,
    /// Further folders that may be read.
    pub read_only: Vec<PathBuf>,
    /// The slave side of lcc's terminal. `None`: the caller's own terminal is inherited.
    pub terminal: Option<PathBuf>,
    /// The port of lcc's endpoint on the loopback address.
    pub port: u16,
    /// The user's real home.
    pub user_home: Option<PathBuf>,
    /// What tells this session's processes from others: letters and digits, made up for it.
    pub session: Option<String>,
}

impl Places {
    /// The folders that can be written.
    pub fn writable(&self) -> impl Iterator<Item = PathBuf> {
        let in_home = HOME_FOLDERS.iter().chain([&TEMPORARY]).map(|name| self.home.join(name));
        std::iter::once(self.project.clone()).chain(in_home)
    }

    /// The search path inside: the system's folders, and those of `given` that lie in folders which
    /// can be read. What can be written is left out: a program planted there would be found first.
    #[must_use]
    pub fn search_path(&self, given: &str) -> String {
        let mut all: Vec<&str> = PATH.to_vec();
        let readable = |folder: &&str| {
            let path = Path::new(folder);
            self.read_only.iter().any(|tree| path.starts_with(tree))
                && !self.writable().any(|tree| path.starts_with(tree))
                && plain(path).is_ok()
        };
        let further: Vec<&str> = given.split(':').filter(readable).collect();
        for folder in further {
            if !all.contains(&folder) {
                all.push(folder);
            }
        }
        all.join(":")
    }

    /// Checks every place.
    ///
    /// # Errors
    /// The first [`Refusal`] found.
    pub fn check(&self) -> Result<(), Refusal> {
        let all = [&self.project, &self.home, &self.lcc, &self.program]
            .into_iter()
            .chain(&self.read_only)
            .chain(&self.terminal);
        for path in all {
            plain(path)?;
        }
        let odd = |name: &&String| !name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if let Some(session) = self.session.as_ref().filter(odd) {
            return Err(Refusal::new(Path::new(session), "it is no session's name", "start again"));
        }
        self.project_stands_alone()?;
        for folder in &self.read_only {
            self.readable(folder)?;
        }
        if self.home.starts_with(&self.project) || self.project.starts_with(&self.home) {
            return Err(Refusal::new(
                &self.home,
                "lcc's state and the project lie in each other",
                "set LCC_STATE_DIR to a folder outside the project",
            ));
        }
        if self.writable().any(|folder| self.lcc.starts_with(&folder)) {
            return Err(Refusal::new(
                &self.lcc,
                "lcc's own program lies where the sandboxed one can write",
                "install lcc outside the project",
            ));
        }
        Ok(())
    }

    fn of_home(&self, path: &Path) -> bool {
        self.user_home.as_ref().is_some_and(|home| home.starts_with(path))
    }

    fn project_stands_alone(&self) -> Result<(), Refusal> {
        const SHARED: [&str; 12] = [
            "/",
            "/Users",
            "/Users/Shared",
            "/private",
            "/private/tmp",
            "/private/var",
            "/private/var/tmp",
            "/tmp",
            "/var",
            "/Volumes",
            "/Applications",
            "/opt",
        ];
        const SYSTEM: [&str; 8] = [
            "/System",
            "/Library",
            "/usr",
            "/bin",
            "/sbin",
            "/dev",
            "/private/etc",
            "/opt/homebrew",
        ];
        let project = &self.project;
        // The same folders under the name that their volume gives them.
        let path = project
            .strip_prefix("/System/Volumes/Data")
            .map_or_else(|_| project.clone(), |rest| Path::new("/").join(rest));
        if self.of_home(&path)
            || SHARED.iter().any(|shared| path == Path::new(shared))
            || SYSTEM.iter().any(|system| path.starts_with(system))
        {
            return Err(Refusal::new(
                project,
                "it is a folder of the whole system or your home",
                "start lcc in the folder of one project",
            ));
        }
        Ok(())
    }

    fn readable(&self, folder: &Path) -> Result<(), Refusal> {
        const WHOLE: [&str; 8] = [
            "/",
            "/Users",
            "/Library",
            "/System",
            "/private",
            "/private/var",
            "/private/etc",
            "/dev",
        ];
        const FIX: &str = "name the one folder that is needed";
        if self.of_home(folder) || WHOLE.iter().any(|whole| folder == Path::new(whole)) {
            return Err(Refusal::new(folder, "it would show the whole system or your home", FIX));
        }
        if self.home.starts_with(folder) || folder.starts_with(&self.home) {
            return Err(Refusal::new(folder, "it overlaps lcc's own state", FIX));
        }
        Ok(())
    }
}

/// Only what the profile language and the comparison of paths can be trusted with.
fn plain(path: &Path) -> Result<(), Refusal> {
    let odd = |text: &str| text.contains(['"', '\\']) || text.chars().any(char::is_control);
    if path.to_str().is_none_or(odd) {
        return Err(Refusal::new(
            path,
            "its name has quotes, backslashes or control characters, or is not UTF-8: the profile \
             language cannot be trusted with it",
            "rename it",
        ));
    }
    let dotted = path
        .components()
        .any(|part| matches!(part, std::path::Component::ParentDir | std::path::Component::CurDir));
    if !path.is_absolute() || dotted {
        return Err(Refusal::new(
            path,
            "the path is not absolute and resolved",
            "name the whole path",
        ));
    }
    // The system's longest path; longer ones cannot be opened either.
    if path.as_os_str().len() >= 1024 {
        return Err(Refusal::new(path, "the path is longer than macOS allows", "move it up"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sandbox::macos::samples::plain as sample;

    #[test]
    fn nothing_that_can_be_written_is_searched() {
        let mut places = sample();
        places.read_only = vec!["/Users/ada/.cargo".into(), "/Users/ada/project/tools".into()];
        let given = "/run/lcc/bin:/usr/bin:.:/Users/ada/project/bin:/Users/ada/.cargo/bin:\
                     /Users/ada/.cargo/../x:/Users/ada/project/tools:/Users/ada/bin::/tmp";
        let path = places.search_path(given);
        assert_eq!(path, format!("{}:/Users/ada/.cargo/bin", PATH.join(":")));
        assert_eq!(places.search_path(""), PATH.join(":"));
    }

    #[test]
    fn odd_places_are_refused() {
        let table: [fn(&mut Places); 17] = [
            |places| places.session = Some("x\") (allow default".into()),
            |places| places.project = "/Users/ada".into(),
            |places| places.project = "/Users".into(),
            |places| places.project = "/".into(),
            |places| places.project = "/private/tmp".into(),
            |places| places.project = "/System/Volumes/Data/Users/ada".into(),
            |places| places.project = "/System/Volumes/Data".into(),
            |places| places.project = "/usr/local/src/x".into(),
            |places| places.project = "project".into(),
            |places| places.project = "/Users/ada/x/../y".into(),
            |places| places.project = "/Users/ada/a\"b".into(),
            |places| places.project = "/Users/ada/a\\b".into(),
            |places| places.project = format!("/Users/ada/{}", "x".repeat(1100)).into(),
            |places| places.home = "/Users/ada/project/state".into(),
            |places| places.read_only = vec!["/Users/ada/a\nb".into()],
            |places| places.read_only = vec!["/Users/ada".into()],
            |places| places.lcc = "/Users/ada/project/lcc".into(),
        ];
        for change in table {
            let mut odd = sample();
            change(&mut odd);
            assert!(odd.check().is_err(), "{odd:?}");
        }
        assert_eq!(sample().check(), Ok(()));
    }
}
