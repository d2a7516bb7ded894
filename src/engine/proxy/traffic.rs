//! Whether requests to the model are under way, and the last main one as it went to the server.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::domain::RequestId;

/// A main request as it went upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub request: RequestId,
    /// Claude Code's session, by its header.
    pub session: Option<String>,
    /// The body that reached the server, in Anthropic's form.
    pub body: Bytes,
    /// Digest of its system and tools.
    pub fixed: u64,
}

/// Requests of Claude Code to the model. Copies share everything.
#[derive(Debug, Clone)]
pub struct Traffic {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Requests that came and are not over.
    under_way: watch::Sender<u64>,
    /// Requests that ever came.
    came: watch::Sender<u64>,
    last_main: watch::Sender<Option<Arc<Sent>>>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                under_way: watch::Sender::new(0),
                came: watch::Sender::new(0),
                last_main: watch::Sender::new(None),
            }),
        }
    }
}

/// A request under way; over when dropped.
#[derive(Debug)]
pub struct Guest(Arc<Shared>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Traffic {
    /// A request came; told before anything of it goes upstream.
    #[must_use]
    pub fn arrive(&self) -> Guest {
        self.shared.under_way.send_modify(|n| *n += 1);
        self.shared.came.send_modify(|n| *n += 1);
        Guest(Arc::clone(&self.shared))
    }

    /// A main request went upstream.
    pub fn note(&self, sent: Sent) {
        self.shared.last_main.send_replace(Some(Arc::new(sent)));
    }

    /// Counts the requests that came: changes with each.
    #[must_use]
    pub fn came(&self) -> watch::Receiver<u64> {
        self.shared.came.subscribe()
    }

    /// How many are under way.
    #[must_use]
    pub fn under_way(&self) -> watch::Receiver<u64> {
        self.shared.under_way.subscribe()
    }

    /// The last main request.
    #[must_use]
    pub fn last_main(&self) -> watch::Receiver<Option<Arc<Sent>>> {
        self.shared.last_main.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_counts_until_it_leaves() {
        let traffic = Traffic::default();
        let (came, under_way) = (traffic.came(), traffic.under_way());
        let (a, b) = (traffic.arrive(), traffic.arrive());
        assert_eq!((*came.borrow(), *under_way.borrow()), (2, 2));
        drop(a);
        drop(b);
        assert_eq!((*came.borrow(), *under_way.borrow()), (2, 0));
    }
}
