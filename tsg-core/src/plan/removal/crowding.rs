//! Takes members from the fullest data centre, rack and compute node first, so that the rest
//! stays spread.
//!
//! Owns the choice among members that are equally good. Gives what taking one at a time would
//! give, at the price of a sort for each level. Must never look at a rank.

use alloc::vec::Vec;

use super::super::Situation;
use super::super::input::{Member, NO_NODE, PlanInput};
use super::super::output::VictimRank;
use super::candidate::Candidate;
use crate::count;

/// Data centre, rack and compute node, the widest first.
type Spot = [u64; LEVELS];

const LEVELS: usize = 3;

/// Beyond every number of a place: the compute node is known, and nobody knows where it stands.
const NOWHERE: u64 = 1 << 32;
/// The compute node is not known either.
const ALONE: u64 = 2 << 32;

/// An equal in its places.
#[derive(Debug, Clone, Copy)]
struct Placed {
    spot: Spot,
    /// How many members each of its places has.
    full: [u32; LEVELS],
    /// How many each has left at the moment when it is this one's turn.
    left: [u32; LEVELS],
    candidate: Candidate,
}

/// `count` of the equals in the order in which they go, with the others that stay and those that
/// are `gone` taken into account.
///
/// Taking one at a time from the fullest place is the same as sorting. Within a compute node
/// members go by their turn, so each has a number of members that it leaves behind there; these
/// numbers fall along the node's line. A rack takes from its fullest node, that is, it merges
/// lines that fall, which is to sort their members by these numbers; which gives each member a
/// number for the rack, and so on outwards.
pub(super) fn fullest_first(
    input: &PlanInput<'_>,
    situation: &Situation,
    equals: &[Candidate],
    gone: &[Candidate],
    count: usize,
) -> Vec<Candidate> {
    let others = others(input, situation, equals, gone);
    let mut placed: Vec<Placed> = equals.iter().map(|candidate| placed(input, *candidate)).collect();
    // Where no places are known, racks and data centres tell nothing that nodes do not.
    let widest = if input.conditions.places.is_empty() { LEVELS - 1 } else { 0 };
    for level in (widest..LEVELS).rev() {
        line_up(&mut placed, &others, level);
    }
    let emptiest = placed.iter().map(|placed| placed.full).min().unwrap_or_default();
    let mut first = placed;
    let order = |one: &Placed, other: &Placed| {
        other.left.cmp(&one.left).then_with(|| one.candidate.turn().cmp(&other.candidate.turn()))
    };
    if count < first.len() {
        first.select_nth_unstable_by(count, order);
        first.truncate(count);
    }
    first.sort_unstable_by(order);
    let mark = |placed: Placed| {
        let is_crowded = placed.left > emptiest;
        if is_crowded { placed.candidate.because(VictimRank::Crowded) } else { placed.candidate }
    };
    first.into_iter().map(mark).collect()
}

/// Gives every member of a place its number there: how many the place has left at its turn.
fn line_up(placed: &mut [Placed], others: &[Spot], level: usize) {
    let place = |placed: &Placed| -> Spot { within(placed.spot, level) };
    placed.sort_unstable_by(|one, other| {
        let inwards = level + 1..LEVELS;
        let by_place = place(one).cmp(&place(other));
        let by_number = || other.left[inwards.clone()].cmp(&one.left[inwards.clone()]);
        by_place.then_with(by_number).then_with(|| one.candidate.turn().cmp(&other.candidate.turn()))
    });
    for line in placed.chunk_by_mut(|one, next| place(one) == place(next)) {
        let spot = line.first().map(place).unwrap_or_default();
        let begin = others.partition_point(|other| within(*other, level) < spot);
        let end = others.partition_point(|other| within(*other, level) <= spot);
        let full = count::of(line.len() + end - begin);
        for (member, before) in line.iter_mut().zip(0_u32..) {
            (member.full[level], member.left[level]) = (full, full.saturating_sub(before));
        }
    }
}

/// The spot as far as a level: the same for all that stand in one place.
fn within(mut spot: Spot, level: usize) -> Spot {
    spot[level + 1..].fill(0);
    spot
}

fn placed(input: &PlanInput<'_>, candidate: Candidate) -> Placed {
    let index = candidate.index();
    let member = &input.members[index as usize];
    // A member whose node is not known stands alone.
    let spot = spot_of(input, member).unwrap_or([ALONE | u64::from(index); LEVELS]);
    Placed { spot, full: [0; LEVELS], left: [0; LEVELS], candidate }
}

fn spot_of(input: &PlanInput<'_>, member: &Member) -> Option<Spot> {
    let node = member.compute_node;
    if node == NO_NODE {
        return None;
    }
    let place = input.conditions.places.get(node as usize);
    Some(match place {
        Some(place) => [place.data_centre, place.rack, node].map(u64::from),
        None => [NOWHERE | u64::from(node); LEVELS],
    })
}

/// Where the members stand that weigh on their places and are not among the equals, in order.
fn others(input: &PlanInput<'_>, situation: &Situation, equals: &[Candidate], gone: &[Candidate]) -> Vec<Spot> {
    if situation.roster.useful() as usize == equals.len() {
        return Vec::new();
    }
    let mut is_out = alloc::vec![false; input.members.len()];
    for candidate in equals.iter().chain(gone) {
        is_out[candidate.index() as usize] = true;
    }
    let everybody = input.members.iter().zip(&situation.roster.standings).zip(is_out);
    let stays = everybody.filter(|((_, standing), is_out)| standing.is_useful() && !is_out);
    let mut spots: Vec<Spot> = stays.filter_map(|((member, _), _)| spot_of(input, member)).collect();
    spots.sort_unstable();
    spots
}
