//! Times as they are written in answers. Owns the three written forms; must never read a clock.

use jiff::fmt::strtime;
use tsg_cloudapi::signature::HttpDate;
use tsg_core::model::time::Timestamp;

/// As the date library counts it; the ends of its range for what lies beyond.
pub fn to_jiff(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(if at < Timestamp::EPOCH {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// RFC 3339 with microseconds, as TSG v1's database gave it.
pub fn microseconds(at: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S.%6fZ", to_jiff(at)).unwrap_or_default()
}

/// RFC 3339 with milliseconds, as CloudAPI writes it.
pub fn milliseconds(at: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S.%3fZ", to_jiff(at)).unwrap_or_default()
}

/// An HTTP date.
pub fn http_date(at: Timestamp) -> HttpDate {
    HttpDate::from_timestamp(to_jiff(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_places() {
        let at = Timestamp::from_millis(1_523_719_460_205);
        assert_eq!(microseconds(at), "2018-04-14T15:24:20.205000Z");
        assert_eq!(milliseconds(at), "2018-04-14T15:24:20.205Z");
        assert_eq!(http_date(at).as_str(), "Sat, 14 Apr 2018 15:24:20 GMT");
    }
}
