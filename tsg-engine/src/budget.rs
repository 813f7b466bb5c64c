//! What the engine may do unasked, whatever the planner says.
//!
//! Owns the ceilings on deletes and starts that no user asked for, and the ramp after a start.
//! Pure: time is an argument, on the monotonic clock. Must never hold up what a user asked for.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use core::time::Duration;

use tsg_core::model::id::GroupId;
use tsg_core::model::operation::Cause;

const MINUTE: Duration = Duration::from_secs(60);
/// Share of the budget there is right after a start.
const RAMP_START: f64 = 0.1;

/// Whether nobody asked for a delete with this cause. A rollout follows from what a user wrote,
/// and how long a machine is kept is the user's own policy.
pub(crate) fn is_unasked(cause: Option<Cause>) -> bool {
    match cause {
        Some(Cause::ScaleIn | Cause::TearDown | Cause::Rollout | Cause::Expiry) => false,
        Some(Cause::Repair | Cause::Surplus | Cause::Capacity) | None => true,
    }
}

/// The ceilings of one account.
#[derive(Debug)]
pub(crate) struct UnaskedBudget {
    per_minute: u32,
    gap: Duration,
    ramp: Duration,
    started_at: Duration,
    taken: VecDeque<Duration>,
    last_of: BTreeMap<GroupId, Duration>,
}

impl UnaskedBudget {
    /// A full budget that opens over `ramp` from now on.
    pub(crate) fn new(per_minute: u32, gap: Duration, ramp: Duration, now: Duration) -> Self {
        Self { per_minute, gap, ramp, started_at: now, taken: VecDeque::new(), last_of: BTreeMap::new() }
    }

    /// How many unasked deletes `group` may begin now: none or one.
    pub(crate) fn deletes_of(&self, group: GroupId, now: Duration) -> u32 {
        u32::from(self.ready_at(group, now) <= now)
    }

    /// How many unasked starts may begin now in the account.
    pub(crate) fn starts(&self, now: Duration) -> u32 {
        let recent = self.taken.iter().filter(|at| now.saturating_sub(**at) < MINUTE).count();
        self.ceiling(now).saturating_sub(u32::try_from(recent).unwrap_or(u32::MAX))
    }

    /// When `group` may begin its next unasked delete.
    pub(crate) fn ready_at(&self, group: GroupId, now: Duration) -> Duration {
        let of_group = self.last_of.get(&group).map_or(Duration::ZERO, |last| *last + self.gap);
        let ceiling = self.ceiling(now) as usize;
        let of_account = match self.taken.len().checked_sub(ceiling) {
            Some(index) => self.taken.get(index).map_or(now + MINUTE, |oldest| *oldest + MINUTE),
            None => Duration::ZERO,
        };
        of_group.max(of_account)
    }

    /// An unasked delete begins.
    pub(crate) fn take_delete(&mut self, group: GroupId, now: Duration) {
        self.last_of.insert(group, now);
        self.take_start(now);
    }

    /// An unasked start begins.
    pub(crate) fn take_start(&mut self, now: Duration) {
        while self.taken.front().is_some_and(|at| now.saturating_sub(*at) >= MINUTE) {
            self.taken.pop_front();
        }
        self.taken.push_back(now);
    }

    fn ceiling(&self, now: Duration) -> u32 {
        let age = now.saturating_sub(self.started_at).as_secs_f64();
        let ramp = self.ramp.as_secs_f64().max(f64::MIN_POSITIVE);
        let share = (RAMP_START + (1.0 - RAMP_START) * age / ramp).min(1.0);
        ((f64::from(self.per_minute) * share) as u32).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn group(number: u128) -> GroupId {
        GroupId::new(Uuid::from_u128(number))
    }

    /// Takes whatever is offered for an hour and counts every window.
    #[test]
    fn no_window_ever_sees_more_than_the_ceilings() {
        let second = Duration::from_secs(1);
        let mut budget = UnaskedBudget::new(20, 10 * second, 300 * second, Duration::ZERO);
        let mut taken: Vec<(Duration, u128)> = Vec::new();
        for now in (0..3600).map(Duration::from_secs) {
            for number in 0..50 {
                if budget.deletes_of(group(number), now) > 0 {
                    budget.take_delete(group(number), now);
                    taken.push((now, number));
                }
            }
        }
        let within = |from: Duration| taken.iter().filter(|(at, _)| *at >= from && *at < from + MINUTE).count();
        assert!((0..3540).map(Duration::from_secs).all(|from| within(from) <= 20));
        assert!((2..=6).contains(&within(Duration::ZERO)), "{} in the first minute", within(Duration::ZERO));
        assert!(within(Duration::from_secs(1800)) == 20, "the whole budget is there after the ramp");
        for number in 0..50 {
            let times: Vec<_> = taken.iter().filter(|(_, of)| *of == number).map(|(at, _)| *at).collect();
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 10 * second));
        }
    }
}
