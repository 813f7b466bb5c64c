//! Lengths of time as people write them in a policy.
//!
//! Owns the one written form, "1h30m", and its limit. Must never read a clock, and never round:
//! what is written back is exactly what was read.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A length of time in whole milliseconds, at most 366 days.
///
/// Written as numbers with a unit each, the largest unit first: `250ms`, `90s`, `1h30m`, `2d`. A
/// bare number in JSON is read as seconds. Written back as one unit or as all of them, whichever
/// is shorter.
///
/// ```
/// use tsg_core::model::span::Span;
///
/// let span: Span = "1h30m".parse()?;
/// assert_eq!(span, Span::from_mins(90));
/// assert_eq!(span.to_string(), "90m");
/// let fault = "1.5h".parse::<Span>().unwrap_err().to_string();
/// assert!(fault.contains("at position 2 one of the units d, h, m, s and ms was expected"), "{fault}");
/// # Ok::<(), tsg_core::model::span::InvalidSpan>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MAX_MILLIS: u64 = 366 * DAY;

/// The units, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)];

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

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidSpan {
    /// Nothing was given.
    #[error("the length of time is empty; write one such as \"90s\", \"1h30m\" or \"250ms\"")]
    Empty,
    /// Something else was expected at some place.
    #[error(
        "{given:?} is not a length of time: at position {position} {expected} was expected; \
         write one such as \"90s\", \"1h30m\" or \"250ms\""
    )]
    Unexpected {
        /// What was given, shortened to 64 characters.
        given: String,
        /// The place, counted in characters from 1.
        position: usize,
        /// What could have stood there.
        expected: Expected,
    },
    /// More than [`Span::MAX`].
    #[error("{given:?} is too long; 366d is the longest that can be written")]
    TooLong {
        /// What was given, shortened to 64 characters.
        given: String,
    },
}

/// What could have stood where a length of time could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A whole number.
    Number,
    /// A unit.
    Unit,
    /// A unit smaller than the one before it.
    SmallerUnit,
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Number => "a whole number",
            Self::Unit => "one of the units d, h, m, s and ms",
            Self::SmallerUnit => "a unit smaller than the one before it",
        })
    }
}

/// How far a text has been read.
struct Reader<'a> {
    given: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> Result<u64, InvalidSpan> {
        let before = self.rest;
        match self.take_while(|character| character.is_ascii_digit()) {
            "" => Err(self.unexpected(before, Expected::Number)),
            digits => digits.parse().map_err(|_| self.too_long()),
        }
    }

    /// The milliseconds of the next unit, which must be smaller than `previous`.
    fn unit(&mut self, previous: u64) -> Result<u64, InvalidSpan> {
        let before = self.rest;
        let name = self.take_while(|character| character.is_ascii_alphabetic());
        match UNITS.iter().find(|(known, _)| *known == name) {
            None => Err(self.unexpected(before, Expected::Unit)),
            Some((_, millis)) if *millis >= previous => Err(self.unexpected(before, Expected::SmallerUnit)),
            Some((_, millis)) => Ok(*millis),
        }
    }

    fn unexpected(&self, at: &str, expected: Expected) -> InvalidSpan {
        let position = self.given.chars().count() - at.chars().count() + 1;
        InvalidSpan::Unexpected { given: shortened(self.given), position, expected }
    }

    fn too_long(&self) -> InvalidSpan {
        InvalidSpan::TooLong { given: shortened(self.given) }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        if text.is_empty() {
            return Err(InvalidSpan::Empty);
        }
        let mut reader = Reader { given: text, rest: text };
        let (mut total, mut smallest) = (0_u64, u64::MAX);
        while !reader.rest.is_empty() {
            let number = reader.number()?;
            smallest = reader.unit(smallest)?;
            total = total.saturating_add(number.saturating_mul(smallest));
        }
        if total > MAX_MILLIS { Err(reader.too_long()) } else { Ok(Self(total)) }
    }
}

