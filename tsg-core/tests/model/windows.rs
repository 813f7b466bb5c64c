//! Windows, against a calendar that is counted minute by minute.

use proptest::collection::{btree_set, vec};
use proptest::prelude::{ProptestConfig, Strategy, prop_assert_eq, proptest};
use proptest::sample::select;
use serde_json::{Value, json};
use tsg_core::model::policy::window::{Window, is_open, next_opening};
use tsg_core::model::time::Timestamp;

/// 2024-01-01T00:00:00Z, a Monday, in minutes since the epoch.
const A_MONDAY: i64 = 1_704_067_200 / 60;
const DAY: i64 = 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A window as it is written, and what was meant by it.
#[derive(Debug, Clone)]
struct Written {
    days: Vec<usize>,
    from: i64,
    to: i64,
    offset: i64,
}

impl Written {
    fn json(&self) -> Value {
        let days: Vec<&str> = self.days.iter().map(|day| DAYS[*day]).collect();
        let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let sign = if self.offset < 0 { '-' } else { '+' };
        let offset = format!("{sign}{}", clock(self.offset.abs()));
        json!({"days": days, "from": clock(self.from), "to": clock(self.to), "offset": offset})
    }

    fn window(&self) -> Window {
        serde_json::from_value(self.json()).unwrap()
    }

    /// Whether it is open in this minute since the epoch.
    fn has(&self, minute: i64) -> bool {
        let there = minute + self.offset - A_MONDAY;
        let (day, time) = (there.div_euclid(DAY).rem_euclid(7), there.rem_euclid(DAY));
        let opens_on = |day: i64| self.days.contains(&usize::try_from(day.rem_euclid(7)).unwrap());
        if self.from < self.to {
            opens_on(day) && (self.from..self.to).contains(&time)
        } else {
            (opens_on(day) && time >= self.from) || (opens_on(day - 1) && time < self.to)
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let quarters = (0..DAY / 15).prop_map(|quarter| quarter * 15);
    let clock = proptest::prop_oneof![0..DAY, quarters];
    let days = btree_set(0_usize..7, 1..=7).prop_map(|days| days.into_iter().collect());
    (days, [clock.clone(), clock], -14 * 60..=14 * 60_i64).prop_map(|(days, [from, to], offset)| Written {
        days,
        from,
        to,
        offset,
    })
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn windows_open_when_a_calendar_says_so(
        windows in vec(written(), 1..4),
        minute in -2 * 7 * DAY..2 * 7 * DAY,
        origin in select(&[0, A_MONDAY, -A_MONDAY][..]),
        millis in 0..60_000_i64,
    ) {
        let (minute, read) = (origin + minute, windows.iter().map(Written::window).collect::<Vec<_>>());
        let is_open_in = |minute: i64| windows.iter().any(|window| window.has(minute));
        let now = Timestamp::from_millis(minute * 60_000 + millis);
        prop_assert_eq!(is_open(&read, now), is_open_in(minute));

        let next = (minute..=minute + 9 * DAY).find(|minute| is_open_in(*minute)).unwrap();
        prop_assert_eq!(next_opening(&read, now), Some(at(next).max(now)));
    }

    #[test]
    fn a_window_reads_back_as_it_was(written in written()) {
        let (given, window) = (written.json(), written.window());
        let mut expected = given.clone();
        if expected["offset"] == "-00:00" {
            expected["offset"] = json!("+00:00");
        }
        prop_assert_eq!(serde_json::to_value(window).unwrap(), expected);
    }

    #[test]
    fn no_moment_brings_a_window_down(written in written(), millis: i64) {
        let now = Timestamp::from_millis(millis);
        let window = [written.window()];
        if let Some(next) = next_opening(&window, now) {
            proptest::prop_assert!(next >= now);
        }
    }
}

#[test]
fn a_window_belongs_to_the_day_on_which_it_opens() {
    let sunday_night = Written { days: vec![6], from: 22 * 60, to: 4 * 60, offset: 0 }.window();
    let sunday = A_MONDAY - DAY;
    let hours = |from: i64, hours: i64| at(from + hours * 60);
    assert!(!is_open(&[sunday_night], hours(sunday, 3)), "Saturday has no window that could last until now");
    assert!(is_open(&[sunday_night], hours(sunday, 22)));
    assert!(is_open(&[sunday_night], hours(A_MONDAY, 3)));
    assert!(!is_open(&[sunday_night], hours(A_MONDAY, 4)), "the end is not part of it");
    assert_eq!(next_opening(&[sunday_night], hours(A_MONDAY, 4)), Some(hours(A_MONDAY, 6 * 24 + 22)));
}

#[test]
fn without_windows_or_limits_it_is_always_open() {
    let now = at(A_MONDAY + 7);
    assert!(is_open(&[], now));
    assert_eq!(next_opening(&[], now), Some(now));
    let whole_day: Window = serde_json::from_value(json!({"from": "09:00", "to": "09:00"})).unwrap();
    assert!((0..2 * DAY).all(|minute| is_open(&[whole_day], at(A_MONDAY + minute))));
}
