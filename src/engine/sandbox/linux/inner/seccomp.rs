//! The system-call filters: several, stacked, each with one answer.

mod calls;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use calls::{Call, FORBIDDEN, UNSEEN};

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

const NEW_NAMESPACES: [libc::c_int; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    0x80, /* CLONE_NEWTIME */
];

const SET_ID: [u64; 2] = [0o4000, 0o2000];

/// Puts all filters in force. What is loaded last is asked first, and the strictest answer wins.
pub(in crate::engine::sandbox::linux) fn enforce(programs: &[BpfProgram]) -> Result<(), Error> {
    for program in programs {
        apply_filter(program)?;
    }
    Ok(())
}

/// The filters, in order of loading.
pub(in crate::engine::sandbox::linux) fn programs() -> Result<Vec<BpfProgram>, Error> {
    programs_for(here()?)
}

/// The same without the rules for sockets: a filter whose calls are answered by lcc has them, and
/// a refusal here would win before lcc could count it.
pub(in crate::engine::sandbox::linux) fn programs_beside_watch() -> Result<Vec<BpfProgram>, Error> {
    let arch = here()?;
    let mut rules = rules_for(arch)?;
    if let Some(number) = calls::SOCKET.number(arch) {
        rules.remove(&number);
    }
    stack(rules, arch)
}

/// The processor that lcc was built for.
fn here() -> Result<TargetArch, Error> {
    Ok(TargetArch::try_from(std::env::consts::ARCH)?)
}

fn programs_for(arch: TargetArch) -> Result<Vec<BpfProgram>, Error> {
    stack(rules_for(arch)?, arch)
}

fn stack(rules: Rules, arch: TargetArch) -> Result<Vec<BpfProgram>, Error> {
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    let mut all = vec![
        compile_for(rules, errno(libc::EPERM), arch)?,
        compile_for(unseen(arch), errno(libc::ENOSYS), arch)?,
    ];
    if arch == TargetArch::x86_64 {
        all.push(no_x32());
    }
    Ok(all)
}

fn unseen(arch: TargetArch) -> Rules {
    UNSEEN.iter().filter_map(|call| Some((call.number(arch)?, Vec::new()))).collect()
}

fn compile_for(rules: Rules, answer: SeccompAction, arch: TargetArch) -> Result<BpfProgram, Error> {
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()?)
}

/// Kills a process that uses the x32 numbering, which would pass by every other rule.
fn no_x32() -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_GREATER_OR_EQUAL: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const KILL: u32 = 0x8000_0000;
    const ALLOW: u32 = 0x7fff_0000;
    const X32: u32 = 0x4000_0000;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD, 0, 0, 0),
        step(JUMP_IF_GREATER_OR_EQUAL, 0, 1, X32),
        step(RETURN, 0, 0, KILL),
        step(RETURN, 0, 0, ALLOW),
    ]
}

fn rules_for(arch: TargetArch) -> Result<Rules, Error> {
    let mut rules: Rules =
        FORBIDDEN.iter().filter_map(|call| Some((call.number(arch)?, Vec::new()))).collect();
    let mut add = |call: Call, more: Vec<SeccompRule>| {
        if let Some(number) = call.number(arch) {
            rules.entry(number).or_default().extend(more);
        }
    };
    add(calls::SOCKET, sockets()?);
    add(calls::SOCKETPAIR, socket_pairs()?);
    let clone = NEW_NAMESPACES
        .iter()
        .map(|flag| rule(&[masked(0, bits(*flag), bits(*flag))?]))
        .collect::<Result<_, _>>()?;
    add(calls::CLONE, clone);
    // Compared as 32 bits: the kernel looks at no more.
    let terminal = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCCONS, libc::TIOCSETD]
        .iter()
        .map(|request| rule(&[equal(1, u64::from(*request as u32))?]))
        .collect::<Result<_, _>>()?;
    add(calls::IOCTL, terminal);
    for (call, more) in set_id()? {
        add(call, more);
    }
    Ok(rules)
}

/// Everything but TCP over IP.
pub(in crate::engine::sandbox::linux) fn sockets() -> Result<Vec<SeccompRule>, Error> {
    let not = |index, value: i32| condition(index, SeccompCmpOp::Ne, bits(value));
    let mut rules = vec![
        rule(&[not(0, libc::AF_INET)?, not(0, libc::AF_INET6)?])?,
        rule(&[not(2, 0)?, not(2, libc::IPPROTO_TCP)?])?,
    ];
    for kind in (0..16).filter(|kind| *kind != bits(libc::SOCK_STREAM)) {
        rules.push(rule(&[masked(1, 0xf, kind)?])?);
    }
    Ok(rules)
}

/// Only local pairs, and none that could be pointed at another address later.
fn socket_pairs() -> Result<Vec<SeccompRule>, Error> {
    Ok(vec![
        rule(&[condition(0, SeccompCmpOp::Ne, bits(libc::AF_UNIX))?])?,
        rule(&[masked(1, 0xf, bits(libc::SOCK_DGRAM))?])?,
        rule(&[masked(1, 0xf, bits(libc::SOCK_RAW))?])?,
    ])
}

/// Calls that set a file's mode, and which argument it is.
const MODES: [(Call, u8); 9] = [
    (calls::CHMOD, 1),
    (calls::FCHMOD, 1),
    (calls::FCHMODAT, 2),
    (calls::FCHMODAT2, 2),
    (calls::CREAT, 1),
    (calls::MKDIR, 1),
    (calls::MKDIRAT, 2),
    (calls::MKNOD, 1),
    (calls::MKNODAT, 2),
];
/// Calls that may create a file, with their flags and its mode.
const OPENS: [(Call, u8, u8); 2] = [(calls::OPEN, 1, 2), (calls::OPENAT, 2, 3)];

/// No set-user-id or set-group-id bits on anything, no device nodes: they would count on the host.
fn set_id() -> Result<Vec<(Call, Vec<SeccompRule>)>, Error> {
    let mut all = Vec::new();
    for (call, index) in MODES {
        let mut rules = Vec::new();
        for bit in SET_ID {
            rules.push(rule(&[masked(index, bit, bit)?])?);
        }
        if call == calls::MKNOD || call == calls::MKNODAT {
            for kind in [libc::S_IFCHR, libc::S_IFBLK] {
                rules.push(rule(&[masked(index, u64::from(libc::S_IFMT), u64::from(kind))?])?);
            }
        }
        all.push((call, rules));
    }
    // The mode counts only where the call may create; otherwise the register holds anything.
    for (call, flags, mode) in OPENS {
        let mut rules = Vec::new();
        for bit in SET_ID {
            for creates in [bits(libc::O_CREAT), bits(libc::O_TMPFILE) & !bits(libc::O_DIRECTORY)] {
                rules.push(rule(&[masked(flags, creates, creates)?, masked(mode, bit, bit)?])?);
            }
        }
        all.push((call, rules));
    }
    Ok(all)
}

fn bits(value: libc::c_int) -> u64 {
    u64::from(value.cast_unsigned())
}

fn condition(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(index, Dword, operator, value)?)
}

fn equal(index: u8, value: u64) -> Result<SeccompCondition, Error> {
    condition(index, SeccompCmpOp::Eq, value)
}

pub(in crate::engine::sandbox::linux) fn masked(
    index: u8,
    mask: u64,
    value: u64,
) -> Result<SeccompCondition, Error> {
    condition(index, SeccompCmpOp::MaskedEq(mask), value)
}

pub(in crate::engine::sandbox::linux) fn rule(
    conditions: &[SeccompCondition],
) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(conditions.to_vec())?)
}
