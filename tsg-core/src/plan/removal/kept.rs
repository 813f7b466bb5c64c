//! Members that are kept stopped for a person to look at.
//!
//! Owns how long and how many. Must never count them as capacity, nor touch one that a person
//! holds.

use alloc::vec::Vec;

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::{PlanInput, Retirement, RetirementStage};
use super::super::output::{Action, Class, PlanError, Reason};
use crate::model::time::Timestamp;

/// One that is kept: since when, its age, its index.
type Kept = (Timestamp, u32, u32);

/// Deletes those that were kept long enough, and the oldest of those that are too many. Comes
/// after every step that keeps one more.
pub(in super::super) fn expire(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let joining = limit_new(input, draft);
    if situation.roster.counts.of(Class::Kept) == 0 {
        return Ok(());
    }
    let stop = &input.policy.stop;
    let kept = oldest_first(input, situation, draft)?;
    draft.expect(situation.roster.counts.of(Class::Kept), input.members);
    let surplus = (kept.len() + joining).saturating_sub(stop.preserve_max as usize);
    for (place, (since, _, index)) in kept.into_iter().enumerate() {
        let due_at = since.after(stop.preserve_for.as_duration());
        if due_at > input.now && place >= surplus {
            draft.wake(Some(due_at));
        } else {
            let choice = Choice { index, class: Class::Kept, step: Step::Delete };
            draft.act(&input.members[index as usize], choice, Reason::KeptLongEnough { since })?;
        }
    }
    Ok(())
}

/// Deletes those that would be kept in this plan only for the next one to let them go; gives how
/// many stay. What was kept a moment ago stays as well: others count on the slot that it left.
fn limit_new(input: &PlanInput<'_>, draft: &mut Draft) -> usize {
    let is_keep = |action: &Action| matches!(action, Action::Keep { .. });
    let joining = draft.kept as usize;
    if joining == 0 {
        return 0;
    }
    let limit = (input.policy.stop.preserve_max as usize).saturating_sub(joined(input));
    let keeps = draft.actions.iter_mut().filter(|planned| is_keep(&planned.action));
    for planned in keeps.take(joining.saturating_sub(limit)) {
        if let Action::Keep { operation, instance } = planned.action {
            planned.action = Action::Delete { operation, instance };
            draft.kept -= 1;
            draft.staged -= 1;
        }
    }
    joining.min(limit)
}

/// How many were kept at this very moment.
fn joined(input: &PlanInput<'_>) -> usize {
    let joins = |retirement: Retirement| retirement.stage == RetirementStage::Kept && retirement.since >= input.now;
    input.details.iter().filter(|detail| detail.retirement.is_some_and(joins)).count()
}

fn oldest_first(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<Vec<Kept>, PlanError> {
    let mut kept = Vec::with_capacity(situation.roster.counts.of(Class::Kept) as usize);
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        let retirement = detail_of(member, input)?.and_then(|detail| detail.retirement);
        let Some(retirement) = retirement.filter(|_| standing.class == Class::Kept) else { continue };
        let is_over = retirement.since.after(input.policy.stop.preserve_for.as_duration()) <= input.now;
        if !standing.is_untouchable() {
            kept.push((retirement.since, member.sequence, index));
        } else if is_over && member.is_protected() {
            draft.protected += 1;
        }
    }
    kept.sort_unstable();
    Ok(kept)
}
