//! Lets go of members that are not needed any more.
//!
//! Owns the victim order of a scale-in. Must never choose a protected member, nor one that is
//! in doubt: that is resolved first.

use alloc::vec;
use alloc::vec::Vec;

use super::super::Situation;
use super::super::balance::{Lane, Scope};
use super::super::draft::{Choice, Draft, Step};
use super::super::input::{Member, PlanInput};
use super::super::output::{Class, PlanError, Reason, VictimRank};
use super::super::repair::fate::Fate;
use super::super::roster::Standing;
use super::{crowding, first_stage};

/// A candidate as one number: rank, then age, then operation. Smaller ones go first.
///
/// Members are in order of their operations, so that the index stands for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

/// Bits of an index: [`MEMBERS_MAX`](super::super::output::MEMBERS_MAX) members.
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
        VictimRank::ALL[(self.0 >> RANK_SHIFT) as usize]
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

/// Cancels and removes what is above the capacity.
pub(in super::super) fn shrink(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let balance = &situation.balance;
    for lane in [Some(&balance.main), balance.canaries.as_ref()].into_iter().flatten() {
        if lane.cancels > 0 {
            cancel(input, situation, lane, draft)?;
        }
        if lane.deletes > 0 {
            remove(input, situation, lane, draft)?;
        }
    }
    Ok(())
}

fn cancel(input: &PlanInput<'_>, situation: &Situation, lane: &Lane, draft: &mut Draft) -> Result<(), PlanError> {
    let (unsent, _) = candidates(input, situation, lane, |class| class == Class::Intended);
    let chosen = first(unsent, lane.cancels as usize);
    emit(input, situation, lane, draft, &chosen)
}

fn remove(input: &PlanInput<'_>, situation: &Situation, lane: &Lane, draft: &mut Draft) -> Result<(), PlanError> {
    let (victims, protected) = candidates(input, situation, lane, |class| class != Class::Intended);
    let available = u32::try_from(victims.len()).unwrap_or(u32::MAX);
    draft.protected += lane.deletes.saturating_sub(available).min(protected);
    let possible = lane.deletes.min(available);
    let count = possible.min(input.limits.asked_deletes.saturating_sub(draft.asked_deletes));
    draft.over_budget += possible - count;
    let mut chosen = choose(situation, input, victims, count);
    spare(situation, draft, &mut chosen);
    draft.asked_deletes += u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    emit(input, situation, lane, draft, &chosen)
}

/// Leaves those serving ones out that the availability floor needs.
fn spare(situation: &Situation, draft: &mut Draft, chosen: &mut Vec<Candidate>) {
    let standings = &situation.roster.standings;
    let is_serving = |candidate: &Candidate| standings[candidate.index() as usize].class == Class::Serving;
    let left = situation.roster.serving().saturating_sub(draft.serving_taken);
    let mut spendable = left.saturating_sub(situation.balance.floor);
    let before = chosen.len();
    if chosen.iter().filter(|candidate| is_serving(candidate)).count() > spendable as usize {
        chosen.sort_unstable();
        chosen.retain(|candidate| {
            let is_kept = !is_serving(candidate) || spendable > 0;
            spendable -= u32::from(is_kept && is_serving(candidate));
            is_kept
        });
    }
    draft.under_floor += u32::try_from(before - chosen.len()).unwrap_or(u32::MAX);
}

/// Members that may be let go, and how many may not because they are protected.
fn candidates(
    input: &PlanInput<'_>,
    situation: &Situation,
    lane: &Lane,
    is_asked_for: impl Fn(Class) -> bool,
) -> (Vec<Candidate>, u32) {
    let mut candidates = Vec::with_capacity(input.members.len());
    let mut protected = 0;
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if !is_asked_for(standing.class) || !is_within(lane.scope, *standing) {
            continue;
        }
        match rank(*standing) {
            Some(rank) if !standing.is_untouchable() => {
                candidates.push(Candidate::new(rank, member.sequence, index));
            }
            Some(_) => protected += 1,
            None => {}
        }
    }
    (candidates, protected)
}

const fn is_within(scope: Scope, standing: Standing) -> bool {
    match scope {
        Scope::All => true,
        Scope::Current => standing.is_current(),
        Scope::Other => !standing.is_current(),
    }
}

/// How early a member goes; `None` for those that this step does not touch.
fn rank(standing: Standing) -> Option<VictimRank> {
    if matches!(standing.fate, Fate::Doomed | Fate::Condemned) || standing.is_stale() {
        return None;
    }
    match standing.class {
        // On their way out already, resolved first, or removed by repair in any case.
        Class::Leaving
        | Class::Requested
        | Class::InDoubt
        | Class::Retiring
        | Class::Kept
        | Class::Failed
        | Class::Overdue => None,
        Class::Intended => Some(VictimRank::Unsent),
        Class::Stopped => Some(VictimRank::Broken),
        Class::Unhealthy => Some(VictimRank::Unhealthy),
        Class::Missing | Class::OutOfContact | Class::Stranded => Some(VictimRank::OutOfContact),
        Class::Starting => Some(VictimRank::Starting),
        Class::Serving if !standing.is_current() => Some(VictimRank::OldRevision),
        Class::Serving => Some(VictimRank::Oldest),
    }
}

/// The `count` members that go first.
fn choose(situation: &Situation, input: &PlanInput<'_>, victims: Vec<Candidate>, count: u32) -> Vec<Candidate> {
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
    worse.append(&mut crowding::fullest_first(input, situation, &equals, rest));
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
    situation: &Situation,
    lane: &Lane,
    draft: &mut Draft,
    chosen: &[Candidate],
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
        let reason = Reason::AboveCapacity { occupied: lane.useful, wanted: lane.level, rank };
        for (index, _) in (0_u32..).zip(&ranks).filter(|(_, of_member)| **of_member == rank as u8) {
            let (member, standing) = (&input.members[index as usize], situation.roster.standings[index as usize]);
            let step = step(input, member, standing);
            draft.act(member, Choice { index, class: standing.class, step }, reason)?;
        }
    }
    Ok(())
}

fn step(input: &PlanInput<'_>, member: &Member, standing: Standing) -> Step {
    if standing.class == Class::Intended { Step::Cancel } else { first_stage(input, member, standing) }
}

/// The rank of a member that is not chosen.
const STAYS: u8 = u8::MAX;