impl Span {
    fn in_one_unit(self) -> String {
        let exact = UNITS.iter().find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit));
        let (name, unit) = exact.unwrap_or(&("s", SECOND));
        format!("{}{name}", self.0 / unit)
    }

    fn in_all_units(self) -> String {
        let mut rest = self.0;
        let mut text = String::new();
        for (name, unit) in UNITS {
            if rest >= unit {
                text += &format!("{}{name}", rest / unit);
                rest %= unit;
            }
        }
        text
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, all) = (self.in_one_unit(), self.in_all_units());
        out.write_str(if all.is_empty() || one.len() < all.len() { &one } else { &all })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SpanVisitor)
    }
}

struct SpanVisitor;

impl de::Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a length of time such as \"90s\", \"1h30m\" or \"250ms\", or a whole number of seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
        match seconds.checked_mul(SECOND) {
            Some(millis) if millis <= MAX_MILLIS => Ok(Span(millis)),
            _ => Err(E::custom(InvalidSpan::TooLong { given: format!("{seconds}s") })),
        }
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
        let unsigned = u64::try_from(seconds).map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))?;
        self.visit_u64(unsigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_span_is_written_in_its_shorter_form() {
        let cases = [
            (0, "0s"),
            (250, "250ms"),
            (1_500, "1500ms"),
            (90 * SECOND, "90s"),
            (90 * MINUTE, "90m"),
            (DAY, "1d"),
            (HOUR + 1, "1h1ms"),
            (2 * DAY + 3 * HOUR + 4 * SECOND, "2d3h4s"),
            (MAX_MILLIS, "366d"),
        ];
        for (millis, text) in cases {
            assert_eq!(Span::from_millis(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(Span(millis)));
        }
    }

    #[test]
    fn a_fault_is_shown_with_its_place() {
        let cases = [
            ("h", 1, Expected::Number),
            ("-5s", 1, Expected::Number),
            ("1h 30m", 3, Expected::Number),
            ("90", 3, Expected::Unit),
            ("5min", 2, Expected::Unit),
            ("5M", 2, Expected::Unit),
            ("1µs", 2, Expected::Unit),
            ("30m1h", 5, Expected::SmallerUnit),
            ("1s1s", 4, Expected::SmallerUnit),
        ];
        for (given, position, expected) in cases {
            let fault = InvalidSpan::Unexpected { given: given.to_string(), position, expected };
            assert_eq!(given.parse::<Span>(), Err(fault));
        }
        assert_eq!("".parse::<Span>(), Err(InvalidSpan::Empty));
    }

    #[test]
    fn what_is_too_long_is_refused_and_never_wraps() {
        for text in ["367d", "366d1ms", "18446744073709551615d", "99999999999999999999s"] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan::TooLong { given: text.to_string() }));
        }
        assert!(serde_json::from_str::<Span>("18446744073709551615").is_err());
        assert_eq!(Span::from_hours(u64::MAX), Span::MAX);
    }

    #[test]
    fn a_bare_number_is_seconds() {
        assert_eq!(serde_json::from_str::<Span>("90").unwrap(), Span::from_secs(90));
        for refused in ["-1", "1.5", "true", "\"90\""] {
            assert!(serde_json::from_str::<Span>(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_back_off_doubles_up_to_its_limit() {
        let (first, most) = (Span::from_secs(15), Span::from_mins(5));
        let waits: alloc::vec::Vec<u64> =
            [0, 1, 4, 5, 63, 64, u32::MAX].map(|times| first.doubled(times, most).as_millis() / SECOND).into();
        assert_eq!(waits, [15, 30, 240, 300, 300, 300, 300]);
        assert_eq!(Span::ZERO.doubled(70, most), Span::ZERO);
        assert_eq!(Span(100).doubled(1, Span(199)), Span(199));
    }
}
