//! Looks at a thread that waits in a system call: its name, its memory, its descriptors.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
};

use super::{
    judge::{Address, Call, clean, parse},
    sys::Waiting,
};

/// Bytes of the longest address (`sockaddr_storage`).
const LONGEST: usize = 128;
/// Columns of a program's name; the kernel keeps fewer.
const NAME: usize = 16;

/// What a socket of the program's was set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Calls on it return at once.
    pub non_blocking: bool,
    /// It is closed at the next exec.
    pub close_on_exec: bool,
}

/// The call as a value. What its pointers lead to is read once; whether the thread still waited
/// then, the caller asks afterwards.
pub fn read(waiting: &Waiting) -> Call {
    let [first, second, third, ..] = waiting.args;
    let low = |register: u64| (register & u64::from(u32::MAX)) as u32;
    match waiting.call {
        libc::SYS_connect => {
            Call::Connect { socket: low(first), to: address(waiting.thread, second, low(third)) }
        }
        libc::SYS_socket => Call::Socket {
            family: low(first).cast_signed(),
            kind: (low(second) & 0xf).cast_signed(),
        },
        libc::SYS_sendto => {
            let [.., place, length] = waiting.args;
            Call::Send { to: address(waiting.thread, place, low(length)) }
        }
        // The address is within another structure, for the account alone.
        libc::SYS_sendmsg | libc::SYS_sendmmsg => Call::Send { to: Address::Hidden },
        other => Call::Other(other),
    }
}

fn address(thread: u32, place: u64, length: u32) -> Address {
    let length = usize::try_from(length).unwrap_or(LONGEST).min(LONGEST);
    let mut bytes = [0u8; LONGEST];
    let Some(room) = bytes.get_mut(..length) else { return Address::Hidden };
    if thread == 0 || place == 0 {
        return Address::Hidden;
    }
    let read = File::open(format!("/proc/{thread}/mem"))
        .and_then(|memory| memory.read_exact_at(room, place));
    if read.is_ok() { parse(room) } else { Address::Hidden }
}

/// The name of the thread's program; `None` when it is gone.
pub fn program(thread: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    // A thread has a name of its own; the program's is that of its first one.
    let process = field(&status, "Tgid:").unwrap_or_default();
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok();
    let name = name.or_else(|| field(&status, "Name:").map(str::to_owned))?;
    Some(clean(name.trim_end(), NAME))
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// How the thread's descriptor is set.
///
/// # Errors
/// When there is no such thread or descriptor.
pub fn flags(thread: u32, fd: u32) -> io::Result<Flags> {
    let text = fs::read_to_string(format!("/proc/{thread}/fdinfo/{fd}"))
        .map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    parse_flags(&text).ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
}

fn parse_flags(fdinfo: &str) -> Option<Flags> {
    let bits = i32::from_str_radix(field(fdinfo, "flags:")?, 8).ok()?;
    Some(Flags {
        non_blocking: bits & libc::O_NONBLOCK != 0,
        close_on_exec: bits & libc::O_CLOEXEC != 0,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{SocketAddr, TcpListener},
        os::fd::AsRawFd,
    };

    use super::*;

    #[test]
    fn the_flags_of_a_descriptor() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = listener.as_raw_fd().unsigned_abs();
        let own = std::process::id();
        assert_eq!(flags(own, fd).unwrap(), Flags { non_blocking: false, close_on_exec: true });
        listener.set_nonblocking(true).unwrap();
        assert!(flags(own, fd).unwrap().non_blocking);
        assert!(flags(own, 60_000).is_err());
        assert_eq!(parse_flags("pos:\t0\n"), None);
    }

    #[test]
    fn an_address_in_memory_is_read_and_a_wrong_pointer_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(v4) = listener.local_addr().unwrap() else { panic!("no IPv4") };
        let mut bytes = (libc::AF_INET as u16).to_ne_bytes().to_vec();
        bytes.extend(v4.port().to_be_bytes());
        bytes.extend(v4.ip().octets());
        bytes.extend([0u8; 8]);
        let own = std::process::id();
        let at = bytes.as_ptr() as u64;
        assert_eq!(address(own, at, 16), Address::Ip(v4.into()));
        assert_eq!(address(own, 8, 16), Address::Hidden);
        assert_eq!(address(own, 0, 16), Address::Hidden);
        assert_eq!(address(own, at, 1), Address::Hidden);
    }

    #[test]
    fn the_program_is_named_and_not_its_thread() {
        let own = fs::read_to_string("/proc/self/comm").unwrap();
        let named = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(|| program(nix::unistd::gettid().as_raw().unsigned_abs()))
            .unwrap();
        assert_eq!(named.join().unwrap().unwrap(), own.trim_end());
        assert_eq!(program(u32::MAX), None);
    }
}
