//! HTTP statuses that a check takes for an answer.
//!
//! Owns their written form, "200", "2xx" and "200-399". Must never make a request.

use alloc::string::{String, ToString as _};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Statuses from one to another, both included.
///
/// ```
/// use tsg_core::health::status::StatusRange;
///
/// let fine: StatusRange = "2xx".parse()?;
/// assert!(fine.contains(204) && !fine.contains(301));
/// assert_eq!("200-399".parse::<StatusRange>()?.to_string(), "200-399");
/// assert!("99".parse::<StatusRange>().is_err() && "400-200".parse::<StatusRange>().is_err());
/// # Ok::<(), tsg_core::health::status::InvalidStatus>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusRange {
    from: u16,
    to: u16,
}

/// Why a text names no statuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} names no HTTP statuses; write one such as 200, a class such as \"2xx\" or a range such as \"200-399\""
)]
pub struct InvalidStatus {
    /// What was given, shortened to 64 characters.
    pub given: String,
}

/// The statuses that HTTP has.
const ALL: core::ops::RangeInclusive<u16> = 100..=599;

impl StatusRange {
    /// 200 to 299.
    pub const SUCCESS: Self = Self { from: 200, to: 299 };

    /// Whether a status is one of them.
    pub const fn contains(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }

    fn of(from: u16, to: u16) -> Option<Self> {
        (ALL.contains(&from) && ALL.contains(&to) && from <= to).then_some(Self { from, to })
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(class) = text.strip_suffix("xx") {
            let hundred = number(class)?.checked_mul(100)?;
            return Self::of(hundred, hundred.checked_add(99)?);
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Self::of(number(from)?, number(to)?)
    }
}

/// Digits alone: a sign is none of them.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl FromStr for StatusRange {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        Self::read(text).ok_or_else(|| InvalidStatus { given: text.chars().take(64).collect() })
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, to) if from == to => write!(out, "{from}"),
            (from, to) if from % 100 == 0 && to == from + 99 => write!(out, "{}xx", from / 100),
            (from, to) => write!(out, "{from}-{to}"),
        }
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.from == self.to { to.serialize_u16(self.from) } else { to.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl de::Visitor<'_> for StatusVisitor {
    type Value = StatusRange;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an HTTP status such as 200, a class such as \"2xx\" or a range such as \"200-399\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<StatusRange, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, status: u64) -> Result<StatusRange, E> {
        status.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_and_written_alike() {
        for text in ["100", "200", "2xx", "599", "200-204", "200-399", "5xx"] {
            let read: StatusRange = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
            let json = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<StatusRange>(&json).unwrap(), read, "{json}");
        }
        assert_eq!("200-200".parse::<StatusRange>().unwrap().to_string(), "200");
        assert_eq!("200-299".parse::<StatusRange>().unwrap().to_string(), "2xx");
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in
            ["", "99", "600", "xx", "0xx", "6xx", "+200", "2xx-3xx", "300-200", "200-", "-200", "２００", "70000"]
        {
            assert!(text.parse::<StatusRange>().is_err(), "{text:?}");
        }
        let long = "9".repeat(1000);
        assert_eq!(long.parse::<StatusRange>().unwrap_err().given.len(), 64);
        assert!(serde_json::from_str::<StatusRange>("70000").is_err());
    }
}
