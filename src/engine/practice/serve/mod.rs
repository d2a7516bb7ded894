//! The practice server's wire: listening, connections, and the end of both.

mod messages;
mod pages;
mod runner;
mod saved;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

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
}

/// A running practice server; dropped, it stops and closes its connections.
#[derive(Debug)]
pub struct PracticeServer {
    addr: SocketAddr,
    runner: Runner,
    tasks: [JoinHandle<()>; 2],
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
    let shared = Shared { options: Arc::new(options), runner: runner.clone() };
    let accepting = tokio::spawn(accept(listener, shared));
    Ok(PracticeServer { addr, runner, tasks: [accepting, tokio::spawn(run)] })
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
