//! Instances as the cloud shows them.
//!
//! Owns the compact record of one observed machine and of one complete look at an account. Must
//! never hold text: a million of these fit in memory.

use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::id::{ComputeNodeId, ImageId, InstanceId, OperationId};
use super::tag::Claim;
use super::time::Timestamp;

/// The state CloudAPI shows. It is not liveness: a machine on a dead compute node stays
/// `running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum InstanceState {
    /// Being made; legitimate for more than an hour. Also seen for a moment during a delete.
    Provisioning,
    /// On the way from stopped to running.
    Ready,
    /// Running.
    Running,
    /// On the way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// The data centre lost contact with its compute node.
    Offline,
    /// Its provisioning failed. Hidden from ordinary lists.
    Failed,
    /// Destroyed. Hidden from ordinary lists; a get answers 410 with its body.
    Deleted,
    /// A state this version does not know.
    Unknown,
}

impl InstanceState {
    /// Whether the machine is over: it holds no slot in the cloud any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Deleted)
    }
}

/// One machine as one reply showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedInstance {
    /// The machine's UUID.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// When the cloud made its record.
    pub created_at: Timestamp,
    /// The operation that its *name* carries.
    pub named: Option<OperationId>,
    /// What its *tags* claim.
    pub claim: Option<Claim>,
    /// The compute node it was placed on, once known.
    pub compute_node: Option<ComputeNodeId>,
    /// Its image.
    pub image: ImageId,
    /// Its primary address, once it has one.
    pub address: Option<IpAddr>,
    /// Whether CloudAPI refuses to delete it.
    pub is_protected: bool,
}

/// One complete look at all machines of an account, made of pages that were checked to join.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// When its first page was asked for.
    pub taken_at: Timestamp,
    /// The machines, ordered by id.
    pub instances: Vec<ObservedInstance>,
}
