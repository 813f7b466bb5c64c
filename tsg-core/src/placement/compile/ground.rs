//! Compute nodes by number, for one look at a view.
//!
//! Owns which places there are. Must never invent one: a node whose rack is unknown is in none.

use alloc::vec;
use alloc::vec::Vec;

use super::view::{Resident, View};
use crate::model::id::ComputeNodeId;
use crate::placement::rule::Scope;
use crate::placement::topology::Coverage;

/// A mark for each node.
pub(crate) type Marks = Vec<bool>;

/// All nodes that are known.
#[derive(Debug)]
pub(crate) struct Ground<'v> {
    pub(crate) view: &'v View<'v>,
    pub(crate) nodes: Vec<ComputeNodeId>,
    /// The racks as they stand in the topology.
    racks: Vec<Option<&'v str>>,
    /// The same as numbers, in the order of their names.
    rack_numbers: Vec<Option<usize>>,
}

impl<'v> Ground<'v> {
    pub(crate) fn new(view: &'v View<'v>) -> Self {
        let nodes = view.nodes();
        let racks: Vec<Option<&str>> = nodes.iter().map(|node| view.topology.rack(*node)).collect();
        let mut names: Vec<&str> = racks.iter().copied().flatten().collect();
        names.sort_unstable();
        names.dedup();
        let rack_numbers = racks.iter().map(|rack| names.binary_search(&(*rack)?).ok()).collect();
        Self { view, nodes, racks, rack_numbers }
    }

    pub(crate) fn number(&self, node: ComputeNodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }

    /// The number of the node on which an instance stands.
    pub(crate) fn node_of(&self, resident: &Resident<'_>) -> Option<usize> {
        self.number(resident.node?)
    }

    pub(crate) fn none(&self) -> Marks {
        vec![false; self.nodes.len()]
    }

    /// Whether there may be no other nodes than these.
    pub(crate) fn is_whole(&self) -> bool {
        self.view.topology.coverage == Coverage::Whole
    }

    /// Whether the name of a node is told.
    pub(crate) fn is_named(&self, node: usize) -> bool {
        let site = self.nodes.get(node).and_then(|node| self.view.topology.nodes.get(node));
        site.is_some_and(|site| site.name.is_some())
    }

    /// Whether it is known where anything stands.
    pub(crate) fn is_known(&self, scope: Scope) -> bool {
        match scope {
            Scope::Node => true,
            Scope::Rack => self.racks.iter().any(Option::is_some),
            Scope::DataCentre => self.view.topology.data_centre.is_some(),
        }
    }

    /// Whether it is known in which place a node is.
    pub(crate) fn is_located(&self, scope: Scope, node: usize) -> bool {
        match scope {
            Scope::Node => true,
            Scope::Rack => self.racks.get(node).is_some_and(Option::is_some),
            Scope::DataCentre => self.is_known(scope),
        }
    }

    /// The number of the place that a node is in, below [`Self::place_count`]; `None` where that is not
    /// known.
    pub(crate) fn place_of(&self, scope: Scope, node: usize) -> Option<usize> {
        match scope {
            Scope::Node => Some(node),
            Scope::Rack => *self.rack_numbers.get(node)?,
            Scope::DataCentre => self.is_known(scope).then_some(0),
        }
    }

    /// How many places there are.
    pub(crate) fn place_count(&self, scope: Scope) -> usize {
        match scope {
            Scope::Node => self.nodes.len(),
            Scope::Rack => self.rack_numbers.iter().flatten().max().map_or(0, |last| last + 1),
            Scope::DataCentre => 1,
        }
    }

    /// What stands on the nodes of each place together.
    pub(crate) fn sums(&self, scope: Scope, on_node: &[u32]) -> Vec<u32> {
        let mut sums = vec![0; self.place_count(scope)];
        for (node, count) in on_node.iter().enumerate() {
            if let Some(sum) = self.place_of(scope, node).and_then(|place| sums.get_mut(place)) {
                *sum += count;
            }
        }
        sums
    }

    /// The nodes that share a place with one that is marked.
    pub(crate) fn places_of(&self, scope: Scope, marks: &[bool]) -> Marks {
        match scope {
            Scope::Node => marks.to_vec(),
            Scope::Rack => {
                let mut racks: Vec<&str> = numbers(marks).filter_map(|node| *self.racks.get(node)?).collect();
                racks.sort_unstable();
                let is_in = |rack: &Option<&str>| rack.is_some_and(|rack| racks.binary_search(&rack).is_ok());
                self.racks.iter().map(is_in).collect()
            }
            Scope::DataCentre => vec![marks.contains(&true); marks.len()],
        }
    }

    /// The one of ours on a node by which it is told to CloudAPI.
    pub(crate) fn envoy(&self, node: usize) -> Option<&'v Resident<'v>> {
        self.view.on(*self.nodes.get(node)?).next()
    }

    pub(crate) fn has_envoy(&self, node: usize) -> bool {
        self.envoy(node).is_some()
    }
}

/// The numbers that are marked.
pub(crate) fn numbers(marks: &[bool]) -> impl Iterator<Item = usize> + '_ {
    marks.iter().enumerate().filter(|(_, is_marked)| **is_marked).map(|(number, _)| number)
}

/// What is marked in both.
pub(crate) fn both(one: &[bool], other: &[bool]) -> Marks {
    one.iter().zip(other).map(|(one, other)| *one && *other).collect()
}
