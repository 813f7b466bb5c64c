//! The slow start and the back-off of creates.
//!
//! Owns how many creates may be unanswered at once and when they wait. Must never be asked about
//! anything but creates.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::PlanMemory;
use crate::model::time::Timestamp;
use crate::protocol::create::Refusal;

/// What held creates up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setback {
    /// The cloud refused one.
    Refused(Refusal),
    /// Their machines failed, one after the other.
    ProvisioningFailed,
}

/// Creates wait until then, after which one is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Why.
    pub cause: Setback,
    /// How many times in a row.
    pub times: u32,
    /// Until when.
    pub until: Timestamp,
}

/// First wait after a refusal.
const BACKOFF_FIRST: Duration = Duration::from_secs(60);
/// Longest wait after refusals.
const BACKOFF_MAX: Duration = Duration::from_secs(30 * 60);
/// First wait after a refusal that says nothing about the request: rate limit, maintenance,
/// unreachable.
const PASSING_FIRST: Duration = Duration::from_secs(1);
/// Longest wait after such refusals.
const PASSING_MAX: Duration = Duration::from_secs(60);
/// Failures in a row before creates wait: the image or the package is broken, not one machine.
const FAILURES_TOLERATED: u32 = 3;
/// Creates of one group unanswered at once, at most.
pub const CREATE_WINDOW_MAX: u32 = 256;

impl PlanMemory {
    /// A create was answered with a machine.
    pub fn note_bound(&mut self) {
        self.create_window = self.create_window.saturating_add(1).min(CREATE_WINDOW_MAX);
        // That the cloud takes creates says nothing about whether their machines come up.
        if self.create_backoff.is_some_and(|backoff| backoff.cause != Setback::ProvisioningFailed) {
            self.create_backoff = None;
        }
    }

    /// A machine came up.
    pub fn note_ready(&mut self) {
        self.failures_in_row = 0;
        if self.create_backoff.is_some_and(|backoff| backoff.cause == Setback::ProvisioningFailed) {
            self.create_backoff = None;
        }
    }

    /// A machine's provisioning failed. One is replaced at once; several in a row are not bad
    /// luck.
    pub fn note_failed(&mut self, now: Timestamp) {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        if self.failures_in_row >= FAILURES_TOLERATED {
            self.back_off(Setback::ProvisioningFailed, (BACKOFF_FIRST, BACKOFF_MAX), now, Duration::ZERO);
        }
    }

    /// A create was surely refused; `retry_after` is what the cloud asked for.
    pub fn note_refused(&mut self, cause: Refusal, now: Timestamp, retry_after: Option<Duration>) {
        let range = match cause {
            Refusal::Throttled | Refusal::Maintenance | Refusal::Unreachable => (PASSING_FIRST, PASSING_MAX),
            Refusal::Credentials | Refusal::Permission | Refusal::Quota | Refusal::Capacity | Refusal::Request => {
                (BACKOFF_FIRST, BACKOFF_MAX)
            }
        };
        self.back_off(Setback::Refused(cause), range, now, retry_after.unwrap_or(Duration::ZERO));
    }

    fn back_off(&mut self, cause: Setback, (first, max): (Duration, Duration), now: Timestamp, least: Duration) {
        let times = match self.create_backoff {
            // Several creates of one round that come to grief together count once.
            Some(backoff) if now < backoff.until => return,
            Some(backoff) => backoff.times.saturating_add(1),
            None => 1,
        };
        let wait = first.saturating_mul(1 << (times - 1).min(16)).min(max).max(least);
        self.create_window = 1;
        self.create_backoff = Some(Backoff { cause, times, until: now.after(wait) });
    }

    /// A create was left in doubt.
    pub fn note_unknown(&mut self) {
        self.create_window = (self.create_window / 2).max(1);
    }

    /// Whether one more create may be sent now, with `unanswered` of them sent and not answered.
    /// While a back-off is set, those in doubt belong to them: one of them is the create that
    /// tries the ground.
    ///
    /// What was planned before a refusal is held back by this: the first refusal of a round stops
    /// the rest of it, and after the back-off a single create tries the ground.
    pub fn may_send(&self, now: Timestamp, unanswered: u32) -> bool {
        match self.create_backoff {
            Some(backoff) => now >= backoff.until && unanswered == 0,
            None => unanswered < self.create_window.max(1),
        }
    }

    /// The user changed the group: what was refused may now be accepted.
    pub fn note_new_intent(&mut self) {
        self.create_backoff = None;
        self.failures_in_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_one_round_count_once_and_waits_double_to_the_cap() {
        let mut memory = PlanMemory { create_window: 40, ..PlanMemory::default() };
        let mut now = Timestamp::EPOCH;
        let mut waits = alloc::vec::Vec::new();
        for _ in 0..7 {
            memory.note_refused(Refusal::Quota, now, None);
            memory.note_refused(Refusal::Quota, now, None);
            let until = memory.create_backoff.unwrap().until;
            waits.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1800, 1800]);
        assert_eq!(memory.create_window, 1);
        memory.note_bound();
        assert_eq!(memory, PlanMemory { create_window: 2, ..PlanMemory::default() });
    }

    #[test]
    fn one_create_tries_the_ground_after_a_refusal() {
        let mut memory = PlanMemory { create_window: 8, ..PlanMemory::default() };
        assert!(memory.may_send(Timestamp::EPOCH, 7) && !memory.may_send(Timestamp::EPOCH, 8));
        memory.note_refused(Refusal::Quota, Timestamp::EPOCH, None);
        let until = Timestamp::EPOCH.after(BACKOFF_FIRST);
        assert!(!memory.may_send(until.before(Duration::from_millis(1)), 0));
        assert!(memory.may_send(until, 0) && !memory.may_send(until, 1));
    }

    #[test]
    fn failures_in_a_row_back_off_until_a_machine_comes_up() {
        let mut memory = PlanMemory::default();
        memory.note_failed(Timestamp::EPOCH);
        memory.note_failed(Timestamp::EPOCH);
        assert_eq!(memory.create_backoff, None, "two failures are bad luck");
        memory.note_failed(Timestamp::EPOCH);
        let backoff = memory.create_backoff.unwrap();
        assert_eq!((backoff.cause, backoff.times), (Setback::ProvisioningFailed, 1));
        memory.note_bound();
        assert_eq!(memory.create_backoff, Some(backoff), "being created is not coming up");
        memory.note_failed(backoff.until);
        assert_eq!(memory.create_backoff.unwrap().times, 2);
        memory.note_ready();
        assert_eq!((memory.create_backoff, memory.failures_in_row), (None, 0));
    }

    #[test]
    fn a_create_in_doubt_halves_the_window_and_never_closes_it() {
        let mut memory = PlanMemory { create_window: 5, ..PlanMemory::default() };
        let widths: alloc::vec::Vec<u32> = (0..4)
            .map(|_| {
                memory.note_unknown();
                memory.create_window
            })
            .collect();
        assert_eq!(widths, [2, 1, 1, 1]);
    }
}
