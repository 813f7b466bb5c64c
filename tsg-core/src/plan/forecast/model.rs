//! How a cloud behaves, as far as a forecast needs it.
//!
//! Owns the model's numbers and what can be drawn from them. Must never draw from anything but
//! its own seed and the number of the draw.

use core::time::Duration;

/// How a cloud behaves: what takes how long, and what goes wrong.
///
/// Everything works the first time, but for what the faults say. The default is what
/// performance.md takes for a data centre that is not busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// From the end of its placement until a new machine runs. Default: a median of 20 s, and one
    /// in a hundred 60 s.
    pub provisioning: Latency,
    /// From running until the checks say that it is healthy; zero: nobody checks. Default: zero.
    pub healthy_after: Duration,
    /// From a delete until the machine is proved gone. Default: 10 s.
    pub destroy: Duration,
    /// From the begin of a drain until the guest says that it is done. Default: 30 s.
    pub drain: Duration,
    /// From a shutdown until the machine is stopped. Default: 10 s.
    pub shutdown: Duration,
    /// From a start or restart until the machine runs. Default: 15 s.
    pub restart: Duration,
    /// How long a machine is down for a resize. Default: 30 s.
    pub resize: Duration,
    /// How long the data centre takes to place one machine; it places one at a time. Default:
    /// zero.
    pub allocation: Duration,
    /// How many requests the cloud takes in a second; 0: as many as there are. Default: 10.
    pub requests_per_second: u32,
    /// Compute nodes that new machines are spread over, numbered from 0; 0: nobody knows where
    /// they go. Default: 0.
    pub nodes: u32,
    /// What goes wrong. Default: nothing.
    pub faults: Faults,
    /// How often budgets that are shared with other groups are filled up again, to what they are
    /// at the begin. Default: 1 s.
    pub refill: Duration,
    /// How far to look ahead at most. Default: 7 days.
    pub horizon: Duration,
    /// How many plans to make at most. Default: 100,000.
    pub plans_max: u32,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            provisioning: Latency::Spread {
                median: Duration::from_secs(20),
                slowest: Duration::from_secs(60),
                seed: 0,
            },
            healthy_after: Duration::ZERO,
            destroy: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            shutdown: Duration::from_secs(10),
            restart: Duration::from_secs(15),
            resize: Duration::from_secs(30),
            allocation: Duration::ZERO,
            requests_per_second: 10,
            nodes: 0,
            faults: Faults::default(),
            refill: Duration::from_secs(1),
            horizon: Duration::from_secs(7 * 24 * 3600),
            plans_max: 100_000,
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Each so manieth new machine fails to be provisioned; 0: none does. Default: 0.
    pub failing_every: u32,
    /// The revision whose new machines run and never become healthy; 0: all do. Default: 0.
    pub unhealthy_revision: u32,
}

impl Faults {
    /// Whether new machine number `nth`, from 0, fails to be provisioned.
    pub(super) const fn fails(self, nth: u32) -> bool {
        self.failing_every != 0 && nth % self.failing_every == self.failing_every - 1
    }
}

/// How long something takes that does not always take the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Every so manieth is slow.
    EachSlow {
        /// What the others take.
        usual: Duration,
        /// What the slow ones take.
        slow: Duration,
        /// Which are slow: each so manieth; 0: none.
        each: u32,
    },
    /// Spread as provisioning times are: none takes less than half the median, most not much
    /// more than it, few much more.
    Spread {
        /// Half take less.
        median: Duration,
        /// What the slowest one in a hundred take.
        slowest: Duration,
        /// What the draws follow from.
        seed: u64,
    },
}

/// How finely a draw is made.
const FINENESS: u64 = 1000;

impl Latency {
    /// What number `nth`, from 0, takes.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tsg_core::plan::forecast::Latency;
    ///
    /// let (median, slowest) = (Duration::from_secs(20), Duration::from_secs(60));
    /// let latency = Latency::Spread { median, slowest, seed: 7 };
    /// let mut drawn: Vec<Duration> = (0..1000).map(|nth| latency.of(nth)).collect();
    /// drawn.sort();
    /// assert!(drawn[0] >= median / 2 && drawn[999] <= slowest);
    /// assert!((19..=21).contains(&drawn[500].as_secs()), "{:?}", drawn[500]);
    /// assert_eq!(latency.of(3), latency.of(3));
    /// ```
    pub fn of(self, nth: u32) -> Duration {
        match self {
            Self::Fixed(always) => always,
            Self::EachSlow { slow, each, .. } if each != 0 && nth % each == each - 1 => slow,
            Self::EachSlow { usual, .. } => usual,
            Self::Spread { median, slowest, seed } => spread(median, slowest, scrambled(seed, nth) % FINENESS),
        }
    }
}

/// The value that so many of a thousand are below: straight up to the median, and from there as
/// the cube, which is close to what a log-normal spread does in the middle.
fn spread(median: Duration, slowest: Duration, below: u64) -> Duration {
    let (median, slowest) = (millis(median), millis(slowest));
    let half = FINENESS / 2;
    let value = match below.checked_sub(half) {
        None => median.saturating_mul(half + below) / FINENESS,
        Some(beyond) => {
            let share = (beyond * beyond / half) * beyond / half;
            median.saturating_add(slowest.saturating_sub(median).saturating_mul(share) / half)
        }
    };
    Duration::from_millis(value)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The bits of a draw: a step of the SplitMix64 generator.
const fn scrambled(seed: u64, nth: u32) -> u64 {
    let bits = seed.wrapping_add(GOLDEN.wrapping_mul(nth as u64 + 1));
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_so_manieth_is_slow_or_fails() {
        let (usual, slow) = (Duration::from_secs(1), Duration::from_secs(9));
        let latency = Latency::EachSlow { usual, slow, each: 3 };
        assert_eq!([0, 1, 2, 3, 4, 5].map(|nth| latency.of(nth)), [usual, usual, slow, usual, usual, slow]);
        let faults = Faults { failing_every: 2, ..Faults::default() };
        assert_eq!([0, 1, 2, 3].map(|nth| faults.fails(nth)), [false, true, false, true]);
        assert!(!Faults::default().fails(0) && !Faults::default().fails(u32::MAX));
    }

    #[test]
    fn a_spread_rises_from_half_the_median_to_the_slowest() {
        let (median, slowest) = (Duration::from_secs(20), Duration::from_secs(60));
        let at = |below| spread(median, slowest, below);
        assert_eq!((at(0), at(500)), (median / 2, median));
        assert!((1..FINENESS).all(|below| at(below) >= at(below - 1)));
        assert!(at(999) <= slowest && at(999) > slowest * 9 / 10);
        assert_eq!(spread(Duration::MAX, Duration::MAX, 999), Duration::from_millis(u64::MAX));
    }
}
