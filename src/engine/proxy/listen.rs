//! Accepts connections and hands their calls over, until it is dropped.
//!
//! The proxy has a thread of its own with a runtime that never leaves it: a piece of an answer
//! goes from socket to socket without waiting for another thread to be scheduled, and nothing
//! else that the engine does can hold it up.

use std::{io, sync::Arc, thread, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

use super::handle::House;

/// Most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// How long a head may take, the idle time before it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Pause after a failed accept (too many open files), so that it does not spin.
const BACK_OFF: Duration = Duration::from_millis(50);

/// A listening proxy. Dropping it stops accepting and closes every connection.
#[derive(Debug)]
pub struct Serving {
    /// Only held: the thread ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

/// Serves on a listener, on a thread of its own.
///
/// # Errors
/// When the thread or its runtime cannot be made.
pub fn serve(house: Arc<House>, listener: std::net::TcpListener) -> io::Result<Serving> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new().name("lcc-proxy".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = accept(house, listener) => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Serving { _stop: stop })
}

async fn accept(house: Arc<House>, listener: TcpListener) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&house), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the proxy could not accept a connection");
                    tokio::time::sleep(BACK_OFF).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(house: Arc<House>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |request| Arc::clone(&house).answer(request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Clients that go away are an everyday matter; their request's end was reported.
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the proxy ended early");
    }
}
