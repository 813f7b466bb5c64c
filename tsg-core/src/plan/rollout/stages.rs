//! The stages that a rollout goes through when nothing goes wrong.
//!
//! Owns canaries, promotion, checkpoints and the bake time. Must never look at failures.

use super::super::memory::{Course, RolloutState};
use super::goal::differ;
use super::outlook::Outlook;
use crate::model::amount::Amount;
use crate::model::time::Timestamp;

/// The course in its next stage, if it has come so far.
pub(super) fn next(outlook: &Outlook<'_>) -> Option<Course> {
    if outlook.is_paused() {
        return None;
    }
    match outlook.course.state {
        RolloutState::Planned => begun(outlook),
        RolloutState::Canary | RolloutState::AwaitingPromotion => tried(outlook),
        RolloutState::Rolling => rolled(outlook),
        RolloutState::Checkpoint => released(outlook),
        RolloutState::Baking => baked(outlook),
        RolloutState::Reverting => outlook.is_complete().then(|| enter(outlook, RolloutState::Reverted)),
        RolloutState::Successful | RolloutState::Reverted | RolloutState::FailedHold => None,
    }
}

fn enter(outlook: &Outlook<'_>, state: RolloutState) -> Course {
    outlook.course.entering(state, outlook.input.now)
}

/// A group's first rollout keeps the capacity and waits for nothing.
fn begun(outlook: &Outlook<'_>) -> Option<Course> {
    let Course { is_first, keeps, target, .. } = outlook.course;
    if !is_first && outlook.is_outside_of_windows() {
        return None;
    }
    let can_be_tried = outlook.tally.left > 0 && keeps != 0 && differ(outlook.input, keeps, target);
    let has_canaries = !is_first && can_be_tried && outlook.canaries() > 0;
    Some(enter(outlook, if has_canaries { RolloutState::Canary } else { RolloutState::Rolling }))
}

fn tried(outlook: &Outlook<'_>) -> Option<Course> {
    let is_awaiting = outlook.course.state == RolloutState::AwaitingPromotion;
    let is_meant = outlook.canaries() > 0 && outlook.goal.is_filled_by_others(outlook.input);
    // Whichever operations made them: a replaced canary is a canary.
    let current = &outlook.roster.current;
    let good = if is_awaiting { current.serving } else { current.proven };
    let are_good = good >= outlook.canaries();
    match (is_awaiting, are_good) {
        _ if !is_meant => Some(enter(outlook, RolloutState::Rolling)),
        (true, false) => Some(enter(outlook, RolloutState::Canary)),
        (false, true) => Some(enter(outlook, RolloutState::AwaitingPromotion)),
        (true, true) if is_promoted(outlook) => Some(enter(outlook, RolloutState::Rolling)),
        _ => None,
    }
}

fn is_promoted(outlook: &Outlook<'_>) -> bool {
    outlook.input.intent.orders.promoted == outlook.course.target
        || promotes_at(outlook).is_some_and(|at| at <= outlook.input.now)
}

/// When the canaries are promoted without being asked for.
pub(super) fn promotes_at(outlook: &Outlook<'_>) -> Option<Timestamp> {
    outlook.input.policy.update.auto_promote.then(|| baked_at(outlook))
}

/// When what has stayed well since this state began has done so long enough.
pub(super) fn baked_at(outlook: &Outlook<'_>) -> Timestamp {
    outlook.course.since.after(outlook.input.policy.update.bake_time.as_duration())
}

fn rolled(outlook: &Outlook<'_>) -> Option<Course> {
    if outlook.is_complete() {
        return Some(enter(outlook, RolloutState::Baking));
    }
    let is_there =
        outlook.tally.left > 0 && outlook.watched_until().is_none() && outlook.roster.current.proven >= cap(outlook);
    is_there.then(|| enter(outlook, RolloutState::Checkpoint))
}

/// How many members of the goal there may be before the next checkpoint.
pub(super) fn cap(outlook: &Outlook<'_>) -> u32 {
    let share = match outlook.course.state {
        RolloutState::Rolling | RolloutState::Checkpoint if !outlook.course.is_first => {
            outlook.input.policy.update.checkpoints.get(usize::from(outlook.course.checkpoints))
        }
        _ => None,
    };
    share.map_or(u32::MAX, |share| Amount::Percent(u16::from(*share)).of_rounded_up(outlook.wanted))
}

fn released(outlook: &Outlook<'_>) -> Option<Course> {
    let Course { target, checkpoints, .. } = outlook.course;
    let orders = &outlook.input.intent.orders;
    let is_told = orders.continued == target && orders.checkpoints > checkpoints;
    let is_over = releases_at(outlook).is_some_and(|at| at <= outlook.input.now);
    let is_passed = is_told || is_over || outlook.is_alone();
    is_passed.then(|| Course { checkpoints: checkpoints.saturating_add(1), ..enter(outlook, RolloutState::Rolling) })
}

/// When it leaves its checkpoint by itself.
pub(super) fn releases_at(outlook: &Outlook<'_>) -> Option<Timestamp> {
    let delay = outlook.input.policy.update.checkpoint_delay;
    (!delay.is_zero()).then(|| outlook.course.since.after(delay.as_duration()))
}

fn baked(outlook: &Outlook<'_>) -> Option<Course> {
    if !outlook.is_alone() || outlook.roster.current.serving < outlook.wanted {
        return Some(enter(outlook, RolloutState::Rolling));
    }
    (baked_at(outlook) <= outlook.input.now).then(|| enter(outlook, RolloutState::Successful))
}
