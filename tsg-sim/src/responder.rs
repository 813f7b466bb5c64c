//! The network side of machines: each one answers HTTP on its own loopback address while it runs.
//!
//! Owns the listener that stands for all machines. It must never answer for an address outside 127/8, nor for a machine
//! that is not running.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;

use crate::admin::Manner;
use crate::http::connection::{Dropped, Endpoints, Service};
use crate::http::live::LiveWorld;
use crate::world::MachineId;

/// Answers for all machines, by the address the client connected to.
#[derive(Debug, Clone)]
pub(crate) struct MachineResponder {
    live: Arc<LiveWorld>,
    manners: Arc<Manners>,
}

/// How machines answer, where they do not answer promptly.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    by_machine: Mutex<BTreeMap<MachineId, Manner>>,
}

impl Manners {
    /// Decides how a machine answers from now on.
    pub(crate) fn set(&self, machine: MachineId, manner: Manner) {
        self.by_machine.lock().unwrap_or_else(PoisonError::into_inner).insert(machine, manner);
    }

    fn of(&self, machine: MachineId) -> Manner {
        let manners = self.by_machine.lock().unwrap_or_else(PoisonError::into_inner);
        manners.get(&machine).copied().unwrap_or_default()
    }
}

/// What a running machine says on any path.
#[derive(Debug, Serialize)]
struct Greeting {
    id: MachineId,
    name: String,
}

impl MachineResponder {
    pub(crate) fn new(live: Arc<LiveWorld>, manners: Arc<Manners>) -> Self {
        Self { live, manners }
    }

    /// The running machine behind the address, if there is one.
    fn behind(&self, ends: Endpoints) -> Option<Greeting> {
        let address = loopback(ends)?;
        self.live.look(|world| {
            let machine = world.serving_machine(address)?;
            Some(Greeting { id: machine.id, name: machine.name.clone() })
        })
    }
}

impl Service for MachineResponder {
    fn admits(&self, ends: Endpoints) -> bool {
        self.behind(ends).is_some()
    }

    async fn answer(&self, _: Request<Incoming>, ends: Endpoints) -> Result<Response<Full<Bytes>>, Dropped> {
        let greeting = self.behind(ends).ok_or(Dropped)?;
        match self.manners.of(greeting.id) {
            Manner::Prompt => Ok(response(&greeting)),
            Manner::Slow { delay_ms } => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                // It may have stopped meanwhile.
                self.behind(ends).map(|greeting| response(&greeting)).ok_or(Dropped)
            }
            Manner::Hangs => std::future::pending().await,
        }
    }
}

fn loopback(ends: Endpoints) -> Option<Ipv4Addr> {
    match ends.local.ip() {
        IpAddr::V4(address) if address.is_loopback() => Some(address),
        _ => None,
    }
}

fn response(greeting: &Greeting) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(greeting).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
