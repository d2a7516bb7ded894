//! One message at a time over the socket pair between lcc and its inner stage.

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    time::Instant,
};

use nix::{
    cmsg_space,
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
        UnixCredentials, recvmsg, sendmsg, setsockopt, socketpair, sockopt::PassCred,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::engine::sandbox::sys;

const LARGEST: usize = 64 * 1024;

/// A message with what the kernel attached to it.
#[derive(Debug)]
pub struct Received<T> {
    /// The message.
    pub message: T,
    /// A descriptor, if exactly one came along.
    pub fd: Option<OwnedFd>,
    /// The sender's process number as this process numbers it, where asked for.
    pub pid: Option<i32>,
}

/// Makes the pair: lcc's end, which learns who sends, and the inner stage's.
///
/// # Errors
/// When no descriptor is left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    setsockopt(&ours, PassCred, &true)?;
    Ok((ours, theirs))
}

/// Sends a message, with a descriptor if there is one.
///
/// # Errors
/// When the other side is gone.
pub fn send<T: Serialize>(to: &OwnedFd, message: &T, fd: Option<RawFd>) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    let fds = fd.map(|fd| [fd]);
    let control: Vec<ControlMessage<'_>> =
        fds.iter().map(|fds| ControlMessage::ScmRights(fds)).collect();
    let sent = sendmsg::<()>(
        to.as_raw_fd(),
        &[IoSlice::new(&bytes)],
        &control,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    if sent == bytes.len() { Ok(()) } else { Err(io::Error::other("message cut short")) }
}

/// Waits for a message until the deadline.
///
/// # Errors
/// `UnexpectedEof` when the other side is gone, `TimedOut` when it is late, `InvalidData` when the
/// message or what came with it is not what it should be.
pub fn receive<T: DeserializeOwned>(from: &OwnedFd, deadline: Instant) -> io::Result<Received<T>> {
    if !readable(from, deadline)? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut bytes = vec![0u8; LARGEST];
    let mut space = cmsg_space!([RawFd; 4], UnixCredentials);
    let mut fds = Vec::new();
    let mut pid = None;
    let (size, cut) = {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let got = recvmsg::<()>(
            from.as_raw_fd(),
            &mut slices,
            Some(&mut space),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )?;
        for part in got.cmsgs()? {
            match part {
                ControlMessageOwned::ScmRights(list) => {
                    for fd in list {
                        fds.push(sys::adopt(fd)?);
                    }
                }
                ControlMessageOwned::ScmCredentials(sender) => pid = Some(sender.pid()),
                other => drop(other),
            }
        }
        (got.bytes, got.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC))
    };
    if size == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if cut || fds.len() > 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too large"));
    }
    let bytes = bytes.get(..size).unwrap_or_default();
    let message = serde_json::from_slice(bytes)?;
    Ok(Received { message, fd: fds.pop(), pid })
}

/// Whether the descriptor became readable before the deadline.
///
/// # Errors
/// What the system says.
pub fn readable(fd: &impl AsFd, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let millis = u16::try_from(left.as_millis().saturating_add(1)).unwrap_or(u16::MAX);
        let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(millis)) {
            Ok(0) if left.is_zero() || u128::from(millis) > left.as_millis() => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Duration};

    use super::*;
    use crate::engine::sandbox::linux::wire::Told;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_socket_and_its_sender_arrive_with_the_message() {
        let (ours, theirs) = pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        send(&theirs, &Told::Probe, Some(listener.as_raw_fd())).unwrap();
        let got = receive::<Told>(&ours, soon()).unwrap();
        assert_eq!(got.message, Told::Probe);
        assert_eq!(got.pid, Some(i32::try_from(std::process::id()).unwrap()));
        let copy = TcpListener::from(got.fd.unwrap());
        assert_eq!(copy.local_addr().unwrap(), listener.local_addr().unwrap());
    }

    #[test]
    fn the_end_and_the_wait_are_told_apart() {
        let (ours, theirs) = pair().unwrap();
        let late = receive::<Told>(&ours, Instant::now()).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        drop(theirs);
        let gone = receive::<Told>(&ours, soon()).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn nonsense_is_not_a_message() {
        let (ours, theirs) = pair().unwrap();
        send(&theirs, &"start", None).unwrap();
        send(&theirs, &17, None).unwrap();
        assert_eq!(receive::<Told>(&ours, soon()).unwrap().message, Told::Start);
        assert!(receive::<Told>(&ours, soon()).is_err());
    }
}
