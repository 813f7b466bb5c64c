//! Why there is no place.
//!
//! Owns the counting of what speaks against nodes. Must never look at rules again: it sees a set
//! of reasons for each node, with those placed before in place.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::answer::{Filter, Loss, NearMiss, Reasons, Refusal, WayOut, of_set};
use super::field::Field;
use super::rank::Rank;
use super::terms::Terms;
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::Scope;

/// What a refusal says of `missing` instances, after those on `placed` open nodes.
pub(super) fn refusal(field: &Field<'_>, placed: &[(usize, Rank)], missing: u32) -> Refusal {
    let reasons = reasons_beside(field, placed);
    let nodes: Vec<(u32, u32)> = of_nodes(&reasons).collect();
    Refusal {
        missing,
        nodes: nodes.len() as u32,
        losses: losses(&field.terms.filters, &nodes),
        way_out: way_out(field.terms, &nodes),
        nearest: nearest(field.terms, &nodes),
    }
}

/// What speaks against each node once some are placed.
fn reasons_beside(field: &Field<'_>, placed: &[(usize, Rank)]) -> Vec<Reasons> {
    let (terms, mut reasons) = (field.terms, field.reasons.to_vec());
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    placed.iter().for_each(|(leaf, _)| *counts.entry(field.nodes[*leaf]).or_default() += 1);
    let demand = terms.request.demand.row();
    for (node, count) in &counts {
        for (amount, (room, demand)) in terms.nodes.standings[*node as usize].room.iter().zip(demand).enumerate() {
            let is_short = u64::from(*room) < u64::from(demand) * (u64::from(*count) + 1);
            reasons[*node as usize].0 |= u32::from(is_short) << (amount + 1);
        }
    }
    if counts.is_empty() {
        return reasons;
    }
    for scope in [Scope::Node, Scope::Rack, Scope::DataCentre] {
        let (apart, together) = (terms.own_far[scope as usize] as u32, terms.founding[scope as usize] as u32);
        if apart | together != 0 {
            let is_taken = taken(terms, scope, counts.keys());
            for (node, reasons) in reasons.iter_mut().enumerate().filter(|(_, reasons)| **reasons != Reasons::NO_NODE) {
                reasons.0 |= if is_taken[place(terms, scope, node)] { apart } else { together };
            }
        }
    }
    reasons
}

/// The places of a scope in which something was placed.
fn taken<'a>(terms: &Terms<'_>, scope: Scope, nodes: impl Iterator<Item = &'a u32>) -> Vec<bool> {
    let mut taken = vec![false; terms.nodes.len()];
    taken.resize(taken.len().max(terms.nodes.racks.len()).max(terms.nodes.data_centres.len()), false);
    nodes.for_each(|node| taken[place(terms, scope, *node as usize)] = true);
    taken
}

fn place(terms: &Terms<'_>, scope: Scope, node: usize) -> usize {
    let rack = terms.nodes.rack_of[node] as usize;
    match scope {
        Scope::Node => node,
        Scope::Rack => rack,
        Scope::DataCentre => terms.nodes.racks[rack].data_centre as usize,
    }
}

/// The nodes, each with what speaks against it.
pub(super) fn of_nodes(reasons: &[Reasons]) -> impl Iterator<Item = (u32, u32)> + '_ {
    let nodes = (0..).zip(reasons).filter(|(_, reasons)| **reasons != Reasons::NO_NODE);
    nodes.map(|(node, reasons)| (node, reasons.0))
}

/// How many nodes each filter takes.
pub(super) fn losses(filters: &[Filter], nodes: &[(u32, u32)]) -> Vec<Loss> {
    let mut losses: Vec<Loss> = filters.iter().map(|filter| Loss { filter: *filter, in_turn: 0, alone: 0 }).collect();
    for (_, reasons) in nodes.iter().filter(|(_, reasons)| *reasons != 0) {
        losses[reasons.trailing_zeros() as usize].in_turn += 1;
        let mut left = *reasons;
        while left != 0 {
            losses[left.trailing_zeros() as usize].alone += 1;
            left &= left - 1;
        }
    }
    losses.retain(|loss| loss.alone > 0);
    losses
}

/// The fewest rules without which a node is open. One node has to be opened, so that the fewest
/// reasons of any node which lacks neither room nor readiness are the fewest of all.
fn way_out(terms: &Terms<'_>, nodes: &[(u32, u32)]) -> Option<WayOut> {
    let is_rule = |bit: usize| matches!(terms.filters.get(bit), Some(Filter::Rule(_)));
    let rules = (0..terms.filters.len()).filter(|bit| is_rule(*bit)).fold(0_u32, |rules, bit| rules | 1 << bit);
    let mut sets: Vec<u32> = nodes.iter().map(|(_, reasons)| *reasons).filter(|set| set & !rules == 0).collect();
    sets.sort_unstable();
    let open = |rules: u32| sets.iter().filter(|set| **set & !rules == 0).count() as u32;
    let fewest = sets.iter().map(|set| set.count_ones()).min()?;
    let mut candidates: Vec<u32> = sets.iter().copied().filter(|set| set.count_ones() == fewest).collect();
    candidates.dedup();
    // The rules that come first are the lowest bits: read backwards, they make the greatest number.
    let best = candidates.into_iter().max_by_key(|set| (open(*set), set.reverse_bits()))?;
    let number = |filter| match filter {
        Filter::Rule(number) => Some(number),
        _ => None,
    };
    Some(WayOut { rules: of_set(&terms.filters, best).filter_map(number).collect(), nodes: open(best) })
}

fn nearest(terms: &Terms<'_>, nodes: &[(u32, u32)]) -> Option<NearMiss> {
    let key = |(node, reasons): &&(u32, u32)| (reasons.count_ones(), terms.nodes.id(*node));
    let (node, reasons) = nodes.iter().min_by_key(key)?;
    Some(NearMiss { node: NodeNumber(*node), filters: of_set(&terms.filters, *reasons).collect() })
}
