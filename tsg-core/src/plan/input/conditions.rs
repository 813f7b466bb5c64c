//! How the world around a group stands: compute nodes, fault domains, holds.
//!
//! Owns what the look across groups tells the plan of one. Must never name an instance.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// How the world around a group stands.
///
/// ```
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::{Conditions, NodeCondition, NodeState};
///
/// let silent = NodeState::Suspect { since: Timestamp::from_millis(1_800_000_000_000) };
/// let nodes = [NodeCondition { node: 4, state: silent }];
/// let conditions = Conditions { nodes: &nodes, ..Conditions::default() };
/// assert_eq!((conditions.node(4), conditions.node(5)), (Some(silent), None));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// Compute nodes that are not simply well, by number.
    pub nodes: &'a [NodeCondition],
    /// Rack and data centre of each compute node, at its number; empty when nobody knows.
    pub places: &'a [Place],
    /// Set while nobody may repair anything.
    pub hold: Option<RepairHold>,
}

impl Conditions<'_> {
    /// How a compute node stands; `None` when it is well.
    pub fn node(&self, node: u32) -> Option<NodeState> {
        let found = self.nodes.binary_search_by_key(&node, |condition| condition.node).ok()?;
        self.nodes.get(found).map(|condition| condition.state)
    }
}

/// How one compute node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCondition {
    /// Its dense number, as in [`Member::compute_node`](super::Member::compute_node).
    pub node: u32,
    /// How it stands.
    pub state: NodeState,
}

/// How a compute node stands that is not simply well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Everything on it fell silent; it may come back by itself.
    Suspect {
        /// Since when.
        since: Timestamp,
    },
    /// Silent beyond every grace, and the rate limit of its data centre let it through: what was
    /// on it may be replaced once the group's own grace is over as well.
    Lost {
        /// Since when it is silent.
        since: Timestamp,
    },
    /// Back, and settling.
    Returned {
        /// Since when.
        at: Timestamp,
    },
    /// To be emptied: an operator is going to reboot it.
    Draining {
        /// Since when.
        since: Timestamp,
    },
}

/// Where a compute node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Dense number of its rack.
    pub rack: u32,
    /// Dense number of its data centre.
    pub data_centre: u32,
}

/// Why nobody may repair anything just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairHold {
    /// The prober fails the targets that it checks itself with.
    ProberFails {
        /// Since when.
        since: Timestamp,
    },
    /// The cloud does not answer its ping.
    CloudFails {
        /// Since when.
        since: Timestamp,
    },
    /// Most of the data centre fails at once: more likely the view than the machines.
    DataCentreFails {
        /// How many of its checked instances fail.
        failing: u32,
        /// Of how many.
        of: u32,
        /// Since when.
        since: Timestamp,
    },
    /// Too many compute nodes of the data centre are suspect at once.
    NodesSuspect {
        /// How many.
        nodes: u32,
        /// Of how many.
        of: u32,
        /// Since when.
        since: Timestamp,
    },
}
