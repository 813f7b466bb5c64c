//! Spreading: the nodes that have more members than others.
//!
//! Owns what is said in place of CloudAPI's own spreading, which ends with the first rule. Must
//! never keep a member from its only place.

use alloc::vec;
use alloc::vec::Vec;

use super::ground::{Ground, Marks, numbers};
use super::newcomer::Newcomer;
use super::same::Wording;
use crate::placement::inventory::Label;
use crate::placement::rule::Scope;

/// Members of the group by node.
pub(crate) fn members(ground: &Ground<'_>, newcomer: &Newcomer<'_>) -> Vec<u32> {
    let is_member = |group: &Label, node: usize| {
        let id = ground.nodes.get(node).copied();
        id.map_or(0, |id| ground.view.on(id).filter(|resident| resident.has(group)).count() as u32)
    };
    (0..ground.nodes.len()).map(|node| newcomer.group.map_or(0, |group| is_member(group, node))).collect()
}

/// The nodes among those that are wanted whose places have more members than the emptiest of them.
pub(super) fn fuller(ground: &Ground<'_>, over: Scope, members: &[u32], wanted: &[bool]) -> Marks {
    let sums = ground.sums(over, members);
    let in_place = |node: usize| Some((node, *sums.get(ground.place_of(over, node)?)?));
    let counts: Vec<(usize, u32)> = numbers(wanted).filter_map(in_place).collect();
    let floor = counts.iter().map(|(_, count)| *count).min().unwrap_or(0);
    let mut fuller = vec![false; members.len()];
    for (node, _) in counts.iter().filter(|(_, count)| *count > floor) {
        if let Some(mark) = fuller.get_mut(*node) {
            *mark = true;
        }
    }
    fuller
}

/// One member on each of the nodes, or one of ours in a place that is full because of others.
pub(super) fn named(ground: &Ground<'_>, newcomer: &Newcomer<'_>, nodes: &[bool]) -> Vec<Wording> {
    let of_node = |node: usize| {
        let id = *ground.nodes.get(node)?;
        let member = ground.view.on(id).find(|resident| newcomer.group.is_some_and(|group| resident.has(group)));
        member.or_else(|| ground.envoy(node))
    };
    numbers(nodes).filter_map(of_node).map(Wording::of_instance).collect()
}
