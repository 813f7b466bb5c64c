//! The accept loop: sockets, limits on heads and connections, graceful end.
//!
//! Owns what happens below a request. Must never end a request that has begun, unless it is
//! given up after the grace.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service as _;

/// A head that is not complete by then is a slow-loris, not a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Most bytes of a head.
const HEAD_MAX: usize = 32 * 1024;
/// Most connections at once; those beyond wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;
/// How long requests may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// A pause after an accept that failed for lack of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` turns true, then lets the requests under way end.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Connections that are not over after the grace end with this set.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = ended(&mut stop) => break,
            accepted = accept(&listener, &seats) => accepted,
        };
        if let Some((stream, seat)) = accepted {
            connections.spawn(connection(stream, router.clone(), seat, graceful.watcher()));
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {GRACE:?} and are given up");
    }
    connections.shutdown().await;
}

async fn ended(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same: there is nobody left to serve for.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}

async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let seat = seats.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _peer)) => Some((stream, seat)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, seat: OwnedSemaphorePermit, watcher: Watcher) {
    // Small answers must not wait for more to come; a socket that refuses works all the same.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(seat);
}

fn service(
    router: Router,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: Request<Incoming>| router.clone().call(request))
}
