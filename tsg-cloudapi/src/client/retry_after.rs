//! `Retry-After`: seconds or an HTTP date, made into a bounded wait.
//!
//! A date is compared with the reply's own `Date`, so that a wrong local clock does not matter.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;

use crate::signature::parse_http_date;

/// A wait of less would be asking again at once.
const SHORTEST: Duration = Duration::from_secs(1);
/// A longer wait is a mistake or an attack; asking once an hour hurts nobody.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The reply's `Date`, the only view of the cloud's clock there is.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    parse_http_date(headers.get(header::DATE)?.to_str().ok()?)
}

/// The wait asked for; `None` when the header is absent or makes no sense.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // Digits beyond the range of u64 are a very long wait.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let until = parse_http_date(text)?.as_millisecond();
        let from = server_time(headers).unwrap_or(now).as_millisecond();
        Duration::from_millis(u64::try_from(until.saturating_sub(from)).unwrap_or(0))
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};
    use jiff::Timestamp;

    use super::retry_after;

    #[test]
    fn seconds_and_dates_are_clamped_and_nonsense_is_nothing() {
        let date = "Fri, 20 Nov 2026 18:00:00 GMT";
        let table = [
            ("0", Some(1)),
            ("7", Some(7)),
            ("99999999999999999999999", Some(3600)),
            ("Fri, 20 Nov 2026 18:00:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 17:00:00 GMT", Some(1)),
            ("Fri, 20 Nov 2036 18:00:00 GMT", Some(3600)),
            ("", None),
            ("-5", None),
            ("soon", None),
        ];
        for (text, seconds) in table {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(text));
            headers.insert("date", HeaderValue::from_static(date));
            let wait = retry_after(&headers, Timestamp::UNIX_EPOCH);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
