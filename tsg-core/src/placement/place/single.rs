//! The best place for one instance.
//!
//! Owns the choice where nothing else is to be placed: what a place costs is known as it is then,
//! so that one pass over the open nodes finds the least. Must never choose another one than the
//! search for many would.

use alloc::vec::Vec;

use super::answer::{Cost, Placement, Reasons};
use super::rank::Rank;
use super::terms::{Terms, wishes};
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::Scope;

/// So many nodes stay at hand while they are looked through.
const LOT: usize = 128;

/// What the nodes of a rack have in common.
struct Common {
    /// What it costs to be spread to the rack and to its data centre.
    spread: Rank,
    /// Wishes that are not kept there.
    unkept: u32,
}

/// The best place of all nodes against which nothing speaks.
pub(super) fn best(terms: &Terms<'_>, reasons: &[Reasons]) -> Option<Placement> {
    let (nodes, racks) = (terms.nodes, racks(terms));
    let rank = |node: usize| {
        let Common { spread, unkept } = &racks[nodes.rack_of[node] as usize];
        let left_mib = nodes.standings[node].room[0];
        terms.rank_of_node(terms.members_on(node), left_mib, unkept ^ terms.wishes_on(node)).plus(*spread)
    };
    let (mut best, mut least) = (None, Rank::NONE);
    for (first, lot) in (0..).step_by(LOT).zip(reasons.chunks(LOT)) {
        let (open, count) = open(lot);
        for node in open[..count].iter().map(|place| first + *place) {
            let rank = rank(node as usize);
            if rank < least || rank == least && best.is_some_and(|best| nodes.id(node) < nodes.id(best)) {
                (best, least) = (Some(node), rank);
            }
        }
    }
    best.map(|node| placement(terms, node, least))
}

/// The places in a lot of nodes against which nothing speaks, and how many they are.
#[inline]
fn open(lot: &[Reasons]) -> ([u32; LOT], usize) {
    // Nobody could guess which ones they are: each is written down, and those that are not open are
    // written over.
    let (mut open, mut count) = ([0; LOT], 0);
    for (place, reasons) in (0..).zip(lot) {
        open[count] = place;
        count += usize::from(reasons.is_empty());
    }
    (open, count)
}

/// What the nodes of each rack have in common, by number of the rack.
fn racks(terms: &Terms<'_>) -> Vec<Common> {
    let spread = |scope: Scope, number: usize, name: Option<&str>| {
        terms.rank_of_spread(scope, terms.members[scope as usize][number], name.is_some())
    };
    let data_centres = terms.nodes.data_centres.iter().enumerate();
    let data_centres: Vec<Rank> =
        data_centres.map(|(number, place)| spread(Scope::DataCentre, number, place.name())).collect();
    let racks = terms.nodes.racks.iter().enumerate().map(|(number, rack)| Common {
        spread: spread(Scope::Rack, number, rack.name()).plus(data_centres[rack.data_centre as usize]),
        unkept: wishes(terms.of_rack(number)),
    });
    racks.collect()
}

/// A node, as it is told.
fn placement(terms: &Terms<'_>, node: u32, rank: Rank) -> Placement {
    let at = node as usize;
    let rack = terms.nodes.rack_of[at] as usize;
    let data_centre = terms.nodes.racks[rack].data_centre as usize;
    let [_, in_racks, in_data_centres] = &terms.members;
    Placement {
        node: NodeNumber(node),
        cost: Cost::of(rank),
        memory_left_mib: terms.nodes.standings[at].room[0],
        members: [terms.members_on(at), in_racks[rack], in_data_centres[data_centre]],
        unkept: wishes(terms.of_rack(rack)) ^ terms.wishes_on(at),
    }
}
