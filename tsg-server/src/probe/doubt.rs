//! What failed of late, while nobody can tell yet whose failure it is.
//!
//! Owns which failures a control target speaks for. Must never hold more than a few of one check, and
//! never let a newer one take the place of the oldest: that one is believed first, however slow the
//! control targets are.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tsg_core::model::id::InstanceId;

use super::outbox::Finding;

/// Failures of one check that wait. Control targets are asked each second and answer within one, and
/// no check is made more often: that is what there can be, and one more.
const HELD_MAX: usize = 4;

/// What waits.
#[derive(Default)]
pub struct Doubt {
    /// Of each check the oldest first.
    held: BTreeMap<(InstanceId, u16), Vec<Held>>,
}

struct Held {
    finding: Finding,
    ended: Instant,
}

impl Doubt {
    /// Something was found to fail just now. What does not wait any more for want of room.
    pub fn put(&mut self, finding: Finding, now: Instant) -> Option<Finding> {
        let of_check = self.held.entry((finding.instance, finding.check)).or_default();
        let crowded_out = if of_check.len() < HELD_MAX { None } else { of_check.pop() };
        of_check.push(Held { finding, ended: now });
        crowded_out.map(|held| held.finding)
    }

    /// A control target answers that was asked at some time: what had failed by then, oldest first.
    pub fn confirm(&mut self, asked: Instant, now: Instant) -> Vec<Finding> {
        let mut confirmed = Vec::new();
        self.held.retain(|_, of_check| {
            let count = of_check.partition_point(|held| held.ended <= asked);
            confirmed.extend(of_check.drain(..count));
            !of_check.is_empty()
        });
        confirmed.sort_by_key(|held| held.ended);
        let told = |held: Held| Finding { waited: now.saturating_duration_since(held.ended), ..held.finding };
        confirmed.into_iter().map(told).collect()
    }

    /// A check of an instance is another one from now on, or none.
    pub fn forget(&mut self, instance: InstanceId, check: u16) {
        self.held.remove(&(instance, check));
    }

    /// Nothing of it is believed. How many there were.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.held).values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tsg_core::health::fact::{Fact, Failure, Outcome};
    use tsg_core::model::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn failed(instance: u128, second: i64) -> Finding {
        let outcome = Outcome::Failed(Failure::Refused);
        let fact = Fact { at: Timestamp::from_millis(second * 1_000), took: Duration::ZERO, outcome };
        Finding { instance: InstanceId::new(Uuid::from_u128(instance)), check: 0, fact, waited: Duration::ZERO }
    }

    /// The instance, when it failed, and for how many milliseconds nobody believed that.
    fn brief(findings: &[Finding]) -> Vec<(u128, i64, u128)> {
        let one = |finding: &Finding| {
            (finding.instance.uuid().as_u128(), finding.fact.at.as_millis() / 1_000, finding.waited.as_millis())
        };
        findings.iter().map(one).collect()
    }

    #[test]
    fn each_failure_is_confirmed_by_the_first_answer_to_what_was_asked_after_it() {
        let (mut doubt, begin) = (Doubt::default(), Instant::now());
        let at = |millis: u64| begin + Duration::from_millis(millis);
        // Asked at 0.5 s and 1.5 s, a control target answers 0.9 s later: each time with a newer failure since.
        doubt.put(failed(7, 0), at(0));
        doubt.put(failed(8, 0), at(400));
        doubt.put(failed(7, 1), at(1_000));
        assert_eq!(brief(&doubt.confirm(at(500), at(1_400))), [(7, 0, 1_400), (8, 0, 1_000)]);
        doubt.put(failed(7, 2), at(2_000));
        assert_eq!(brief(&doubt.confirm(at(1_500), at(2_400))), [(7, 1, 1_400)]);
        assert_eq!(doubt.clear(), 1);
        assert_eq!(brief(&doubt.confirm(at(9_000), at(9_000))), []);
    }

    #[test]
    fn however_long_nobody_can_tell_the_oldest_and_the_newest_of_each_check_stay() {
        let (mut doubt, begin) = (Doubt::default(), Instant::now());
        let at = |second: u64| begin + Duration::from_secs(second);
        let gone: Vec<Finding> =
            (0..100).filter_map(|second| doubt.put(failed(7, second), at(second as u64))).collect();
        assert_eq!(gone.len(), 100 - HELD_MAX);
        let seconds: Vec<i64> = brief(&doubt.confirm(at(100), at(100))).iter().map(|(_, second, _)| *second).collect();
        assert_eq!(seconds, [0, 1, 2, 99]);
        doubt.put(failed(7, 0), at(0));
        doubt.forget(InstanceId::new(Uuid::from_u128(7)), 0);
        assert_eq!(doubt.clear(), 0);
    }
}
