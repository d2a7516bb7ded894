//! Attempts on processes of the host.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

use super::{
    Ground, Probe, checks,
    outcome::{call, file, of_process, secret, with, worst},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::probes::{
    Group::Processes,
    Layer::{Pids, Seccomp},
    Outcome,
};

pub(super) const TABLE: &[Probe] = &[
    probe(
        Processes,
        401,
        Pids,
        "list the host's processes",
        "Looks in `/proc` for others than itself and what started it.",
        others,
    )
    .strict_only(),
    probe(
        Processes,
        402,
        Pids,
        "read a host process's environment",
        "Opens `/proc/PID/environ` of a process with a secret in its environment.",
        |ground| of(ground, |path, ground| secret(&path.join("environ"), &ground.targets.text)),
    ),
    probe(
        Processes,
        403,
        Pids,
        "search every environment",
        "Opens `environ` of all processes in `/proc` in search of the secret.",
        every_environment,
    ),
    probe(
        Processes,
        404,
        Pids,
        "read a host process's memory",
        "Opens `/proc/PID/mem` and `/proc/PID/maps`.",
        |ground| {
            of(ground, |path, _| {
                worst(["mem", "maps"].map(|name| {
                    (name.to_owned(), file(fs::read(path.join(name)).or_else(unmapped)))
                }))
            })
        },
    ),
    probe(
        Processes,
        405,
        Pids,
        "read a host process's command line",
        "Opens `/proc/PID/cmdline` and `/proc/PID/status`.",
        |ground| {
            of(ground, |path, _| {
                worst(
                    ["cmdline", "status"]
                        .map(|name| (name.to_owned(), file(fs::read(path.join(name))))),
                )
            })
        },
    )
    .strict_only(),
    probe(
        Processes,
        406,
        Pids,
        "signal a host process",
        "Sends the signal that does nothing.",
        |ground| of(ground, |_, ground| of_process(kill(planted(ground), None))),
    ),
    probe(Processes, 407, Pids, "take a handle on a host process", "Calls pidfd_open.", |ground| {
        of(ground, |_, ground| {
            let pid = Arg::Number(planted(ground).as_raw().into());
            of_process(sys::opens(libc::SYS_pidfd_open, [pid, Arg::Number(0)]))
        })
    })
    .strict_only(),
    probe(Processes, 408, Seccomp, "trace a host process", "Calls ptrace to seize it.", |ground| {
        const SEIZE: i64 = 0x4206;
        of(ground, |_, ground| {
            let pid = Arg::Number(planted(ground).as_raw().into());
            let args = [Arg::Number(SEIZE), pid, Arg::Null, Arg::Null];
            of_process(sys::call(libc::SYS_ptrace, args))
        })
    }),
    probe(
        Processes,
        409,
        Seccomp,
        "read and write another process's memory",
        "Calls process_vm_readv and process_vm_writev with nothing to copy.",
        |ground| {
            let pid = i64::from(ground.targets.process.unwrap_or(1));
            let by = |number| {
                let zero = || Arg::Number(0);
                let args = [Arg::Number(pid), Arg::Null, zero(), Arg::Null, zero(), zero()];
                of_process(sys::call(number, args))
            };
            worst([
                ("read".to_owned(), by(libc::SYS_process_vm_readv)),
                ("write".to_owned(), by(libc::SYS_process_vm_writev)),
            ])
        },
    ),
    probe(
        Processes,
        410,
        Seccomp,
        "take a descriptor out of another process",
        "Calls pidfd_getfd.",
        |_| {
            let zero = || Arg::Number(0);
            call(sys::opens(libc::SYS_pidfd_getfd, [Arg::Number(-1), zero(), zero()]))
        },
    ),
    probe(
        Processes,
        411,
        Seccomp,
        "compare itself with another process",
        "Calls kcmp, which tells where kernel objects lie.",
        |_| {
            let own = || Arg::Number(i64::from(std::process::id()));
            let zero = || Arg::Number(0);
            call(sys::call(libc::SYS_kcmp, [own(), own(), zero(), zero(), zero()]))
        },
    ),
    probe(
        Processes,
        412,
        Seccomp,
        "advise another process's memory away",
        "Calls process_madvise.",
        |_| {
            let zero = || Arg::Number(0);
            let args = [Arg::Number(-1), Arg::Null, zero(), zero(), zero()];
            call(sys::call(libc::SYS_process_madvise, args))
        },
    ),
    probe(
        Processes,
        413,
        Seccomp,
        "trace its own children",
        "Calls ptrace as a process that wants to be traced.",
        |_| {
            let attempt = || {
                let zero = || Arg::Number(0);
                sys::call(libc::SYS_ptrace, [zero(), zero(), Arg::Null, Arg::Null])
            };
            match sys::in_copy(|| sys::code(attempt())) {
                Ok(end) => sys::result(end).map_or_else(|| Outcome::blocked("it was killed"), call),
                Err(error) => Outcome::could_not_run(error.to_string()),
            }
        },
    ),
    probe(
        Processes,
        414,
        Pids,
        "change a host process's limits",
        "Calls prlimit to read one.",
        |ground| {
            of(ground, |_, ground| {
                let pid = Arg::Number(planted(ground).as_raw().into());
                let mut limit = [0u8; 16];
                let core = Arg::Number(4);
                let args = [pid, core, Arg::Null, Arg::Write(&mut limit)];
                of_process(sys::call(libc::SYS_prlimit64, args))
            })
        },
    )
    .strict_only(),
    probe(
        Processes,
        415,
        Pids,
        "slow a host process down",
        "Lowers its priority and asks for its place on the processors.",
        |ground| {
            of(ground, |_, ground| {
                let pid = || Arg::Number(planted(ground).as_raw().into());
                let lower = [Arg::Number(0), pid(), Arg::Number(19)];
                let mut mask = [0u8; 128];
                let place = [pid(), Arg::Number(128), Arg::Write(&mut mask)];
                worst([
                    ("priority".to_owned(), of_process(sys::call(libc::SYS_setpriority, lower))),
                    ("place".to_owned(), of_process(sys::call(libc::SYS_sched_getaffinity, place))),
                ])
            })
        },
    )
    .strict_only(),
    probe(
        Processes,
        416,
        Pids,
        "stay after the end",
        "Leaves a process in a session of its own behind; the host looks for it after the end.",
        stay,
    )
    .strict_only()
    .in_check_only(),
];

/// Whether a number that the host gave one of its processes is, inside, one of the sandbox's own.
pub(super) fn is_own(pid: i32) -> bool {
    let id = std::process::id().cast_signed();
    pid == id || pid == nix::unistd::getppid().as_raw() || (pid == 1 && id != 1)
}

fn planted(ground: &Ground<'_>) -> Pid {
    Pid::from_raw(ground.targets.process.unwrap_or(ground.targets.host_pid))
}

/// An attempt on the planted process, with its folder in `/proc`.
fn of(ground: &Ground<'_>, attempt: impl FnOnce(&Path, &Ground<'_>) -> Outcome) -> Outcome {
    let pid = planted(ground).as_raw();
    if ground.aim.sandboxed && is_own(pid) {
        return Outcome::blocked("that number is a process of the sandbox itself");
    }
    attempt(&PathBuf::from(format!("/proc/{pid}")), ground)
}

