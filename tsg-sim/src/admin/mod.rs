//! The back door of a simulated data centre: truth, faults, time and counters, for tests and the `tsg sim` command.
//!
//! Owns the wire types both ends share. It must never be reachable from anywhere but the loopback, and CloudAPI itself
//! must never show anything of it.

mod client;
mod service;

pub use client::{AdminError, SimAdmin};
pub(crate) use service::AdminService;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::world::{FaultId, MachineId, MachineState, SimTime};

/// Every path of the admin API starts with this.
pub const PREFIX: &str = "/--sim";

/// A machine as it really is, seen by clients or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineTruth {
    /// Its identity.
    pub id: MachineId,
    /// Login of its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Its true state.
    pub state: MachineState,
    /// Name of the compute node it is on.
    pub server: String,
    /// Rack of that node.
    pub rack: String,
    /// Its primary address, once it has one.
    pub address: Option<Ipv4Addr>,
}

/// How a running machine answers on its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "manner", rename_all = "snake_case")]
pub enum Manner {
    /// At once.
    #[default]
    Prompt,
    /// Late.
    Slow {
        /// By so many real milliseconds.
        delay_ms: u64,
    },
    /// Never: the connection stays open.
    Hangs,
    /// The connection is reset as soon as it is made.
    Refuses,
    /// At once, with this status.
    Status {
        /// From 200 to 599.
        code: u16,
    },
    /// With header fields that never end.
    EndlessHeader,
    /// With a body that never ends.
    EndlessBody,
    /// With a body of this length.
    HugeBody {
        /// The length.
        bytes: u64,
    },
    /// Well, and byte by byte.
    Drip {
        /// Real milliseconds after each byte.
        interval_ms: u64,
    },
    /// With bytes that make no sense, and then no more.
    Garbage,
}

/// Whom an order is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// These machines, by name or uuid.
    Machines(Vec<String>),
    /// All machines that are, or will be, on this compute node, by name or uuid.
    Node(String),
    /// All machines there are or will be.
    Everyone,
}

/// How machines are to answer from now on. Of all orders that concern a machine, the latest stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MannerOrder {
    /// Whose manner.
    pub of: Whom,
    /// The manner.
    #[serde(flatten)]
    pub manner: Manner,
}

/// A change of how time passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum ClockCommand {
    /// Time stands still.
    Pause,
    /// Time passes again.
    Resume,
    /// Time jumps ahead.
    Advance {
        /// By so many milliseconds.
        ms: u64,
    },
    /// Time passes at another speed.
    SetSpeed {
        /// Virtual milliseconds per real millisecond, above 0 and at most 1,000,000.
        factor: f64,
    },
}

/// What the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// Virtual time.
    pub now: SimTime,
    /// Virtual milliseconds per real millisecond.
    pub speed: f64,
    /// Whether time stands still.
    pub paused: bool,
}

/// The handle of a fault that was switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSwitchedOn {
    /// Its handle.
    pub id: FaultId,
}

/// Why the admin API did nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdminRefusal {
    pub(crate) message: String,
}
