//! Days, times of day and distances from UTC, as they stand in a window.
//!
//! Owns their written forms. Must never know where or when it is.
//!
//! ```
//! use tsg_core::model::policy::{TimeOfDay, UtcOffset, Weekday, Weekdays};
//!
//! let (from, offset): (TimeOfDay, UtcOffset) = ("22:30".parse()?, "-03:30".parse()?);
//! assert_eq!((from.minutes(), offset.minutes()), (22 * 60 + 30, -210));
//! let refused = "24:00".parse::<TimeOfDay>().unwrap_err();
//! assert_eq!(refused.to_string(), "\"24:00\" is not a time of day; write one from \"00:00\" to \"23:59\"");
//!
//! let weekend: Weekdays = serde_json::from_str(r#"["sat", "sun"]"#)?;
//! assert!(weekend.has(Weekday::Sun) && !weekend.has(Weekday::Mon));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not a day, a time of day or a distance from UTC.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given:?} is not {expected}")]
pub struct InvalidClockTime {
    /// What was given, shortened to 64 characters.
    pub given: String,
    /// The form that was expected, for a person to read.
    pub expected: &'static str,
}

impl InvalidClockTime {
    fn new(given: &str, expected: &'static str) -> Self {
        Self { given: given.chars().take(64).collect(), expected }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All of them, in the order of [`Weekdays`].
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];
}

/// One or more days of the week. Written as a list: `["mon", "tue"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Weekday>", into = "Vec<Weekday>")]
pub struct Weekdays(u8);

/// 1970-01-01 was a Thursday.
const EPOCH_WEEKDAY: i64 = Weekday::Thu as i64;

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// Whether this day is among them.
    pub const fn has(self, day: Weekday) -> bool {
        self.0 >> day as u8 & 1 == 1
    }

    /// Whether the day that lies so many after 1970-01-01 is among them.
    pub(super) const fn has_day_since_epoch(self, day: i64) -> bool {
        self.0 >> (day + EPOCH_WEEKDAY).rem_euclid(7) & 1 == 1
    }
}

impl Default for Weekdays {
    fn default() -> Self {
        Self::ALL
    }
}

/// A list without a day: a window that would never open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the list of days is empty, so the window would never open; write a day such as \"mon\", or leave `days` out")]
pub struct NoDays;

impl TryFrom<Vec<Weekday>> for Weekdays {
    type Error = NoDays;

    fn try_from(days: Vec<Weekday>) -> Result<Self, NoDays> {
        match days.into_iter().fold(0, |set, day| set | 1 << day as u8) {
            0 => Err(NoDays),
            set => Ok(Self(set)),
        }
    }
}

impl From<Weekdays> for Vec<Weekday> {
    fn from(days: Weekdays) -> Self {
        Weekday::ALL.into_iter().filter(|day| days.has(*day)).collect()
    }
}

/// A time of day to the minute, from `00:00` to `23:59`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidClockTime;

    fn from_str(text: &str) -> Result<Self, InvalidClockTime> {
        let minutes = hours_and_minutes(text).filter(|(hours, _)| *hours < 24);
        let invalid = || InvalidClockTime::new(text, "a time of day; write one from \"00:00\" to \"23:59\"");
        minutes.map(|(hours, minutes)| Self(hours * 60 + minutes)).ok_or_else(invalid)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A fixed distance from UTC to the minute, from `-14:00` to `+14:00`; east is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// Minutes to the east of UTC.
    pub const fn minutes(self) -> i16 {
        self.0
    }
}

impl FromStr for UtcOffset {
    type Err = InvalidClockTime;

    fn from_str(text: &str) -> Result<Self, InvalidClockTime> {
        let expected = "a distance from UTC; write one from \"-14:00\" to \"+14:00\", with its sign";
        parse_offset(text).ok_or_else(|| InvalidClockTime::new(text, expected))
    }
}

fn parse_offset(text: &str) -> Option<UtcOffset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = hours_and_minutes(&text[1..])?;
    let distance = i16::try_from(hours * 60 + minutes).ok().filter(|distance| *distance <= 14 * 60)?;
    Some(UtcOffset(sign * distance))
}

/// Two digits, a colon, two digits; the minutes below 60.
fn hours_and_minutes(text: &str) -> Option<(u16, u16)> {
    let [h1 @ b'0'..=b'9', h2 @ b'0'..=b'9', b':', m1 @ b'0'..=b'5', m2 @ b'0'..=b'9'] = *text.as_bytes() else {
        return None;
    };
    let number = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
    Some((number(h1, h2), number(m1, m2)))
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, distance) = (if self.0 < 0 { '-' } else { '+' }, self.0.unsigned_abs());
        write!(out, "{sign}{:02}:{:02}", distance / 60, distance % 60)
    }
}

macro_rules! kept_as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidClockTime;

            fn try_from(text: String) -> Result<Self, InvalidClockTime> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                alloc::format!("{value}")
            }
        }
    };
}

kept_as_text!(TimeOfDay);
kept_as_text!(UtcOffset);
