//! Lengths of time as people write them in a policy.
//!
//! Owns the one written form, "1h30m", and its limit. Must never read a clock, and never round:
//! what is written back is exactly what was read.

use core::time::Duration;

/// A length of time in whole milliseconds, at most 366 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MAX_MILLIS: u64 = 366 * DAY;

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The longest span there is: 366 days.
    pub const MAX: Self = Self(MAX_MILLIS);

    /// From milliseconds; [`Span::MAX`] when there are too many.
    pub const fn from_millis(millis: u64) -> Self {
        if millis > MAX_MILLIS { Self::MAX } else { Self(millis) }
    }

    /// From seconds; [`Span::MAX`] when there are too many.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(SECOND))
    }

    /// From minutes; [`Span::MAX`] when there are too many.
    pub const fn from_mins(minutes: u64) -> Self {
        Self::from_millis(minutes.saturating_mul(MINUTE))
    }

    /// From hours; [`Span::MAX`] when there are too many.
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_millis(hours.saturating_mul(HOUR))
    }

    /// Its length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The same as a [`Duration`], for arithmetic with a timestamp.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Doubled so many times, but never longer than `at_most`: an exponential back-off.
    #[must_use]
    pub const fn doubled(self, times: u32, at_most: Self) -> Self {
        let factor = match 1_u64.checked_shl(times) {
            Some(factor) => factor,
            None => u64::MAX,
        };
        let millis = self.0.saturating_mul(factor);
        if millis > at_most.0 { at_most } else { Self(millis) }
    }
}
