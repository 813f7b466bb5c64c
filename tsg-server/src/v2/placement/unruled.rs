//! Where a group without rules stands: CloudAPI chooses every place.
//!
//! Owns what can be said all the same. What CloudAPI does by itself is fact, not tsg's doing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tsg_core::model::group::Group;
use tsg_core::model::id::ComputeNodeId;
use tsg_engine::{GroupView, MemberView};

use super::body::{InstancePlace, NodePlace, PlacementBody, rack};
use super::{Site, text};
use crate::time;

impl PlacementBody {
    /// Of a group without rules; `None` before the account was listed.
    pub fn unruled(group: &Group, view: &GroupView, site: &Site<'_>) -> Option<Self> {
        let occupancy = site.occupancy.as_ref()?;
        let located: Vec<(&MemberView, ComputeNodeId)> = located(view).collect();
        let mut members: BTreeMap<ComputeNodeId, u32> = BTreeMap::new();
        located.iter().for_each(|(_, node)| *members.entry(*node).or_default() += 1);
        let known: BTreeSet<&ComputeNodeId> =
            site.topology.nodes.keys().chain(occupancy.nodes.keys()).chain(members.keys()).collect();
        let node = |node: &ComputeNodeId| NodePlace::bare(*node, members.get(node).copied().unwrap_or(0), site);
        let mut nodes: Vec<NodePlace> = known.into_iter().map(node).collect();
        nodes.sort_by_key(|node| Reverse((node.members, node.instances)));
        let instances = located.iter().filter_map(|(member, node)| InstancePlace::unruled(member, *node, site));
        Some(Self {
            seen_at: time::milliseconds(occupancy.at),
            source: "none",
            placement: None,
            affinity: Vec::new(),
            is_spread_by_cloudapi: true,
            enforced: Vec::new(),
            attempted: Vec::new(),
            unenforceable: Vec::new(),
            is_blocked: false,
            is_one_by_one: false,
            instances: instances.collect(),
            summary: text::unruled(group, &nodes, site),
            compute_nodes: nodes,
            outlook: None,
            replaced_in_a_row: 0,
        })
    }
}

/// The group's instances that stand somewhere, oldest first.
fn located(view: &GroupView) -> impl Iterator<Item = (&MemberView, ComputeNodeId)> {
    let is_there = |member: &&MemberView| !member.state.is_some_and(|state| state.is_terminal());
    view.members.iter().filter(is_there).filter_map(|member| Some((member, member.compute_node?)))
}

impl InstancePlace {
    fn unruled(member: &MemberView, node: ComputeNodeId, site: &Site<'_>) -> Option<Self> {
        Some(Self {
            operation: member.operation.to_string(),
            name: member.name.clone(),
            instance: member.instance?.to_string(),
            compute_node: node.to_string(),
            rack: rack(node, site.topology),
            is_misplaced: None,
            rules: Vec::new(),
        })
    }
}
