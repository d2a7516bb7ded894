//! Attempts to rearrange what can be seen.

use std::{ffi::CString, fs, path::Path};

use nix::errno::Errno;

use super::{
    Ground, Probe,
    outcome::{call, file, of_namespace, worst},
    probe,
    sys::{self, Arg, End},
};
use crate::engine::sandbox::probes::{Group::Kernel, Layer::Seccomp, Outcome};

const HERE: i64 = libc::AT_FDCWD as i64;

pub(super) const TABLE: &[Probe] = &[
    probe(
        Kernel,
        301,
        Seccomp,
        "mount a file system",
        "Asks for a mount of a kind that no kernel has; a free caller is told so.",
        |ground| mount(ground, c"lcc-none", 0),
    ),
    probe(
        Kernel,
        302,
        Seccomp,
        "mount a folder elsewhere",
        "Binds a folder of its own onto itself.",
        bind,
    ),
    probe(
        Kernel,
        303,
        Seccomp,
        "make a read-only mount writable",
        "Asks for a remount of a folder that is no mount; a free caller is told so.",
        |ground| mount(ground, c"none", libc::MS_REMOUNT),
    ),
    probe(
        Kernel,
        304,
        Seccomp,
        "take a mount away",
        "Detaches a folder that is no mount; a free caller is told so.",
        |ground| {
            let path = text(&ground.scratch);
            let flags = i64::from(libc::MNT_DETACH);
            call(sys::call(libc::SYS_umount2, [Arg::Text(&path), Arg::Number(flags)]))
        },
    ),
    probe(
        Kernel,
        305,
        Seccomp,
        "mount an overlay or FUSE",
        "Asks for mounts of these kinds without what they need; a free caller is told so.",
        |ground| {
            worst(
                [c"overlay", c"fuse"]
                    .map(|kind| (kind.to_string_lossy().into_owned(), known(ground, kind))),
            )
        },
    ),
    probe(
        Kernel,
        306,
        Seccomp,
        "clone the file view",
        "Takes a copy of a mount by open_tree.",
        |ground| {
            let flags = i64::from(libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC);
            let path = text(&ground.scratch);
            let args = [Arg::Number(HERE), Arg::Text(&path), Arg::Number(flags)];
            call(sys::opens(libc::SYS_open_tree, args))
        },
    ),
    probe(
        Kernel,
        307,
        Seccomp,
        "move a mount",
        "Calls move_mount, which needs no more than two folders.",
        |_| {
            let none = || Arg::Number(-1);
            let args = [none(), Arg::Text(c""), none(), Arg::Text(c""), Arg::Number(0)];
            call(sys::call(libc::SYS_move_mount, args))
        },
    ),
    probe(
        Kernel,
        308,
        Seccomp,
        "build a file system by handles",
        "Calls fsopen, fspick, fsconfig and fsmount.",
        by_handles,
    ),
    probe(
        Kernel,
        309,
        Seccomp,
        "change the properties of a mount",
        "Calls mount_setattr with nothing to change.",
        |_| {
            let nothing = [0u8; 32];
            let args = [
                Arg::Number(HERE),
                Arg::Text(c"/"),
                Arg::Number(0),
                Arg::Read(&nothing),
                Arg::Number(32),
            ];
            call(sys::call(libc::SYS_mount_setattr, args))
        },
    ),
    probe(
        Kernel,
        310,
        Seccomp,
        "change the root folder",
        "Calls chroot for a folder of its own.",
        |ground| {
            let path = text(&ground.scratch);
            copied(|| sys::call(libc::SYS_chroot, [Arg::Text(&path)]))
        },
    ),
    probe(
        Kernel,
        311,
        Seccomp,
        "exchange the root folder",
        "Calls pivot_root for folders that are no mounts; a free caller is told so.",
        |ground| {
            let path = text(&ground.scratch);
            call(sys::call(libc::SYS_pivot_root, [Arg::Text(&path), Arg::Text(&path)]))
        },
    ),
    probe(
        Kernel,
        312,
        Seccomp,
        "open a file by its number",
        "Asks for the handle of a folder and opens it past all folders above.",
        by_number,
    ),
    probe(
        Kernel,
        313,
        Seccomp,
        "make a user namespace",
        "Calls unshare: inside it the caller would have every capability.",
        |_| unshare(libc::CLONE_NEWUSER),
    ),
    probe(Kernel, 314, Seccomp, "make a mount namespace", "Calls unshare.", |_| {
        unshare(libc::CLONE_NEWNS)
    }),
    probe(
        Kernel,
        315,
        Seccomp,
        "make other namespaces",
        "Calls unshare for network, processes, names, messages and control groups.",
        |_| {
            worst(
                [
                    ("network", libc::CLONE_NEWNET),
                    ("processes", libc::CLONE_NEWPID),
                    ("names", libc::CLONE_NEWUTS),
                    ("messages", libc::CLONE_NEWIPC),
                    ("control groups", libc::CLONE_NEWCGROUP),
                ]
                .map(|(name, flag)| (name.to_owned(), unshare(flag))),
            )
        },
    ),
    probe(
        Kernel,
        316,
        Seccomp,
        "make a user namespace by clone",
        "Starts a process in a new user namespace.",
        |_| of_namespace(sys::clone(libc::CLONE_NEWUSER)),
    ),
    probe(
        Kernel,
        317,
        Seccomp,
        "make a user namespace by clone3",
        "The same by the call whose arguments a filter cannot see.",
        |_| of_namespace(sys::clone3(libc::CLONE_NEWUSER)),
    ),
    probe(
        Kernel,
        318,
        Seccomp,
        "enter a namespace",
        "Calls setns for a namespace that it has a handle on.",
        enter,
    ),
    probe(
        Kernel,
        319,
        Seccomp,
        "detach what protects a file and move it",
        "Makes namespaces, takes the mounts apart in them and moves what they pinned.",
        detach,
    ),
];

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
}

