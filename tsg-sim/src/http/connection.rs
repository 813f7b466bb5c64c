//! Accepting connections and serving HTTP/1.1 on them until shutdown.
//!
//! Owns the accept loop. It must never know what is served.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoints {
    /// The address the client connected to.
    pub(crate) local: SocketAddr,
    /// The client.
    pub(crate) peer: SocketAddr,
}

/// The connection is closed without an answer: a fault, or a machine that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct Dropped;

/// What answers requests.
pub(crate) trait Service: Clone + Send + Sync + 'static {
    /// Whether the connection is served at all.
    fn admits(&self, _ends: Endpoints) -> bool {
        true
    }

    /// Keeps a connection that is not to speak HTTP, until it ends; gives back any other one.
    fn claim(&self, stream: TcpStream, _ends: Endpoints) -> impl Future<Output = Option<TcpStream>> + Send {
        async { Some(stream) }
    }

    /// The answer, or a dropped connection.
    fn answer(
        &self,
        request: Request<Incoming>,
        ends: Endpoints,
    ) -> impl Future<Output = Result<Response<Full<Bytes>>, Dropped>> + Send;
}

/// How long requests in flight may take to end at shutdown; hanging machines never do.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// Becomes true when the server is to end.
pub(crate) type Shutdown = watch::Receiver<bool>;

/// Serves every connection of the listener until shutdown, then waits for the ones that are left.
pub(crate) async fn serve(listener: TcpListener, service: impl Service, mut shutdown: Shutdown) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept (no file descriptors left, client gone again) concerns that client only.
                let Ok((stream, peer)) = accepted else { continue };
                let Ok(local) = stream.local_addr() else { continue };
                connections.spawn(serve_connection(stream, Endpoints { local, peer }, service.clone(), shutdown.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = ended(&mut shutdown) => break,
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_GRACE, all_ended).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve_connection(stream: TcpStream, ends: Endpoints, service: impl Service, mut shutdown: Shutdown) {
    if !service.admits(ends) {
        return;
    }
    let claimed = tokio::select! {
        stream = service.claim(stream, ends) => stream,
        () = ended(&mut shutdown) => None,
    };
    let Some(stream) = claimed else { return };
    // Answers are small; waiting for more of them only delays clients. A failure leaves them slower, not wrong.
    let _ = stream.set_nodelay(true);
    let answering = service_fn(|request| {
        let service = service.clone();
        async move { service.answer(request, ends).await }
    });
    let connection = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), answering)
        .with_upgrades();
    let mut connection = pin!(connection);
    let _: Result<(), hyper::Error> = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = ended(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// Returns when the server is to end, also when whoever could say so is gone.
pub(crate) async fn ended(shutdown: &mut Shutdown) {
    let _: Result<_, watch::error::RecvError> = shutdown.wait_for(|is_ending| *is_ending).await.map(|_| ());
}
