//! The list of escape attempts behind the reduced tier: made by a copy of the inner stage with the
//! program's own restrictions on it, while lcc's broker answers.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

use super::{
    inner::restrict,
    wire::{Orders, Said},
};
use crate::engine::sandbox::{
    linux::{
        channel,
        inner::{Failure, OrFail, close_all_but, forked},
    },
    probes::Numbered,
};

/// How long a connection may take; the broker answers in microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes every attempt in a forked copy that restricts itself as the program will be.
pub(super) fn run(orders: &Orders, channel: &OwnedFd) -> Result<Vec<Numbered>, Failure> {
    let (outcomes, ()) = forked(&orders.aim, |keep| confine(orders, channel, keep))?;
    Ok(outcomes)
}

fn confine(orders: &Orders, channel: &OwnedFd, keep: i32) -> Result<(), Failure> {
    close_all_but(&[channel.as_raw_fd(), keep])?;
    let listener = restrict(orders)?;
    channel::send(channel, &Said::Watched, Some(listener.as_raw_fd())).or_fail("handshake")?;
    drop(listener);
    // Where the broker lets nothing pass, refusals prove nothing.
    open_to(orders.port).map_err(|detail| Failure { stage: "broker", detail })?;
    // The program will not have the channel either; this copy ends without its owner's drop.
    nix::unistd::close(channel.as_raw_fd()).or_fail("descriptors")
}

fn open_to(port: u16) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) if stream.peer_addr().is_ok_and(|peer| peer == address) => Ok(()),
        Ok(_) => Err("the connection handed in does not lead to lcc".to_owned()),
        Err(error) => Err(format!("lcc itself cannot be reached: {error}")),
    }
}
