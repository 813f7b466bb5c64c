//! Takes members from the fullest compute nodes first, so that the rest stays spread.
//!
//! Owns the choice among members that are equally good. Gives what taking one at a time, always
//! from the fullest node and there the oldest, would give; it finds the level down to which all
//! nodes are drained instead. Must never sort more than it takes.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::classify::classify;
use super::input::{NO_NODE, PlanInput};
use super::output::Class;
use super::shrink::Candidate;

/// The equals on one compute node.
#[derive(Debug, Default)]
struct Node {
    /// Equals on it, those that cannot be taken among them.
    full: u32,
    /// Those that can.
    takeable: Vec<Candidate>,
}

impl Node {
    /// How many are taken to bring it down to a level.
    fn above(&self, level: u32) -> usize {
        self.takeable.len().min(self.full.saturating_sub(level) as usize)
    }
}

/// `count` of the equals, fullest nodes first and there the oldest; `count` is less than there
/// are.
pub(super) fn fullest_first(input: &PlanInput<'_>, equals: &mut [Candidate], count: usize) -> Vec<Candidate> {
    let mut nodes = by_node(input, equals);
    let floor = nodes.iter().map(|node| node.full).min().unwrap_or(0);
    let level = level_for(&nodes, count);
    let mut taken = Vec::with_capacity(count);
    let mut next = Vec::new();
    for node in &mut nodes {
        let quota = node.above(level);
        drain_oldest(node, quota, floor, &mut taken);
        if quota < node.takeable.len() && node.full >= level {
            next.extend(node.takeable[quota..].iter().min().map(|oldest| mark(*oldest, node.full, quota, floor)));
        }
    }
    // One more from some of the nodes that stand at the level: those with the oldest.
    let rest = count.saturating_sub(taken.len()).min(next.len());
    if rest < next.len() {
        next.select_nth_unstable_by_key(rest, |candidate| candidate.age());
    }
    taken.extend_from_slice(&next[..rest]);
    taken
}

/// The equals by compute node. One whose node is not known stands alone.
fn by_node(input: &PlanInput<'_>, equals: &[Candidate]) -> Vec<Node> {
    let mut known: BTreeMap<u32, Node> = BTreeMap::new();
    let mut alone = Vec::new();
    for candidate in equals {
        match input.members[candidate.index() as usize].compute_node {
            NO_NODE => alone.push(Node { full: 1, takeable: alloc::vec![*candidate] }),
            number => known.entry(number).or_default().takeable.push(*candidate),
        }
    }
    // Protected ones weigh on their node although they cannot be taken from it.
    for member in input.members.iter().filter(|member| member.is_protected()) {
        let is_serving = classify(member, input.now, input.timing) == Ok(Class::Serving);
        if let Some(node) = known.get_mut(&member.compute_node) {
            node.full += u32::from(is_serving);
        }
    }
    for node in known.values_mut() {
        node.full += u32::try_from(node.takeable.len()).unwrap_or(u32::MAX);
    }
    let mut nodes: Vec<Node> = known.into_values().collect();
    nodes.append(&mut alone);
    nodes
}

/// The lowest level down to which all nodes can be drained without taking more than `count`.
fn level_for(nodes: &[Node], count: usize) -> u32 {
    let taken_down_to = |level| nodes.iter().map(|node| node.above(level)).sum::<usize>();
    let (mut low, mut high) = (0, nodes.iter().map(|node| node.full).max().unwrap_or(0));
    while low < high {
        let middle = low + (high - low) / 2;
        if taken_down_to(middle) <= count { high = middle } else { low = middle + 1 }
    }
    low
}

fn drain_oldest(node: &mut Node, quota: usize, floor: u32, taken: &mut Vec<Candidate>) {
    if quota < node.takeable.len() {
        node.takeable.select_nth_unstable(quota);
    }
    node.takeable[..quota].sort_unstable();
    for (place, candidate) in node.takeable[..quota].iter().enumerate() {
        taken.push(mark(*candidate, node.full, place, floor));
    }
}

/// Says that crowding decided, if its node was fuller than the emptiest when it went.
fn mark(candidate: Candidate, full: u32, place: usize, floor: u32) -> Candidate {
    let stood_at = (full as usize).saturating_sub(place);
    if stood_at > floor as usize { candidate.crowded() } else { candidate }
}
