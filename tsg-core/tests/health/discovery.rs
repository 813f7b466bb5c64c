//! Who is listed: each rule by a small case, and what holds whatever is known.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use core::time::Duration;

use crate::scene::warded::instance;
use crate::scene::{config, second};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tsg_core::health::discovery::{Alarm, Change, Entry, ListedAs, Listing, Outlook, Why, review};
use tsg_core::health::spec::Discovery;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::amount::Amount;
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::Verdict;

const NOW: i64 = 1000;

/// A group as letters: `R` listed and ready, `U` listed and not, `?` listed and not judged; small
/// ones are not listed any more, `n` and `N` (ready) never were; of `q` and `Q`, which were ready, nobody
/// can tell any more: the first was taken out, the second never listed. All have been so for a minute;
/// those in `fresh` for five seconds.
fn group(letters: &str, fresh: &[usize]) -> Vec<Entry> {
    let entry = |(place, letter): (usize, char)| {
        let ready_since = second(NOW - if fresh.contains(&place) { 5 } else { 60 });
        let is_ready = matches!(letter, 'R' | 'r' | 'N' | 'q' | 'Q');
        let verdict = if matches!(letter, 'q' | 'Q') { Verdict::Unknown } else { Verdict::Healthy };
        let known = Judgement { verdict, is_ready, ready_since, ..Judgement::unknown(second(0)) };
        let listing = match letter {
            'R' | 'U' | '?' => Listing::Listed,
            'n' | 'N' | 'Q' => Listing::NotYet,
            _ => Listing::Delisted,
        };
        let judgement = (letter != '?').then_some(known);
        Entry { instance: instance(place as u128), judgement, listing }
    };
    letters.chars().enumerate().map(entry).collect()
}

/// Changes as `+` and `-` with the place, those that are kept with `=`.
fn told(outlook: &Outlook) -> String {
    let sign = |change: &Change| if change.to == ListedAs::Listed { '+' } else { '-' };
    let changes = outlook.changes.iter().map(|change| format!("{}{}", sign(change), change.instance.uuid().as_u128()));
    let kept = outlook.kept.iter().map(|kept| format!("={}", kept.uuid().as_u128()));
    changes.chain(kept).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn expect(entries: &[Entry], discovery: &Discovery, expected: &str) -> Outlook {
    let outlook = review(entries, discovery, second(NOW));
    assert_eq!(told(&outlook), expected);
    outlook
}

#[test]
fn what_is_not_ready_leaves_after_a_while_and_what_is_ready_enters() {
    let discovery = Discovery { up_after: Span::from_secs(20), ..Discovery::default() };
    let outlook = expect(&group("RRUUrrNnu", &[3, 5]), &discovery, "+4 +6 -2");
    assert_eq!(outlook.next_at, Some(second(NOW + 5)), "then the fresh failure has lasted long enough");
    assert_eq!(outlook.changes[0].why, Why::Ready { since: Duration::from_secs(60) });
    assert_eq!(outlook.changes[2].why, Why::NotReady { since: Duration::from_secs(60) });
    assert_eq!(outlook.alarm, None);
}

#[test]
fn what_nobody_can_tell_stays_as_it_is() {
    let outlook = expect(&group("???", &[]), &Discovery::default(), "");
    assert_eq!((outlook.alarm, outlook.next_at), (None, None));
}

#[test]
fn nobody_enters_before_it_is_seen_to_pass() {
    let outlook = expect(&group("RRqr", &[]), &Discovery::default(), "+3");
    assert_eq!(outlook.next_at, None);
    expect(&group("Q", &[]), &Discovery::default(), "");
}

#[test]
fn if_too_many_would_leave_all_stay() {
    let discovery = Discovery::default();
    let outlook = expect(&group("RUUU", &[]), &discovery, "=1 =2 =3");
    assert_eq!(outlook.alarm, Some(Alarm::Panic { unready: 3, of: 4, most: 2 }));
    expect(&group("RRUU", &[]), &discovery, "-2 -3");
    // Who has left before counts, and so does who is about to; who never entered does not.
    expect(&group("RRUuu", &[]), &discovery, "=2");
    expect(&group("RRRUUUU", &[4, 5, 6]), &discovery, "=3");
    expect(&group("RRUnnnn", &[]), &discovery, "-2");
    // What is ready enters in a panic as well.
    let outlook = expect(&group("UUr", &[]), &discovery, "+2 =0 =1");
    assert_eq!(outlook.alarm, Some(Alarm::Panic { unready: 2, of: 3, most: 1 }));
    let fearless = Discovery { panic: Amount::Percent(100), min_listed: Amount::Count(0), ..discovery.clone() };
    expect(&group("UUU", &[]), &fearless, "-0 -1 -2");
}

#[test]
fn enough_are_left_and_those_the_best() {
    let discovery = Discovery { panic: Amount::Percent(100), ..Discovery::default() };
    let outlook = expect(&group("U", &[]), &discovery, "=0");
    assert_eq!(outlook.alarm, Some(Alarm::TooFew { kept: 1, least: 1 }));
    let two = Discovery { min_listed: Amount::Count(2), down_after: Span::ZERO, ..discovery.clone() };
    // The ones that were ready last.
    expect(&group("UUU", &[1]), &two, "-2 =0 =1");
    // Who enters counts once it is in.
    expect(&group("UUr", &[]), &two, "+2 =0 =1");
    expect(&group("UUR", &[]), &two, "-1 =0");
    let share = Discovery { min_listed: Amount::Percent(50), ..discovery.clone() };
    expect(&group("UUUUU", &[]), &share, "-3 -4 =0 =1 =2");
}

/// Whether it is ready, for how long and whether that can be told now, and where it stands.
type Drawn = (Option<(bool, i64, Verdict)>, Listing);

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![3 => Just(Verdict::Healthy), 1 => Just(Verdict::Unknown)]
}

