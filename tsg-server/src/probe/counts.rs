//! What a prober has done, in numbers.
//!
//! Owns the counters and histograms, which anybody may read while it works. Must never take a
//! lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tsg_core::health::fact::{Failure, Outcome};

use super::lanes::{Lane, Load};
use super::outbox::Ability;

/// The upper ends of the buckets of all histograms, in microseconds. A last bucket has the rest.
pub const BUCKETS_MICROS: [u64; 16] = [
    250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 30_000_000,
];

/// How often a duration fell into each bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Histogram {
    /// One count for each of [`BUCKETS_MICROS`], and one for what took longer. Not cumulative.
    pub buckets: [u64; BUCKETS_MICROS.len() + 1],
    /// All durations together, in microseconds.
    pub sum_micros: u64,
}

impl Histogram {
    /// How many durations there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The end of the bucket that `share` (0 to 1) of all durations do not exceed, in
    /// microseconds. `None`: it lies in the last bucket, or there were none.
    pub fn quantile_micros(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        BUCKETS_MICROS.iter().zip(&self.buckets).find_map(|(end, count)| {
            seen += count;
            (seen >= wanted && wanted > 0).then_some(*end)
        })
    }
}

/// A prober in numbers, at one moment. All but the last four only ever grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Probes that ended, by what they found.
    pub passed: u64,
    /// See [`Outcome::Degraded`].
    pub degraded: u64,
    /// Failures other than time-outs.
    pub failed: u64,
    /// Probes whose time was over.
    pub timed_out: u64,
    /// See [`Outcome::Unjudged`].
    pub unjudged: u64,
    /// Answers over a connection that was kept from an earlier probe.
    pub reused: u64,
    /// Facts that were not reported because the prober itself was unable.
    pub withheld: u64,
    /// How long probes took.
    pub took: Histogram,
    /// How long after their time probes of targets that answer began.
    pub late: Histogram,
    /// The same of the others.
    pub late_slow: Histogram,
    /// Targets that answer which are being probed.
    pub in_flight: u64,
    /// Others that are being probed.
    pub in_flight_slow: u64,
    /// Targets whose time has come and that wait for a slot.
    pub waiting: u64,
    /// Whether the control targets answer.
    pub is_able: bool,
}

#[derive(Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Buckets {
    fn note(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MICROS.partition_point(|end| *end < micros);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let mut histogram = Histogram { sum_micros: self.sum_micros.load(Ordering::Relaxed), ..Histogram::default() };
        for (read, count) in histogram.buckets.iter_mut().zip(&self.counts) {
            *read = count.load(Ordering::Relaxed);
        }
        histogram
    }
}

/// The numbers while they are counted.
#[derive(Default)]
pub struct Counters {
    outcomes: [AtomicU64; 5],
    reused: AtomicU64,
    withheld: AtomicU64,
    took: Buckets,
    late: Buckets,
    late_slow: Buckets,
    in_flight: [AtomicU64; 3],
    is_able: AtomicBool,
}

impl Counters {
    /// A probe ended.
    pub fn ended(&self, outcome: Outcome, took: Duration) {
        let place = match outcome {
            Outcome::Passed => 0,
            Outcome::Degraded => 1,
            Outcome::Failed(Failure::TimedOut(_)) => 3,
            Outcome::Failed(_) => 2,
            Outcome::Unjudged(_) => 4,
        };
        if let Some(count) = self.outcomes.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.took.note(took);
    }

    /// A probe began so long after its time.
    pub fn began_late(&self, lane: Lane, late: Duration) {
        match lane {
            Lane::Prompt => self.late.note(late),
            Lane::Slow => self.late_slow.note(late),
        }
    }

    /// An answer came over a connection that was kept.
    pub fn reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    /// A fact is not reported.
    pub fn withheld(&self) {
        self.withheld.fetch_add(1, Ordering::Relaxed);
    }

    /// So many probes run now, and so many targets wait.
    pub fn now(&self, Load { prompt, slow, waiting }: Load) {
        for (gauge, value) in self.in_flight.iter().zip([prompt, slow, waiting]) {
            gauge.store(value as u64, Ordering::Relaxed);
        }
    }

    /// The control targets answer, or do not.
    pub fn set_ability(&self, ability: Ability) {
        self.is_able.store(ability == Ability::Able, Ordering::Relaxed);
    }

    /// All numbers as they are now.
    pub fn read(&self) -> Counts {
        let [passed, degraded, failed, timed_out, unjudged] =
            [0, 1, 2, 3, 4].map(|place| self.outcomes.get(place).map_or(0, |count| count.load(Ordering::Relaxed)));
        let [in_flight, in_flight_slow, waiting] =
            [0, 1, 2].map(|place| self.in_flight.get(place).map_or(0, |gauge| gauge.load(Ordering::Relaxed)));
        Counts {
            passed,
            degraded,
            failed,
            timed_out,
            unjudged,
            reused: self.reused.load(Ordering::Relaxed),
            withheld: self.withheld.load(Ordering::Relaxed),
            took: self.took.read(),
            late: self.late.read(),
            late_slow: self.late_slow.read(),
            in_flight,
            in_flight_slow,
            waiting,
            is_able: self.is_able.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let counters = Counters::default();
        for micros in [0, 250, 251, 30_000_000, 30_000_001] {
            counters.ended(Outcome::Passed, Duration::from_micros(micros));
        }
        let counts = counters.read();
        assert_eq!((counts.passed, counts.took.count()), (5, 5));
        assert_eq!(counts.took.buckets[..2], [2, 1]);
        assert_eq!(counts.took.buckets[BUCKETS_MICROS.len() - 1..], [1, 1]);
        assert_eq!(counts.took.quantile_micros(0.4), Some(250));
        assert_eq!(counts.took.quantile_micros(0.6), Some(500));
        assert_eq!(counts.took.quantile_micros(1.0), None);
        assert_eq!(Histogram::default().quantile_micros(0.5), None);
    }
}
