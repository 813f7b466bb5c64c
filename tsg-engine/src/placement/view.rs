//! What the engine shows of a group's placement.

use tsg_core::model::id::{ComputeNodeId, InstanceId, OperationId};
use tsg_core::model::landing::Landing;
use tsg_core::model::time::Timestamp;
use tsg_core::placement::compile::Compiled;
use tsg_core::placement::rule::{Enforce, PlacementSpec};
use tsg_core::placement::verify::{Prospect, Verified};

/// Where a group's `placement` block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacementSource {
    /// In the group itself.
    Group,
    /// In its template.
    Template,
}

/// A group's placement as the newest complete list of the account shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementView {
    /// When that list was asked for.
    pub at: Timestamp,
    /// The block.
    pub block: PlacementSpec,
    /// Where it stands.
    pub source: PlacementSource,
    /// What becomes of an instance that landed badly: as the block says, and a report where nothing is
    /// rolled out.
    pub enforce: Enforce,
    /// What would be sent with the next instance, and what of the block that holds.
    pub compiled: Compiled,
    /// The instances, oldest first.
    pub landed: Vec<Landed>,
    /// The compute nodes that are known, as the next instance would find them.
    pub prospects: Vec<Prospect>,
    /// How many were replaced because of where they stood, one after the other.
    pub replaced_in_a_row: u8,
}

/// One instance, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Landed {
    /// Its operation.
    pub operation: OperationId,
    /// Its name.
    pub name: String,
    /// The machine.
    pub instance: InstanceId,
    /// Its compute node.
    pub compute_node: ComputeNodeId,
    /// What was found when it landed.
    pub landing: Option<Landing>,
    /// How it stands now; empty for one that landed well, which nothing can break later.
    pub verified: Vec<Verified>,
}
