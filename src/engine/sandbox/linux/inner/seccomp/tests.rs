//! Every rule of the filters, asked by running the compiled programs themselves.

use proptest::prelude::*;
use seccompiler::{BpfProgram, TargetArch};

use super::{calls::FORBIDDEN, programs_for};

/// What the kernel does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allow,
    Errno(i32),
    Kill,
}
use Answer::{Allow, Errno, Kill};

const EPERM: Answer = Errno(libc::EPERM);
const ENOSYS: Answer = Errno(libc::ENOSYS);

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ARM: u32 = 0x4000_0028;

/// Runs one program as the kernel does: `nr`, `arch`, instruction pointer, six arguments.
fn run(program: &BpfProgram, nr: i64, arch: u32, args: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend((nr as u32).to_le_bytes());
    data.extend(arch.to_le_bytes());
    data.extend(0u64.to_le_bytes());
    args.iter().for_each(|arg| data.extend(arg.to_le_bytes()));
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let step = &program[at];
        at += 1;
        let k = step.k;
        let mut jump = |holds: bool| at += usize::from(if holds { step.jt } else { step.jf });
        match step.code {
            0x20 => {
                let from = k as usize;
                assert!(from.is_multiple_of(4) && from < 64, "a load from {from}");
                accumulator = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x05 => at += k as usize,
            0x15 => jump(accumulator == k),
            0x25 => jump(accumulator > k),
            0x35 => jump(accumulator >= k),
            0x45 => jump(accumulator & k != 0),
            0x54 => accumulator &= k,
            0x06 => return k,
            other => panic!("an instruction {other:#x} that the filters never had"),
        }
    }
}

/// All filters are asked; the strictest answer wins, and of equal ones the youngest filter's.
fn ask_as(target: TargetArch, arch: u32, nr: i64, args: &[u64]) -> Answer {
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    let programs = programs_for(target).unwrap();
    let answers = programs.iter().rev().map(|program| run(program, nr, arch, all));
    let strictest = answers.min_by_key(|answer| (answer & 0xffff_0000).cast_signed()).unwrap();
    match strictest & 0xffff_0000 {
        0x7fff_0000 => Allow,
        0x0005_0000 => Errno((strictest & 0xffff).cast_signed()),
        0x8000_0000 | 0 => Kill,
        other => panic!("an answer {other:#x}"),
    }
}

fn ask(nr: i64, args: &[u64]) -> Answer {
    ask_as(TargetArch::x86_64, X86_64, nr, args)
}

fn ask_arm(nr: i64, args: &[u64]) -> Answer {
    ask_as(TargetArch::aarch64, AARCH64, nr, args)
}

#[test]
fn the_filters_fit_the_kernels_limit() {
    for arch in [TargetArch::x86_64, TargetArch::aarch64, TargetArch::riscv64] {
        let all = programs_for(arch).unwrap();
        assert!(all.len() >= 2);
        for program in &all {
            assert!((4..4096).contains(&program.len()), "{} steps", program.len());
        }
    }
}

#[test]
fn no_forbidden_call_has_an_exception() {
    let odd = [u64::MAX, 0, 1, u64::MAX, 0, 1];
    for call in FORBIDDEN {
        for args in [[0; 6], [u64::MAX; 6], odd] {
            for (target, arch) in [(TargetArch::x86_64, X86_64), (TargetArch::aarch64, AARCH64)] {
                if let Some(number) = call.number(target) {
                    assert_eq!(ask_as(target, arch, number, &args), EPERM, "{}", call.name);
                }
            }
        }
    }
}

/// The numbers of the table are the system's own. The right side is what the compiler knows.
#[cfg(target_arch = "x86_64")]
#[test]
fn calls_that_lead_out_are_forbidden_by_the_systems_numbers() {
    for nr in [
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        467, // open_tree_attr
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
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_syslog,
        libc::SYS_iopl,
        libc::SYS_ioperm,
        libc::SYS_modify_ldt,
        libc::SYS_fanotify_init,
        libc::SYS_vhangup,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
    ] {
        assert_eq!(ask(nr, &[]), EPERM, "call {nr}");
    }
    for nr in [libc::SYS_clone3, libc::SYS_openat2] {
        assert_eq!(ask(nr, &[1, 2, 3]), ENOSYS, "call {nr}");
    }
}

