//! When probes are due, and how soon a dead target is known to be so.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use core::time::Duration;

use crate::scene::{check, config, second};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use tsg_core::health::check::Pacing;
use tsg_core::health::fact::{Failure, Outcome};
use tsg_core::health::pulse::{Pulse, Standing, Thresholds};
use tsg_core::health::rota::{Ended, Rota, phase};
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::id::InstanceId;
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use uuid::Uuid;

/// A target that takes `took_ms` to answer until it dies, and then the whole timeout to fail.
struct Target {
    pacing: Pacing,
    thresholds: Thresholds,
    took_ms: u64,
    dies_at: Timestamp,
}

impl Target {
    fn new(fields: &str, took_ms: u64, dies_at: Timestamp) -> Self {
        let health = HealthSpec::of(vec![check("both", fields)]);
        let thresholds = Thresholds::of(&health, &health.checks[0]);
        Self { pacing: health.checks[0].pacing, thresholds, took_ms, dies_at }
    }

    /// A probe that begins at `at`: what it finds, and when it is done.
    fn probed(&self, at: Timestamp) -> (Outcome, Ended, Timestamp) {
        let answered_at = at.after(Duration::from_millis(self.took_ms));
        if answered_at < self.dies_at {
            return (Outcome::Passed, Ended::Well, answered_at);
        }
        let timeout = self.pacing.timeout.as_duration();
        (Outcome::Failed(Failure::Refused), Ended::Failing, at.after(timeout))
    }

    /// When it is known to be down.
    fn down_at(&self, instance: InstanceId, begin: Timestamp) -> Timestamp {
        let (mut rota, mut pulse) = (Rota::new(begin), Pulse::unknown(begin));
        rota.set(0, instance, 0, &self.pacing, begin);
        let mut due = Vec::new();
        loop {
            let now = rota.next_due().unwrap();
            rota.due(now, &mut due);
            if due.pop().is_none() {
                continue;
            }
            let (outcome, ended, done_at) = self.probed(now);
            pulse.note(outcome, now, &self.thresholds);
            if pulse.standing(done_at, &self.thresholds) == Standing::Down {
                return done_at;
            }
            rota.done(0, ended, done_at);
        }
    }
}

fn instance(bits: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(bits))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_dead_target_is_known_within_its_retries_and_one_timeout(
        bits in any::<u128>(),
        (interval, timeout, unhealthy) in (1_u64..60).prop_flat_map(|interval| (Just(interval), 1..=interval, 1_u64..120)),
        retries in 1_u64..6,
        (took, dies) in (0_u64..1000, 0_i64..600_000),
    ) {
        // The rules of a check: no probe overtakes the next.
        let unhealthy = unhealthy.max(timeout);
        let fields = format!(
            r#", "interval": "{interval}s", "timeout": "{timeout}s", "unhealthy_interval": "{unhealthy}s",
               "retries": {retries}, "start_window": "0s""#
        );
        let dies_at = second(3600).after(Duration::from_millis(dies.unsigned_abs()));
        let target = Target::new(&fields, took, dies_at);
        let took = target.down_at(instance(bits), second(0)).since(dies_at);
        // A probe that was under way when it died counts as one that was made just then.
        let most = Duration::from_secs(retries * interval + timeout);
        prop_assert!(took <= most, "{took:?} of {most:?}");
    }

    #[test]
    fn a_target_stays_on_its_beat_whoever_begins_when(bits in any::<u128>(), begins in [0_i64..86_400_000, 0..86_400_000]) {
        let pacing = HealthSpec::of(vec![check("both", "")]).checks[0].pacing;
        let beats = begins.map(|begin| {
            let begin = Timestamp::from_millis(begin);
            let mut rota = Rota::new(begin);
            rota.set(9, instance(bits), 3, &pacing, begin);
            let first = rota.due_at(9).unwrap();
            assert!(first >= begin && first.since(begin) < pacing.interval.as_duration());
            first.as_millis().rem_euclid(10_000)
        });
        prop_assert_eq!(beats[0], beats[1]);
        prop_assert_eq!(Span::from_millis(beats[0].unsigned_abs()), phase(instance(bits), 3, pacing.interval));
    }

    #[test]
    fn however_late_it_is_done_it_does_not_drift(bits in any::<u128>(), lates in proptest::collection::vec(0_u64..25_000, 1..50)) {
        let pacing = HealthSpec::of(vec![check("both", "")]).checks[0].pacing;
        let mut rota = Rota::new(second(0));
        rota.set(0, instance(bits), 0, &pacing, second(0));
        let (first, mut due) = (rota.due_at(0).unwrap(), Vec::new());
        for late in lates {
            let due_at = rota.due_at(0).unwrap();
            prop_assert_eq!(due_at.since(first).as_millis() % 10_000, 0);
            let done_at = due_at.after(Duration::from_millis(late));
            rota.due(due_at, &mut due);
            rota.done(0, Ended::Well, done_at);
            let next = rota.due_at(0).unwrap();
            prop_assert!(next >= done_at && next.since(due_at.max(done_at)) <= pacing.interval.as_duration());
            prop_assert!(next > due_at);
        }
    }
}

