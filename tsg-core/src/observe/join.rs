//! Joins operations with a complete look at the account.
//!
//! Owns how a member's machine counts as seen. Must never take a machine for a member's by
//! anything but the ledger's own record of its UUID.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::model::id::{ComputeNodeId, InstanceId};
use crate::model::instance::{ObservedInstance, Snapshot};
use crate::model::operation::Operation;
use crate::plan::input::{Member, NO_NODE, Sighting};

/// Small numbers for compute nodes, given in order of appearance. Plans only ask whether two are
/// equal.
#[derive(Debug, Clone, Default)]
pub struct NodeNumbers {
    numbers: BTreeMap<ComputeNodeId, u32>,
}

impl NodeNumbers {
    /// The number of a compute node.
    pub fn number_of(&mut self, node: ComputeNodeId) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(NO_NODE);
        *self.numbers.entry(node).or_insert(next)
    }
}

/// A machine of a snapshot.
pub fn find_instance(snapshot: &Snapshot, id: InstanceId) -> Option<&ObservedInstance> {
    let place = snapshot.instances.binary_search_by_key(&id, |instance| instance.id).ok()?;
    snapshot.instances.get(place)
}

/// An operation as the planner sees it; `None` when it is closed.
pub fn member_of(operation: &Operation, snapshot: &Snapshot, nodes: &mut NodeNumbers) -> Option<Member> {
    if operation.phase.is_closed() {
        return None;
    }
    // The ledger counts further than any group will; what saturates only loses its age.
    let sequence = u32::try_from(operation.sequence).unwrap_or(u32::MAX);
    let mut member = Member::planned(operation.id, sequence, operation.revision, operation.phase_since);
    member.phase = operation.phase;
    let Some(instance) = operation.instance else {
        return Some(member);
    };
    member = member.with_instance(instance);
    match find_instance(snapshot, instance) {
        Some(seen) => {
            member.sighting = Sighting::Present(seen.state);
            member.compute_node = seen.compute_node.map_or(NO_NODE, |node| nodes.number_of(node));
            if seen.is_protected {
                member = member.with_protection();
            }
        }
        // What the ledger learned after the look began, the look cannot contradict.
        None if operation.phase_since >= snapshot.taken_at => {}
        None => member.sighting = Sighting::Missing,
    }
    Some(member)
}

/// All open operations as the planner sees them, in the order it likes best: by operation.
pub fn members<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
    snapshot: &Snapshot,
    nodes: &mut NodeNumbers,
) -> Vec<Member> {
    let mut members: Vec<Member> =
        operations.into_iter().filter_map(|operation| member_of(operation, snapshot, nodes)).collect();
    members.sort_unstable_by_key(|member| member.operation);
    members
}
