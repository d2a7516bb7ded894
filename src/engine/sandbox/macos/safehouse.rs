//! Agent Safehouse as a source of toolchain paths, never as the boundary.
//!
//! It keeps up with where toolchains lie on a Mac. Its own policy leaves the network open and lets
//! toolchains be written, so nothing of it comes into force: lcc reads the folders out of it, and
//! its own profile makes them readable.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::evaluate::{Policy, Trouble};

/// The last release whose policy lets any program be opened outside of the sandbox. What it says
/// of folders is fine, but it is not asked either: one rule for what is recent enough.
const TOO_OLD: (u64, u64, u64) = (0, 11, 1);
/// The part of a policy that begins with this line holds definitions.
const BASE: &str = "00-base.sb";
/// Parts that begin like this are about toolchains.
const TOOLCHAINS: &str = "30-toolchains/";
/// The line that begins a part.
const SOURCE: &str = ";; Source: ";

/// Where it is looked for. Nothing on the search path: that may lead into a project.
#[must_use]
pub fn places(user_home: Option<&Path>) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        ["/opt/homebrew/bin/safehouse", "/usr/local/bin/safehouse"].map(PathBuf::from).to_vec();
    all.extend(user_home.map(|home| home.join(".local/bin/safehouse")));
    all
}

/// What it is asked: for the text of a policy without a project and without features.
pub const ARGUMENTS: [&str; 3] = ["--stdout", "--workdir=", "--trust-workdir-config=false"];

/// Reads what `safehouse --version` says; `None` when there is no version in it.
#[must_use]
pub fn version(said: &str) -> Option<(u64, u64, u64)> {
    said.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches(['v', 'V']);
        let mut numbers = word.splitn(3, '.');
        let mut next = || {
            let part = numbers.next()?;
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        Some((next()?, next()?, next()?))
    })
}

/// Whether this release is asked.
#[must_use]
pub fn recent_enough(version: (u64, u64, u64)) -> bool {
    version > TOO_OLD
}

/// The folders of toolchains that a policy names below the user's home.
///
/// # Errors
/// [`Trouble`] when the text is more of the language than is read here; then it is not used.
pub fn toolchains(policy: &str, user_home: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let mut wanted = true;
    // Lines that are left out stay as empty ones, so that trouble names the right line.
    let text: String = policy
        .lines()
        .map(|line| {
            if let Some(part) = line.strip_prefix(SOURCE) {
                wanted = part.starts_with(BASE) || part.starts_with(TOOLCHAINS);
            }
            if wanted { format!("{line}\n") } else { "\n".to_owned() }
        })
        .collect();
    let policy = Policy::read(&text, &BTreeMap::new())?;
    let mut folders: Vec<PathBuf> = policy
        .readable_trees()
        .into_iter()
        .map(PathBuf::from)
        .filter(|folder| is_toolchain(folder, user_home))
        .collect();
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// A folder of its own in the home, and none that holds keys or other programs' data.
fn is_toolchain(folder: &Path, user_home: &Path) -> bool {
    const NEVER: [&str; 12] = [
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".docker",
        ".config/gcloud",
        ".config/gh",
        ".password-store",
        "Library/Keychains",
        "Library/Cookies",
        "Library/Application Support",
    ];
    const WHOLE: [&str; 6] = ["", ".config", ".cache", ".local", "Library", "Library/Caches"];
    let Ok(inside) = folder.strip_prefix(user_home) else { return false };
    let plain = inside.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    plain
        && !WHOLE.iter().any(|whole| inside == Path::new(whole))
        && !NEVER
            .iter()
            .any(|never| inside.starts_with(never) || Path::new(never).starts_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let table = [
            ("0.11.1", Some((0, 11, 1)), false),
            ("0.11.0\n", Some((0, 11, 0)), false),
            ("0.11.2", Some((0, 11, 2)), true),
            ("safehouse 0.12.0", Some((0, 12, 0)), true),
            ("Agent Safehouse v1.0.0-rc1", Some((1, 0, 0)), true),
            ("0.9.99", Some((0, 9, 99)), false),
            ("unknown", None, false),
            ("", None, false),
            ("1.2", None, false),
            ("99999999999999999999.0.0", None, false),
        ];
        for (said, expected, recent) in table {
            assert_eq!(version(said), expected, "{said}");
            assert_eq!(expected.is_some_and(recent_enough), recent, "{said}");
        }
    }

    const POLICY: &str = r#"(version 1)
;; Source: 00-base.sb
(define HOME_DIR "/Users/ada")
(define (home-subpath rel) (subpath (string-append HOME_DIR rel)))
(define (home-literal rel) (literal (string-append HOME_DIR rel)))
(define WORK_DIR #f)
(define (workdir-path rel) (string-append (if (string=? WORK_DIR "/") "" WORK_DIR) rel))
(deny default)
;; Source: 10-system-runtime.sb
(allow file-read* file-write* (subpath "/private/tmp") (home-subpath "/secret-of-another-part"))
(allow process-exec)
;; Source: 20-network.sb
(allow network*)
;; Source: 30-toolchains/rust.sb
(allow file-read* file-write*
  (home-subpath "/.cargo") ; writable there
  (home-subpath "/.rustup")
  (home-subpath "/.config")
  (home-subpath "/.ssh")
  (home-subpath "")
  (home-subpath "/../bob")
  (subpath "/opt/other")
  (home-literal "/.bunfig.toml"))
(deny file-read* (home-subpath "/.denied"))
(allow file-write* (home-subpath "/.written"))
;; Source: 50-integrations-core/git.sb
(allow file-read* (home-subpath "/.config/git"))
"#;

    #[test]
    fn only_toolchains_of_the_home_are_taken() {
        let folders = toolchains(POLICY, Path::new("/Users/ada")).unwrap();
        assert_eq!(folders, [Path::new("/Users/ada/.cargo"), Path::new("/Users/ada/.rustup")]);
        assert!(toolchains(POLICY, Path::new("/Users/bob")).unwrap().is_empty());
        let strange = format!("{POLICY}\n;; Source: 30-toolchains/x.sb\n(import \"x.sb\")\n");
        let trouble = toolchains(&strange, Path::new("/Users/ada")).unwrap_err();
        assert!(trouble.to_string().starts_with("line 30 of the profile: import"), "{trouble}");
    }
}
