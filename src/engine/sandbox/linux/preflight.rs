//! What this machine offers: bubblewrap, its options, the system's folders.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::engine::sandbox::{
    policy::{HostFacts, RootEntry},
    unavailable::{Settings, Unavailable, diagnose, install_command},
};

const PLACES: [&str; 4] =
    ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
const ROOT: [&str; 9] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
];
/// What may be seen of `/etc`: no keys, no machine-id, no resolver, no list of users. Each costs a
/// mount at every start, so the list is short.
const ETC: [&str; 12] = [
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/alternatives",
    "/etc/services",
    "/etc/mime.types",
    "/etc/gitconfig",
    "/etc/terminfo",
    "/etc/os-release",
];
/// Without these there is no strict tier.
const NEEDED: [&str; 17] = [
    "--args",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--cap-drop",
    "--clearenv",
    "--file",
    "--ro-bind-try",
    "--remount-ro",
    "--perms",
    "--size",
    "--hostname",
    "--chdir",
];

/// Gathers the facts without trying anything.
///
/// # Errors
/// [`Unavailable`] when there is no bubblewrap that will do.
pub fn gather() -> Result<HostFacts, Unavailable> {
    let bwrap = find()?;
    let help = said(&bwrap, "--help")?;
    let flags: BTreeSet<String> = help
        .split_whitespace()
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect();
    let missing: Vec<String> = NEEDED
        .iter()
        .filter(|flag| !flags.contains(**flag))
        .map(|flag| (*flag).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(Unavailable::TooOld { version: version(&bwrap)?, missing, install: install() });
    }
    Ok(facts(bwrap, flags))
}

/// What the reduced tier needs to know of the machine: all but bubblewrap.
#[must_use]
pub fn without_bubblewrap() -> HostFacts {
    facts(PathBuf::new(), BTreeSet::new())
}

fn facts(bwrap: PathBuf, flags: BTreeSet<String>) -> HostFacts {
    HostFacts {
        bwrap,
        version: None,
        flags,
        uid: nix::unistd::geteuid().as_raw(),
        user_home: user_home(),
        root: root(),
        etc: ETC.iter().map(PathBuf::from).filter(|path| path.exists()).collect(),
    }
}

/// Makes an empty sandbox once, to see whether the kernel lets it.
///
/// # Errors
/// [`Unavailable::Namespaces`] with the cause and the fix.
pub fn trial(facts: &HostFacts) -> Result<(), Unavailable> {
    let mut command = Command::new(&facts.bwrap);
    command
        .args(["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid"])
        .args(["--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"])
        .args(["--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/", "/"])
        .args(["--proc", "/proc", "--dev", "/dev"]);
    if facts.flags.contains("--disable-userns") {
        command.args(["--disable-userns"]);
    }
    let output = command
        .args(["--", "/bin/sh", "-c", ":"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Unavailable::System { reason: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    Err(diagnose(&String::from_utf8_lossy(&output.stderr), settings()))
}

fn find() -> Result<PathBuf, Unavailable> {
    let from_path = env::var_os("PATH").unwrap_or_default();
    let here = env::current_dir().ok();
    let candidates = PLACES.iter().map(PathBuf::from).chain(
        env::split_paths(&from_path)
            .filter(|folder| folder.is_absolute())
            .filter(|folder| here.as_ref().is_none_or(|here| !folder.starts_with(here)))
            .map(|folder| folder.join("bwrap")),
    );
    for candidate in candidates {
        let Ok(real) = fs::canonicalize(&candidate) else { continue };
        let Ok(about) = fs::metadata(&real) else { continue };
        let mode = about.permissions().mode();
        if !about.is_file() || mode & 0o111 == 0 {
            continue;
        }
        if mode & 0o4000 != 0 {
            return Err(Unavailable::Setuid { path: real });
        }
        // Whoever may write the program decides what the sandbox is.
        if mode & 0o002 != 0 || ![0, nix::unistd::geteuid().as_raw()].contains(&about.uid()) {
            continue;
        }
        return Ok(real);
    }
    Err(Unavailable::Missing { install: install() })
}

/// The version of a bubblewrap, as it says itself.
///
/// # Errors
/// When it cannot be run.
pub fn version(bwrap: &Path) -> Result<String, Unavailable> {
    Ok(said(bwrap, "--version")?.split_whitespace().last().unwrap_or("unknown").to_owned())
}

fn said(bwrap: &Path, flag: &str) -> Result<String, Unavailable> {
    let output =
        Command::new(bwrap).arg(flag).env_clear().stdin(Stdio::null()).output().map_err(
            |error| Unavailable::System { reason: format!("{}: {error}", bwrap.display()) },
        )?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr))
}

fn install() -> String {
    let command = install_command(&fs::read_to_string("/etc/os-release").unwrap_or_default());
    // User 0 needs no sudo, and a container has none.
    let root = nix::unistd::geteuid().is_root();
    command.strip_prefix("sudo ").filter(|_| root).unwrap_or(command).to_owned()
}

/// The caller's home by the environment or else by the system's list of users.
fn user_home() -> Option<PathBuf> {
    let listed = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    let home = env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .or_else(|| listed.map(|user| user.dir))?;
    Some(fs::canonicalize(&home).unwrap_or(home))
}

fn root() -> BTreeMap<PathBuf, RootEntry> {
    ROOT.iter()
        .filter_map(|name| {
            let path = PathBuf::from(name);
            let about = fs::symlink_metadata(&path).ok()?;
            let entry = if about.is_symlink() {
                RootEntry::Link(fs::read_link(&path).ok()?)
            } else if about.is_dir() {
                RootEntry::Folder
            } else {
                return None;
            };
            Some((path, entry))
        })
        .collect()
}

/// The settings that decide about user namespaces.
#[must_use]
pub fn settings() -> Settings {
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let unprivileged = !nix::unistd::geteuid().is_root();
    Settings {
        apparmor: unprivileged
            && number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1),
        clone_off: unprivileged && number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0),
        none_left: number("/proc/sys/user/max_user_namespaces").is_some_and(|left| left <= 1),
        container: ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|path| Path::new(path).exists())
            || env::var_os("container").is_some(),
    }
}

/// The number of this process's network namespace.
///
/// # Errors
/// When `/proc` is not there.
pub fn netns() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/net")?.ino())
}