fn entry() -> impl Strategy<Value = Drawn> {
    let judgement = proptest::option::weighted(0.8, (any::<bool>(), 0_i64..40, verdict()));
    let listing = prop_oneof![3 => Just(Listing::Listed), 1 => Just(Listing::Delisted), 1 => Just(Listing::NotYet)];
    (judgement, listing)
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![(0_u32..6).prop_map(Amount::Count), (0_u16..=100).prop_map(Amount::Percent)]
}

fn discovery() -> impl Strategy<Value = Discovery> {
    (0_u64..20, 0_u64..20, amount(), amount()).prop_map(|(down, up, min_listed, panic)| Discovery {
        services: None,
        down_after: Span::from_secs(down),
        up_after: Span::from_secs(up),
        min_listed,
        panic,
    })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 0..12).prop_map(|drawn| {
        let entry = |(number, (judged, listing)): (u128, Drawn)| {
            let judgement = judged.map(|(is_ready, age, verdict)| Judgement {
                verdict,
                is_ready,
                ready_since: second(NOW - age),
                ..Judgement::unknown(second(0))
            });
            Entry { instance: instance(number), judgement, listing }
        };
        (0..).zip(drawn).map(entry).collect()
    })
}

fn applied(entries: &[Entry], outlook: &Outlook) -> Vec<Entry> {
    let listing = |entry: &Entry| {
        let change = outlook.changes.iter().find(|change| change.instance == entry.instance);
        change.map_or(entry.listing, |change| match change.to {
            ListedAs::Listed => Listing::Listed,
            ListedAs::Delisted => Listing::Delisted,
        })
    };
    entries.iter().map(|entry| Entry { listing: listing(entry), ..*entry }).collect()
}

/// What is left once those that entered are in, and others could leave for that.
fn settled(entries: &[Entry], discovery: &Discovery, now: Timestamp) -> Vec<Entry> {
    let entered = applied(entries, &review(entries, discovery, now));
    applied(&entered, &review(&entered, discovery, now))
}

fn listed(entries: &[Entry]) -> u32 {
    u32::try_from(entries.iter().filter(|entry| entry.listing == Listing::Listed).count()).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_enters_before_health_and_nobody_leaves_without_a_reason(entries in entries(), discovery in discovery()) {
        let outlook = review(&entries, &discovery, second(NOW));
        for change in &outlook.changes {
            let entry = entries.iter().find(|entry| entry.instance == change.instance).unwrap();
            let known = entry.judgement.map(|known| (known.is_ready, second(NOW).since(known.ready_since)));
            match change.to {
                ListedAs::Listed => {
                    prop_assert!(entry.listing != Listing::Listed);
                    let is_known = entry.judgement.is_some_and(|known| known.verdict != Verdict::Unknown);
                    prop_assert!(is_known);
                    let (is_ready, since) = known.unwrap();
                    prop_assert!(is_ready && since >= discovery.up_after.as_duration());
                }
                ListedAs::Delisted => {
                    prop_assert_eq!(entry.listing, Listing::Listed);
                    let is_down = known.is_some_and(|(is_ready, since)| {
                        !is_ready && since >= discovery.down_after.as_duration()
                    });
                    prop_assert!(is_down);
                }
            }
        }
    }

    #[test]
    fn enough_are_listed_afterwards_and_nothing_is_left_to_do(entries in entries(), discovery in discovery()) {
        let outlook = review(&entries, &discovery, second(NOW));
        let after = applied(&entries, &outlook);
        let least = discovery.min_listed.of_rounded_up(u32::try_from(entries.len()).unwrap());
        prop_assert!(listed(&after) >= least.min(listed(&entries)));
        prop_assert_eq!(outlook.alarm.is_some(), !outlook.kept.is_empty());
        let again = review(&settled(&entries, &discovery, second(NOW)), &discovery, second(NOW));
        prop_assert!(again.changes.is_empty(), "{:?}", again.changes);
        prop_assert_eq!(again.next_at, outlook.next_at);
    }

    #[test]
    fn the_next_look_is_when_there_is_something_to_see(entries in entries(), discovery in discovery(), wait in 0_i64..30) {
        let outlook = review(&entries, &discovery, second(NOW));
        let later = second(NOW + wait);
        if outlook.next_at.is_none_or(|next| later < next) {
            let after = review(&settled(&entries, &discovery, second(NOW)), &discovery, later);
            prop_assert!(after.changes.is_empty(), "{:?} before {:?}", after.changes, outlook.next_at);
        }
    }

    #[test]
    fn if_all_are_bad_nothing_changes(count in 2_usize..20, ages in 10_i64..1000) {
        let judgement = Judgement { is_ready: false, ready_since: second(NOW - ages), ..Judgement::unknown(second(0)) };
        let entry = |number: usize| Entry {
            instance: instance(number as u128),
            judgement: Some(judgement),
            listing: Listing::Listed,
        };
        let entries: Vec<Entry> = (0..count).map(entry).collect();
        let outlook = review(&entries, &Discovery::default(), second(NOW));
        prop_assert_eq!((outlook.changes.len(), outlook.kept.len()), (0, count));
        let all = u32::try_from(count).unwrap();
        prop_assert_eq!(outlook.alarm, Some(Alarm::Panic { unready: all, of: all, most: all / 2 }));
    }
}
