//! How fast virtual time passes: the mapping between the machine's monotonic clock and a world's time.
//!
//! Owns the arithmetic. It must never read a clock itself, so that it can be tested without waiting.

use std::time::{Duration, Instant};

use crate::world::SimTime;

/// Virtual milliseconds per real millisecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(f64);

/// Fastest sensible pace: a year of virtual time passes in half a minute.
const MAX_SPEED: f64 = 1_000_000.0;

/// A speed that is not above 0 and at most 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("speed {0} is not above 0 and at most {MAX_SPEED}")]
pub struct SpeedOutOfRange(pub f64);

impl Speed {
    /// Virtual time passes as real time does.
    pub const REAL_TIME: Self = Self(1.0);

    /// The speed of `factor` virtual milliseconds per real one.
    ///
    /// # Errors
    /// [`SpeedOutOfRange`] outside `(0, 1_000_000]`.
    ///
    /// ```
    /// use tsg_sim::http::pace::Speed;
    /// assert!(Speed::new(20.0).is_ok());
    /// assert!(Speed::new(0.0).is_err());
    /// ```
    pub fn new(factor: f64) -> Result<Self, SpeedOutOfRange> {
        if factor > 0.0 && factor <= MAX_SPEED { Ok(Self(factor)) } else { Err(SpeedOutOfRange(factor)) }
    }

    /// The factor.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.0
    }
}

/// Whether virtual time passes at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Running,
    Paused,
}

/// A point where both clocks are known, and the pace from there on.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    real: Instant,
    virtual_time: SimTime,
    speed: Speed,
    flow: Flow,
}

impl Pace {
    /// A running pace from the given moment on.
    #[must_use]
    pub fn starting(real: Instant, virtual_time: SimTime, speed: Speed) -> Self {
        Self { real, virtual_time, speed, flow: Flow::Running }
    }

    /// Virtual time at a real moment.
    #[must_use]
    pub fn virtual_at(&self, now: Instant) -> SimTime {
        match self.flow {
            Flow::Paused => self.virtual_time,
            Flow::Running => {
                let elapsed = now.saturating_duration_since(self.real).mul_f64(self.speed.0);
                self.virtual_time.plus_ms(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
            }
        }
    }

    /// How long to wait in real time until a virtual moment; `None` while time stands still before it.
    #[must_use]
    pub fn real_until(&self, moment: SimTime, now: Instant) -> Option<Duration> {
        let remaining_ms = moment.ms_since(self.virtual_at(now));
        match (remaining_ms, self.flow) {
            (0, _) => Some(Duration::ZERO),
            (_, Flow::Paused) => None,
            // One real millisecond more covers the rounding down of both clocks.
            (_, Flow::Running) => {
                Some(Duration::from_millis(remaining_ms).div_f64(self.speed.0) + Duration::from_millis(1))
            }
        }
    }

    /// Stops virtual time.
    pub fn pause(&mut self, now: Instant) {
        self.rebase(now);
        self.flow = Flow::Paused;
    }

    /// Lets virtual time pass again.
    pub fn resume(&mut self, now: Instant) {
        self.rebase(now);
        self.flow = Flow::Running;
    }

    /// Jumps ahead.
    pub fn advance_ms(&mut self, ms: u64, now: Instant) {
        self.rebase(now);
        self.virtual_time = self.virtual_time.plus_ms(ms);
    }

    /// Changes the speed from now on.
    pub fn set_speed(&mut self, speed: Speed, now: Instant) {
        self.rebase(now);
        self.speed = speed;
    }

    /// The current speed.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Whether virtual time stands still.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.flow == Flow::Paused
    }

    fn rebase(&mut self, now: Instant) {
        self.virtual_time = self.virtual_at(now);
        self.real = now;
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, Speed};
    use crate::world::SimTime;
    use std::time::{Duration, Instant};

    const START: SimTime = SimTime::WORLD_START;

    #[test]
    fn virtual_time_runs_at_the_given_speed() {
        let real = Instant::now();
        let mut pace = Pace::starting(real, START, Speed::new(100.0).unwrap());
        let later = real + Duration::from_millis(30);
        assert_eq!(pace.virtual_at(later), START.plus_ms(3_000));
        pace.set_speed(Speed::REAL_TIME, later);
        assert_eq!(pace.virtual_at(later + Duration::from_millis(30)), START.plus_ms(3_030));
    }

    #[test]
    fn waiting_until_a_moment_reaches_it() {
        let real = Instant::now();
        let pace = Pace::starting(real, START, Speed::new(7.0).unwrap());
        let moment = START.plus_ms(1_001);
        let wait = pace.real_until(moment, real).unwrap();
        assert!(pace.virtual_at(real + wait) >= moment);
        assert!(wait < Duration::from_millis(146));
        assert_eq!(pace.real_until(START, real), Some(Duration::ZERO));
    }

    #[test]
    fn paused_time_only_moves_by_advancing() {
        let real = Instant::now();
        let mut pace = Pace::starting(real, START, Speed::REAL_TIME);
        pace.pause(real);
        let later = real + Duration::from_secs(5);
        assert_eq!(pace.virtual_at(later), START);
        assert_eq!(pace.real_until(START.plus_ms(1), later), None);
        pace.advance_ms(250, later);
        assert_eq!(pace.virtual_at(later), START.plus_ms(250));
        pace.resume(later);
        assert_eq!(pace.virtual_at(later + Duration::from_secs(1)), START.plus_ms(1_250));
    }

    #[test]
    fn impossible_speeds_are_refused() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e7] {
            assert!(Speed::new(factor).is_err(), "{factor}");
        }
    }
}
