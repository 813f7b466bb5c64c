//! What the engine shows of placement: of a group's, and of the account's as a whole.
//!
//! Owns the shapes. Must never decide where an instance goes.

use std::collections::BTreeMap;

use tsg_core::model::id::{ComputeNodeId, InstanceId, OperationId};
use tsg_core::model::instance::Snapshot;
use tsg_core::model::landing::Landing;
use tsg_core::model::time::Timestamp;
use tsg_core::placement::compile::{Block, Compiled};
use tsg_core::placement::outlook::Outlook;
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
    /// What the rules leave of them; `None` where the block asks for too much to tell.
    pub outlook: Option<Outlook>,
    /// How many were replaced because of where they stood, one after the other.
    pub replaced_in_a_row: u8,
}

/// Where an instance of a group may go, and where those that it has stand.
#[derive(Debug, Clone, PartialEq)]
pub enum Survey {
    /// Wherever CloudAPI puts it: there are no rules.
    Unruled,
    /// That cannot be told: the account was not listed as the rules need it, or that list is
    /// distrusted.
    Unseen,
    /// As the rules say.
    Ruled(Box<PlacementView>),
}

/// Why no instance of a group may be made now.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocked {
    /// When the list was asked for that shows it.
    pub at: Timestamp,
    /// The group's rules.
    pub block: PlacementSpec,
    /// What keeps every instance from being made; never empty.
    pub why: Vec<Block>,
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

/// Where the account's instances stand, as the newest complete list shows it. Those that failed or
/// are gone do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupancy {
    /// When that list was asked for.
    pub at: Timestamp,
    /// How many stand on each compute node.
    pub nodes: BTreeMap<ComputeNodeId, u32>,
}

impl Occupancy {
    /// As a list shows it.
    pub(crate) fn of(list: &Snapshot) -> Self {
        let mut nodes = BTreeMap::new();
        let active = list.instances.iter().filter(|seen| !seen.state.is_terminal());
        for node in active.filter_map(|seen| seen.compute_node) {
            *nodes.entry(node).or_default() += 1;
        }
        Self { at: list.taken_at, nodes }
    }
}
