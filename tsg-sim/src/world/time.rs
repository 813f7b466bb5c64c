//! Virtual time: milliseconds since the Unix epoch, and the texts CloudAPI prints for them.
//! It never asks what time it is; whoever drives a world says so.

use core::fmt;

/// A moment of virtual time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SimTime(u64);

impl SimTime {
    /// 2026-01-01T00:00:00Z, where worlds begin unless told otherwise.
    pub const WORLD_START: Self = Self(1_767_225_600_000);

    /// The moment `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Shifted by a signed offset, as a wrong clock would read it.
    #[must_use]
    pub const fn offset_ms(self, offset: i64) -> Self {
        Self(self.0.saturating_add_signed(offset))
    }

    /// `2026-01-01T00:00:00.000Z`, as machines and accounts show it.
    #[must_use]
    pub fn iso_millis(self) -> String {
        format!("{:.3}", self.timestamp())
    }

    /// `2026-01-01T00:00:00Z`, as images show it.
    #[must_use]
    pub fn iso_seconds(self) -> String {
        format!("{:.0}", self.timestamp())
    }

    fn timestamp(self) -> jiff::Timestamp {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::SimTime;

    #[test]
    fn texts_have_exactly_the_digits_cloudapi_prints() {
        let t = SimTime::WORLD_START.plus_ms(1_020);
        assert_eq!(t.iso_millis(), "2026-01-01T00:00:01.020Z");
        assert_eq!(t.iso_seconds(), "2026-01-01T00:00:01Z");
        assert_eq!(SimTime::WORLD_START.ms_since(t), 0);
    }
}
