//! Numbers of system calls, as data: what a filter forbids can be looked at for every processor.

use seccompiler::TargetArch;

/// A processor does not have the call.
const NONE: i64 = -1;

/// One system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// Its name.
    pub name: &'static str,
    /// Its number on `x86_64`.
    x86_64: i64,
    /// Its number on processors that came after the common table: `aarch64`, `riscv64`.
    generic: i64,
}

impl Call {
    /// Its number on a processor; `None` where there is no such call.
    pub fn number(&self, arch: TargetArch) -> Option<i64> {
        let number = match arch {
            TargetArch::x86_64 => self.x86_64,
            TargetArch::aarch64 | TargetArch::riscv64 => self.generic,
        };
        (number != NONE).then_some(number)
    }
}

/// `socket`
pub(super) const SOCKET: Call = Call { name: "socket", x86_64: 41, generic: 198 };
/// `socketpair`
pub(super) const SOCKETPAIR: Call = Call { name: "socketpair", x86_64: 53, generic: 199 };
/// `clone`
pub(super) const CLONE: Call = Call { name: "clone", x86_64: 56, generic: 220 };
/// `clone3`
pub(super) const CLONE3: Call = Call { name: "clone3", x86_64: 435, generic: 435 };
/// `openat2`
pub(super) const OPENAT2: Call = Call { name: "openat2", x86_64: 437, generic: 437 };
/// `ioctl`
pub(super) const IOCTL: Call = Call { name: "ioctl", x86_64: 16, generic: 29 };
/// `chmod`
pub(super) const CHMOD: Call = Call { name: "chmod", x86_64: 90, generic: NONE };
/// `fchmod`
pub(super) const FCHMOD: Call = Call { name: "fchmod", x86_64: 91, generic: 52 };
/// `fchmodat`
pub(super) const FCHMODAT: Call = Call { name: "fchmodat", x86_64: 268, generic: 53 };
/// `fchmodat2`
pub(super) const FCHMODAT2: Call = Call { name: "fchmodat2", x86_64: 452, generic: 452 };
/// `mkdir`
pub(super) const MKDIR: Call = Call { name: "mkdir", x86_64: 83, generic: NONE };
/// `mkdirat`
pub(super) const MKDIRAT: Call = Call { name: "mkdirat", x86_64: 258, generic: 34 };
/// `mknod`
pub(super) const MKNOD: Call = Call { name: "mknod", x86_64: 133, generic: NONE };
/// `mknodat`
pub(super) const MKNODAT: Call = Call { name: "mknodat", x86_64: 259, generic: 33 };
/// `creat`
pub(super) const CREAT: Call = Call { name: "creat", x86_64: 85, generic: NONE };
/// `open`
pub(super) const OPEN: Call = Call { name: "open", x86_64: 2, generic: NONE };
/// `openat`
pub(super) const OPENAT: Call = Call { name: "openat", x86_64: 257, generic: 56 };

/// Calls with no use inside, or with one that leads out.
pub(super) const FORBIDDEN: [Call; 60] = [
    Call { name: "io_uring_setup", x86_64: 425, generic: 425 },
    Call { name: "io_uring_enter", x86_64: 426, generic: 426 },
    Call { name: "io_uring_register", x86_64: 427, generic: 427 },
    Call { name: "ptrace", x86_64: 101, generic: 117 },
    Call { name: "process_vm_readv", x86_64: 310, generic: 270 },
    Call { name: "process_vm_writev", x86_64: 311, generic: 271 },
    Call { name: "kcmp", x86_64: 312, generic: 272 },
    Call { name: "pidfd_getfd", x86_64: 438, generic: 438 },
    Call { name: "process_madvise", x86_64: 440, generic: 440 },
    Call { name: "mount", x86_64: 165, generic: 40 },
    Call { name: "umount2", x86_64: 166, generic: 39 },
    Call { name: "mount_setattr", x86_64: 442, generic: 442 },
    Call { name: "move_mount", x86_64: 429, generic: 429 },
    Call { name: "open_tree", x86_64: 428, generic: 428 },
    Call { name: "open_tree_attr", x86_64: 467, generic: 467 },
    Call { name: "fsopen", x86_64: 430, generic: 430 },
    Call { name: "fsconfig", x86_64: 431, generic: 431 },
    Call { name: "fsmount", x86_64: 432, generic: 432 },
    Call { name: "fspick", x86_64: 433, generic: 433 },
    Call { name: "chroot", x86_64: 161, generic: 51 },
    Call { name: "pivot_root", x86_64: 155, generic: 41 },
    Call { name: "unshare", x86_64: 272, generic: 97 },
    Call { name: "setns", x86_64: 308, generic: 268 },
    Call { name: "keyctl", x86_64: 250, generic: 219 },
    Call { name: "add_key", x86_64: 248, generic: 217 },
    Call { name: "request_key", x86_64: 249, generic: 218 },
    Call { name: "bpf", x86_64: 321, generic: 280 },
    Call { name: "perf_event_open", x86_64: 298, generic: 241 },
    Call { name: "userfaultfd", x86_64: 323, generic: 282 },
    Call { name: "open_by_handle_at", x86_64: 304, generic: 265 },
    Call { name: "name_to_handle_at", x86_64: 303, generic: 264 },
    Call { name: "kexec_load", x86_64: 246, generic: 104 },
    Call { name: "init_module", x86_64: 175, generic: 105 },
    Call { name: "finit_module", x86_64: 313, generic: 273 },
    Call { name: "delete_module", x86_64: 176, generic: 106 },
    Call { name: "reboot", x86_64: 169, generic: 142 },
    Call { name: "swapon", x86_64: 167, generic: 224 },
    Call { name: "swapoff", x86_64: 168, generic: 225 },
    Call { name: "acct", x86_64: 163, generic: 89 },
    Call { name: "quotactl", x86_64: 179, generic: 60 },
    Call { name: "quotactl_fd", x86_64: 443, generic: 443 },
    Call { name: "syslog", x86_64: 103, generic: 116 },
    Call { name: "fanotify_init", x86_64: 300, generic: 262 },
    Call { name: "vhangup", x86_64: 153, generic: 58 },
    Call { name: "settimeofday", x86_64: 164, generic: 170 },
    Call { name: "clock_settime", x86_64: 227, generic: 112 },
    Call { name: "adjtimex", x86_64: 159, generic: 171 },
    Call { name: "clock_adjtime", x86_64: 305, generic: 266 },
    Call { name: "sethostname", x86_64: 170, generic: 161 },
    Call { name: "setdomainname", x86_64: 171, generic: 162 },
    Call { name: "lookup_dcookie", x86_64: 212, generic: 18 },
    Call { name: "nfsservctl", x86_64: 180, generic: 42 },
    Call { name: "iopl", x86_64: 172, generic: NONE },
    Call { name: "ioperm", x86_64: 173, generic: NONE },
    Call { name: "modify_ldt", x86_64: 154, generic: NONE },
    Call { name: "kexec_file_load", x86_64: 320, generic: 294 },
    Call { name: "uselib", x86_64: 134, generic: NONE },
    Call { name: "ustat", x86_64: 136, generic: NONE },
    Call { name: "sysfs", x86_64: 139, generic: NONE },
    Call { name: "_sysctl", x86_64: 156, generic: NONE },
];

/// Calls whose arguments lie in memory, where a filter cannot look. Programs fall back to others.
pub(super) const UNSEEN: [Call; 2] = [CLONE3, OPENAT2];
