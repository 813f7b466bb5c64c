//! The wall clock that signatures and `Date` headers are held against, and HTTP dates.
//!
//! Owns the choice between the system's clock and a fixed one. It must never influence virtual time: a signature made by
//! a real client lives by the real clock, however fast the world runs.

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

/// How long a `Date` stays good in either direction: CloudAPI's clock skew limit.
pub const MAX_SKEW_S: i64 = 300;

/// Where the server reads the present from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WallClock {
    /// The machine's clock.
    #[default]
    System,
    /// Always this moment: replays of captured requests.
    Fixed(Timestamp),
}

impl WallClock {
    /// The present.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(moment) => moment,
        }
    }
}

/// `Fri, 20 Nov 2026 18:25:12 GMT`.
#[must_use]
pub fn http_date(moment: Timestamp) -> String {
    // Only years beyond 9999 cannot be printed.
    DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).unwrap_or_default()
}

/// Reads a `Date` header as leniently as CloudAPI does: RFC 1123 with `GMT` or `UTC`, or ISO 8601.
///
/// ```
/// use tsg_sim::http::clock::parse_date;
/// assert_eq!(parse_date("Fri, 20 Nov 2026 18:15:54 UTC"), parse_date("2026-11-20T18:15:54Z"));
/// assert_eq!(parse_date("yesterday"), None);
/// ```
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let rfc1123 = text.trim().replace(" UTC", " GMT");
    DateTimeParser::new().parse_timestamp(&rfc1123).ok().or_else(|| text.trim().parse().ok())
}
