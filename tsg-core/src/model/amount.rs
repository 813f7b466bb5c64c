//! Amounts that may be a number or a share of something.
//!
//! Owns both readings and their rounding. Must never know what it is a share of.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A number of instances, or a share of them in percent. Written as `3` or `"25%"`.
///
/// ```
/// use tsg_core::model::amount::Amount;
///
/// let quarter: Amount = serde_json::from_str("\"25%\"")?;
/// assert_eq!((quarter.of_rounded_up(10), quarter.of_rounded_down(10)), (3, 2));
/// let three: Amount = serde_json::from_str("3")?;
/// assert_eq!((three.of_rounded_up(10), three.of_rounded_down(10)), (3, 3));
/// # Ok::<(), serde_json::Error>(())
/// ```
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

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidAmount {
    /// Neither a number nor a share.
    #[error("{given:?} is neither a number nor a share; write one such as 3 or \"25%\"")]
    Form {
        /// What was given, shortened to 64 characters.
        given: String,
    },
    /// More than the whole.
    #[error("{percent}% is more than the whole; write at most \"100%\"")]
    OverWhole {
        /// The share that was given, in percent.
        percent: u16,
    },
    /// A number of instances that no group can have.
    #[error("{count} instances are more than any group can have; write at most 4294967295")]
    TooMany {
        /// The number that was given.
        count: u64,
    },
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    /// Accepts digits, or digits and a percent sign.
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let form = || InvalidAmount::Form { given: text.chars().take(64).collect() };
        let digits = text.strip_suffix('%').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(form());
        }
        if digits.len() < text.len() {
            share(digits.parse().map_err(|_| form())?)
        } else {
            count(digits.parse().map_err(|_| form())?)
        }
    }
}

fn share(percent: u16) -> Result<Amount, InvalidAmount> {
    if percent > 100 { Err(InvalidAmount::OverWhole { percent }) } else { Ok(Amount::Percent(percent)) }
}

fn count(count: u64) -> Result<Amount, InvalidAmount> {
    u32::try_from(count).map(Amount::Count).map_err(|_| InvalidAmount::TooMany { count })
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Percent(percent) => write!(out, "{percent}%"),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => to.serialize_u32(*count),
            Self::Percent(_) => to.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a whole number of instances such as 3, or a share such as \"25%\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
        count(number).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
        let unsigned = u64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))?;
        self.visit_u64(unsigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn shares_round_as_they_are_asked_to_and_never_overflow() {
        let tenth = Amount::Percent(10);
        assert_eq!([9, 10, 11].map(|whole| tenth.of_rounded_down(whole)), [0, 1, 1]);
        assert_eq!([9, 10, 11].map(|whole| tenth.of_rounded_up(whole)), [1, 1, 2]);
        assert_eq!([0, 9, 25].map(|whole| tenth.at_least_one_of(whole)), [1, 1, 2]);
        assert_eq!(Amount::Percent(100).of_rounded_up(u32::MAX), u32::MAX);
        assert_eq!(Amount::Percent(u16::MAX).of_rounded_down(u32::MAX), u32::MAX);
    }

    #[test]
    fn an_amount_keeps_its_form() {
        for (written, amount) in [("7", Amount::Count(7)), ("\"0%\"", Amount::Percent(0))] {
            assert_eq!(serde_json::from_str::<Amount>(written).unwrap(), amount);
            assert_eq!(serde_json::to_string(&amount).unwrap(), written);
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_what_to_write() {
        assert_eq!("101%".parse::<Amount>(), Err(InvalidAmount::OverWhole { percent: 101 }));
        for text in ["", "%", "ten", "-1", "+1", "1.5%", "10 %", "70000%", "99999999999999999999"] {
            assert_eq!(text.parse::<Amount>(), Err(InvalidAmount::Form { given: text.to_string() }));
        }
        for json in ["-1", "0.5", "4294967296", "null", "\"4294967296\""] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }
}
