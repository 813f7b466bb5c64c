//! When a rollout has failed, and where that leads.
//!
//! Owns the way back. Must never go back twice in one rollout, nor to what has just failed.

use super::super::input::PlanInput;
use super::super::memory::{Course, Failure, RolloutState};
use super::super::roster::{Roster, Standing};
use super::clock;
use super::goal::differ;
use super::outlook::Outlook;

/// Why the rollout has failed, if it has.
pub(super) fn of(outlook: &Outlook<'_>) -> Option<Failure> {
    let Outlook { course, input, .. } = outlook;
    let is_on_its_way_back = course.state == RolloutState::Reverting;
    if input.intent.orders.aborted == course.target && !is_on_its_way_back {
        return Some(Failure::Aborted);
    }
    if course.is_first || course.state == RolloutState::Planned || outlook.is_paused() {
        return None;
    }
    let failed = course.failed.saturating_add(outlook.tally.failed);
    let tolerated = tolerated(input);
    if failed > tolerated {
        return Some(Failure::Instances { failed, tolerated });
    }
    let is_late = clock::due(outlook).is_some_and(|due| due <= input.now);
    is_late.then_some(Failure::NoProgress { since: course.progress_at })
}

/// How many new instances may fail. Without a progress deadline the first one ends it.
const fn tolerated(input: &PlanInput<'_>) -> u32 {
    let update = &input.policy.update;
    if update.progress_deadline.is_zero() { 0 } else { update.max_failures }
}

/// Where a failure leads: back, or nowhere.
pub(super) fn after(outlook: &Outlook<'_>, failure: Failure) -> Course {
    let Outlook { course, input, .. } = outlook;
    let failed = Course { failure: course.failure.or(Some(failure)), ..*course };
    if can_revert(outlook) {
        return Course { failed: 0, best: 0, ..failed }.entering(RolloutState::Reverting, input.now);
    }
    let best = newest(input, outlook.roster, Standing::is_proven).unwrap_or(course.target);
    Course { keeps: best, ..failed }.entering(RolloutState::FailedHold, input.now)
}

/// Whether there is something else that was stable, and this is the first time.
fn can_revert(outlook: &Outlook<'_>) -> bool {
    let Course { from, target, state, is_first, .. } = outlook.course;
    let may_revert = outlook.input.policy.update.auto_revert && state != RolloutState::Reverting && !is_first;
    may_revert && from != 0 && differ(outlook.input, from, target)
}

/// The newest revision that has a member of this kind.
pub(super) fn newest(input: &PlanInput<'_>, roster: &Roster, is_one: impl Fn(Standing) -> bool) -> Option<u32> {
    let members = input.members.iter().zip(&roster.standings);
    members.filter(|(_, standing)| is_one(**standing)).map(|(member, _)| member.revision).max()
}
