//! What a prober has done, in numbers.
//!
//! Owns the counters, which anybody may read while it works. Must never take a
//! lock, nor cost more than a few plain instructions for each probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tsg_core::health::check::CheckKind;
use tsg_core::health::fact::{Failure, Outcome};

use super::histogram::{Histogram, Stopwatch, count_up};
use super::lanes::{Lane, Load};
use super::outbox::Ability;

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
        self.took.add(&other.took);
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

/// The probes of one kind while they are counted.
#[derive(Default)]
struct Asked {
    outcomes: [AtomicU64; 5],
    took: Stopwatch,
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
            count_up(count, 1);
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
    late: Stopwatch,
    late_slow: Stopwatch,
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
            Lane::New | Lane::Late | Lane::Silent => self.late_slow.note(late),
        }
    }

    /// An answer came over a connection that was kept.
    pub fn reused(&self) {
        count_up(&self.reused, 1);
    }

    /// A fact is not reported.
    pub fn withheld(&self) {
        count_up(&self.withheld, 1);
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
    fn probes_are_counted_by_what_they_ask_and_what_they_find() {
        let counters = Counters::default();
        let time_out = Outcome::Failed(Failure::TimedOut(Stage::Head));
        counters.ended(ProbeKind::Http, Outcome::Passed, Duration::from_millis(3));
        counters.ended(ProbeKind::Http, time_out, Duration::from_secs(5));
        counters.ended(ProbeKind::Control, Outcome::Failed(Failure::Refused), Duration::ZERO);
        let counts = counters.read();
        let [http, https, tcp, containerpilot, control] = counts.by_kind.clone();
        assert_eq!((http.passed, http.timed_out, http.took.sum_micros()), (1, 1, 5_003_000));
        assert_eq!((control.failed, control.took.count()), (1, 1));
        assert_eq!([https, tcp, containerpilot], std::array::from_fn(|_| Tally::default()));
        let total = counts.total();
        assert_eq!((total.passed, total.failed, total.timed_out, total.took.count()), (1, 1, 1, 3));
    }
}
