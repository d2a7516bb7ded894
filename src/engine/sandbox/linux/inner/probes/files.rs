//! Attempts to read what lies outside.

use std::{fs, path::Path};

use super::{
    Ground, Probe,
    outcome::{file, secret, worst},
    probe, sys,
};
use crate::engine::sandbox::probes::{Group::Files, Layer, Outcome};

/// Folders and files of a home that hold keys.
const KEYS: [&str; 14] = [
    ".ssh",
    ".aws",
    ".gnupg",
    ".netrc",
    ".git-credentials",
    ".docker/config.json",
    ".kube",
    ".npmrc",
    ".pypirc",
    ".cargo/credentials.toml",
    ".config/gh",
    ".config/gcloud",
    ".mozilla",
    ".password-store",
];

pub(super) const TABLE: &[Probe] = &[
    probe(
        Files,
        101,
        Layer::Mounts,
        "read a secret in lcc's state folder",
        "Opens a file beside the private home.",
        |ground| secret(&ground.targets.secret, &ground.targets.text),
    ),
    probe(
        Files,
        102,
        Layer::Mounts,
        "read a secret beside the project",
        "Opens a file that everybody may read in the folder above the project.",
        |ground| secret(&ground.targets.beside, &ground.targets.text),
    ),
    probe(
        Files,
        103,
        Layer::Mounts,
        "find the user's keys",
        "Looks in the user's own home for the folders and files where keys are kept.",
        keys,
    )
    .strict_only(),
    probe(
        Files,
        104,
        Layer::Mounts,
        "read a secret through a symbolic link",
        "Plants a link to a file outside and opens it.",
        through_link,
    ),
    probe(
        Files,
        105,
        Layer::Mounts,
        "read a secret through /proc/self/root",
        "Goes to the file by way of the process's own root folder.",
        |ground| below(ground, Path::new("/proc/self/root")),
    ),
    probe(
        Files,
        106,
        Layer::Mounts,
        "read a secret by climbing from /proc/self/cwd",
        "Climbs from the working folder to the root with `..` and down to the file.",
        climb,
    ),
    probe(
        Files,
        107,
        Layer::Mounts,
        "read a secret through /proc/1/root",
        "Goes to the file by way of the first process's root folder.",
        |ground| below(ground, Path::new("/proc/1/root")),
    ),
    probe(
        Files,
        108,
        Layer::Pids,
        "read a secret through a host process's root",
        "Goes to the file by way of `/proc/PID/root` of lcc's own process.",
        |ground| below(ground, &of_lcc(ground, "root")),
    )
    .strict_only(),
    probe(
        Files,
        109,
        Layer::Pids,
        "list a host process's working folder",
        "Reads the folder `/proc/PID/cwd` of a process outside.",
        |ground| foreign(ground, "cwd"),
    )
    .strict_only(),
    probe(
        Files,
        110,
        Layer::Pids,
        "read a file that lcc has open",
        "Opens `/proc/PID/fd/N` of lcc's own process, which is a secret.",
        |ground| {
            let fd = format!("fd/{}", ground.targets.descriptor);
            secret(&of_lcc(ground, &fd), &ground.targets.text)
        },
    )
    .strict_only(),
    probe(
        Files,
        111,
        Layer::Mounts,
        "read the host's /tmp",
        "Opens a file that everybody may read in `/tmp`.",
        |ground| planted(ground.targets.tmp.as_deref(), ground, "/tmp"),
    )
    .strict_only(),
    probe(
        Files,
        112,
        Layer::Mounts,
        "read the host's /dev/shm",
        "Opens a file that everybody may read in the host's shared memory.",
        |ground| planted(ground.targets.shm.as_deref(), ground, "/dev/shm"),
    )
    .strict_only(),
    probe(
        Files,
        113,
        Layer::Ipc,
        "read the host's System V memory",
        "Attaches a segment of shared memory by the number it has on the host.",
        segment,
    )
    .strict_only(),
    probe(
        Files,
        114,
        Layer::Mounts,
        "read what tells this machine from others",
        "Opens `machine-id` and the host's keys for ssh.",
        machine,
    ),
];

fn keys(ground: &Ground<'_>) -> Outcome {
    let home = &ground.targets.places.user_home;
    worst(KEYS.map(|name| {
        let path = home.join(name);
        (path.display().to_string(), file(fs::symlink_metadata(&path)))
    }))
}

fn through_link(ground: &Ground<'_>) -> Outcome {
    let link = ground.scratch.join("link");
    match std::os::unix::fs::symlink(&ground.targets.secret, &link) {
        Ok(()) => secret(&link, &ground.targets.text),
        Err(error) => Outcome::could_not_run(format!("no link could be planted: {error}")),
    }
}

fn below(ground: &Ground<'_>, root: &Path) -> Outcome {
    let path = &ground.targets.secret;
    secret(&root.join(path.strip_prefix("/").unwrap_or(path)), &ground.targets.text)
}

fn climb(ground: &Ground<'_>) -> Outcome {
    let depth = ground.aim.project.components().count();
    let root = Path::new("/proc/self/cwd").join("../".repeat(depth));
    below(ground, &root)
}

fn of_lcc(ground: &Ground<'_>, name: &str) -> std::path::PathBuf {
    Path::new("/proc").join(ground.targets.host_pid.to_string()).join(name)
}

/// A folder of the planted process, which stands in `/`.
fn foreign(ground: &Ground<'_>, name: &str) -> Outcome {
    let Some(pid) = ground.targets.process else {
        return Outcome::could_not_run("no process was planted");
    };
    if super::processes::is_own(pid) {
        return Outcome::blocked("that number is a process of the sandbox itself");
    }
    file(fs::read_dir(Path::new("/proc").join(pid.to_string()).join(name)))
}

fn planted(path: Option<&Path>, ground: &Ground<'_>, place: &str) -> Outcome {
    path.map_or_else(
        || Outcome::note(format!("lcc could plant nothing in {place} of this machine")),
        |path| secret(path, &ground.targets.text),
    )
}

fn segment(ground: &Ground<'_>) -> Outcome {
    let Some(id) = ground.targets.segment else {
        return Outcome::note("this machine gives lcc no System V memory");
    };
    match sys::segment_holds(id, &ground.targets.text) {
        Ok(true) => Outcome::open("the segment shows the secret"),
        Ok(false) => Outcome::blocked("another segment of that number, without the secret"),
        Err(error) => super::outcome::with(Some(error), error.desc()),
    }
}

fn machine(ground: &Ground<'_>) -> Outcome {
    let etc = &ground.targets.places.etc;
    worst(["machine-id", "ssh/ssh_host_ed25519_key", "shadow"].map(|name| {
        let path = etc.join(name);
        (path.display().to_string(), file(fs::File::open(&path)))
    }))
}
