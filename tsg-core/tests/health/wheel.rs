//! The timers against a sorted map of them.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use std::collections::BTreeMap;

use crate::scene::config;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tsg_core::health::wheel::Wheel;
use tsg_core::model::time::Timestamp;

const fn at(milli: i64) -> Timestamp {
    Timestamp::from_millis(milli)
}

#[derive(Debug, Clone)]
enum Step {
    Set {
        timer: u32,
        after: i64,
    },
    Cancel {
        timer: u32,
    },
    Advance {
        by: i64,
    },
    /// To one millisecond before what is said to be next, to it, or to one after it.
    AdvanceToNext {
        beside: i64,
    },
}

/// Distances that end within each of the wheels, and on their edges.
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -5_i64..40,
        4 => 0_i64..40_000,
        2 => 0_i64..100_000_000,
        1 => 0_i64..1 << 52,
        2 => (0_u32..50, -1_i64..=1).prop_map(|(bits, beside)| (1 << bits) + beside),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let timer = 0_u32..12;
    prop_oneof![
        4 => (timer.clone(), distance()).prop_map(|(timer, after)| Step::Set { timer, after }),
        1 => timer.prop_map(|timer| Step::Cancel { timer }),
        2 => distance().prop_map(|by| Step::Advance { by }),
        3 => (-1_i64..=1).prop_map(|beside| Step::AdvanceToNext { beside }),
    ]
}

/// What a wheel is to do, in the most obvious way.
#[derive(Debug, Default)]
struct Model {
    elapsed: i64,
    due: BTreeMap<u32, i64>,
}

/// How far a wheel reaches.
const LAST: i64 = (1 << 50) - 2;

impl Model {
    fn set(&mut self, timer: u32, at: i64) {
        self.due.insert(timer, at.clamp(self.elapsed + 1, LAST));
    }

    /// By time, and then by number.
    fn advance(&mut self, now: i64) -> Vec<(i64, u32)> {
        let mut out: Vec<(i64, u32)> =
            self.due.iter().filter(|(_, due)| **due <= now).map(|(timer, due)| (*due, *timer)).collect();
        self.due.retain(|_, due| *due > now);
        self.elapsed = self.elapsed.max(now);
        out.sort_unstable();
        out
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn timers_are_handed_out_when_they_are_due(
        begin in prop_oneof![Just(0), -5_000_i64..5_000, Just(1_800_000_000_000)],
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut wheel, mut model) = (Wheel::new(at(begin)), Model { elapsed: -1, ..Model::default() });
        let mut now = 0;
        for step in steps {
            match step {
                Step::Set { timer, after } => {
                    wheel.set(timer, at(begin + now + after));
                    model.set(timer, now + after);
                    continue;
                }
                Step::Cancel { timer } => {
                    wheel.cancel(timer);
                    model.due.remove(&timer);
                    continue;
                }
                Step::Advance { by } => now = (now + by).min(LAST - 1),
                Step::AdvanceToNext { beside } => {
                    let next = wheel.next_at().map(|next| next.as_millis() - begin);
                    prop_assert_eq!(next.is_some(), !model.due.is_empty());
                    prop_assert!(next <= model.due.values().min().copied());
                    now = (now.max(next.unwrap_or(now)) + beside).min(LAST - 1);
                }
            }
            let (mut out, expected) = (Vec::new(), model.advance(now));
            wheel.advance(at(begin + now), &mut out);
            // Those that are due at once come in any order.
            let due: BTreeMap<u32, i64> = expected.iter().map(|(due, timer)| (*timer, *due)).collect();
            prop_assert!(out.is_sorted_by_key(|timer| due.get(timer)), "{out:?} {expected:?}");
            out.sort_by_key(|timer| (due.get(timer), *timer));
            prop_assert_eq!(out, expected.iter().map(|(_, timer)| *timer).collect::<Vec<_>>());
            prop_assert_eq!(wheel.set_count() as usize, model.due.len());
        }
    }

    #[test]
    fn any_time_at_all_is_taken(moments in proptest::collection::vec(any::<i64>(), 1..20), begin in any::<i64>()) {
        let mut wheel = Wheel::new(at(begin));
        let mut out = Vec::new();
        for (timer, moment) in (0..).zip(&moments) {
            wheel.set(timer, at(*moment));
            wheel.advance(at(*moment), &mut out);
        }
        out.clear();
        wheel.advance(at(i64::MAX), &mut out);
        prop_assert!(wheel.set_count() as usize + out.len() <= moments.len());
    }
}

/// How many slots were gone through is what counts: a day takes as long as a second.
#[test]
fn a_long_gap_costs_no_more_than_what_is_due_in_it() {
    let mut wheel = Wheel::new(at(0));
    let mut out = Vec::new();
    for hour in 1..200_000_i64 {
        wheel.set(1, at(hour * 3_600_000));
        wheel.advance(at(hour * 3_600_000 - 1), &mut out);
        assert!(out.is_empty());
        wheel.advance(at(hour * 3_600_000), &mut out);
        assert_eq!(out, [1]);
        out.clear();
    }
}

#[test]
fn a_turn_of_timers_that_is_known_allocates_nothing() {
    let mut wheel = Wheel::new(at(0));
    let mut out = Vec::new();
    let mut turn = |now: i64| {
        for timer in 0..1000 {
            wheel.set(timer, at(now + 1 + i64::from(timer) * 7));
        }
        wheel.advance(at(now + 10_000), &mut out);
        assert_eq!(out.len(), 1000);
        out.clear();
    };
    turn(0);
    let allocated = allocation_counter::measure(|| (1..20).for_each(|turns| turn(turns * 10_000)));
    assert_eq!(allocated.count_total, 0);
}
