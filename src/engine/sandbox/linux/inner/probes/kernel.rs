//! Attempts to reach the machine through its kernel.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use nix::{errno::Errno, sys::signal::Signal, unistd::gethostname};

use super::{
    Ground, Probe,
    outcome::{call, change, file, with, worst},
    probe,
    sys::{self, Arg, End},
};
use crate::engine::sandbox::probes::{
    Group::Kernel,
    Layer::{Mounts, Privileges, Seccomp},
    Outcome,
};

const NO_FD: i64 = -1;
/// The bit that marks calls of the x32 numbering.
const X32: i64 = 0x4000_0000;
const SESSION_KEYRING: i64 = -3;
const PROCESS_KEYRING: i64 = -2;
const KEYCTL_GET_KEYRING_ID: i64 = 0;
const KEYCTL_READ: i64 = 11;

pub(super) const TABLE: &[Probe] = &[
    probe(
        Kernel,
        330,
        Seccomp,
        "make an io_uring",
        "Asks for a queue whose calls no filter sees.",
        |_| {
            let mut parameters = [0u8; 120];
            let args = [Arg::Number(4), Arg::Write(&mut parameters)];
            call(sys::opens(libc::SYS_io_uring_setup, args))
        },
    ),
    probe(
        Kernel,
        331,
        Seccomp,
        "make a socket through an io_uring",
        "Calls io_uring_enter and io_uring_register, as for a queue that somebody handed over.",
        |_| {
            let zero = || Arg::Number(0);
            worst([
                (
                    "enter".to_owned(),
                    call(sys::call(
                        libc::SYS_io_uring_enter,
                        [Arg::Number(NO_FD), Arg::Number(1), zero(), zero(), Arg::Null, zero()],
                    )),
                ),
                (
                    "register".to_owned(),
                    call(sys::call(
                        libc::SYS_io_uring_register,
                        [Arg::Number(NO_FD), zero(), Arg::Null, zero()],
                    )),
                ),
            ])
        },
    ),
    probe(
        Kernel,
        332,
        Seccomp,
        "make a socket by a 32-bit call",
        "Enters the kernel by the interrupt of 32-bit programs, which numbers calls differently.",
        |_| by_other_numbers(|| sys::code(sys::old_socket())),
    ),
    probe(
        Kernel,
        333,
        Seccomp,
        "make a socket by an x32 number",
        "Calls socket by its number with the bit of the x32 numbering.",
        |_| {
            let number = libc::SYS_socket | X32;
            let (family, kind) = (i64::from(libc::AF_UNIX), i64::from(libc::SOCK_STREAM));
            by_other_numbers(|| {
                let args = [Arg::Number(family), Arg::Number(kind), Arg::Number(0)];
                sys::code(sys::call(number, args))
            })
        },
    ),
    probe(Kernel, 334, Seccomp, "load a program into the kernel", "Calls bpf.", |_| {
        call(sys::call(libc::SYS_bpf, [Arg::Number(0), Arg::Null, Arg::Number(0)]))
    }),
    probe(
        Kernel,
        335,
        Seccomp,
        "read performance counters",
        "Calls perf_event_open for this process.",
        |_| {
            let any = || Arg::Number(-1);
            let args = [Arg::Null, Arg::Number(0), any(), any(), Arg::Number(0)];
            call(sys::call(libc::SYS_perf_event_open, args))
        },
    ),
    probe(
        Kernel,
        336,
        Seccomp,
        "handle page faults",
        "Calls userfaultfd, which makes races in the kernel easy to win.",
        |_| {
            let flags = i64::from(libc::O_CLOEXEC | 1);
            call(sys::opens(libc::SYS_userfaultfd, [Arg::Number(flags)]))
        },
    ),
    probe(
        Kernel,
        337,
        Seccomp,
        "watch the machine's files",
        "Calls fanotify_init, which sees what other processes open.",
        |_| call(sys::opens(libc::SYS_fanotify_init, [Arg::Number(1), Arg::Number(0)])),
    ),
    probe(
        Kernel,
        338,
        Seccomp,
        "find the session's keyring",
        "Asks for the keyring that programs of a login share.",
        |_| {
            let number = Arg::Number(KEYCTL_GET_KEYRING_ID);
            let args = [number, Arg::Number(SESSION_KEYRING), Arg::Number(0)];
            call(sys::call(libc::SYS_keyctl, args))
        },
    ),
    probe(
        Kernel,
        339,
        Seccomp,
        "read a key of lcc's session",
        "Reads a key with a secret by the number it has on the host.",
        key,
    ),
    probe(Kernel, 340, Seccomp, "add and request keys", "Calls add_key and request_key.", |_| {
        let kind = || Arg::Text(c"user");
        let name = || Arg::Text(c"lcc-attempt");
        let args = [kind(), name(), Arg::Read(b"x"), Arg::Number(1), Arg::Number(PROCESS_KEYRING)];
        let added = sys::call(libc::SYS_add_key, args);
        let args = [kind(), Arg::Text(c"lcc-none"), Arg::Null, Arg::Number(0)];
        let asked = sys::call(libc::SYS_request_key, args);
        worst([("add_key".to_owned(), call(added)), ("request_key".to_owned(), call(asked))])
    }),
    probe(
        Kernel,
        341,
        Mounts,
        "have the kernel run a program at a crash",
        "Writes `kernel.core_pattern`, the value that stands there.",
        core_pattern,
    ),
    probe(
        Kernel,
        342,
        Mounts,
        "have the kernel run a program for a module",
        "Opens `kernel.modprobe` and its like for writing.",
        |_| {
            worst(
                ["modprobe", "hotplug", "usermodehelper/bset", "poweroff_cmd"].map(|name| {
                    (name.to_owned(), setting(&Path::new("/proc/sys/kernel").join(name)))
                }),
            )
        },
    ),
    probe(
        Kernel,
        343,
        Mounts,
        "press the system request key",
        "Opens `/proc/sysrq-trigger` for writing.",
        |_| setting(Path::new("/proc/sysrq-trigger")),
    ),
    probe(
        Kernel,
        344,
        Mounts,
        "change the machine's memory management",
        "Opens `vm.drop_caches`, `vm.overcommit_memory` and `kernel.sysrq` for writing.",
        |_| {
            worst(
                ["vm/drop_caches", "vm/overcommit_memory", "kernel/sysrq"]
                    .map(|name| (name.to_owned(), setting(&Path::new("/proc/sys").join(name)))),
            )
        },
    ),
    probe(
        Kernel,
        345,
        Mounts,
        "leave its control group",
        "Opens the files of control groups that move processes and run programs.",
        |_| {
            worst(
                ["cgroup.procs", "release_agent", "memory.max", "cgroup.subtree_control"].map(
                    |name| (name.to_owned(), setting(&Path::new("/sys/fs/cgroup").join(name))),
                ),
            )
        },
    ),
    probe(
        Kernel,
        346,
        Mounts,
        "change the state of the hardware",
        "Opens files of `/sys` that put the machine to sleep or run programs.",
        |_| {
            let names = [
                "power/state",
                "kernel/uevent_helper",
                "kernel/mm/transparent_hugepage/enabled",
                "class/net/lo/mtu",
                "module/printk/parameters/time",
            ];
            worst(names.map(|name| (name.to_owned(), setting(&Path::new("/sys").join(name)))))
        },
    ),
    probe(
        Kernel,
        347,
        Privileges,
        "read the kernel's memory",
        "Opens `/proc/kcore` and `/proc/kmsg`.",
        |_| {
            worst(["/proc/kcore", "/proc/kmsg"].map(|name| {
                let mut options = OpenOptions::new();
                std::os::unix::fs::OpenOptionsExt::custom_flags(
                    options.read(true),
                    libc::O_NONBLOCK,
                );
                (name.to_owned(), file(options.open(name)))
            }))
        },
    ),
    probe(
        Kernel,
        348,
        Seccomp,
        "read the kernel's log",
        "Calls syslog for the size of the log.",
        |_| {
            let args = [Arg::Number(10), Arg::Null, Arg::Number(0)];
            call(sys::call(libc::SYS_syslog, args))
        },
    ),
    probe(
        Kernel,
        349,
        Seccomp,
        "load or remove a module",
        "Calls init_module, finit_module and delete_module with nothing.",
        modules,
    ),
    probe(
        Kernel,
        350,
        Seccomp,
        "load another kernel",
        "Calls kexec_load with flags that no kernel knows.",
        |_| {
            let zero = || Arg::Number(0);
            let args = [zero(), zero(), Arg::Null, Arg::Number(0xf0)];
            call(sys::call(libc::SYS_kexec_load, args))
        },
    ),
    probe(
        Kernel,
        351,
        Seccomp,
        "restart the machine",
        "Calls reboot without the numbers that it wants to see.",
        |_| {
            let zero = || Arg::Number(0);
            call(sys::call(libc::SYS_reboot, [zero(), zero(), zero(), Arg::Null]))
        },
    ),
    probe(
        Kernel,
        352,
        Seccomp,
        "change swap, accounting and quotas",
        "Calls swapon, swapoff and acct for a file that is not there.",
        |_| {
            let none = || Arg::Text(c"/lcc-none/none");
            worst([
                ("swapon".to_owned(), call(sys::call(libc::SYS_swapon, [none(), Arg::Number(0)]))),
                ("swapoff".to_owned(), call(sys::call(libc::SYS_swapoff, [none()]))),
                ("acct".to_owned(), call(sys::call(libc::SYS_acct, [none()]))),
            ])
        },
    ),
    probe(Kernel, 353, Seccomp, "set the clock", "Calls settimeofday with nothing to set.", |_| {
        call(sys::call(libc::SYS_settimeofday, [Arg::Null, Arg::Null]))
    }),
    probe(
        Kernel,
        354,
        Seccomp,
        "rename the machine",
        "Calls sethostname with the name that it has.",
        |_| {
            let name = gethostname().unwrap_or_default().into_encoded_bytes();
            let length = i64::try_from(name.len()).unwrap_or_default();
            let args = [Arg::Read(&name), Arg::Number(length)];
            call(sys::call(libc::SYS_sethostname, args))
        },
    ),
    probe(
        Kernel,
        355,
        Seccomp,
        "reach the processor's ports and tables",
        "Calls iopl, ioperm and modify_ldt.",
        processor,
    ),
];

