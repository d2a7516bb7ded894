//! Attempts to change what lies outside.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use nix::errno::Errno;

use super::{
    Ground, Probe,
    outcome::{call, change, create, file, worst},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::probes::{Group::Files, Layer, Outcome};

/// The name of files that an attempt creates and removes.
const NEW: &str = ".lcc-attempt";

pub(super) const TABLE: &[Probe] = &[
    probe(
        Files,
        120,
        Layer::Mounts,
        "change a file outside",
        "Opens a file in lcc's state folder for writing.",
        |ground| change(&ground.targets.secret),
    ),
    probe(
        Files,
        121,
        Layer::Mounts,
        "create a file in lcc's state folder",
        "Makes a new file beside the private home, where records and snapshots lie.",
        |ground| create(&ground.targets.outside.join("new")),
    ),
    probe(
        Files,
        122,
        Layer::Mounts,
        "create a file beside the project",
        "Makes a new file in the folder above the project.",
        beside,
    ),
    probe(
        Files,
        123,
        Layer::Mounts,
        "create a file in the user's home",
        "Makes a new file where shells and desktops look for their settings.",
        |ground| outside(&ground.targets.places.user_home, ground.targets.at_home),
    ),
    probe(
        Files,
        124,
        Layer::Mounts,
        "create a file in the root folder",
        "Makes a new file in `/`.",
        |ground| create(&ground.targets.places.root.join(NEW)),
    ),
    probe(
        Files,
        125,
        Layer::Mounts,
        "create a program in /usr",
        "Makes new files in `/usr/bin` and `/usr/local/bin`.",
        |ground| several(&ground.targets.places.usr, &["bin", "local/bin", "lib"]),
    ),
    probe(
        Files,
        126,
        Layer::Mounts,
        "create a file in /etc",
        "Makes new files in `/etc`, `/etc/profile.d` and `/etc/cron.d`.",
        |ground| several(&ground.targets.places.etc, &["", "profile.d", "cron.d"]),
    ),
    probe(
        Files,
        127,
        Layer::Mounts,
        "create a file in /var",
        "Makes new files in `/var/tmp` and in the folders of crontabs.",
        |ground| {
            several(
                &ground.targets.places.var,
                &["tmp", "spool/cron", "spool/cron/crontabs", "lib"],
            )
        },
    ),
    probe(
        Files,
        128,
        Layer::Mounts,
        "leave a file in the host's /tmp",
        "Makes a new file in the host's `/tmp`, beside one that lcc left there.",
        |ground| {
            let Some(path) = &ground.targets.tmp else {
                return Outcome::note("lcc could plant nothing in /tmp of this machine");
            };
            change(path)
        },
    )
    .strict_only(),
    probe(
        Files,
        129,
        Layer::Mounts,
        "replace the sandbox's own programs",
        "Makes a new file beside lcc and the program it starts, and opens lcc for writing.",
        tools,
    ),
    probe(
        Files,
        130,
        Layer::Mounts,
        "overwrite the running program",
        "Opens `/proc/self/exe` for writing.",
        |_| change(Path::new("/proc/self/exe")),
    )
    .strict_only(),
    probe(
        Files,
        131,
        Layer::Mounts,
        "overwrite lcc through its process",
        "Opens `/proc/PID/exe` of lcc's own process for writing.",
        |ground| {
            let lcc = ground.targets.host_pid;
            change(&Path::new("/proc").join(lcc.to_string()).join("exe"))
        },
    )
    .strict_only(),
    probe(
        Files,
        132,
        Layer::Mounts,
        "pull a file in by a hard link",
        "Gives a file outside a second name in the private home and in the project.",
        hard_link,
    ),
    probe(
        Files,
        133,
        Layer::Nothing,
        "write through a hard link that was there before",
        "Writes to a name in the private home that the host made for a file outside.",
        linked,
    ),
    probe(
        Files,
        134,
        Layer::Seccomp,
        "set the set-user-id bit",
        "Makes a file and gives it the bit by chmod, fchmodat and fchmodat2.",
        set_user_id,
    ),
    probe(
        Files,
        135,
        Layer::Seccomp,
        "create a file with the set-user-id bit",
        "Asks for the bit in open and in creat.",
        born_with_bit,
    ),
    probe(
        Files,
        136,
        Layer::Seccomp,
        "create a folder with the set-group-id bit",
        "Asks for the bit in mkdir.",
        folder_with_bit,
    ),
    probe(
        Files,
        137,
        Layer::Seccomp,
        "make a character device",
        "Makes a node for `/dev/zero` in the private home.",
        |ground| node(ground, libc::S_IFCHR | 0o600, libc::makedev(1, 5)),
    ),
    probe(
        Files,
        138,
        Layer::Seccomp,
        "make a block device",
        "Makes a node for the first disk in the private home.",
        |ground| node(ground, libc::S_IFBLK | 0o600, libc::makedev(8, 0)),
    ),
    probe(
        Files,
        139,
        Layer::Mounts,
        "open a disk",
        "Opens the nodes that disks usually have in `/dev`.",
        |_| devices(&["sda", "vda", "xvda", "nvme0n1", "mmcblk0", "dm-0", "loop0", "loop-control"]),
    ),
    probe(
        Files,
        140,
        Layer::Mounts,
        "open the machine's memory",
        "Opens `/dev/mem`, `/dev/kmem`, `/dev/port` and `/dev/kmsg`.",
        |_| devices(&["mem", "kmem", "port", "kmsg"]),
    ),
    probe(
        Files,
        141,
        Layer::Mounts,
        "open powerful devices",
        "Opens the nodes of virtual machines, FUSE, tunnels, input and graphics.",
        |_| {
            devices(&[
                "kvm",
                "fuse",
                "net/tun",
                "vhost-net",
                "vhost-vsock",
                "uinput",
                "input/event0",
                "dri/card0",
                "vsock",
                "hpet",
                "cuse",
            ])
        },
    ),
];

fn beside(ground: &Ground<'_>) -> Outcome {
    match ground.aim.project.parent() {
        Some(above) => outside(above, ground.targets.above),
        None => Outcome::could_not_run("the project has no folder above it"),
    }
}

/// Makes a file in a folder of the host's. Inside, a folder of that name may be the sandbox's own
/// in memory, where anything can be made and nothing is seen outside: its number tells.
fn outside(folder: &Path, on_host: Option<(u64, u64)>) -> Outcome {
    let outcome = create(&folder.join(NEW));
    let same =
        fs::metadata(folder).map_or(true, |about| on_host == Some((about.dev(), about.ino())));
    match outcome {
        Outcome::Open { .. } if !same => {
            Outcome::blocked("only in the sandbox's own memory, not in the host's folder")
        }
        other => other,
    }
}

fn several(root: &Path, folders: &[&str]) -> Outcome {
    worst(folders.iter().map(|folder| {
        let path = root.join(folder);
        (path.display().to_string(), create(&path.join(NEW)))
    }))
}

fn tools(ground: &Ground<'_>) -> Outcome {
    let tools = &ground.targets.places.tools;
    worst([
        ("beside lcc".to_owned(), create(&tools.join(NEW))),
        ("lcc itself".to_owned(), change(&tools.join("lcc"))),
    ])
}

fn hard_link(ground: &Ground<'_>) -> Outcome {
    let places = [ground.scratch.join("hard"), ground.in_project("hard")];
    worst(places.map(|place| {
        let made = fs::hard_link(&ground.targets.secret, &place);
        if made.is_ok() {
            let _best_effort = fs::remove_file(&place);
        }
        (place.display().to_string(), file(made))
    }))
}

fn linked(ground: &Ground<'_>) -> Outcome {
    let Some(path) = &ground.targets.linked else {
        return Outcome::note("this file system makes no hard links");
    };
    let wrote = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(b"written from inside"));
    match wrote {
        Ok(()) => Outcome::note(
            "it works in every tier: both names are the same file. \
             lcc names files with several names at the start",
        ),
        Err(error) => super::outcome::file::<()>(Err(error)),
    }
}

