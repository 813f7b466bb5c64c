//! Times of the week in which disruptive work may be done.
//!
//! Owns the calendar arithmetic, in whole minutes from UTC. Must never read a clock or a time
//! zone database.

use crate::model::time::Timestamp;

/// A set of days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    const fn has(self, day: i64) -> bool {
        self.0 & (1 << day) != 0
    }
}

/// A time of day, in minutes since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

/// A fixed distance from UTC, in minutes; east is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcOffset(i16);

/// One window, open from `from` to `to` on each of its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The days on which it opens. Default: every day.
    pub days: Weekdays,
    /// When it opens.
    pub from: TimeOfDay,
    /// When it closes; on the next day if that is not later than `from`.
    pub to: TimeOfDay,
    /// Where these times are: a fixed distance from UTC. Default: none.
    pub offset: UtcOffset,
}

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;
/// 1970-01-01 was a Thursday, three days after a Monday.
const EPOCH_WEEKDAY: i64 = 3;

impl Window {
    /// The first moment from `now` on at which it is open.
    fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        let offset = i64::from(self.offset.0);
        let today = (now.as_millis().div_euclid(MINUTE_MILLIS) + offset).div_euclid(DAY_MINUTES);
        // Yesterday's opening may last past midnight; a week later the first day comes again.
        let openings = (today - 1..=today + 7).filter(|day| self.days.has((day + EPOCH_WEEKDAY).rem_euclid(7)));
        openings.map(|day| self.opening(day, offset)).find(|(_, end)| now < *end).map(|(start, _)| start.max(now))
    }

    fn opening(&self, day: i64, offset: i64) -> (Timestamp, Timestamp) {
        let start = day * DAY_MINUTES + i64::from(self.from.0) - offset;
        let open_minutes = (i64::from(self.to.0) - i64::from(self.from.0) - 1).rem_euclid(DAY_MINUTES) + 1;
        let at = |minute: i64| Timestamp::from_millis(minute.saturating_mul(MINUTE_MILLIS));
        (at(start), at(start + open_minutes))
    }
}

/// Whether disruptive work may be done at `now`: some window is open, or there is none.
pub fn is_open(windows: &[Window], now: Timestamp) -> bool {
    next_opening(windows, now) == Some(now)
}

/// The first moment from `now` on at which disruptive work may be done: `now` itself while a
/// window is open or when there is none. `None` if no window has a day.
pub fn next_opening(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    if windows.is_empty() { Some(now) } else { windows.iter().filter_map(|window| window.next_open(now)).min() }
}