/// In a copy: what goes through would change this process.
fn copied(attempt: impl FnOnce() -> Result<i64, Errno>) -> Outcome {
    match sys::in_copy(|| sys::code(attempt())) {
        Ok(end) => match sys::result(end) {
            Some(result) => of_namespace(result),
            None => Outcome::blocked("the caller was killed"),
        },
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

fn mount(ground: &Ground<'_>, kind: &std::ffi::CStr, flags: libc::c_ulong) -> Outcome {
    let path = text(&ground.scratch);
    let flags = i64::try_from(flags).unwrap_or_default();
    let args =
        [Arg::Text(c"none"), Arg::Text(&path), Arg::Text(kind), Arg::Number(flags), Arg::Null];
    call(sys::call(libc::SYS_mount, args))
}

fn bind(ground: &Ground<'_>) -> Outcome {
    let path = text(&ground.scratch);
    let flags = i64::try_from(libc::MS_BIND).unwrap_or_default();
    let args = [Arg::Text(&path), Arg::Text(&path), Arg::Null, Arg::Number(flags), Arg::Null];
    let made = sys::call(libc::SYS_mount, args);
    if made.is_ok() {
        let gone = [Arg::Text(&path), Arg::Number(i64::from(libc::MNT_DETACH))];
        let _best_effort = sys::call(libc::SYS_umount2, gone);
    }
    call(made)
}

/// A kind that is in the kernel already; without a sandbox, asking would load others.
fn known(ground: &Ground<'_>, kind: &std::ffi::CStr) -> Outcome {
    let name = kind.to_string_lossy();
    let there = fs::read_to_string("/proc/filesystems")
        .is_ok_and(|all| all.lines().any(|line| line.split_whitespace().last() == Some(&*name)));
    if ground.aim.sandboxed || there {
        mount(ground, kind, 0)
    } else {
        Outcome::could_not_run("it would load a part of the kernel")
    }
}

fn by_handles(_: &Ground<'_>) -> Outcome {
    let bad = || Arg::Number(-1);
    let zero = || Arg::Number(0);
    worst([
        (
            "fsopen".to_owned(),
            call(sys::opens(libc::SYS_fsopen, [Arg::Text(c"tmpfs"), Arg::Number(1)])),
        ),
        (
            "fspick".to_owned(),
            call(sys::opens(
                libc::SYS_fspick,
                [Arg::Number(HERE), Arg::Text(c"/"), Arg::Number(1)],
            )),
        ),
        (
            "fsconfig".to_owned(),
            call(sys::call(libc::SYS_fsconfig, [bad(), zero(), Arg::Null, Arg::Null, zero()])),
        ),
        ("fsmount".to_owned(), call(sys::opens(libc::SYS_fsmount, [bad(), zero(), zero()]))),
    ])
}

fn by_number(ground: &Ground<'_>) -> Outcome {
    const ROOM: u32 = 128;
    let mut handle = [0u8; 8 + ROOM as usize];
    handle[..4].copy_from_slice(&ROOM.to_ne_bytes());
    let mut mount = [0u8; 4];
    let path = text(&ground.scratch);
    // What it gives, if anything, is the handle to open; zeros are as forbidden.
    let named = sys::call(
        libc::SYS_name_to_handle_at,
        [
            Arg::Number(HERE),
            Arg::Text(&path),
            Arg::Write(&mut handle),
            Arg::Write(&mut mount),
            Arg::Number(0),
        ],
    );
    let opened = sys::opens(
        libc::SYS_open_by_handle_at,
        [Arg::Number(HERE), Arg::Read(&handle), Arg::Number(i64::from(libc::O_PATH))],
    );
    worst([
        ("open_by_handle_at".to_owned(), call(opened)),
        ("name_to_handle_at".to_owned(), call(named)),
    ])
}

fn unshare(flag: libc::c_int) -> Outcome {
    copied(|| sys::call(libc::SYS_unshare, [Arg::Number(i64::from(flag))]))
}

fn enter(ground: &Ground<'_>) -> Outcome {
    let own = match fs::File::open("/proc/self/ns/net") {
        Ok(own) => own,
        Err(error) => return file::<()>(Err(error)),
    };
    let fd = i64::from(std::os::fd::AsRawFd::as_raw_fd(&own));
    let own = copied(|| {
        let kind = i64::from(libc::CLONE_NEWNET);
        sys::call(libc::SYS_setns, [Arg::Number(fd), Arg::Number(kind)])
    });
    let host = Path::new("/proc").join(ground.targets.host_pid.to_string()).join("ns/net");
    let own_number = super::processes::is_own(ground.targets.host_pid);
    let foreign = if own_number {
        Outcome::blocked("that number is a process of the sandbox itself")
    } else {
        file(fs::File::open(host))
    };
    worst([("its own".to_owned(), own), ("lcc's".to_owned(), foreign)])
}

/// Everything happens in a copy with a file view of its own; where it goes through, the copy ends
/// before it would move anything of the project.
fn detach(ground: &Ground<'_>) -> Outcome {
    let path = text(&ground.scratch);
    let steps = || {
        let apart = i64::from(libc::CLONE_NEWUSER | libc::CLONE_NEWNS);
        sys::call(libc::SYS_unshare, [Arg::Number(apart)])?;
        let private = i64::try_from(libc::MS_REC | libc::MS_PRIVATE).unwrap_or_default();
        let args = [Arg::Null, Arg::Text(c"/"), Arg::Null, Arg::Number(private), Arg::Null];
        sys::call(libc::SYS_mount, args)?;
        let args =
            [Arg::Text(c"none"), Arg::Text(&path), Arg::Text(c"tmpfs"), Arg::Number(0), Arg::Null];
        sys::call(libc::SYS_mount, args)
    };
    match sys::in_copy(|| sys::code(steps())) {
        Ok(End::Code(0)) => Outcome::open("the file view could be rearranged"),
        Ok(end) => match sys::result(end) {
            Some(Err(error)) => of_namespace::<()>(Err(error)),
            Some(Ok(())) | None => Outcome::blocked("the caller was killed"),
        },
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}
