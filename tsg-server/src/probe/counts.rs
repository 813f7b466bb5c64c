//! What a prober has done, in numbers.
//!
//! Owns the counters and histograms, which anybody may read while it works. Must never take a
//! lock, nor cost more than a few plain instructions for each probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tsg_core::health::check::CheckKind;
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

/// What a probe asks, as far as it is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeKind {
    /// An HTTP request.
    Http,
    /// One over TLS.
    Https,
    /// A connection.
    Tcp,
    /// ContainerPilot's telemetry.
    ContainerPilot,
    /// A control target, whatever it is asked.
    Control,
}

impl ProbeKind {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Http, Self::Https, Self::Tcp, Self::ContainerPilot, Self::Control];

    /// What a check of an instance asks. A kind that no prober makes is none.
    pub const fn of(kind: &CheckKind) -> Option<Self> {
        match kind {
            CheckKind::Http(_) => Some(Self::Http),
            CheckKind::Https(..) => Some(Self::Https),
            CheckKind::Tcp(_) => Some(Self::Tcp),
            CheckKind::ContainerPilot(_) => Some(Self::ContainerPilot),
            CheckKind::Cloud | CheckKind::Guest(_) | CheckKind::Command(_) => None,
        }
    }
}

/// Probes that ended, by what they found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// See [`Outcome::Passed`].
    pub passed: u64,
    /// See [`Outcome::Degraded`].
    pub degraded: u64,
    /// Failures other than time-outs.
    pub failed: u64,
    /// Probes whose time was over.
    pub timed_out: u64,
    /// See [`Outcome::Unjudged`].
    pub unjudged: u64,
    /// How long they took.
    pub took: Histogram,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.degraded += other.degraded;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.unjudged += other.unjudged;
        for (count, more) in self.took.buckets.iter_mut().zip(other.took.buckets) {
            *count += more;
        }
        self.took.sum_micros += other.took.sum_micros;
    }
}

/// A prober in numbers, at one moment. All but the last four only ever grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Probes that ended, by what they asked: one for each of [`ProbeKind::ALL`].
    pub by_kind: [Tally; ProbeKind::ALL.len()],
    /// Answers over a connection that was kept from an earlier probe.
    pub reused: u64,
    /// Facts that were not reported because the prober itself was unable.
    pub withheld: u64,
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

impl Counts {
    /// Probes that ended, whatever they asked.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.by_kind.iter().for_each(|tally| total.add(tally));
        total
    }
}

/// Reads what a prober counts, for as long as anybody wants to.
#[derive(Clone)]
pub struct Meter(Arc<Counters>);

impl Meter {
    pub(super) const fn new(counters: Arc<Counters>) -> Self {
        Self(counters)
    }

    /// All numbers as they are now.
    pub fn read(&self) -> Counts {
        self.0.read()
    }
}

/// Counts up. Only one task of a prober counts, so that no other write comes between, and the
/// processor need not be told to see to it.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
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
            add(count, 1);
        }
        add(&self.sum_micros, micros);
    }

    fn read(&self) -> Histogram {
        let mut histogram = Histogram { sum_micros: self.sum_micros.load(Ordering::Relaxed), ..Histogram::default() };
        for (read, count) in histogram.buckets.iter_mut().zip(&self.counts) {
            *read = count.load(Ordering::Relaxed);
        }
        histogram
    }
}

/// The probes of one kind while they are counted.
#[derive(Default)]
struct Asked {
    outcomes: [AtomicU64; 5],
    took: Buckets,
}

impl Asked {
    fn ended(&self, outcome: Outcome, took: Duration) {
        let place = match outcome {
            Outcome::Passed => 0,
            Outcome::Degraded => 1,
            Outcome::Failed(Failure::TimedOut(_)) => 3,
            Outcome::Failed(_) => 2,
            Outcome::Unjudged(_) => 4,
        };
        if let Some(count) = self.outcomes.get(place) {
            add(count, 1);
        }
        self.took.note(took);
    }

    fn read(&self) -> Tally {
        let [passed, degraded, failed, timed_out, unjudged] =
            self.outcomes.each_ref().map(|count| count.load(Ordering::Relaxed));
        Tally { passed, degraded, failed, timed_out, unjudged, took: self.took.read() }
    }
}

/// The numbers while they are counted.
#[derive(Default)]
pub struct Counters {
    by_kind: [Asked; ProbeKind::ALL.len()],
    reused: AtomicU64,
    withheld: AtomicU64,
    late: Buckets,
    late_slow: Buckets,
    in_flight: [AtomicU64; 3],
    is_able: AtomicBool,
}

impl Counters {
    /// A probe ended.
    pub fn ended(&self, kind: ProbeKind, outcome: Outcome, took: Duration) {
        if let Some(asked) = self.by_kind.get(kind as usize) {
            asked.ended(outcome, took);
        }
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
        add(&self.reused, 1);
    }

    /// A fact is not reported.
    pub fn withheld(&self) {
        add(&self.withheld, 1);
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
        let [in_flight, in_flight_slow, waiting] = self.in_flight.each_ref().map(|gauge| gauge.load(Ordering::Relaxed));
        Counts {
            by_kind: self.by_kind.each_ref().map(Asked::read),
            reused: self.reused.load(Ordering::Relaxed),
            withheld: self.withheld.load(Ordering::Relaxed),
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
    use tsg_core::health::fact::Stage;

    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let counters = Counters::default();
        for micros in [0, 250, 251, 30_000_000, 30_000_001] {
            counters.ended(ProbeKind::Tcp, Outcome::Passed, Duration::from_micros(micros));
        }
        let tally = counters.read().total();
        assert_eq!((tally.passed, tally.took.count()), (5, 5));
        assert_eq!(tally.took.buckets[..2], [2, 1]);
        assert_eq!(tally.took.buckets[BUCKETS_MICROS.len() - 1..], [1, 1]);
        assert_eq!(tally.took.quantile_micros(0.4), Some(250));
        assert_eq!(tally.took.quantile_micros(0.6), Some(500));
        assert_eq!(tally.took.quantile_micros(1.0), None);
        assert_eq!(Histogram::default().quantile_micros(0.5), None);
    }

    #[test]
    fn probes_are_counted_by_what_they_ask_and_what_they_find() {
        let counters = Counters::default();
        let time_out = Outcome::Failed(Failure::TimedOut(Stage::Head));
        counters.ended(ProbeKind::Http, Outcome::Passed, Duration::from_millis(3));
        counters.ended(ProbeKind::Http, time_out, Duration::from_secs(5));
        counters.ended(ProbeKind::Control, Outcome::Failed(Failure::Refused), Duration::ZERO);
        let counts = counters.read();
        let [http, https, tcp, containerpilot, control] = counts.by_kind;
        assert_eq!((http.passed, http.timed_out, http.took.sum_micros), (1, 1, 5_003_000));
        assert_eq!((control.failed, control.took.count()), (1, 1));
        assert_eq!([https, tcp, containerpilot], [Tally::default(); 3]);
        let total = counts.total();
        assert_eq!((total.passed, total.failed, total.timed_out, total.took.count()), (1, 1, 1, 3));
    }
}
