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

use super::{
    border::{MAX_HEAD, MOST_HEADERS},
    crossing::{Crossing, Limits},
    handle::House,
};

/// Most connections at once; Claude Code has a handful. Further ones wait.
const MOST_CONNECTIONS: usize = 256;
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
pub fn serve(
    house: Arc<House>,
    listener: std::net::TcpListener,
    limits: Limits,
) -> io::Result<Serving> {
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
                () = accept(house, listener, limits) => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Serving { _stop: stop })
}

async fn accept(house: Arc<House>, listener: TcpListener, limits: Limits) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&house), stream, limits));
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

async fn connection(house: Arc<House>, stream: TcpStream, limits: Limits) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let crossing = Crossing::new(stream, limits);
    let verdicts = crossing.verdicts();
    let service = service_fn(move |request| {
        let turned = verdicts.next();
        Arc::clone(&house).meet(request, turned)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // A head that has begun has less time: the crossing sees to that.
        .header_read_timeout(limits.idle)
        .max_headers(MOST_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(crossing), service);
    // Clients that go away are an everyday matter; their request's end was reported.
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the proxy ended early");
    }
}
