//! The room that a rollout has, and what becomes of it when there is none.
//!
//! Owns surge and unavailability and the guard against a rollout that can never take its next
//! step. Must never take that step itself.

use super::super::input::PlanInput;
use super::super::memory::{Course, RolloutState};
use super::super::output::{Block, Class};
use super::outlook::Outlook;
use crate::model::policy::{Bounds, Identity, OnDeadlock};
use crate::protocol::create::Refusal;

/// The bounds of the policy, or what stands in for them, within what discovery needs. Where nothing
/// comes on top one has to go first, whoever is listed.
pub(super) fn bounds(input: &PlanInput<'_>, course: &Course) -> Bounds {
    let bounds = asked(input, course);
    let spare = input.intent.capacity.saturating_sub(input.limits.least_listed);
    Bounds { unavailable: bounds.unavailable.min(spare.max(u32::from(bounds.surge == 0))), ..bounds }
}

fn asked(input: &PlanInput<'_>, course: &Course) -> Bounds {
    let bounds = input.policy.update.bounds(input.policy.identity, input.intent.capacity);
    if course.is_swapping && !course.state.is_over() {
        return Bounds { surge: 0, unavailable: bounds.unavailable.max(1) };
    }
    // What a person asks for one by one has a width of its own.
    match (input.intent.orders.width, input.policy.identity) {
        (0, _) => bounds,
        (_, _) if !matches!(course.state, RolloutState::Successful | RolloutState::Reverted) => bounds,
        (width, Identity::Ordinal) => Bounds { surge: 0, unavailable: width },
        (width, Identity::Unordered) => Bounds { surge: width, ..bounds },
    }
}

/// What is in the way of the instances that come on top, if something is and no others may go
/// first.
pub(super) fn deadlock(outlook: &Outlook<'_>) -> Option<Block> {
    let on_top = match outlook.course.state {
        RolloutState::Canary if outlook.roster.current.useful < outlook.canaries() => outlook.canaries(),
        RolloutState::Rolling | RolloutState::Reverting if needs_surge(outlook) => 1,
        _ => return None,
    };
    let needed = outlook.wanted.saturating_add(on_top);
    let (useful, most) = (outlook.roster.useful(), most(outlook));
    let room = if is_refused(outlook) && useful >= outlook.wanted { most.min(useful) } else { most };
    (room < needed).then_some(Block::NoRoomForSurge { room, needed })
}

/// Whether nothing can be changed before another instance has come on top.
fn needs_surge(outlook: &Outlook<'_>) -> bool {
    let counts = &outlook.roster.counts;
    let leaving = counts.of(Class::Leaving) + counts.of(Class::Retiring);
    let is_there = outlook.roster.useful().saturating_add(leaving) > outlook.wanted;
    outlook.bounds.unavailable == 0 && outlook.tally.movable > 0 && !has_useless(outlook) && !is_there
}

/// Whether members that are given up or broken take the room of those that are to come after them.
pub(super) fn is_cornered(outlook: &Outlook<'_>) -> bool {
    let is_moving = matches!(outlook.course.state, RolloutState::Rolling | RolloutState::Reverting);
    is_moving && has_useless(outlook) && (is_refused(outlook) || most(outlook) <= outlook.roster.occupied())
}

/// Whether there is somebody who may go first without a loss.
const fn has_useless(outlook: &Outlook<'_>) -> bool {
    outlook.tally.given_up > 0 || outlook.tally.broken > 0
}

/// How many instances there is room for.
fn most(outlook: &Outlook<'_>) -> u32 {
    outlook.input.limits.most_instances.saturating_sub(outlook.roster.counts.of(Class::Kept))
}

/// Whether the cloud refused a create because it has no room.
fn is_refused(outlook: &Outlook<'_>) -> bool {
    matches!(outlook.refusal(), Some(Refusal::Quota | Refusal::Capacity))
}

/// The course that makes do without a surge from now on, if the policy says so.
pub(super) fn swapped(outlook: &Outlook<'_>) -> Option<Course> {
    let is_moving = matches!(outlook.course.state, RolloutState::Rolling | RolloutState::Reverting);
    let may_swap = outlook.input.policy.update.on_deadlock == OnDeadlock::Swap && !outlook.course.is_swapping;
    (is_moving && may_swap && deadlock(outlook).is_some()).then_some(Course { is_swapping: true, ..outlook.course })
}