/// What only another way into the kernel answers. The filters kill the caller; a kernel without
/// that way ends it or knows no such call.
fn by_other_numbers(attempt: impl FnOnce() -> i32) -> Outcome {
    match sys::in_copy(attempt) {
        Ok(End::Killed(signal @ (Signal::SIGSYS | Signal::SIGKILL))) => {
            Outcome::blocked(format!("the caller was killed by {signal}"))
        }
        Ok(End::Killed(signal @ Signal::SIGSEGV)) => {
            Outcome::blocked(format!("this kernel has no such entry: {signal}"))
        }
        Ok(End::Killed(signal)) => Outcome::could_not_run(format!("ended by {signal}")),
        Ok(End::Code(0)) => Outcome::open("a socket was made"),
        Ok(End::Code(code)) => call::<()>(Err(Errno::from_raw(code))),
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

fn key(ground: &Ground<'_>) -> Outcome {
    // Where the host could plant none, any number is as good to ask for.
    let serial = i64::from(ground.targets.key.unwrap_or(1));
    let mut content = [0u8; 64];
    let length = Arg::Number(64);
    let args = [Arg::Number(KEYCTL_READ), Arg::Number(serial), Arg::Write(&mut content), length];
    match sys::call(libc::SYS_keyctl, args) {
        Ok(_) if content.starts_with(ground.targets.text.as_bytes()) => {
            Outcome::open("the key shows the secret")
        }
        Ok(_) => Outcome::open("another key could be read"),
        Err(error @ (Errno::EPERM | Errno::EACCES | Errno::ENOSYS)) => {
            with(Some(error), error.desc())
        }
        Err(error) => Outcome::open(format!("the kernel looked for it: {}", error.desc())),
    }
}

fn core_pattern(_: &Ground<'_>) -> Outcome {
    let path = Path::new("/proc/sys/kernel/core_pattern");
    match fs::read(path) {
        Ok(value) => file(
            OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, &value)),
        ),
        Err(error) => file::<()>(Err(error)),
    }
}

