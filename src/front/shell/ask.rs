//! Asks the outer terminal about itself while the first frames are already on it.

use std::{
    io,
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::oneshot;

use super::answers::Answers;

/// Every terminal answers the last question; over a slow line that takes its time. Longer than
/// this and keys would be kept from somebody whose terminal is mute.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// Reads the answers in a thread of its own. Until they are here nobody else may read the
/// terminal: what is typed meanwhile comes with them.
pub(super) fn listen() -> oneshot::Receiver<Answers> {
    let (told, answers) = oneshot::channel();
    let thread = thread::Builder::new().name("ask".into()).spawn(move || {
        let mut answers = Answers::default();
        if let Err(error) = read(&mut answers) {
            tracing::debug!(%error, "the terminal's answers cannot be read");
        }
        answers.finish();
        tracing::debug!(name = ?answers.name, complete = answers.complete, "the outer terminal");
        // The front may have ended meanwhile.
        let _ = told.send(answers);
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "no thread to ask the terminal");
    }
    answers
}

fn read(answers: &mut Answers) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    let stdin = io::stdin();
    let mut buffer = [0; 4096];
    while !answers.complete {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut set = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        match poll(&mut set, timeout) {
            Ok(0) => break,
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        // No buffer between: what is not read here is crossterm's.
        let n = nix::unistd::read(stdin.as_fd(), &mut buffer)?;
        if n == 0 {
            break;
        }
        answers.take(buffer.get(..n).unwrap_or_default());
    }
    Ok(())
}
