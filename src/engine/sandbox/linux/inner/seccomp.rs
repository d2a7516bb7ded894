//! The system-call filters: several, stacked, each with one answer.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls with no use inside, or with one that leads out.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_fanotify_init,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
];

/// The same for calls that only this processor has.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: &[libc::c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: &[libc::c_long] = &[];

/// Calls whose arguments lie in memory, where a filter cannot look. Programs fall back to others.
const UNSEEN: [libc::c_long; 2] = [libc::SYS_clone3, libc::SYS_openat2];

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
    stack(rules()?)
}

/// The same without the rules for sockets: a filter whose calls are answered by lcc has them, and
/// a refusal here would win before lcc could count it.
pub(in crate::engine::sandbox::linux) fn programs_beside_watch() -> Result<Vec<BpfProgram>, Error> {
    let mut rules = rules()?;
    rules.remove(&libc::SYS_socket);
    stack(rules)
}

fn stack(rules: Rules) -> Result<Vec<BpfProgram>, Error> {
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    let unseen: Rules = UNSEEN.iter().map(|call| (*call, Vec::new())).collect();
    let mut all = vec![compile(rules, errno(libc::EPERM))?, compile(unseen, errno(libc::ENOSYS))?];
    if cfg!(target_arch = "x86_64") {
        all.push(no_x32());
    }
    Ok(all)
}

fn compile(rules: Rules, answer: SeccompAction) -> Result<BpfProgram, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
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

fn rules() -> Result<Rules, Error> {
    let mut rules: Rules =
        FORBIDDEN.iter().chain(FORBIDDEN_HERE).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, sockets()?);
    rules.insert(libc::SYS_socketpair, socket_pairs()?);
    let clone = NEW_NAMESPACES
        .iter()
        .map(|flag| rule(&[masked(0, bits(*flag), bits(*flag))?]))
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, clone);
    // Compared as 32 bits: the kernel looks at no more.
    let terminal = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCCONS, libc::TIOCSETD]
        .iter()
        .map(|request| rule(&[equal(1, u64::from(*request as u32))?]))
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, terminal);
    set_id(&mut rules)?;
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

/// No set-user-id or set-group-id bits on anything, no device nodes: they would count on the host.
fn set_id(rules: &mut Rules) -> Result<(), Error> {
    let mut modes = vec![
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (libc::SYS_fchmodat2, 2),
        (libc::SYS_mkdirat, 2),
        (libc::SYS_mknodat, 2),
    ];
    let mut opens = vec![(libc::SYS_openat, 2, 3)];
    let mut nodes = vec![(libc::SYS_mknodat, 2)];
    if cfg!(target_arch = "x86_64") {
        #[cfg(target_arch = "x86_64")]
        {
            modes.extend([
                (libc::SYS_chmod, 1),
                (libc::SYS_creat, 1),
                (libc::SYS_mkdir, 1),
                (libc::SYS_mknod, 1),
            ]);
            opens.push((libc::SYS_open, 1, 2));
            nodes.push((libc::SYS_mknod, 1));
        }
    }
    for (call, index) in modes {
        for bit in SET_ID {
            rules.entry(call).or_default().push(rule(&[masked(index, bit, bit)?])?);
        }
    }
    for (call, index) in nodes {
        for kind in [libc::S_IFCHR, libc::S_IFBLK] {
            let kind = masked(index, u64::from(libc::S_IFMT), u64::from(kind))?;
            rules.entry(call).or_default().push(rule(&[kind])?);
        }
    }
    // The mode counts only where the call may create; otherwise the register holds anything.
    for (call, flags, mode) in opens {
        for bit in SET_ID {
            for creates in [bits(libc::O_CREAT), bits(libc::O_TMPFILE) & !bits(libc::O_DIRECTORY)] {
                let conditions = [masked(flags, creates, creates)?, masked(mode, bit, bit)?];
                rules.entry(call).or_default().push(rule(&conditions)?);
            }
        }
    }
    Ok(())
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

fn masked(index: u8, mask: u64, value: u64) -> Result<SeccompCondition, Error> {
    condition(index, SeccompCmpOp::MaskedEq(mask), value)
}

fn rule(conditions: &[SeccompCondition]) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(conditions.to_vec())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_fit_the_kernels_limit() {
        let all = programs().unwrap();
        assert!(all.len() >= 2);
        for program in &all {
            assert!((4..4096).contains(&program.len()), "{} steps", program.len());
        }
    }

    #[test]
    fn no_forbidden_call_has_an_exception() {
        let rules = rules().unwrap();
        for call in FORBIDDEN.iter().chain(FORBIDDEN_HERE) {
            assert!(rules.get(call).is_some_and(Vec::is_empty), "call {call} has conditions");
        }
    }
}
