//! A client of the admin API.
//!
//! Owns one connection for each request. It must never retry: injecting a fault twice is two faults.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use super::{AdminRefusal, ClockCommand, ClockState, FaultSwitchedOn, MachineTruth, Manner, MannerOrder, PREFIX, Whom};
use crate::http::stats::StatsReading;
use crate::world::{FaultId, FaultRule, FaultStatus, MachineId};

/// Talks to the admin API of a running simulated data centre.
///
/// ```no_run
/// use tsg_sim::admin::SimAdmin;
/// use tsg_sim::world::{Fault, FaultRule};
///
/// # async fn example() -> Result<(), tsg_sim::admin::AdminError> {
/// let admin = SimAdmin::new(([127, 0, 0, 1], 8081).into());
/// let id = admin.inject(&FaultRule::times(Fault::FailProvision, 1)).await?;
/// admin.clear(id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SimAdmin {
    address: SocketAddr,
}

/// Why a request of the admin API failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nothing listens there.
    #[error("no simulated data centre answers on {address}")]
    Unreachable {
        /// The address tried.
        address: SocketAddr,
        /// Why the connection failed.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the simulated data centre did not answer")]
    Broken(#[source] hyper::Error),
    /// The request was refused.
    #[error("refused with status {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The reason.
        message: String,
    },
    /// The answer cannot be read; the other end is perhaps another version.
    #[error("the answer of the simulated data centre cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl SimAdmin {
    /// A client of the admin API at this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// All machines that exist, as they really are.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn machines(&self) -> Result<Vec<MachineTruth>, AdminError> {
        self.ask(Method::GET, "/machines", None::<&()>).await
    }

    /// All faults that are switched on, with what they did.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn faults(&self) -> Result<Vec<FaultStatus>, AdminError> {
        self.ask(Method::GET, "/faults", None::<&()>).await
    }

    /// Switches a fault on.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked or finds nothing to hit.
    pub async fn inject(&self, rule: &FaultRule) -> Result<FaultId, AdminError> {
        let switched: FaultSwitchedOn = self.ask(Method::POST, "/faults", Some(rule)).await?;
        Ok(switched.id)
    }

    /// Switches one fault off; false when it is not on.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn clear(&self, id: FaultId) -> Result<bool, AdminError> {
        self.ask(Method::DELETE, &format!("/faults/{}", id.0), None::<&()>).await
    }

    /// Switches all faults off.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn clear_all(&self) -> Result<(), AdminError> {
        self.ask(Method::DELETE, "/faults", None::<&()>).await
    }

    /// Decides how a machine answers on its own address while it runs.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn set_manner(&self, machine: MachineId, manner: Manner) -> Result<(), AdminError> {
        self.order_manner(&MannerOrder { of: Whom::Machines(vec![machine.to_string()]), manner }).await
    }

    /// Decides how several machines, those of a compute node or all of them answer while they run.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked, or knows no such machine or compute node.
    pub async fn order_manner(&self, order: &MannerOrder) -> Result<(), AdminError> {
        self.ask(Method::POST, "/manners", Some(order)).await
    }

    /// What the clock shows.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn clock(&self) -> Result<ClockState, AdminError> {
        self.ask(Method::GET, "/clock", None::<&()>).await
    }

    /// Changes how time passes.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked or the speed is out of range.
    pub async fn set_clock(&self, command: ClockCommand) -> Result<ClockState, AdminError> {
        self.ask(Method::POST, "/clock", Some(&command)).await
    }

    /// What the server answered so far.
    ///
    /// # Errors
    /// [`AdminError`] when the server cannot be asked.
    pub async fn stats(&self) -> Result<StatsReading, AdminError> {
        self.ask(Method::GET, "/stats", None::<&()>).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, AdminError> {
        let (status, answer) = self.exchange(self.request(method, path, body)?).await?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(AdminError::Unreadable);
        }
        let refusal: AdminRefusal = serde_json::from_slice(&answer).map_err(AdminError::Unreadable)?;
        Err(AdminError::Refused { status: status.as_u16(), message: refusal.message })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Request<Full<Bytes>>, AdminError> {
        let body = body.map(serde_json::to_vec).transpose().map_err(AdminError::Unreadable)?.unwrap_or_default();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        // Paths are made of the constant prefix and digits; an unparsable one would be asked as `/` and refused.
        *request.uri_mut() = format!("{PREFIX}{path}").parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        headers.insert(HOST, http::HeaderValue::from_static("localhost"));
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), AdminError> {
        let unreachable = |source| AdminError::Unreachable { address: self.address, source };
        let stream = TcpStream::connect(self.address).await.map_err(unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(AdminError::Broken)?;
        // Ends by itself when the sender below is dropped.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(AdminError::Broken)?;
        let status = response.status();
        let answer = response.into_body().collect().await.map_err(AdminError::Broken)?.to_bytes();
        Ok((status, answer))
    }
}
