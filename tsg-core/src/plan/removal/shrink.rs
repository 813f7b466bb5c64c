//! Lets go of members that are not needed any more.
//!
//! Owns how many go at once. Must never choose a protected member, nor one that is in doubt: that
//! is resolved first.

use alloc::vec;
use alloc::vec::Vec;

use super::super::Situation;
use super::super::balance::Lane;
use super::super::classify::detail_of;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::PlanInput;
use super::super::output::{Action, Class, PlanError, Reason, VictimRank, Wait};
use super::candidate::{Candidate, Field, is_staged, unsent};
use super::choice::{Sequence, choose};
use super::first_stage;
use crate::count;
use crate::model::operation::Cause;
use crate::model::policy::Identity;

/// Cancels and removes what is above the capacity.
pub(in super::super) fn shrink(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let balance = &situation.balance;
    let has_places = input.policy.identity == Identity::Ordinal;
    let mut turns = None;
    for lane in [Some(&balance.main), balance.canaries.as_ref()].into_iter().flatten() {
        if lane.cancels > 0 || has_places {
            cancel(input, situation, lane, draft)?;
        }
        if lane.deletes > 0 || has_places {
            let turns = match &mut turns {
                Some(turns) => turns,
                None => turns.insert(Turns::of(input, situation, draft)?),
            };
            remove(input, situation, lane, draft, turns)?;
        }
    }
    Ok(())
}

/// How many more may be drained or shut down at once because the group shrinks.
#[derive(Debug, Clone, Copy)]
struct Turns {
    at_once: u32,
    left: u32,
}

impl Turns {
    fn of(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Result<Self, PlanError> {
        let roster = &situation.roster;
        let mut under_way = 0_u32;
        for (member, standing) in input.members.iter().zip(&roster.standings) {
            if standing.class == Class::Retiring {
                let retirement = detail_of(member, input)?.and_then(|detail| detail.retirement);
                under_way += u32::from(retirement.is_some_and(|retirement| retirement.cause == Cause::ScaleIn));
            }
        }
        // Those that this plan takes to their end make room for the next in it.
        let ended = ended(input, draft)?;
        under_way = under_way.saturating_sub(ended);
        let size = (roster.occupied() - roster.counts.of(Class::Leaving)).saturating_sub(ended);
        let at_once = input.policy.scale_in.at_once.at_least_one_of(size);
        Ok(Self { at_once, left: at_once.saturating_sub(under_way) })
    }
}

/// Members whose removal because the group shrinks comes to its end in this plan.
fn ended(input: &PlanInput<'_>, draft: &Draft) -> Result<u32, PlanError> {
    let mut ended = 0;
    for (planned, index) in draft.actions.iter().zip(&draft.targets) {
        if matches!(planned.action, Action::Delete { .. } | Action::Keep { .. }) {
            let detail = detail_of(&input.members[*index as usize], input)?;
            let retirement = detail.and_then(|detail| detail.retirement);
            ended += u32::from(retirement.is_some_and(|retirement| retirement.cause == Cause::ScaleIn));
        }
    }
    Ok(ended)
}

fn cancel(input: &PlanInput<'_>, situation: &Situation, lane: &Lane, draft: &mut Draft) -> Result<(), PlanError> {
    let (mut chosen, mut others) = unsent(input, situation, lane.scope)?;
    let count = lane.cancels as usize;
    if count < others.len() {
        others.select_nth_unstable(count);
        others.truncate(count);
    }
    chosen.append(&mut others);
    emit(input, situation, lane, draft, &chosen)
}

fn remove(
    input: &PlanInput<'_>,
    situation: &Situation,
    lane: &Lane,
    draft: &mut Draft,
    turns: &mut Turns,
) -> Result<(), PlanError> {
    let mut field = Field::of(input, situation, lane)?;
    let excess = lane.deletes.saturating_add(field.displaced);
    let available = count::of(field.victims.len());
    let possible = excess.saturating_sub(field.displaced_stuck).min(available);
    report_lacking(draft, &field, excess - possible);
    let count = possible.min(input.limits.asked_deletes.saturating_sub(draft.asked_deletes));
    draft.over_budget += possible - count;
    if count == 0 {
        return Ok(());
    }
    let victims = core::mem::take(&mut field.victims);
    let left = situation.roster.serving().saturating_sub(draft.serving_taken);
    let spendable = left.saturating_sub(situation.balance.floor);
    let is_bound = field.serving > spendable || field.staged > turns.left;
    let sequence = if is_bound { Sequence::InOrder } else { Sequence::Any };
    let mut chosen = choose(input, situation, victims, count as usize, sequence)?;
    if is_bound {
        hold_back(input, situation, draft, (spendable, turns), &mut chosen);
    } else {
        turns.left -= field.staged.min(count);
    }
    draft.asked_deletes += count::of(chosen.len());
    emit(input, situation, lane, draft, &chosen)
}

/// Says why fewer may go than should.
fn report_lacking(draft: &mut Draft, field: &Field, lacking: u32) {
    let spared = lacking.min(field.spared);
    draft.protected += (lacking - spared).min(field.protected);
    if let Some(until) = field.spared_until.filter(|_| spared > 0) {
        draft.waits.push(Wait::Spared { count: spared, until });
        draft.wake(Some(until));
    }
}

/// Leaves those out that the availability floor needs, and those whose turn has not come. The
/// first of the chosen go first.
fn hold_back(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
    (mut spendable, turns): (u32, &mut Turns),
    chosen: &mut Vec<Candidate>,
) {
    let mut waiting = 0;
    chosen.retain(|candidate| {
        let index = candidate.index() as usize;
        let (member, standing) = (&input.members[index], situation.roster.standings[index]);
        let (is_serving, is_staged) = (standing.class == Class::Serving, is_staged(input, member, standing));
        if is_serving && spendable == 0 {
            draft.under_floor += 1;
            return false;
        }
        if is_staged && turns.left == 0 {
            waiting += 1;
            return false;
        }
        spendable -= u32::from(is_serving);
        turns.left -= u32::from(is_staged);
        true
    });
    if waiting > 0 {
        draft.waits.push(Wait::Turns { count: waiting, at_once: turns.at_once });
    }
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
    if chosen.is_empty() {
        return Ok(());
    }
    draft.expect(count::of(chosen.len()), input.members);
    let mut ranks = vec![STAYS; input.members.len()];
    let mut is_present = [false; VictimRank::ALL.len()];
    for candidate in chosen {
        let rank = candidate.rank();
        ranks[candidate.index() as usize] = rank as u8;
        is_present[rank as usize] = true;
    }
    let displaced = situation.roster.standings.iter().filter(|standing| standing.is_displaced()).count();
    let occupied = lane.useful.saturating_add(count::of(displaced));
    for rank in VictimRank::ALL.into_iter().filter(|rank| is_present[*rank as usize]) {
        let reason = Reason::AboveCapacity { occupied, wanted: lane.level, rank };
        for (index, _) in (0_u32..).zip(&ranks).filter(|(_, of_member)| **of_member == rank as u8) {
            let (member, standing) = (&input.members[index as usize], situation.roster.standings[index as usize]);
            let is_unsent = standing.class == Class::Intended;
            let step = if is_unsent { Step::Cancel } else { first_stage(input, member, standing) };
            draft.act(member, Choice { index, class: standing.class, step }, reason)?;
        }
    }
    Ok(())
}

/// The rank of a member that is not chosen.
const STAYS: u8 = u8::MAX;
