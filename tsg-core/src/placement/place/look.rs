//! The one look at every node: what speaks against it.
//!
//! Owns the filters. Nodes are read by number, column beside column, in the order in which they
//! stand in memory: what a look takes is mostly the waiting for it. Must never stop at the first
//! reason.

use alloc::vec::Vec;

use super::answer::Reasons;
use super::terms::Terms;
use crate::placement::inventory::{NodeState, Standing};

/// What speaks against each node before anything was placed, by number.
pub(super) fn reasons(terms: &mut Terms<'_>) -> Vec<Reasons> {
    let on_node = terms.take_filters_on_node();
    let (nodes, demand) = (terms.nodes, terms.request.demand.row());
    let of_racks: Vec<u32> = (0..nodes.racks.len()).map(|rack| terms.of_rack(rack) as u32).collect();
    let mut reasons: Vec<Reasons> = on_node.into_iter().map(Reasons).collect();
    for ((reasons, standing), rack) in reasons.iter_mut().zip(&nodes.standings).zip(&nodes.rack_of) {
        reasons.0 = (reasons.0 ^ of_racks[*rack as usize]) | lacks(standing, demand);
    }
    nodes.vacant().iter().for_each(|node| reasons[*node as usize] = Reasons::NO_NODE);
    reasons
}

/// What a node lacks itself: readiness, memory, disk, CPU.
#[inline]
fn lacks(standing: &Standing, demand: [u32; 3]) -> u32 {
    let Standing { state, room } = *standing;
    u32::from(state != NodeState::Up)
        | u32::from(room[0] < demand[0]) << 1
        | u32::from(room[1] < demand[1]) << 2
        | u32::from(room[2] < demand[2]) << 3
}
