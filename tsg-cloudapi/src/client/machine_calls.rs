//! Machines one at a time: get, create, delete, audit.
//!
//! A destroyed machine is an answer, not an error. An answer about another machine than the one
//! asked for is corrupt, whatever its status says.

use http::{Method, StatusCode};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    call::{Call, Patience},
    error::ClientError,
    reply::Reply,
    transport::Client,
};
use crate::{
    signature::HttpDate,
    wire::{AuditEntry, CreateMachine, Machine},
};

/// One page of machines.
#[derive(Clone, Debug)]
pub struct MachinePage {
    /// The machines, in CloudAPI's order.
    pub machines: Vec<Machine>,
    /// The cloud's clock when it answered.
    pub server_time: Option<Timestamp>,
}

/// A machine that the cloud knows.
#[derive(Clone, Debug)]
pub enum FoundMachine {
    /// It exists.
    Present(Box<Machine>),
    /// It was destroyed (410); this is what it was.
    Deleted(Box<Machine>),
}

impl FoundMachine {
    /// The machine, whichever way it was found.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        match self {
            Self::Present(machine) | Self::Deleted(machine) => machine,
        }
    }
}

/// What a delete came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The cloud took note; the machine goes away in a while.
    Accepted,
    /// It is gone already (410).
    AlreadyDeleted,
}

impl Client {
    /// One machine by uuid.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when the cloud does not know it (any more).
    pub async fn machine(&self, id: Uuid) -> Result<FoundMachine, ClientError> {
        let call = Call::get(&[self.account_login(), "machines", &id.to_string()]);
        let reply = self.exchange(call).await?;
        match reply.status {
            StatusCode::OK => expect_machine(&reply, id).map(FoundMachine::Present),
            // Only a body that is this very machine proves a deletion; a proxy can say 410 too.
            StatusCode::GONE => expect_machine(&reply, id).map(FoundMachine::Deleted),
            _ if reply.status.is_success() => Err(reply.corrupt("unexpected status")),
            _ => Err(reply.refusal()),
        }
    }

    /// Asks for a machine. Sent once at most, with the date given: the cloud itself refuses it
    /// 300 s after that date.
    ///
    /// # Errors
    /// [`ClientError`]. Unless it says `NotSent`, the machine may come to be all the same.
    pub async fn create_machine(&self, request: &CreateMachine, date: HttpDate) -> Result<Machine, ClientError> {
        let mut call = Call::new(Method::POST, &[self.account_login(), "machines"]).with_json(request)?.dated(date);
        call.patience = Patience::Create;
        self.fetch(call).await
    }

    /// Asks for a machine to be destroyed. Safe to repeat: uuids do not recur.
    ///
    /// # Errors
    /// [`ClientError`], for example of code `CannotDestroyMachine` when it is protected.
    pub async fn delete_machine(&self, id: Uuid) -> Result<DeleteOutcome, ClientError> {
        let call = Call::new(Method::DELETE, &[self.account_login(), "machines", &id.to_string()]);
        let reply = self.exchange(call).await?;
        match reply.status {
            StatusCode::GONE => expect_machine(&reply, id).map(|_| DeleteOutcome::AlreadyDeleted),
            _ if reply.status.is_success() => Ok(DeleteOutcome::Accepted),
            _ => Err(reply.refusal()),
        }
    }

    /// The finished jobs of a machine, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn audit(&self, id: Uuid) -> Result<Vec<AuditEntry>, ClientError> {
        let id = id.to_string();
        self.fetch(Call::get(&[self.account_login(), "machines", &id, "audit"])).await
    }
}

fn expect_machine(reply: &Reply, id: Uuid) -> Result<Box<Machine>, ClientError> {
    let machine: Box<Machine> = reply.json()?;
    if machine.id == id { Ok(machine) } else { Err(reply.corrupt("it is about another machine")) }
}
