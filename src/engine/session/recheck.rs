//! Looks again at a running sandbox every few minutes, and once more at its end.

use std::{sync::mpsc, thread, time::Duration};

use super::Engine;
use crate::{
    domain::{Event, SandboxLook},
    engine::sandbox::Watch,
    protocol::{NoticeLevel, Update},
};

/// The last look may take this long; it reads a few files of each process.
const LAST: Duration = Duration::from_secs(2);

/// A thread that holds the watch.
#[derive(Debug)]
pub(super) struct Rechecker {
    /// Asks for a look at once.
    ask: mpsc::Sender<()>,
    looks: mpsc::Receiver<SandboxLook>,
}

impl Rechecker {
    /// Looks every so many minutes; 0: only when asked.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn start(watch: Watch, minutes: u64) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel();
        let (tell, looks) = mpsc::channel();
        let every = (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)));
        thread::Builder::new()
            .name("sandbox-look".to_owned())
            .spawn(move || keep_looking(watch, every, &asked, &tell))?;
        Ok(Self { ask, looks })
    }

    /// What was found since the last call.
    pub(super) fn take(&self) -> Vec<SandboxLook> {
        self.looks.try_iter().collect()
    }

    /// Looks once more, now.
    pub(super) fn last(&self) -> Vec<SandboxLook> {
        let mut found = self.take();
        if self.ask.send(()).is_ok() {
            found.extend(self.looks.recv_timeout(LAST).ok());
        }
        found
    }
}

/// Ends when nobody can ask any more.
fn keep_looking(
    mut watch: Watch,
    every: Option<Duration>,
    asked: &mpsc::Receiver<()>,
    tell: &mpsc::Sender<SandboxLook>,
) {
    loop {
        let woken = match every {
            Some(every) => asked.recv_timeout(every),
            None => asked.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        if woken == Err(mpsc::RecvTimeoutError::Disconnected)
            || tell.send(look(&mut watch)).is_err()
        {
            return;
        }
    }
}

#[cfg(target_os = "linux")]
fn look(watch: &mut Watch) -> SandboxLook {
    watch.look()
}

/// There is no watch to look with.
#[cfg(not(target_os = "linux"))]
fn look(watch: &mut Watch) -> SandboxLook {
    match *watch {}
}

impl Engine {
    /// Takes in what the looks found. A layer that is gone ends Claude Code at once.
    pub(super) async fn recheck(&mut self) {
        let looks = self.life.as_ref().map(|life| life.looks(false)).unwrap_or_default();
        let broken = self.take_looks(looks);
        let Some(broken) = broken else { return };
        let Some(life) = self.life.take() else { return };
        life.kill().await;
        self.happened(Event::ChildEnded { code: None });
        let message = format!(
            "lcc ended Claude Code: its sandbox does not hold any more: {broken}. Look at what it \
             changed (git status), and run lcc sandbox check before you start again"
        );
        self.push(Update::ChildEnded { code: None, message });
    }

    /// Looks once more before a life ends, or right after it has.
    pub(super) fn look_last(&mut self) {
        let looks = self.life.as_ref().map(|life| life.looks(true)).unwrap_or_default();
        if let Some(broken) = self.take_looks(looks) {
            tracing::error!("the sandbox did not hold at the end: {broken}");
        }
    }

    /// Says what was found; gives what is broken, if anything is.
    fn take_looks(&mut self, looks: Vec<SandboxLook>) -> Option<String> {
        let mut broken = Vec::new();
        for look in looks {
            for warning in &look.warnings {
                self.notice(NoticeLevel::Warning, format!("sandbox: {warning}"));
            }
            for alarm in &look.alarms {
                self.notice(NoticeLevel::Error, format!("SANDBOX BROKEN: {alarm}"));
            }
            broken.extend(look.alarms.iter().cloned());
            self.happened(Event::SandboxLooked(look));
        }
        (!broken.is_empty()).then(|| broken.join("; "))
    }
}
