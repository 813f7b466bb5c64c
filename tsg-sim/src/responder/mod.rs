//! The network side of machines: each one answers HTTP on its own loopback address while it runs.
//!
//! Owns the service behind the listener that stands for all machines. It must never answer for an address outside
//! 127/8, nor for a machine that is not running.

mod manners;
mod unruly;

pub(crate) use manners::{Manners, MannersRefusal};

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use tokio::net::TcpStream;

use crate::admin::Manner;
use crate::http::connection::{Dropped, Endpoints, Service};
use crate::http::live::LiveWorld;
use crate::world::{Answering, MachineId};

/// Answers for all machines, by the address the client connected to.
#[derive(Debug, Clone)]
pub(crate) struct MachineResponder {
    live: Arc<LiveWorld>,
    manners: Arc<Manners>,
}

/// What a running machine says on any path.
#[derive(Debug, Serialize)]
struct Greeting {
    id: MachineId,
    name: String,
}

/// What is behind an address.
#[derive(Debug)]
enum Behind {
    /// Nobody who could even close the connection: packets vanish.
    Silence,
    /// A running machine.
    Machine(Greeting, Manner),
}

impl MachineResponder {
    pub(crate) fn new(live: Arc<LiveWorld>, manners: Arc<Manners>) -> Self {
        Self { live, manners }
    }

    /// What is behind the address, if anything is.
    fn behind(&self, ends: Endpoints) -> Option<Behind> {
        let address = loopback(ends)?;
        self.live.look(|world| match world.answering(address) {
            Answering::Nobody => None,
            Answering::Lost => Some(Behind::Silence),
            Answering::Machine(machine) => {
                let manner = self.manners.of(machine.id, machine.server);
                Some(Behind::Machine(Greeting { id: machine.id, name: machine.name.clone() }, manner))
            }
        })
    }
}

impl Service for MachineResponder {
    fn admits(&self, ends: Endpoints) -> bool {
        self.behind(ends).is_some()
    }

    async fn claim(&self, stream: TcpStream, ends: Endpoints) -> Option<TcpStream> {
        match self.behind(ends)? {
            Behind::Machine(_, manner) => unruly::claim(stream, manner).await,
            Behind::Silence => Some(stream),
        }
    }

    async fn answer(&self, _: Request<Incoming>, ends: Endpoints) -> Result<Response<Full<Bytes>>, Dropped> {
        match self.behind(ends).ok_or(Dropped)? {
            Behind::Silence | Behind::Machine(_, Manner::Hangs) => std::future::pending().await,
            Behind::Machine(greeting, Manner::Prompt) => Ok(response(StatusCode::OK, &greeting)),
            Behind::Machine(greeting, Manner::Status { code }) => {
                Ok(response(StatusCode::from_u16(code).unwrap_or_default(), &greeting))
            }
            Behind::Machine(_, Manner::Slow { delay_ms }) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                // It may have stopped meanwhile.
                match self.behind(ends) {
                    Some(Behind::Machine(greeting, _)) => Ok(response(StatusCode::OK, &greeting)),
                    Some(Behind::Silence) | None => Err(Dropped),
                }
            }
            // Its manners became unruly on a connection that is HTTP's already; the next one is theirs.
            Behind::Machine(..) => Err(Dropped),
        }
    }
}

fn loopback(ends: Endpoints) -> Option<Ipv4Addr> {
    match ends.local.ip() {
        IpAddr::V4(address) if address.is_loopback() => Some(address),
        _ => None,
    }
}

fn response(status: StatusCode, greeting: &Greeting) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(greeting).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
