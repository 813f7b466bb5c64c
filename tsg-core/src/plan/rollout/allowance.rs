//! How far a rollout may go in the state that it is in.
//!
//! Owns what each state allows and what it waits for. Must never change the state.

use super::super::memory::RolloutState;
use super::super::output::{Block, Wait};
use super::super::roster::earliest;
use super::outlook::Outlook;
use super::steer::{Pace, Steering};
use super::{clock, room, stages};
use crate::model::policy::window;
use crate::model::time::Timestamp;

/// How far it may go.
pub(super) fn of(outlook: &Outlook<'_>, rest: Steering) -> Steering {
    let allowed = match outlook.course.state {
        RolloutState::Canary | RolloutState::AwaitingPromotion => trying(outlook, rest),
        RolloutState::Rolling | RolloutState::Reverting | RolloutState::Successful | RolloutState::Reverted
            if !outlook.is_stopped() =>
        {
            moving(outlook, rest)
        }
        RolloutState::FailedHold => rest,
        _ => standing(outlook, rest),
    };
    Steering {
        unavailable: outlook.bounds.unavailable,
        block: block(outlook),
        wait: wait(outlook),
        next_wakeup: next_wakeup(outlook),
        ..allowed
    }
}

fn moving(outlook: &Outlook<'_>, rest: Steering) -> Steering {
    let tally = &outlook.tally;
    // The surge is for those that have to move; where nobody has to, it would only add. What was given
    // up may use its room as well. But its place is filled within the capacity, in which it does not
    // count any more: one on top would be a second one for the same place.
    let surge = if tally.movable == 0 && tally.given_up == 0 { 0 } else { outlook.bounds.surge };
    Steering {
        surge,
        movable: tally.movable,
        cap: stages::cap(outlook),
        pace: if tally.left > 0 { Pace::Moves } else { Pace::Stands },
        is_cornered: room::is_cornered(outlook),
        ..rest
    }
}

/// Nothing is changed, and what came on top already stays there.
fn standing(outlook: &Outlook<'_>, rest: Steering) -> Steering {
    if outlook.tally.left == 0 {
        return rest;
    }
    let on_top = outlook.roster.useful().saturating_sub(outlook.wanted);
    Steering { surge: outlook.bounds.surge.min(on_top), movable: u32::MAX, cap: stages::cap(outlook), ..rest }
}

/// Canaries are counted apart only from others that keep the capacity up.
fn trying(outlook: &Outlook<'_>, rest: Steering) -> Steering {
    if !outlook.goal.is_filled_by_others(outlook.input) {
        return rest;
    }
    let there = outlook.roster.current.useful;
    let canaries = if outlook.is_stopped() { outlook.canaries().min(there) } else { outlook.canaries() };
    Steering { canaries: Some(canaries), ..rest }
}

/// What a person has to do about it.
fn block(outlook: &Outlook<'_>) -> Option<Block> {
    let course = &outlook.course;
    let reverted_to = match course.state {
        RolloutState::Reverting | RolloutState::Reverted => course.from,
        _ => 0,
    };
    let failed = course.failure.map(|failure| Block::RolloutFailed { revision: course.target, failure, reverted_to });
    match course.state {
        RolloutState::Successful => None,
        RolloutState::Reverted | RolloutState::FailedHold => failed,
        _ if outlook.is_paused() => Some(Block::Paused),
        RolloutState::Reverting => room::deadlock(outlook).or(failed),
        RolloutState::AwaitingPromotion if stages::promotes_at(outlook).is_none() => {
            Some(Block::AwaitsPromotion { revision: course.target })
        }
        RolloutState::Checkpoint if stages::releases_at(outlook).is_none() => {
            Some(Block::AwaitsContinue { number: course.checkpoints.saturating_add(1) })
        }
        _ => room::deadlock(outlook).or_else(|| capped(outlook)),
    }
}

fn capped(outlook: &Outlook<'_>) -> Option<Block> {
    let allowed = outlook.input.policy.update.max_disruption;
    outlook.tally.capped.map(|needed| Block::DisruptionCapped { needed, allowed })
}

/// What passes by itself.
fn wait(outlook: &Outlook<'_>) -> Option<Wait> {
    if outlook.is_paused() {
        return None;
    }
    let windows = &outlook.input.policy.windows;
    let is_closed = outlook.tally.left > 0 && outlook.is_outside_of_windows() && !outlook.course.is_first;
    match outlook.course.state {
        RolloutState::Checkpoint => {
            let number = outlook.course.checkpoints.saturating_add(1);
            stages::releases_at(outlook).map(|until| Wait::Checkpoint { number, until })
        }
        RolloutState::AwaitingPromotion => stages::promotes_at(outlook).map(|until| Wait::Baking { until }),
        RolloutState::Baking => Some(Wait::Baking { until: stages::baked_at(outlook) }),
        RolloutState::FailedHold => None,
        _ if is_closed => Some(Wait::Maintenance { until: window::next_opening(windows, outlook.input.now) }),
        RolloutState::Planned => None,
        _ => proving(outlook),
    }
}

/// A group's first instances count as they are; nothing waits for them.
fn proving(outlook: &Outlook<'_>) -> Option<Wait> {
    let current = &outlook.roster.current;
    let count = current.serving.saturating_sub(current.proven);
    let is_watched = count > 0 && !outlook.course.is_first && !outlook.is_idle();
    let proven = outlook.roster.next_proven.filter(|_| is_watched).map(|until| Wait::Proving { count, until });
    // A batch that was changed in place serves on, but is watched as well.
    proven.or_else(|| outlook.watched_until().map(|until| Wait::Proving { count: current.proven, until }))
}

fn next_wakeup(outlook: &Outlook<'_>) -> Option<Timestamp> {
    let is_held = outlook.course.state == RolloutState::FailedHold || outlook.is_paused();
    if is_held || !super::super::may_act(outlook.input) {
        return None;
    }
    let mut next = clock::due(outlook);
    let can_fail = !outlook.course.state.is_over() && !outlook.course.is_first;
    earliest(&mut next, outlook.roster.next_proven.filter(|_| !outlook.is_idle()));
    earliest(&mut next, outlook.tally.next_failure.filter(|_| can_fail));
    earliest(&mut next, outlook.watched_until());
    earliest(&mut next, staged(outlook));
    next
}

/// When the state that it is in is over.
fn staged(outlook: &Outlook<'_>) -> Option<Timestamp> {
    let opening = || window::next_opening(&outlook.input.policy.windows, outlook.input.now);
    match outlook.course.state {
        RolloutState::Checkpoint => stages::releases_at(outlook),
        RolloutState::AwaitingPromotion => stages::promotes_at(outlook),
        RolloutState::Baking => Some(stages::baked_at(outlook)),
        _ if outlook.tally.left > 0 && outlook.is_outside_of_windows() => opening(),
        _ => None,
    }
}
