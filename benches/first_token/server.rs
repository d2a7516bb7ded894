//! The model server behind the director: llama.cpp in earnest, or the practice server to try the
//! bench itself without waiting.

use lcc::engine::practice::{self, PracticeOptions, PracticeServer};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::common::RealServer;

/// A running model server. It ends when this is dropped.
pub enum Server {
    Llama(RealServer),
    Practice { url: String, _server: PracticeServer, _runtime: Runtime },
}

impl Server {
    /// Starts one on a free port; its saved slots go to `slots`. `None` when a part is missing.
    pub fn start(practice: bool, slots: &TempDir) -> Option<Self> {
        if practice {
            return Some(Self::practice());
        }
        let folder = slots.path().display().to_string();
        RealServer::start(&["--slot-save-path", &folder]).map(Self::Llama)
    }

    fn practice() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        // So quick that a try takes no time, so slow that what was read again shows.
        let options = PracticeOptions { read_rate: 20_000.0, ..PracticeOptions::default() };
        let server = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            practice::start(listener, options).await.expect("the practice server")
        });
        let url = format!("http://{}", server.addr());
        Self::Practice { url, _server: server, _runtime: runtime }
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Llama(server) => server.url(),
            Self::Practice { url, .. } => url,
        }
    }

    /// The model's name as the server knows it.
    pub fn model(&self) -> &'static str {
        match self {
            Self::Llama(_) => "gemma-3-270m",
            Self::Practice { .. } => practice::wire::MODEL,
        }
    }
}
