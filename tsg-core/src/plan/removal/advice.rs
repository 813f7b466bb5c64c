//! What a guest has to say about being removed.
//!
//! Owns how far it is listened to: it is advice, and grows old. Must never let a guest keep a
//! group from shrinking for ever.

use core::time::Duration;

use super::super::input::{Detail, Mark, PlanInput};
use super::super::output::Class;
use super::super::roster::Standing;
use crate::model::time::Timestamp;

/// A cost that was last written longer ago than this is not that of now any more.
const COST_FRESH: Duration = Duration::from_secs(10 * 60);

/// What is said for keeping a member; those with less go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Advice {
    /// Whether it is in the middle of something.
    pub is_busy: bool,
    /// What its removal costs; 0 when nobody says.
    pub cost: i32,
}

impl Advice {
    /// What a member's guest says.
    pub(super) fn of(input: &PlanInput<'_>, detail: Option<&Detail>) -> Self {
        let Some(detail) = detail else { return Self::default() };
        let is_fresh = detail.guest_at != Timestamp::EPOCH && detail.guest_at.after(COST_FRESH) >= input.now;
        Self {
            is_busy: detail.guest.busy == Some(true),
            cost: detail.guest.scale_in_cost.filter(|_| is_fresh).unwrap_or_default(),
        }
    }
}

/// Until when a member is not chosen by a scale-in unless it is named: it was adopted a short
/// while ago, or is busy and has not been for as long as a drain may take. A double of an ordinal
/// is not spared, since it does harm for as long as it is there.
pub(super) fn spared_until(input: &PlanInput<'_>, standing: Standing, detail: &Detail) -> Option<Timestamp> {
    if standing.is_displaced() || detail.marks.has(Mark::Named) {
        return None;
    }
    let adopted = (detail.adopted_at != Timestamp::EPOCH)
        .then(|| detail.adopted_at.after(input.policy.protect.adopted_for.as_duration()));
    let is_busy = standing.class == Class::Serving && detail.guest.busy == Some(true);
    let busy = is_busy.then(|| detail.guest_at.after(input.policy.stop.drain.timeout.as_duration()));
    adopted.max(busy).filter(|until| *until > input.now)
}
