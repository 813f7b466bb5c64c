//! Where the cloud of a forecast puts new machines.
//!
//! Owns the choice of a compute node. Must never put one where its predecessors died, if another
//! node will do.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::model::id::OperationId;
use crate::plan::input::NO_NODE;
use crate::plan::output::Origin;
use crate::plan::recorded::Recorded;

/// Where new machines go: to the emptiest node that is well.
#[derive(Debug)]
pub(super) struct Placement {
    nodes: u32,
    avoided: BTreeMap<OperationId, [Option<u32>; 2]>,
}

impl Placement {
    pub(super) const fn new(nodes: u32) -> Self {
        Self { nodes, avoided: BTreeMap::new() }
    }

    /// Remembers which nodes new operations had better not go to.
    pub(super) fn note(&mut self, origins: &[Origin]) {
        let avoiding = origins.iter().filter(|origin| origin.avoid != [None, None]);
        self.avoided.extend(avoiding.map(|origin| (origin.operation, origin.avoid)));
    }

    /// The node for a new machine; [`NO_NODE`] when nobody knows where machines go.
    pub(super) fn place(&mut self, paper: &Recorded, operation: OperationId) -> u32 {
        let avoided = self.avoided.remove(&operation).unwrap_or_default();
        let load = self.load(paper);
        let is_bad =
            |node: u32| avoided.contains(&Some(node)) || paper.nodes.iter().any(|condition| condition.node == node);
        let best = (0..).zip(load).min_by_key(|(node, load)| (is_bad(*node), *load));
        best.map_or(NO_NODE, |(node, _)| node)
    }

    /// How many of the group's machines each node has.
    fn load(&self, paper: &Recorded) -> Vec<u32> {
        let mut load = vec![0; self.nodes as usize];
        for member in &paper.members {
            if let Some(load) = load.get_mut(member.compute_node as usize) {
                *load += 1;
            }
        }
        load
    }
}
