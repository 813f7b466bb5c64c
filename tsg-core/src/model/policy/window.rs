//! Times of the week in which disruptive work may be done.
//!
//! Owns the calendar arithmetic, in whole minutes from UTC. Must never read a clock or a time
//! zone database.

use serde::{Deserialize, Serialize};

use super::clock_time::{TimeOfDay, UtcOffset, Weekdays};
use crate::model::time::Timestamp;

/// One window: open from `from`, included, to `to`, excluded, on each of its days.
///
/// ```
/// use tsg_core::model::policy::window::{Window, is_open, next_opening};
/// use tsg_core::model::time::Timestamp;
///
/// let nightly: Window = serde_json::from_str(r#"{"from": "22:00", "to": "04:00", "offset": "+02:00"}"#)?;
/// let at_minute = |minute: i64| Timestamp::from_millis(minute * 60_000);
/// let (two_in_the_morning, opening) = (at_minute(2 * 60), at_minute(20 * 60));
/// assert!(!is_open(&[nightly], two_in_the_morning), "it is 04:00 there");
/// assert_eq!(next_opening(&[nightly], two_in_the_morning), Some(opening));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which it opens; one that lasts past midnight closes on the next. Default:
    /// every day.
    #[serde(default)]
    pub days: Weekdays,
    /// When it opens.
    pub from: TimeOfDay,
    /// When it closes: on the next day if that is earlier than `from`, after a whole day if it is
    /// the same.
    pub to: TimeOfDay,
    /// Where these times are, as a fixed distance from UTC. Default: none.
    #[serde(default)]
    pub offset: UtcOffset,
}

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

impl Window {
    /// The first moment from `now` on at which it is open.
    fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        let offset = i64::from(self.offset.minutes());
        let today = (now.as_millis().div_euclid(MINUTE_MILLIS) + offset).div_euclid(DAY_MINUTES);
        // Yesterday's opening may last past midnight; a week from now today comes again.
        let openings = (today - 1..=today + 7).filter(|day| self.days.has_day_since_epoch(*day));
        openings.map(|day| self.opening(day)).find(|(_, end)| now < *end).map(|(start, _)| start.max(now))
    }

    /// From when to when it is open if it opens on this day, counted from 1970-01-01 there.
    fn opening(&self, day: i64) -> (Timestamp, Timestamp) {
        let (from, to) = (i64::from(self.from.minutes()), i64::from(self.to.minutes()));
        let start = day * DAY_MINUTES + from - i64::from(self.offset.minutes());
        let length = if to > from { to - from } else { to - from + DAY_MINUTES };
        let at = |minute: i64| Timestamp::from_millis(minute.saturating_mul(MINUTE_MILLIS));
        (at(start), at(start + length))
    }
}

/// Whether disruptive work may be done at `now`: a window is open, or there are none.
pub fn is_open(windows: &[Window], now: Timestamp) -> bool {
    next_opening(windows, now) == Some(now)
}

/// The first moment from `now` on at which disruptive work may be done: `now` itself while a
/// window is open or when there are none. `None` only at the end of time.
pub fn next_opening(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    if windows.is_empty() { Some(now) } else { windows.iter().filter_map(|window| window.next_open(now)).min() }
}
