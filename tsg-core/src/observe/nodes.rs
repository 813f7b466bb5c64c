//! Small numbers for compute nodes.
//!
//! Owns which number stands for which. Must never give one to two nodes, nor two to one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::model::id::ComputeNodeId;
use crate::plan::input::NO_NODE;

/// Small numbers for compute nodes, given in order of appearance. Plans only ask whether two are
/// equal.
///
/// ```
/// use tsg_core::model::id::ComputeNodeId;
/// use tsg_core::observe::nodes::NodeNumbers;
///
/// let [one, other] = [1, 2].map(|id| ComputeNodeId::new(uuid::Uuid::from_u128(id)));
/// let mut numbers = NodeNumbers::default();
/// assert_eq!([one, other, one].map(|node| numbers.number_of(node)), [0, 1, 0]);
/// assert_eq!(numbers.number_again(one, 0), 0, "it is where it was");
/// assert_eq!(numbers.number_again(other, 0), 1, "it has moved");
/// assert_eq!((numbers.node(1), numbers.node(2)), (Some(other), None));
/// ```
#[derive(Debug, Clone, Default)]
pub struct NodeNumbers {
    numbers: BTreeMap<ComputeNodeId, u32>,
    /// By number.
    nodes: Vec<ComputeNodeId>,
}

impl NodeNumbers {
    /// The number of a compute node.
    pub fn number_of(&mut self, node: ComputeNodeId) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(NO_NODE);
        let number = *self.numbers.entry(node).or_insert(next);
        if number == next {
            self.nodes.push(node);
        }
        number
    }

    /// The compute node that a number stands for.
    pub fn node(&self, number: u32) -> Option<ComputeNodeId> {
        self.nodes.get(number as usize).copied()
    }

    /// The number of a compute node that most likely is `before`: machines rarely move, and to
    /// see that one has not is cheaper than a search.
    pub fn number_again(&mut self, node: ComputeNodeId, before: u32) -> u32 {
        if self.nodes.get(before as usize) == Some(&node) { before } else { self.number_of(node) }
    }
}
