//! A stopwatch for noisy machines.
//!
//! Owns the rule that a figure is a ratio: the candidates take turns in one process and their
//! CPU time is compared. Must never report wall time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of one candidate over all turns.
#[derive(Debug, Clone)]
pub struct Measured {
    turns: Vec<Duration>,
}

impl Measured {
    /// The least disturbed turn.
    pub fn best(&self) -> Duration {
        self.turns.first().copied().unwrap_or_default()
    }

    /// The turn in the middle.
    pub fn median(&self) -> Duration {
        self.turns.get(self.turns.len() / 2).copied().unwrap_or_default()
    }

    /// How many times the best turn of `other` this one's best takes.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        self.best().as_secs_f64() / other.best().as_secs_f64()
    }

    /// How many times the middle turn of `other` this one's takes.
    pub fn median_ratio_to(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }
}

/// A candidate: prepares outside of the clock, then hands over what is timed.
pub struct Candidate<'a> {
    work: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Candidate<'a> {
    /// Work that needs no preparation.
    pub fn new(mut work: impl FnMut() + 'a) -> Self {
        Self { work: Box::new(move || timed(&mut work)) }
    }

    /// Work that `prepare` makes the input of, outside of the clock; the clock stops before the
    /// input is dropped.
    pub fn prepared<I>(mut prepare: impl FnMut() -> I + 'a, mut work: impl FnMut(&mut I) + 'a) -> Self {
        Self {
            work: Box::new(move || {
                let mut input = prepare();
                timed(|| work(&mut input))
            }),
        }
    }
}

/// Lets the candidates take `turns` turns each: A, B, A, B.
pub fn take_turns<const N: usize>(turns: usize, mut candidates: [Candidate<'_>; N]) -> [Measured; N] {
    let mut measured = [const { Vec::new() }; N];
    for _ in 0..turns {
        for (candidate, turns) in candidates.iter_mut().zip(&mut measured) {
            turns.push((candidate.work)());
        }
    }
    measured.map(|mut turns| {
        turns.sort_unstable();
        Measured { turns }
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let before = cpu_time();
    work();
    cpu_time().saturating_sub(before)
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}
