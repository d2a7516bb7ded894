//! Warm start: the server knows the coming prompt's start before the user has typed it.
//!
//! One task beside the proxy. It keeps what reached the server (`store`), has the server read the
//! start of it again when a session begins (`read`), and saves and restores slots where the server
//! can (`keeper`, `slots`, `mark`, `index`). It gives way to every real request at once. `body` is
//! pure, and so is [`crate::engine::window::warm`], which decides what fits.

pub mod body;
mod eye;
mod files;
pub mod index;
mod keeper;
mod mark;
mod read;
mod slots;
pub mod store;
mod task;

use std::{path::PathBuf, pin::Pin, time::Duration};

use tokio::{
    sync::{
        mpsc::{self, UnboundedSender},
        oneshot,
    },
    task::JoinHandle,
};

pub use eye::Eye;
pub use files::private_dir;

use self::task::Task;
use super::{access::Reach, clock::Clock, proxy::Proxy, window::warm::Pace};
use crate::domain::{Observation, ServerFacts};

/// The longest that the end of a session waits for a last save.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a session wants kept warm.
#[derive(Debug, Clone)]
pub struct WarmSettings {
    /// Whether the server reads ahead.
    pub warm_start: bool,
    /// How often slots are saved, and how much they may take; a limit of 0 saves none.
    pub pace: Pace,
    /// Calm after a turn before its slot is saved.
    pub settle: Duration,
    /// lcc's state folder.
    pub state: PathBuf,
    /// The project.
    pub project: String,
    /// Everything beside the project that the fixed prefix depends on, in words: Claude Code's
    /// version, model, profile, rules.
    pub about: String,
}

/// Asks the real client for the first request of a session; gives its body.
pub type Probe =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// What a warm start is made from.
pub struct Parts {
    /// The proxy, by which the server is asked.
    pub proxy: Proxy,
    /// The way to the server, for its slots.
    pub reach: Reach,
    /// Its base URL.
    pub url: String,
    /// What is known of it.
    pub facts: ServerFacts,
    /// The engine's clock.
    pub clock: Clock,
    /// Where steps are told.
    pub out: UnboundedSender<Observation>,
    /// What is wanted.
    pub settings: WarmSettings,
    /// For a session whose start was never seen.
    pub probe: Option<Probe>,
}

/// The conversation that Claude Code is about to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// An empty one.
    New,
    /// That of this session.
    Session(String),
    /// The last one of the project.
    Last,
}

/// What the task is told.
#[derive(Debug)]
pub enum Order {
    /// Claude Code opens a conversation.
    Open(Opening),
    /// The server lost what it held.
    Restarted,
    /// The server counted a main request's prompt.
    Counted {
        /// All tokens.
        total: u64,
        /// Of these, reused ones.
        cached: u64,
    },
    /// A turn ended; its prompt and answer have so many tokens.
    Ended(u64),
    /// The session ends; answered when everything is saved.
    Close(oneshot::Sender<()>),
}

/// Keeps a server warm until it is dropped or closed.
#[derive(Debug)]
pub struct Warmer {
    orders: UnboundedSender<Order>,
    task: JoinHandle<()>,
    eye: Eye,
}

impl Warmer {
    /// Starts beside a proxy; does nothing before it is told that a conversation opens.
    ///
    /// # Errors
    /// In words, when the address is none.
    pub fn start(parts: Parts) -> Result<Self, String> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let task = Task::new(parts).map_err(|e| e.to_string())?;
        Ok(Self { orders, task: tokio::spawn(task.run(inbox)), eye: Eye::default() })
    }

    /// Claude Code opens a conversation now.
    pub fn open(&self, opening: Opening) {
        // A task that ended leaves the session as it would be without.
        let _ = self.orders.send(Order::Open(opening));
    }

    /// Takes in what the proxy and the watch observed.
    pub fn observe(&mut self, observation: &Observation) {
        for order in self.eye.see(&observation.event) {
            let _ = self.orders.send(order);
        }
    }

    /// Saves what is worth it and ends, within seconds.
    pub async fn close(self) {
        let (done, saved) = oneshot::channel();
        if self.orders.send(Order::Close(done)).is_ok() {
            let _ = tokio::time::timeout(FAREWELL, saved).await;
        }
    }
}

impl Drop for Warmer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
