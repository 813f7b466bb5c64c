//! Takes members from the fullest compute nodes first, so that the rest stays spread.
//!
//! Owns the choice among members that are equally good. Gives what taking one at a time, always
//! from the fullest node and there the oldest, would give; it finds the level down to which all
//! nodes are drained instead, at the price of one sort. Must never look at a rank.

use alloc::vec::Vec;
use core::ops::Range;

use super::super::Situation;
use super::super::input::{NO_NODE, PlanInput};
use super::super::output::Class;
use super::shrink::Candidate;

/// An equal on its compute node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    node: u32,
    candidate: Candidate,
}

/// The equals on one compute node.
#[derive(Debug)]
struct Node {
    /// Members on it that are as good, those that cannot be taken among them.
    full: u32,
    /// Where those that can stand, the oldest first.
    takeable: Range<usize>,
}

impl Node {
    /// How many are taken to bring it down to a level.
    fn above(&self, level: u32) -> usize {
        self.takeable.len().min(self.full.saturating_sub(level) as usize)
    }
}

/// `count` of the equals, fullest nodes first and there the oldest; `count` is less than there
/// are.
pub(super) fn fullest_first(
    input: &PlanInput<'_>,
    situation: &Situation,
    equals: &[Candidate],
    count: usize,
) -> Vec<Candidate> {
    let placed = by_place(input, equals);
    let nodes = nodes(input, situation, &placed);
    let floor = nodes.iter().map(|node| node.full).min().unwrap_or(0);
    let level = level_for(&nodes, count);
    let mut taken = Vec::with_capacity(count);
    let mut next = Vec::new();
    for node in &nodes {
        let quota = node.above(level);
        let there = &placed[node.takeable.clone()];
        let mark = |place: usize| mark(there[place].candidate, node.full, place, floor);
        taken.extend((0..quota).map(mark));
        if quota < there.len() && node.full >= level {
            next.push(mark(quota));
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

/// The equals by compute node, and there by age.
fn by_place(input: &PlanInput<'_>, equals: &[Candidate]) -> Vec<Placed> {
    let place = |candidate: &Candidate| {
        let node = input.members[candidate.index() as usize].compute_node;
        Placed { node, candidate: *candidate }
    };
    let mut placed: Vec<Placed> = equals.iter().map(place).collect();
    placed.sort_unstable();
    placed
}

/// The compute nodes. A member whose node is not known stands alone.
fn nodes(input: &PlanInput<'_>, situation: &Situation, placed: &[Placed]) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = 0;
    for run in placed.chunk_by(|one, next| one.node == next.node && one.node != NO_NODE) {
        let end = start + run.len();
        nodes.push(Node { full: u32::try_from(run.len()).unwrap_or(u32::MAX), takeable: start..end });
        start = end;
    }
    // Protected ones weigh on their node although they cannot be taken from it.
    let everybody = input.members.iter().zip(&situation.roster.standings);
    let untouchable =
        everybody.filter(|(member, standing)| standing.is_untouchable() && member.compute_node != NO_NODE);
    for (member, standing) in untouchable {
        let is_serving = standing.class == Class::Serving;
        let node_of = |node: &Node| placed[node.takeable.start].node;
        if let Ok(found) = nodes.binary_search_by_key(&member.compute_node, node_of) {
            nodes[found].full += u32::from(is_serving);
        }
    }
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

/// Says that crowding decided, if its node was fuller than the emptiest when it went.
fn mark(candidate: Candidate, full: u32, place: usize, floor: u32) -> Candidate {
    let stood_at = (full as usize).saturating_sub(place);
    if stood_at > floor as usize { candidate.crowded() } else { candidate }
}
