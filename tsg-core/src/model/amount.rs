//! Amounts that may be a number or a share of something.
//!
//! Owns both readings and their rounding. Must never know what it is a share of.

/// A number of instances, or a share of them in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Amount {
    /// So many, whatever the whole is.
    Count(u32),
    /// So many of each hundred; 0 to 100.
    Percent(u16),
}

impl Amount {
    /// Of `whole`, a share rounded up to the next whole one.
    pub const fn of_rounded_up(self, whole: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => narrowed((whole as u64 * percent as u64).div_ceil(100)),
        }
    }

    /// Of `whole`, a share rounded down.
    pub const fn of_rounded_down(self, whole: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => narrowed(whole as u64 * percent as u64 / 100),
        }
    }

    /// Of `whole`, a share rounded down, but one at least.
    pub const fn at_least_one_of(self, whole: u32) -> u32 {
        match self.of_rounded_down(whole) {
            0 => 1,
            some => some,
        }
    }

    /// Whether it is nothing, whatever the whole is.
    pub const fn is_zero(self) -> bool {
        matches!(self, Self::Count(0) | Self::Percent(0))
    }
}

/// More than `u32::MAX` can only be a share of over 100 %, which no policy that was checked has.
const fn narrowed(count: u64) -> u32 {
    if count > u32::MAX as u64 { u32::MAX } else { count as u32 }
}
