//! Step 3, capacity: lets go of members that are not needed any more.
//!
//! Owns the victim order of a scale-in. Must never choose a protected member, nor one that is
//! in doubt: that is resolved first.

use alloc::vec;
use alloc::vec::Vec;

use super::balance::Balance;
use super::classify::classify;
use super::crowding;
use super::draft::{Choice, Draft, Step};
use super::input::{Member, PlanInput};
use super::output::{Class, PlanError, Reason, VictimRank};
use super::repair::{StartStep, start_step};

/// A candidate as one number: rank, then age, then operation. Smaller ones go first.
///
/// Members are in order of their operations, so that the index stands for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

/// Bits of an index: [`MEMBERS_MAX`](super::output::MEMBERS_MAX) members.
const INDEX_BITS: u32 = 28;
const RANK_SHIFT: u32 = INDEX_BITS + 32;

impl Candidate {
    pub(super) const fn new(rank: VictimRank, sequence: u32, index: u32) -> Self {
        Self((rank as u64) << RANK_SHIFT | (sequence as u64) << INDEX_BITS | index as u64)
    }

    pub(super) const fn index(self) -> u32 {
        (self.0 & ((1 << INDEX_BITS) - 1)) as u32
    }

    /// What decided that it goes.
    const fn rank(self) -> VictimRank {
        VictimRank::ALL[(self.0 >> RANK_SHIFT & 7) as usize]
    }

    /// Age and operation, whatever the rank.
    pub(super) const fn age(self) -> u64 {
        self.0 & ((1 << RANK_SHIFT) - 1)
    }

    /// The same member, chosen because its compute node is crowded.
    pub(super) const fn crowded(self) -> Self {
        Self((VictimRank::Crowded as u64) << RANK_SHIFT | self.age())
    }
}

/// Cancels and deletes what is above the capacity.
pub(super) fn shrink(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> Result<(), PlanError> {
    if balance.cancels > 0 {
        cancel(input, balance, draft)?;
    }
    if balance.deletes > 0 {
        delete(input, balance, draft)?;
    }
    Ok(())
}

fn cancel(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> Result<(), PlanError> {
    let (unsent, _) = candidates(input, |class| class == Class::Intended)?;
    let chosen = first(unsent, balance.cancels as usize);
    emit(input, balance, draft, &chosen, Step::Cancel)
}

fn delete(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> Result<(), PlanError> {
    let (victims, protected) = candidates(input, |class| class != Class::Intended)?;
    let available = u32::try_from(victims.len()).unwrap_or(u32::MAX);
    draft.protected += balance.deletes.saturating_sub(available).min(protected);
    let possible = balance.deletes.min(available);
    let count = possible.min(input.limits.asked_deletes);
    draft.over_budget += possible - count;
    let chosen = choose(input, victims, count);
    draft.asked_deletes += count;
    emit(input, balance, draft, &chosen, Step::Delete)
}

/// Members that may be let go, and how many may not because they are protected.
fn candidates(input: &PlanInput<'_>, is_asked_for: impl Fn(Class) -> bool) -> Result<(Vec<Candidate>, u32), PlanError> {
    let mut candidates = Vec::with_capacity(input.members.len());
    let mut protected = 0;
    for (member, index) in input.members.iter().zip(0_u32..) {
        let class = classify(member, input.now, input.timing)?;
        match rank(member, class, input) {
            Some(rank) if is_asked_for(class) && !member.is_protected() => {
                candidates.push(Candidate::new(rank, member.sequence, index));
            }
            Some(_) if is_asked_for(class) => protected += 1,
            _ => {}
        }
    }
    Ok((candidates, protected))
}

/// How early a member goes; `None` for those that this step does not touch.
fn rank(member: &Member, class: Class, input: &PlanInput<'_>) -> Option<VictimRank> {
    match class {
        // On their way out already, or resolved first, or deleted by repair in any case.
        Class::Leaving | Class::Requested | Class::InDoubt | Class::Failed | Class::Overdue => None,
        Class::Stopped if start_step(member, input) == StartStep::Exhausted => None,
        Class::Intended => Some(VictimRank::Unsent),
        Class::Stopped => Some(VictimRank::Broken),
        Class::Unhealthy => Some(VictimRank::Unhealthy),
        Class::Missing | Class::OutOfContact => Some(VictimRank::OutOfContact),
        Class::Starting => Some(VictimRank::Starting),
        Class::Serving if member.revision != input.intent.revision => Some(VictimRank::OldRevision),
        Class::Serving => Some(VictimRank::Oldest),
    }
}

/// The `count` members that go first.
fn choose(input: &PlanInput<'_>, victims: Vec<Candidate>, count: u32) -> Vec<Candidate> {
    let count = count as usize;
    if count == victims.len() {
        return victims;
    }
    // All of the worse ones go, or only some of them; where the line falls among equals, they are
    // taken so that the rest stays spread.
    let (equals, mut worse): (Vec<_>, Vec<_>) =
        victims.into_iter().partition(|victim| victim.rank() == VictimRank::Oldest);
    if count <= worse.len() {
        return first(worse, count);
    }
    let rest = count - worse.len();
    worse.append(&mut crowding::fullest_first(input, &equals, rest));
    worse
}

/// The `count` smallest, in no order.
fn first(mut candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    if count < candidates.len() {
        candidates.select_nth_unstable(count);
        candidates.truncate(count);
    }
    candidates
}

/// Takes the step on everybody chosen, the worst rank first.
///
/// Within a rank they stand in the order of their operations: all of them go, so their age
/// decides nothing any more, and sorting by it would cost more than the rest of the plan.
fn emit(
    input: &PlanInput<'_>,
    balance: &Balance,
    draft: &mut Draft,
    chosen: &[Candidate],
    step: Step,
) -> Result<(), PlanError> {
    draft.expect(u32::try_from(chosen.len()).unwrap_or(u32::MAX), input.members);
    let mut ranks = vec![STAYS; input.members.len()];
    let mut is_present = [false; VictimRank::ALL.len()];
    for candidate in chosen {
        let rank = candidate.rank();
        ranks[candidate.index() as usize] = rank as u8;
        is_present[rank as usize] = true;
    }
    for rank in VictimRank::ALL.into_iter().filter(|rank| is_present[*rank as usize]) {
        let reason = Reason::AboveCapacity { occupied: balance.useful, wanted: balance.wanted, rank };
        for (index, _) in (0_u32..).zip(&ranks).filter(|(_, of_member)| **of_member == rank as u8) {
            let member = &input.members[index as usize];
            let class = classify(member, input.now, input.timing)?;
            draft.act(member, Choice { index, class, step }, reason)?;
        }
    }
    Ok(())
}

/// The rank of a member that is not chosen.
const STAYS: u8 = u8::MAX;
