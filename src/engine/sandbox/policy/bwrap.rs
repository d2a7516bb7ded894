//! The argument list for bubblewrap, in the one order that holds: later mounts win.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{
    Arg, Ground, HOME_FOLDERS, HostFacts, INNER_ID, Mount, PATH, Plan, Program, RootEntry, TOOLS,
    guard, protected::Shield, rlimits,
};

/// Bytes of the private `/tmp`.
const TMP_SIZE: &str = "1073741824";
/// Bytes of the private `/dev/shm`.
const SHM_SIZE: &str = "268435456";
const PACKAGE: &str = "/run/lcc/package";
const PASSWD: &str =
    "lcc:x:1000:1000:lcc:@HOME@:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "lcc:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost lcc\n::1 localhost\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files\n";

struct Builder {
    options: Vec<Arg>,
    data: Vec<Vec<u8>>,
    mounts: Vec<Mount>,
    sources: Vec<PathBuf>,
}

impl Builder {
    fn words<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) {
        self.options.extend(words.into_iter().map(|word| Arg::Word(word.as_ref().to_owned())));
    }

    fn mount(&mut self, flag: &str, source: &Path, target: &Path) {
        self.words([OsStr::new(flag), source.as_os_str(), target.as_os_str()]);
        self.mounts.push(Mount { path: target.to_owned(), writable: flag == "--bind" });
        self.sources.push(source.to_owned());
    }

    fn file(&mut self, path: &str, content: Vec<u8>) {
        // A copy on the root's memory, which becomes read-only: no mount needed.
        self.words(["--perms", "0444", "--file"]);
        self.options.push(Arg::Data(self.data.len()));
        self.words([path]);
        self.data.push(content);
    }
}

/// Builds the plan; the places have been checked.
#[must_use]
pub fn build(host: &HostFacts, ground: &Ground, shield: Shield) -> Plan {
    let mut builder =
        Builder { options: Vec::new(), data: Vec::new(), mounts: Vec::new(), sources: Vec::new() };
    let mut notes = shield.notes;
    notes.extend(ground.notes.iter().cloned());
    builder.mounts.push(Mount { path: "/".into(), writable: false });
    namespaces(&mut builder, host, &mut notes);
    environment(&mut builder, ground);
    system(&mut builder, host);
    files(&mut builder, host, ground);
    pseudo(&mut builder, host, ground);
    builder.sources.clear();
    let program = tools(&mut builder, ground);
    trees(&mut builder, ground, &shield.trees);
    for (path, writable) in &shield.mounts {
        builder.mount(if *writable { "--bind" } else { "--ro-bind" }, path, path);
    }
    if ground.lcc.starts_with(&ground.project) {
        notes.push(
            "lcc itself lies in the project: do not start it again after an untrusted \
                    session without rebuilding it"
                .to_owned(),
        );
    }
    if host.uid == 0 && ground.owner == 0 {
        notes.push(
            "lcc runs as root in root's own project: inside there are no capabilities and the \
             kernel's settings are read-only, but limits on the number of processes do not hold"
                .to_owned(),
        );
    } else if host.uid == 0 {
        notes.push(format!(
            "lcc runs as root, the program with the rights of user {} alone, who owns the project",
            ground.owner
        ));
    }
    builder.words(["--remount-ro", "/dev", "--remount-ro", "/"]);
    builder.words([OsStr::new("--chdir"), ground.project.as_os_str()]);
    let mut command = vec![program];
    command.extend(ground.args.iter().cloned());
    Plan {
        bwrap: host.bwrap.clone(),
        options: builder.options,
        data: builder.data,
        command,
        mounts: builder.mounts,
        protected: shield.read_only,
        pins: shield.pins,
        verify: shield.verify,
        sources: builder.sources,
        limits: rlimits::LIMITS.to_vec(),
        notes,
    }
}