#[test]
fn the_same_calls_are_forbidden_on_aarch64() {
    // By the numbers of the common table.
    for nr in [
        425, 426, 427, 117, 270, 271, 272, 438, 40, 39, 429, 428, 430, 431, 432, 433, 442, 467, 51,
        41, 97, 268, 217, 218, 219, 280, 241, 282, 264, 265, 104, 294, 105, 273, 106, 142, 224,
        225, 89, 60, 116, 262, 58, 170, 112, 171, 266,
    ] {
        assert_eq!(ask_arm(nr, &[]), EPERM, "call {nr}");
    }
    assert_eq!((ask_arm(435, &[]), ask_arm(437, &[])), (ENOSYS, ENOSYS));
    let (socket, ioctl, clone, openat) = (198, 29, 220, 56);
    assert_eq!(ask_arm(socket, &[2, 1, 0]), Allow);
    assert_eq!(ask_arm(socket, &[1, 1, 0]), EPERM);
    assert_eq!(ask_arm(ioctl, &[0, 0x5412]), EPERM);
    assert_eq!(ask_arm(clone, &[0x1000_0000]), EPERM);
    assert_eq!(ask_arm(clone, &[0x003d_0f00]), Allow);
    for (nr, mode) in [(52, 1), (53, 2), (452, 2), (34, 2), (33, 2)] {
        let mut args = [0; 6];
        args[mode] = 0o2755;
        assert_eq!(ask_arm(nr, &args), EPERM, "call {nr}");
        args[mode] = 0o755;
        assert_eq!(ask_arm(nr, &args), Allow, "call {nr}");
    }
    assert_eq!(ask_arm(openat, &[0, 0, 0o100, 0o4755]), EPERM);
    // Another instruction set has other numbers: nothing of it may run.
    assert_eq!(ask_as(TargetArch::aarch64, ARM, 0, &[]), Kill);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn other_numberings_end_the_process() {
    for nr in [0, 1, 102, 359, 425] {
        assert_eq!(ask_as(TargetArch::x86_64, I386, nr, &[]), Kill, "int 0x80, call {nr}");
        assert_eq!(ask(0x4000_0000 | nr, &[]), Kill, "x32, call {nr}");
    }
    assert_eq!(ask(-1, &[]), Kill);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_programs_need_is_allowed() {
    for nr in [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_execve,
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept4,
        libc::SYS_memfd_create,
        libc::SYS_inotify_init1,
        libc::SYS_pidfd_open,
        libc::SYS_epoll_pwait2,
        libc::SYS_sched_setscheduler,
        libc::SYS_set_mempolicy,
        libc::SYS_mmap,
        libc::SYS_renameat2,
        libc::SYS_symlinkat,
        libc::SYS_kill,
        libc::SYS_seccomp,
        libc::SYS_landlock_create_ruleset,
    ] {
        assert_eq!(ask(nr, &[]), Allow, "call {nr}");
    }
    // Threads and processes as C libraries make them.
    for flags in [0x003d_0f00, 0x0120_0011, 0x4111, 17] {
        assert_eq!(ask(libc::SYS_clone, &[flags]), Allow, "{flags:#x}");
    }
    let pair = [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0];
    assert_eq!(ask(libc::SYS_socketpair, &pair), Allow);
    let seqpacket = [libc::AF_UNIX as u64, libc::SOCK_SEQPACKET as u64, 0];
    assert_eq!(ask(libc::SYS_socketpair, &seqpacket), Allow);
    for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC] {
        assert_eq!(ask(libc::SYS_socketpair, &[1, kind as u64, 0]), EPERM);
    }
    assert_eq!(ask(libc::SYS_socketpair, &[libc::AF_INET as u64, 1, 0]), EPERM);
    // A pipe has no mode that matters; a node of a device has.
    for (mode, answer) in [
        (libc::S_IFIFO | 0o644, Allow),
        (libc::S_IFSOCK | 0o644, Allow),
        (libc::S_IFREG | 0o644, Allow),
        (libc::S_IFCHR | 0o644, EPERM),
        (libc::S_IFBLK | 0o644, EPERM),
        (libc::S_IFREG | 0o4644, EPERM),
    ] {
        assert_eq!(ask(libc::SYS_mknod, &[0, u64::from(mode)]), answer, "{mode:o}");
        assert_eq!(ask(libc::SYS_mknodat, &[0, 0, u64::from(mode)]), answer, "{mode:o}");
    }
}

#[cfg(target_arch = "x86_64")]
proptest! {
    #[test]
    fn only_tcp_sockets_are_made(
        family in prop_oneof![0..50u64, any::<u64>()],
        kind in prop_oneof![0..8u64, Just(0o4_000_001), Just(0o2_004_001), any::<u64>()],
        protocol in prop_oneof![0..8u64, Just(262), any::<u64>()],
    ) {
        let low = |value: u64| value & 0xffff_ffff;
        let tcp = [2, 10].contains(&low(family))
            && kind & 0xf == 1
            && [0, 6].contains(&low(protocol));
        let answer = ask(libc::SYS_socket, &[family, kind, protocol]);
        prop_assert_eq!(answer, if tcp { Allow } else { EPERM });
    }

    #[test]
    fn the_terminal_takes_no_typing_whatever_the_upper_half_says(
        request in prop_oneof![
            Just(0x5412u32), Just(0x541c), Just(0x541d), Just(0x5423), 0x5400..0x5460u32, any::<u32>()
        ],
        upper in any::<u32>(),
    ) {
        let forbidden = [0x5412, 0x541c, 0x541d, 0x5423].contains(&request);
        let answer = ask(libc::SYS_ioctl, &[0, u64::from(request) | u64::from(upper) << 32]);
        prop_assert_eq!(answer, if forbidden { EPERM } else { Allow });
    }

    #[test]
    fn no_call_sets_the_bits_that_change_the_user(mode in any::<u32>(), upper in any::<u32>()) {
        let value = u64::from(mode) | u64::from(upper) << 32;
        let set = mode & 0o6000 != 0;
        for (nr, at) in [
            (libc::SYS_chmod, 1),
            (libc::SYS_fchmod, 1),
            (libc::SYS_creat, 1),
            (libc::SYS_mkdir, 1),
            (libc::SYS_fchmodat, 2),
            (452, 2), // fchmodat2
            (libc::SYS_mkdirat, 2),
        ] {
            let mut args = [0; 6];
            args[at] = value;
            prop_assert_eq!(ask(nr, &args), if set { EPERM } else { Allow }, "call {}", nr);
        }
    }

    #[test]
    fn opening_sets_them_only_where_it_creates(flags in any::<u32>(), mode in any::<u32>()) {
        // O_TMPFILE holds O_DIRECTORY; the bit of its own decides.
        let creates = flags & 0o100 != 0 || flags & 0o20_000_000 != 0;
        let answer = if creates && mode & 0o6000 != 0 { EPERM } else { Allow };
        let (flags, mode) = (u64::from(flags), u64::from(mode));
        prop_assert_eq!(ask(libc::SYS_open, &[0, flags, mode]), answer);
        prop_assert_eq!(ask(libc::SYS_openat, &[0, 0, flags, mode]), answer);
    }

    #[test]
    fn a_process_in_new_namespaces_is_never_made(flags in any::<u32>(), upper in any::<u32>()) {
        // NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
        let new = [7, 17, 25, 26, 27, 28, 29, 30].iter().any(|bit| flags & (1 << bit) != 0);
        let value = u64::from(flags) | u64::from(upper) << 32;
        prop_assert_eq!(ask(libc::SYS_clone, &[value]), if new { EPERM } else { Allow });
    }
}
