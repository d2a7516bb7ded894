//! Attempts to get more rights, or more of the machine than one program should have.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::{
        resource::{Resource, getrlimit},
        signal::Signal,
    },
};

use super::{
    Ground, Probe, checks,
    outcome::{call, secret, with},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::probes::{
    Group::Processes,
    Layer::{self, Descriptors, Limits, Privileges},
    Outcome,
};

/// Where a file of the attempt ends: above the sandbox's limit, with nothing before it.
const FAR: u64 = 5 << 30;
/// What a limit may be at most for an attempt to count as stopped.
const MOST_PROCESSES: u64 = 8192;
const MOST_FILES: u64 = 65_536;
const MOST_LOCKED: u64 = 64 << 20;

pub(super) const TABLE: &[Probe] = &[
    probe(
        Processes,
        450,
        Privileges,
        "get rights from a program with the set-user-id bit",
        "Asks whether starting a program can give it new rights.",
        |_| {
            if sys::no_new_rights() {
                Outcome::blocked("NoNewPrivs is set: sudo, su and their like give nothing")
            } else {
                Outcome::open("NoNewPrivs is not set")
            }
        },
    ),
    probe(Processes, 451, Privileges, "become root", "Calls setresuid for user 0.", |_| {
        let zero = || Arg::Number(0);
        if nix::unistd::geteuid().is_root() {
            return Outcome::note("it is user 0 already, without any capability");
        }
        identity(|| sys::call(libc::SYS_setresuid, [zero(), zero(), zero()]))
    }),
    probe(Processes, 452, Privileges, "join other groups", "Calls setgroups for group 0.", |_| {
        identity(|| {
            let group = [0u8; 4];
            sys::call(libc::SYS_setgroups, [Arg::Number(1), Arg::Read(&group)])
        })
    }),
    probe(Processes, 453, Privileges, "take capabilities", "Calls capset for all of them.", |_| {
        copied(sys::take_capabilities)
    }),
    probe(
        Processes,
        454,
        Privileges,
        "have capabilities",
        "Looks for a bit in any of the five sets, the bounding set among them.",
        capabilities,
    ),
    probe(
        Processes,
        455,
        Privileges,
        "take the processor",
        "Asks for a real-time policy of the scheduler.",
        |_| copied(sys::take_processor),
    ),
    probe(
        Processes,
        456,
        Privileges,
        "rise above other programs",
        "Asks for a better priority than it was given.",
        |_| {
            copied(|| {
                let args = [Arg::Number(0), Arg::Number(0), Arg::Number(-10)];
                sys::call(libc::SYS_setpriority, args).map(drop)
            })
        },
    ),
    probe(
        Processes,
        460,
        Descriptors,
        "find inherited descriptors",
        "Looks for open descriptors besides the three streams.",
        descriptors,
    ),
    probe(
        Processes,
        461,
        Descriptors,
        "use a descriptor that lcc left open",
        "Reads a secret by the number under which lcc has it open.",
        |ground| {
            let number = ground.targets.descriptor;
            if number == ground.result {
                return Outcome::blocked("that number is the attempts' own pipe");
            }
            let path = format!("/proc/self/fd/{number}");
            secret(Path::new(&path), &ground.targets.text)
        },
    ),
    probe(
        Processes,
        470,
        Limits,
        "fill the disk with one file",
        "Writes a byte at 5 GiB of an empty file.",
        large_file,
    ),
    probe(
        Processes,
        471,
        Limits,
        "start processes without end",
        "Asks for the limit on processes.",
        |_| limit(Resource::RLIMIT_NPROC, MOST_PROCESSES, "processes"),
    )
    .strict_only(),
    probe(
        Processes,
        472,
        Limits,
        "open files without end",
        "Asks for the limit on open files.",
        |_| limit(Resource::RLIMIT_NOFILE, MOST_FILES, "open files"),
    ),
    probe(
        Processes,
        473,
        Limits,
        "lock memory without end",
        "Asks for the limit on memory that cannot be swapped out.",
        |_| limit(Resource::RLIMIT_MEMLOCK, MOST_LOCKED, "bytes"),
    ),
    probe(
        Processes,
        474,
        Limits,
        "leave its memory in a core file",
        "Asks for the limit on core files, which other programs collect.",
        |_| limit(Resource::RLIMIT_CORE, 0, "bytes"),
    ),
    probe(
        Processes,
        480,
        Layer::Nothing,
        "start a program from memory",
        "Makes a file in memory and executes it.",
        from_memory,
    )
    .in_check_only(),
];

fn copied(attempt: impl FnOnce() -> Result<(), Errno>) -> Outcome {
    match sys::in_copy(|| sys::code(attempt())) {
        Ok(end) => sys::result(end).map_or_else(|| Outcome::blocked("it was killed"), call),
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

/// A user or group that the namespace does not have is an invalid one to the kernel.
fn identity(attempt: impl FnOnce() -> Result<i64, Errno>) -> Outcome {
    match sys::in_copy(|| sys::code(attempt())) {
        Ok(end) => match sys::result(end) {
            Some(Err(Errno::EINVAL)) => with(Some(Errno::EINVAL), "there is no such user inside"),
            Some(result) => call(result),
            None => Outcome::blocked("it was killed"),
        },
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

fn capabilities(_: &Ground<'_>) -> Outcome {
    let status = match fs::read_to_string("/proc/self/status") {
        Ok(status) => status,
        Err(error) => return Outcome::could_not_run(error.to_string()),
    };
    let sets: Vec<&str> = status.lines().filter(|line| line.starts_with("Cap")).collect();
    let found = sets.iter().find(|line| {
        line.split_once(':').is_none_or(|(_, bits)| !bits.trim().trim_matches('0').is_empty())
    });
    match found {
        Some(line) => Outcome::open(*line),
        None if sets.len() >= 5 => Outcome::blocked("all sets are empty"),
        None => Outcome::could_not_run("the sets are not in /proc/self/status"),
    }
}

fn descriptors(ground: &Ground<'_>) -> Outcome {
    match checks::open_descriptors() {
        Ok(all) => {
            let extra: Vec<i32> =
                all.into_iter().filter(|fd| *fd > 2 && *fd != ground.result).collect();
            if extra.is_empty() {
                Outcome::blocked("only the streams are open")
            } else {
                Outcome::open(format!("open: {extra:?}"))
            }
        }
        Err(failure) => Outcome::could_not_run(failure.detail),
    }
}

fn limit(resource: Resource, most: u64, unit: &str) -> Outcome {
    match getrlimit(resource) {
        Ok((_, hard)) if hard <= most => Outcome::blocked(format!("at most {hard} {unit}")),
        Ok((_, libc::RLIM_INFINITY)) => Outcome::open("there is no limit"),
        Ok((_, hard)) => Outcome::open(format!("the limit is {hard} {unit}")),
        Err(error) => Outcome::could_not_run(error.desc()),
    }
}

fn large_file(ground: &Ground<'_>) -> Outcome {
    let path = ground.scratch.join("large");
    let attempt = || -> io::Result<()> {
        let mut file = File::create(&path)?;
        file.seek(io::SeekFrom::Start(FAR))?;
        file.write_all(b"x")
    };
    let end = sys::in_copy(|| {
        // The signal would end the copy before the error is seen.
        let _without = sys::ignore(Signal::SIGXFSZ);
        attempt().map_or_else(|error| error.raw_os_error().unwrap_or(1), |()| 0)
    });
    let _best_effort = fs::remove_file(&path);
    match end.map(sys::result) {
        Ok(Some(Err(Errno::EFBIG))) => with(Some(Errno::EFBIG), Errno::EFBIG.desc()),
        Ok(Some(Ok(()))) => Outcome::open("the file was made"),
        Ok(Some(Err(error))) => Outcome::could_not_run(error.desc()),
        Ok(None) => Outcome::blocked("the writer was killed"),
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

fn from_memory(_: &Ground<'_>) -> Outcome {
    match sys::run_from_memory(b"#!/bin/sh\nexit 42\n") {
        Ok(sys::End::Code(42)) => {
            Outcome::note("it works, and the program runs under the same restrictions")
        }
        Ok(end) => Outcome::blocked(format!("it ended otherwise: {end:?}")),
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}
