//! HTTP dates: printed one way, read leniently because real clients write them in several ways.
//!
//! The text that was signed is never normalised; parsing serves the clock-skew check alone.

use std::fmt;

use jiff::{Timestamp, civil, fmt::rfc2822};

/// The text of a `Date` header.
///
/// ```
/// use tsg_cloudapi::signature::HttpDate;
/// let date = HttpDate::from_timestamp(jiff::Timestamp::from_second(1_767_225_600)?);
/// assert_eq!(date.as_str(), "Thu, 01 Jan 2026 00:00:00 GMT");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpDate(String);

impl HttpDate {
    /// The preferred form of RFC 9110, always in GMT. Fractions of a second are cut.
    #[must_use]
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        let printed = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp);
        // The printer only fails for years beyond 9999, which `Timestamp` cannot reach upwards.
        Self(printed.unwrap_or_else(|_| timestamp.to_string()))
    }

    /// Takes a date text as it is, for example one that was fixed and stored earlier.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a date header: RFC 1123 with `GMT` or `UTC` (triton-go writes the latter) or ISO 8601,
/// whose missing zone means UTC. `None` when it is no date.
///
/// ```
/// use tsg_cloudapi::signature::parse_http_date;
/// let gmt = parse_http_date("Fri, 20 Nov 2026 18:15:54 GMT");
/// assert_eq!(gmt, parse_http_date("Fri, 20 Nov 2026 18:15:54 UTC"));
/// assert_eq!(gmt, parse_http_date("2026-11-20T18:15:54.000Z"));
/// assert_eq!(None, parse_http_date("yesterday"));
/// ```
#[must_use]
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if let Ok(local) = text.parse::<civil::DateTime>() {
        return local.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    // A wrong weekday does not make another instant; upstream does not look at it either.
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    match text.strip_suffix("UTC") {
        Some(head) => parser.parse_timestamp(format!("{head}GMT")).ok(),
        None => parser.parse_timestamp(text).ok(),
    }
}
