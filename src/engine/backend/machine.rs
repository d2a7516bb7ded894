//! The machine's memory and the server process's, read rarely and cheaply.

use std::time::{Duration, Instant};

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::domain::Event;

use super::listener;

/// How long a search for the process that found nothing stands.
const SEARCH_EVERY: Duration = Duration::from_secs(20);
/// More processes than a server with its runners has; keeps a strange tree cheap.
const TREE: usize = 64;

/// Looks at memory; keeps what it needs between looks.
pub(super) struct Machine {
    /// `None` where the system tells nothing of itself.
    system: Option<System>,
    /// The server's port, when it runs on this machine.
    port: Option<u16>,
    process: Option<u32>,
    searched: Option<Instant>,
    /// The process that was found before, however it is now.
    before: Option<u32>,
}

impl Machine {
    /// For a server at `base_url`; its process is sought only when that is this machine.
    pub(super) fn new(base_url: &str) -> Self {
        let port = reqwest::Url::parse(base_url).ok().and_then(|url| {
            let host = url.host_str()?;
            let local = host == "localhost" || host == "[::1]" || host.starts_with("127.");
            local.then(|| url.port_or_known_default()).flatten()
        });
        Self { system: System::new().ok(), port, process: None, searched: None, before: None }
    }

    /// Whether the server runs on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.port.is_some()
    }

    /// Whether another process serves the port since the last time this was asked.
    pub(super) fn is_another(&mut self) -> bool {
        let Some(now) = self.process else { return false };
        self.before.replace(now).is_some_and(|before| before != now)
    }

    /// One look. Reads files, so it belongs on a blocking thread.
    pub(super) fn look(&mut self) -> Event {
        let server_rss = self.server_rss();
        let Some(system) = &mut self.system else {
            return Event::Machine { server_rss, memory_percent: None, swap: None };
        };
        system.refresh_memory_specifics(MemoryRefreshKind::everything());
        let total = system.total_memory();
        let used = total.saturating_sub(system.available_memory());
        Event::Machine {
            server_rss,
            memory_percent: crate::domain::units::percent(used, total),
            swap: Some(system.used_swap()),
        }
    }

    /// Resident bytes of the server and of what it started: Ollama holds the model in a child.
    fn server_rss(&mut self) -> Option<u64> {
        if let Some(bytes) = self.process.and_then(|pid| self.resident(pid)) {
            return Some(bytes);
        }
        if self.process.take().is_some() {
            // It is gone; its successor may be there already.
            self.searched = None;
        }
        if self.searched.is_some_and(|at| at.elapsed() < SEARCH_EVERY) {
            return None;
        }
        self.searched = Some(Instant::now());
        self.process = listener::process_on(self.port?);
        self.resident(self.process?)
    }

    fn resident(&mut self, root: u32) -> Option<u64> {
        let mut tree = vec![root];
        let mut next = 0;
        while let (Some(&pid), true) = (tree.get(next), tree.len() < TREE) {
            tree.extend(listener::children(pid));
            next += 1;
        }
        let pids: Vec<Pid> = tree.iter().map(|pid| Pid::from_u32(*pid)).collect();
        let system = self.system.as_mut()?;
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&pids),
            true,
            ProcessRefreshKind::nothing().with_memory().without_tasks(),
        );
        system.process(*pids.first()?)?;
        Some(pids.iter().filter_map(|pid| system.process(*pid)).map(sysinfo::Process::memory).sum())
    }
}