fn namespaces(builder: &mut Builder, host: &HostFacts, notes: &mut Vec<String>) {
    let id = INNER_ID.to_string();
    builder.words(["--unshare-user", "--uid", &id, "--gid", &id]);
    builder.words(["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]);
    builder.words(["--unshare-cgroup-try"]);
    if host.flags.contains("--disable-userns") && host.flags.contains("--assert-userns-disabled") {
        builder.words(["--disable-userns", "--assert-userns-disabled"]);
    } else {
        notes.push(
            "this bubblewrap cannot turn off nested user namespaces (0.8.0 can): seccomp alone does"
                .to_owned(),
        );
    }
    builder.words(["--die-with-parent", "--cap-drop", "ALL", "--hostname", "lcc", "--clearenv"]);
}

/// The environment that the program gets: the caller's list with home and search path fixed.
#[must_use]
pub fn inner_env(ground: &Ground) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = ground
        .env
        .iter()
        .filter(|(name, value)| {
            !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.insert("HOME".to_owned(), ground.home.to_string_lossy().into_owned());
    match ground.project.to_str() {
        Some(project) => env.insert("PWD".to_owned(), project.to_owned()),
        None => env.remove("PWD"),
    };
    env.insert("USER".to_owned(), "lcc".to_owned());
    env.insert("LOGNAME".to_owned(), "lcc".to_owned());
    env.insert("TMPDIR".to_owned(), "/tmp".to_owned());
    env.insert("PATH".to_owned(), search_path(ground));
    env
}

/// lcc's own search path, then whatever the caller named that is readable inside and not writable.
fn search_path(ground: &Ground) -> String {
    let mut path = PATH.to_owned();
    let wanted = ground.env.get("PATH").map_or("", String::as_str);
    for entry in wanted.split(':').map(Path::new) {
        let shown: Vec<&Path> = ground.read_only.iter().map(PathBuf::as_path).collect();
        let writable = entry.starts_with(&ground.project) || entry.starts_with(&ground.home);
        let dotted = entry.components().any(|part| part == std::path::Component::ParentDir);
        if let Some(text) = entry.to_str()
            && entry.is_absolute()
            && !dotted
            && !writable
            && guard::visible(entry, &shown)
            && !path.split(':').any(|known| known == text)
        {
            path.push(':');
            path.push_str(text);
        }
    }
    path
}

fn environment(builder: &mut Builder, ground: &Ground) {
    for (name, value) in inner_env(ground) {
        builder.words(["--setenv", &name, &value]);
    }
}

fn system(builder: &mut Builder, host: &HostFacts) {
    builder.mount("--ro-bind", Path::new("/usr"), Path::new("/usr"));
    for (path, entry) in &host.root {
        match entry {
            RootEntry::Link(target) => {
                builder.words([OsStr::new("--symlink"), target.as_os_str(), path.as_os_str()]);
            }
            RootEntry::Folder => builder.mount("--ro-bind", path, path),
        }
    }
}

fn files(builder: &mut Builder, host: &HostFacts, ground: &Ground) {
    for path in &host.etc {
        builder.mount("--ro-bind", path, path);
    }
    let passwd = PASSWD.replace("@HOME@", &passwd_home(&ground.home));
    builder.file("/etc/passwd", passwd.into_bytes());
    builder.file("/etc/group", GROUP.into());
    builder.file("/etc/hosts", HOSTS.into());
    builder.file("/etc/nsswitch.conf", NSSWITCH.into());
}

/// The home as a field of passwd, which cannot hold colons or line ends.
fn passwd_home(home: &Path) -> String {
    match home.to_str() {
        Some(text) if !text.contains([':', '\n']) => text.to_owned(),
        Some(_) | None => "/".to_owned(),
    }
}

/// Further places of `/proc` where user 0 of the host may write without any capability.
const ROOT_ONLY: [&str; 5] = ["/proc/acpi", "/proc/asound", "/proc/fs", "/proc/mtrr", "/proc/scsi"];

fn pseudo(builder: &mut Builder, host: &HostFacts, ground: &Ground) {
    builder.words(["--proc", "/proc"]);
    builder.mounts.push(Mount { path: "/proc".into(), writable: true });
    // Root on the host may write there in spite of bubblewrap's own cover: the kernel asks for the
    // global user number, not for capabilities.
    let sys = Path::new("/proc/sys");
    builder.mount("--ro-bind", sys, sys);
    let root: &[&str] = if host.uid == 0 && ground.owner == 0 { &ROOT_ONLY } else { &[] };
    for path in ["/proc/sysrq-trigger", "/proc/irq", "/proc/bus"].iter().chain(root) {
        builder.words(["--ro-bind-try", path, path]);
    }
    builder.words(["--dev", "/dev"]);
    builder.mounts.push(Mount { path: "/dev".into(), writable: false });
    for (path, size) in [("/dev/shm", SHM_SIZE), ("/tmp", TMP_SIZE)] {
        builder.words(["--perms", "1777", "--size", size, "--tmpfs", path]);
        builder.mounts.push(Mount { path: path.into(), writable: true });
    }
}

fn tools(builder: &mut Builder, ground: &Ground) -> OsString {
    let tools = Path::new(TOOLS);
    builder.mount("--ro-bind", &ground.lcc, &tools.join("lcc"));
    match &ground.program {
        Program::Name(name) => name.clone(),
        Program::Visible(path) => path.clone().into(),
        Program::File { real, name } => {
            // lcc's own program keeps its name.
            let name = if name == "lcc" { OsStr::new("program") } else { name };
            let target = tools.join(name);
            builder.mount("--ro-bind", real, &target);
            target.into()
        }
        Program::Package { folder, script } => {
            let target = Path::new(PACKAGE);
            builder.mount("--ro-bind", folder, target);
            target.join(script).into()
        }
    }
}

/// Home, project, readable folders and the parts of a repository outside the project, each at its
/// own path, parents before children.
fn trees(builder: &mut Builder, ground: &Ground, parts: &BTreeMap<PathBuf, bool>) {
    let mut trees: BTreeMap<PathBuf, &str> =
        ground.read_only.iter().map(|path| (path.clone(), "--ro-bind")).collect();
    let flag = |writable: bool| if writable { "--bind" } else { "--ro-bind" };
    trees.extend(parts.iter().map(|(path, writable)| (path.clone(), flag(*writable))));
    trees.insert(ground.home.clone(), "--ro-bind");
    trees.extend(HOME_FOLDERS.map(|name| (ground.home.join(name), "--bind")));
    trees.insert(ground.project.clone(), "--bind");
    for (path, flag) in trees {
        builder.mount(flag, &path, &path);
    }
}