/// Reading memory from its start, where nothing is mapped, shows that it could be opened.
fn unmapped(error: std::io::Error) -> std::io::Result<Vec<u8>> {
    if error.raw_os_error() == Some(Errno::EIO as i32) { Ok(Vec::new()) } else { Err(error) }
}

fn others(_: &Ground<'_>) -> Outcome {
    match checks::visible_processes() {
        Ok(all) => {
            let others = all.iter().filter(|pid| !is_own(pid.cast_signed())).count();
            if others == 0 {
                Outcome::blocked("only the sandbox's own are there")
            } else {
                Outcome::open(format!("{others} others are there"))
            }
        }
        Err(failure) => Outcome::could_not_run(failure.detail),
    }
}

fn every_environment(ground: &Ground<'_>) -> Outcome {
    match checks::visible_processes() {
        Ok(all) => worst(all.into_iter().map(|pid| {
            let path = format!("/proc/{pid}/environ");
            let outcome = match fs::read(&path).map_err(|error| error.raw_os_error()) {
                // One of the kernel's own has none.
                Err(Some(libc::ESRCH)) => with(Some(Errno::ESRCH), "it has none"),
                Ok(_) | Err(_) => secret(Path::new(&path), &ground.targets.text),
            };
            // A process that ends meanwhile has no environment any more.
            (path, outcome)
        })),
        Err(failure) => Outcome::could_not_run(failure.detail),
    }
}

/// The host decides: it finds the lock free once the sandbox has ended, or not.
fn stay(ground: &Ground<'_>) -> Outcome {
    let path = super::survivor(&ground.aim.home, &ground.targets.text);
    match sys::leave_behind(&path) {
        Ok(()) => Outcome::open("a process was left behind"),
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}
