//! Points in time. Owns saturating arithmetic on them; must never read a clock.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// All arithmetic saturates, so that a clock that jumps can never bring a planner down.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let later = now.after(Duration::from_secs(90));
/// assert_eq!((later.as_millis(), later.since(now)), (1_800_000_090_000, Duration::from_secs(90)));
/// assert_eq!(now.since(later), Duration::ZERO, "a clock that went back");
/// assert_eq!(later.before(Duration::from_secs(90)), now);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved into the future.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This point moved into the past.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_overflowing() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
        let start = Timestamp::from_millis(i64::MIN);
        assert_eq!(start.before(Duration::MAX), start);
        assert_eq!(start.since(end), Duration::ZERO);
        assert_eq!(Timestamp::from_millis(1500).since(Timestamp::EPOCH), Duration::from_millis(1500));
    }
}
