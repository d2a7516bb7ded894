//! The broker: answers the watched system calls of a sandboxed process tree from outside.
//!
//! A filter sends `connect`, and every kind of socket that is not allowed, to a listener that the
//! inner stage hands to lcc. Nothing of the program's memory decides where data goes: the one
//! allowed connection is opened by lcc itself and put in the place of the program's socket. All
//! else fails, and is told with the program's name.

pub mod filter;
pub mod judge;
mod look;
pub mod sys;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::fd::{AsFd, OwnedFd},
    thread,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::judge::{Answer, Border, judge};
use crate::{domain::Egress, engine::sandbox::egress::Attempts};

/// How long lcc may take to accept its own connection; all other calls wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers on a thread of its own until the last process behind the listener has ended.
///
/// # Errors
/// When there is no thread to be had.
pub fn start(listener: OwnedFd, border: Border, attempts: Attempts) -> io::Result<()> {
    thread::Builder::new()
        .name("lcc-broker".to_owned())
        .spawn(move || serve(&listener, border, &attempts))
        .map(drop)
}

/// Answers until the last process behind the listener has ended.
pub fn serve(listener: &OwnedFd, border: Border, attempts: &Attempts) {
    while waits(listener) {
        // The thread behind a call may die at any moment: then there is nobody to answer.
        let Ok(waiting) = sys::take(listener) else { continue };
        let call = look::read(&waiting);
        let program = look::program(waiting.thread);
        let real = sys::still_waits(listener, &waiting);
        let (answer, attempt) = judge(border, &call);
        if !real {
            continue;
        }
        if let Some((destination, how)) = attempt {
            attempts.add(Egress::new(program, destination, how));
        }
        let _gone_meanwhile = match answer {
            Answer::GoOn => sys::go_on(listener, &waiting),
            Answer::Fail(error) => sys::answer(listener, &waiting, error),
            Answer::HandIn(socket) => hand_in(listener, &waiting, border, socket),
        };
    }
}

/// Whether a call waits; `false` at the end.
fn waits(listener: &OwnedFd) -> bool {
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return false,
            Ok(_) => {
                let seen = fds.first().and_then(PollFd::revents).unwrap_or(PollFlags::POLLHUP);
                return seen.contains(PollFlags::POLLIN);
            }
        }
    }
}

fn hand_in(
    listener: &OwnedFd,
    waiting: &sys::Waiting,
    border: Border,
    socket: u32,
) -> io::Result<()> {
    let Border::Broker { port } = border else {
        return sys::answer(listener, waiting, libc::EPERM);
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let opened = TcpStream::connect_timeout(&address, PATIENCE);
    let placed = opened.and_then(|stream| {
        let flags = look::flags(waiting.thread, socket)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(flags.non_blocking)?;
        sys::replace(listener, waiting, stream.as_fd(), socket, flags.close_on_exec)
    });
    let error = match placed {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::ECONNREFUSED),
    };
    sys::answer(listener, waiting, error)
}