/// Whether the bit is there decides, whatever the call answered.
fn judged(path: &Path, outcome: Outcome) -> Outcome {
    let bits = fs::metadata(path).map(|about| about.mode() & 0o6000);
    if bits.is_ok_and(|bits| bits != 0) { Outcome::open("the bit is set") } else { outcome }
}

fn set_user_id(ground: &Ground<'_>) -> Outcome {
    let path = ground.scratch.join("bit");
    let made = match File::create(&path) {
        Ok(made) => made,
        Err(error) => return Outcome::could_not_run(error.to_string()),
    };
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default();
    let here = i64::from(libc::AT_FDCWD);
    let by = |number| {
        let mode = Arg::Number(0o4700);
        call(sys::call(number, [Arg::Number(here), Arg::Text(&name), mode, Arg::Number(0)]))
    };
    let wanted = fs::Permissions::from_mode(0o4700);
    let outcome = worst([
        ("chmod".to_owned(), file(fs::set_permissions(&path, wanted.clone()))),
        ("fchmod".to_owned(), file(made.set_permissions(wanted))),
        ("fchmodat".to_owned(), by(libc::SYS_fchmodat)),
        ("fchmodat2".to_owned(), by(libc::SYS_fchmodat2)),
    ]);
    judged(&path, outcome)
}

