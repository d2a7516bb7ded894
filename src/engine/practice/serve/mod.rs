//! The practice server's wire: listening, connections, and the end of both.

mod messages;
mod pages;
mod runner;
mod saved;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::PracticeOptions;
use super::machine::{Machine, Rates};
use runner::Runner;

/// The body of every answer. An error in it closes the connection without an end of the stream.
type Body = BoxBody<Bytes, std::io::Error>;

/// What every connection knows.
#[derive(Debug, Clone)]
struct Shared {
    options: Arc<PracticeOptions>,
    runner: Runner,
    served: Arc<Mutex<Vec<Served>>>,
}

/// Requests that are remembered; the later ones are not.
const REMEMBERED: usize = 100_000;

/// A request of `/v1/messages` as the server found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Tokens of its prompt.
    pub total: u64,
    /// Of these, tokens reused from the slot.
    pub cached: u64,
    /// Whether the prompt was too long for the window and so refused.
    pub too_long: bool,
    /// Tools that the client offered with it.
    pub tools: usize,
    /// Whether it asked for a summary of the conversation.
    pub summary: bool,
}

impl Shared {
    fn remember(&self, served: Served) {
        let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < REMEMBERED {
            all.push(served);
        }
    }
}

/// A running practice server; dropped, it stops and closes its connections.
#[derive(Debug)]
pub struct PracticeServer {
    addr: SocketAddr,
    runner: Runner,
    tasks: [JoinHandle<()>; 2],
    served: Arc<Mutex<Vec<Served>>>,
}

impl PracticeServer {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Empties every slot that does not work, as a server does that needs the room.
    pub async fn evict(&self) {
        self.runner.evict().await;
    }

    /// All requests of `/v1/messages` so far that reached a slot or were too long for one.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for PracticeServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Starts a practice server on `listener`.
///
/// # Errors
/// When the listener has no local address.
pub async fn start(
    listener: TcpListener,
    options: PracticeOptions,
) -> std::io::Result<PracticeServer> {
    let addr = listener.local_addr()?;
    let rates = Rates {
        read: options.read_rate,
        write: options.write_rate,
        batch: options.batch,
        window: options.window,
    };
    let (runner, run) =
        runner::new(Machine::new(rates, options.slots).rigid(options.rigid), options.log.clone());
    let served = Arc::new(Mutex::new(Vec::new()));
    let shared =
        Shared { options: Arc::new(options), runner: runner.clone(), served: Arc::clone(&served) };
    let accepting = tokio::spawn(accept(listener, shared));
    Ok(PracticeServer { addr, runner, tasks: [accepting, tokio::spawn(run)], served })
}

async fn accept(listener: TcpListener, shared: Shared) {
    // Dropped with this task, the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone()));
                }
                Err(error) => {
                    tracing::warn!("practice server: accepting a connection: {error}");
                    // Out of file descriptors, most likely: give the connections time to end.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    // Frames are small and must leave at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let shared = shared.clone();
        async move { Ok::<Response<Body>, Infallible>(pages::route(request, shared).await) }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!("practice server: a connection ended: {error}");
    }
}
