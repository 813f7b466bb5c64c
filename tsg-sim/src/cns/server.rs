//! Listening and answering, until shutdown.
//!
//! Owns the sockets. It must never listen on anything but a loopback address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use tokio::net::{TcpListener, UdpSocket};

use super::{NameServerSite, wire};
use crate::http::connection::{Shutdown, ended};
use crate::http::live::LiveWorld;

/// How long a TCP connection may be idle.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Answers that may wait on one TCP connection.
const WAITING_ANSWERS: usize = 64;

/// How many ports are tried where more than one will do.
const ATTEMPTS: u16 = 64;

/// A name server that has its sockets.
pub(crate) struct NameServer {
    address: SocketAddr,
    server: Server<Answering>,
}

impl NameServer {
    /// Takes the sockets; `None` where there is to be no name server.
    pub(crate) async fn listen(site: NameServerSite, live: Arc<LiveWorld>) -> io::Result<Option<Self>> {
        let (udp, tcp) = match site {
            NameServerSite::Off => return Ok(None),
            NameServerSite::At(address) => sockets_at(address).await?,
            NameServerSite::From(address) => sockets_from(address).await?,
        };
        let address = udp.local_addr()?;
        let mut server = Server::new(Answering { live });
        server.register_socket(udp);
        server.register_listener(tcp, IDLE_LIMIT, WAITING_ANSWERS);
        Ok(Some(Self { address, server }))
    }

    /// Where it listens, UDP and TCP alike.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until shutdown.
    pub(crate) async fn serve(mut self, mut shutdown: Shutdown) {
        ended(&mut shutdown).await;
        // The sockets end with it, however their last moments went.
        let _ = self.server.shutdown_gracefully().await;
    }
}

/// Both sockets on one port. A free port of one kind may be taken for the other: then another one is tried.
async fn sockets_at(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut outcome = sockets(address).await;
    for _ in 1..ATTEMPTS {
        if address.port() != 0 || outcome.is_ok() {
            break;
        }
        outcome = sockets(address).await;
    }
    outcome
}

/// Both sockets on the first port that is free.
async fn sockets_from(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let last = address.port().saturating_add(ATTEMPTS - 1);
    let mut outcome = sockets(address).await;
    for port in address.port()..=last {
        if outcome.is_ok() {
            break;
        }
        outcome = sockets(SocketAddr::new(address.ip(), port)).await;
    }
    outcome
}

async fn sockets(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a loopback address"));
    }
    let udp = UdpSocket::bind(address).await?;
    let tcp = TcpListener::bind(udp.local_addr()?).await?;
    Ok((udp, tcp))
}

/// Answers from the world as it is at the moment of the question.
struct Answering {
    live: Arc<LiveWorld>,
}

#[async_trait]
impl RequestHandler for Answering {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response_handle: R,
    ) -> ResponseInfo {
        let reply = wire::reply(request, |question| {
            self.live.look(|world| (world.resolve(question.name, question.kind), world.zone_record()))
        });
        let edns = reply.edns(request);
        match response_handle.send_response(reply.message(request, edns.as_ref())).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::debug!(%error, "a DNS answer could not be sent");
                reply.header().into()
            }
        }
    }
}