/// Ids as they are drawn: SplitMix64 over a counter.
fn drawn(seed: u64, count: u64) -> impl Iterator<Item = InstanceId> {
    let draw = |number: u64| {
        let bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    };
    let id = move |number: u64| (u128::from(draw(seed + 2 * number)) << 64) | u128::from(draw(seed + 2 * number + 1));
    (1..=count).map(move |number| instance(Uuid::from_u128(id(number)).as_u128()))
}

/// Numbers that nobody could tell from random ones: of a thousand in each slot, 32 more or less are
/// one standard deviation, and the fullest of a hundred slots has three or so.
#[test]
fn a_hundred_thousand_targets_are_spread_as_evenly_as_chance_allows() {
    let interval = Span::from_secs(10);
    let alike: Vec<InstanceId> = (1..=100_000_u128).map(instance).collect();
    let sets = (0..15_u64).map(|seed| drawn(seed << 40, 100_000).collect()).chain([alike]);
    let mut fullest: Vec<u32> = sets
        .map(|ids: Vec<InstanceId>| {
            let mut slots = [0_u32; 100];
            ids.iter().for_each(|id| slots[phase(*id, 0, interval).as_millis() as usize / 100] += 1);
            *slots.iter().max().unwrap()
        })
        .collect();
    fullest.sort_unstable();
    assert!(fullest[8] <= 1100 && fullest[15] <= 1150, "{fullest:?}, where 1000 are the mean");
}

#[test]
fn while_a_target_is_down_its_own_interval_counts() {
    for (unhealthy, expected) in [(2, [10, 2, 2, 2, 2]), (60, [10, 10, 10, 60, 60])] {
        let fields = format!(r#", "timeout": "1s", "unhealthy_interval": "{unhealthy}s""#);
        let pacing = HealthSpec::of(vec![check("both", &fields)]).checks[0].pacing;
        let mut rota = Rota::new(second(0));
        rota.set(0, instance(7), 0, &pacing, second(0));
        let first = rota.due_at(0).unwrap();
        let mut before = first;
        for (place, seconds) in expected.into_iter().enumerate() {
            rota.done(0, if place == 0 { Ended::Well } else { Ended::Failing }, before);
            let next = rota.due_at(0).unwrap();
            assert_eq!(next.since(before), Duration::from_secs(seconds), "{unhealthy} s, place {place}");
            before = next;
        }
        // And back on its beat with the first pass.
        rota.done(0, Ended::Well, before);
        let next = rota.due_at(0).unwrap();
        assert!(next > before && next.since(before) <= Duration::from_secs(10));
        assert_eq!(next.since(first).as_millis() % 10_000, 0);
    }
}

#[test]
fn what_is_removed_is_not_due_any_more() {
    let pacing = HealthSpec::of(vec![check("both", "")]).checks[0].pacing;
    let (mut rota, mut due) = (Rota::new(second(0)), Vec::new());
    for target in 0..10 {
        rota.set(target, instance(target.into()), 0, &pacing, second(0));
    }
    rota.remove(4);
    rota.done(4, Ended::Well, second(1));
    rota.due(second(20), &mut due);
    due.sort_unstable();
    assert_eq!(due, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!((rota.due_at(4), rota.next_due()), (None, None), "each is due again when it is done");
}