/// Opens a setting for writing and writes nothing.
fn setting(path: &Path) -> Outcome {
    change(path)
}

fn modules(_: &Ground<'_>) -> Outcome {
    let zero = || Arg::Number(0);
    worst([
        (
            "init_module".to_owned(),
            call(sys::call(libc::SYS_init_module, [Arg::Null, zero(), Arg::Text(c"")])),
        ),
        (
            "finit_module".to_owned(),
            call(sys::call(libc::SYS_finit_module, [Arg::Number(NO_FD), Arg::Text(c""), zero()])),
        ),
        (
            "delete_module".to_owned(),
            call(sys::call(
                libc::SYS_delete_module,
                [Arg::Text(c"lcc_none"), Arg::Number(i64::from(libc::O_NONBLOCK))],
            )),
        ),
    ])
}

#[cfg(target_arch = "x86_64")]
fn processor(_: &Ground<'_>) -> Outcome {
    let copied =
        |attempt: &dyn Fn() -> Result<i64, Errno>| match sys::in_copy(|| sys::code(attempt())) {
            Ok(end) => sys::result(end).map_or_else(|| Outcome::blocked("it was killed"), call),
            Err(error) => Outcome::could_not_run(error.to_string()),
        };
    worst([
        ("iopl".to_owned(), copied(&|| sys::call(libc::SYS_iopl, [Arg::Number(3)]))),
        (
            "ioperm".to_owned(),
            copied(&|| {
                sys::call(libc::SYS_ioperm, [Arg::Number(0x80), Arg::Number(1), Arg::Number(1)])
            }),
        ),
        (
            "modify_ldt".to_owned(),
            copied(&|| {
                let mut table = [0u8; 16];
                let length = Arg::Number(16);
                sys::call(libc::SYS_modify_ldt, [Arg::Number(0), Arg::Write(&mut table), length])
            }),
        ),
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn processor(_: &Ground<'_>) -> Outcome {
    Outcome::note("this processor has no such calls")
}
