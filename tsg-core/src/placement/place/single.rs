//! The best place for one instance.
//!
//! Owns the choice where nothing else is to be placed: what a place costs is known as it is then,
//! so that one pass over the open nodes finds the least. Must never choose another one than the
//! search for many would.

use alloc::vec;
use alloc::vec::Vec;

use super::answer::{Cost, Placement, Reasons};
use super::rank::Rank;
use super::terms::{Terms, wishes};
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::Scope;

/// What the nodes of a rack have in common.
struct Common {
    /// What it costs to be spread to the rack and to its data centre.
    spread: Rank,
    /// Wishes that are not kept there.
    unkept: u32,
}

/// The best place of all nodes against which nothing speaks.
pub(super) fn best(terms: &Terms<'_>, reasons: &[Reasons]) -> Option<Placement> {
    let racks: Vec<Common> = (0..terms.nodes.racks.len()).map(|rack| common(terms, rack)).collect();
    let rank = |node: u32| {
        let node = node as usize;
        let Common { spread, unkept } = &racks[terms.nodes.rack_of[node] as usize];
        let left_mib = terms.nodes.standings[node].room[0];
        terms.rank_of_node(terms.members_on(node), left_mib, unkept ^ terms.wishes_on(node)).plus(*spread)
    };
    let open = open(reasons);
    let (mut best, mut least) = (*open.first()?, Rank::NONE);
    for node in open {
        let rank = rank(node);
        if rank < least || rank == least && terms.nodes.id(node) < terms.nodes.id(best) {
            (best, least) = (node, rank);
        }
    }
    Some(placement(terms, best, least))
}

/// The nodes against which nothing speaks.
fn open(reasons: &[Reasons]) -> Vec<u32> {
    // Nobody could guess which ones they are: each is written down, and those that are not open are
    // written over.
    let (mut open, mut end) = (vec![0; reasons.len()], 0);
    for (node, reasons) in (0..).zip(reasons) {
        open[end] = node;
        end += usize::from(reasons.is_empty());
    }
    open.truncate(end);
    open
}

fn common(terms: &Terms<'_>, rack: usize) -> Common {
    let number = terms.nodes.racks[rack].data_centre as usize;
    let (place, data_centre) = (&terms.nodes.racks[rack], &terms.nodes.data_centres[number]);
    let members = terms.members_around(rack);
    let of_rack = terms.rank_of_spread(Scope::Rack, members[0], place.name().is_some());
    let of_data_centre = terms.rank_of_spread(Scope::DataCentre, members[1], data_centre.name().is_some());
    Common { spread: of_rack.plus(of_data_centre), unkept: wishes(terms.of_rack(rack)) }
}

/// A node, as it is told.
fn placement(terms: &Terms<'_>, node: u32, rank: Rank) -> Placement {
    let at = node as usize;
    let rack = terms.nodes.rack_of[at] as usize;
    let [in_rack, in_data_centre] = terms.members_around(rack);
    Placement {
        node: NodeNumber(node),
        cost: Cost::of(rank),
        memory_left_mib: terms.nodes.standings[at].room[0],
        members: [terms.members_on(at), in_rack, in_data_centre],
        unkept: wishes(terms.of_rack(rack)) ^ terms.wishes_on(at),
    }
}