fn born_with_bit(ground: &Ground<'_>) -> Outcome {
    let path = ground.scratch.join("born");
    let opened = file(fs::OpenOptions::new().write(true).create_new(true).mode(0o4755).open(&path));
    judged(&path, opened)
}

fn folder_with_bit(ground: &Ground<'_>) -> Outcome {
    let path = ground.scratch.join("folder");
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default();
    let made = sys::call(
        libc::SYS_mkdirat,
        [Arg::Number(i64::from(libc::AT_FDCWD)), Arg::Text(&name), Arg::Number(0o2755)],
    );
    match made {
        // The kernel drops the bit from mkdir by itself; chmod would have to follow.
        Ok(_) => {
            let bit = fs::Permissions::from_mode(0o2755);
            judged(&path, file(fs::set_permissions(&path, bit)))
        }
        Err(error) => call::<()>(Err(error)),
    }
}

fn node(ground: &Ground<'_>, mode: libc::mode_t, device: libc::dev_t) -> Outcome {
    let path = ground.scratch.join("node");
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default();
    let device = i64::try_from(device).unwrap_or_default();
    let made = sys::call(
        libc::SYS_mknodat,
        [
            Arg::Number(i64::from(libc::AT_FDCWD)),
            Arg::Text(&name),
            Arg::Number(i64::from(mode)),
            Arg::Number(device),
        ],
    );
    let there = fs::symlink_metadata(&path).is_ok_and(|about| {
        about.file_type().is_char_device() || about.file_type().is_block_device()
    });
    let _best_effort = fs::remove_file(&path);
    if there { Outcome::open("the node was made") } else { call(made) }
}

fn devices(names: &[&str]) -> Outcome {
    worst(names.iter().map(|name| {
        let path = Path::new("/dev").join(name);
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
            .open(&path);
        let outcome = match opened {
            // The node is there; only the device behind it is not.
            Err(error)
                if matches!(
                    error.raw_os_error().map(Errno::from_raw),
                    Some(Errno::ENXIO | Errno::ENODEV | Errno::EIO | Errno::EBUSY)
                ) =>
            {
                Outcome::open(format!("the node is there: {error}"))
            }
            other => file(other),
        };
        (path.display().to_string(), outcome)
    }))
}
