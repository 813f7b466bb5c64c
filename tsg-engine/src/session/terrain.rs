//! Where the compute nodes stand.
//!
//! Owns the numbers of racks and the place of each node, as far as the configuration tells. Must
//! never guess: a node of which nothing is known stands in a rack of its own.

use tsg_core::model::id::ComputeNodeId;
use tsg_core::observe::lasting::LastingStates;
use tsg_core::placement::topology::Topology;
use tsg_core::plan::input::Place;

/// An account has one data centre.
pub(super) const HERE: u32 = 0;

/// The places of compute nodes.
#[derive(Debug, Default)]
pub(super) struct Terrain {
    /// In order: the place of each is its number.
    racks: Vec<String>,
    /// By the number of the node; empty where no rack is known.
    places: Vec<Place>,
}

impl Terrain {
    pub(super) fn new(topology: &Topology) -> Self {
        let mut racks: Vec<String> = topology.nodes.values().filter_map(|site| site.rack.clone()).collect();
        racks.sort_unstable();
        racks.dedup();
        Self { racks, places: Vec::new() }
    }

    /// Takes in the nodes that were seen for the first time.
    pub(super) fn take_in(&mut self, topology: &Topology, seen: &LastingStates) {
        if self.racks.is_empty() {
            return;
        }
        while let Some((node, id)) = self.next().and_then(|node| Some((node, seen.node(node)?))) {
            // Beyond the numbers of those that are known, one for each.
            let alone = u32::try_from(self.racks.len()).unwrap_or(u32::MAX).saturating_add(node);
            self.places.push(Place { rack: self.rack(topology, id).unwrap_or(alone), data_centre: HERE });
        }
    }

    /// Rack and data centre of each node, at its number.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The number of the rack that a node stands in.
    pub(super) fn rack(&self, topology: &Topology, node: ComputeNodeId) -> Option<u32> {
        let rack = topology.rack(node)?;
        let found = self.racks.binary_search_by(|known| known.as_str().cmp(rack)).ok()?;
        u32::try_from(found).ok()
    }

    fn next(&self) -> Option<u32> {
        u32::try_from(self.places.len()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsg_core::placement::topology::Site;
    use uuid::Uuid;

    #[test]
    fn without_a_rack_nobody_has_a_place() {
        let mut terrain = Terrain::new(&Topology::default());
        terrain.take_in(&Topology::default(), &LastingStates::new());
        assert!(terrain.places().is_empty());
    }

    #[test]
    fn racks_are_numbered_by_their_names() {
        let node = |number| ComputeNodeId::new(Uuid::from_u128(number));
        let mut topology = Topology::default();
        for (number, rack) in [(1, Some("b")), (2, Some("a")), (3, Some("b")), (4, None)] {
            topology.nodes.insert(node(number), Site { name: None, rack: rack.map(str::to_owned) });
        }
        let terrain = Terrain::new(&topology);
        let racks: Vec<_> = (1..=5).map(|number| terrain.rack(&topology, node(number))).collect();
        assert_eq!(racks, [Some(1), Some(0), Some(1), None, None]);
    }
}
