//! What is told of the last facts: the newest of each prober and check, as it was heard.
//!
//! `TSG_CASES` sets how many inputs the property is tried on, and `TSG_SEED` which.

use core::time::Duration;
use std::sync::Arc;

use crate::scene::warded::{group, instance};
use crate::scene::{BEGIN, check, config, second};
use proptest::prelude::{Just, prop_assert_eq, prop_oneof, proptest};
use tsg_core::health::fact::{Fact, Failure, Obstruction, Outcome};
use tsg_core::health::last::{LastFact, Told};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::ward::{Target, Ward};
use tsg_core::plan::input::Verdict;

const FAILED: Outcome = Outcome::Failed(Failure::Status(503));
const OBSTRUCTED: Outcome = Outcome::Unjudged(Obstruction::NoRoute);
/// Three intervals and the time a probe may take.
const STALE_AFTER: i64 = 31;

/// A ward of one instance with two checks, asked each ten seconds, which has served.
fn ward(start_window: &str) -> Ward {
    let fields = format!(r#", "interval": "10s", "timeout": "1s", "start_window": "{start_window}""#);
    let mut health = HealthSpec::of(vec![check("live", &fields), check("ready", &fields)]);
    // However often it changes, it takes as many facts.
    health.flapping.changes = u32::MAX;
    let health = Arc::new(health);
    let mut ward = Ward::new(second(0));
    let target = Target {
        instance: instance(1),
        began_at: second(0),
        has_served: start_window == "0s",
        was_ready: start_window == "0s",
    };
    ward.set_group(group(1), &health, &[target], second(0));
    ward
}

fn note(ward: &mut Ward, prober: u16, check: u16, at: i64, outcome: Outcome) {
    let fact = Fact { at: second(at), took: Duration::from_millis(40), outcome };
    ward.note(prober, instance(1), check, fact, second(at));
}

fn told(ward: &Ward, now: i64) -> Vec<LastFact> {
    ward.facts_of(instance(1), second(now)).collect()
}

/// What was found, at which second, how many in a row, and whether that is stale.
type Found = (Outcome, u64, u16, bool);

/// The prober and the check, and what it found.
fn brief(last: &LastFact) -> (u16, u16, Option<Found>) {
    let told = last.told.map(|told| (told.outcome, told.at.since(second(0)).as_secs(), told.in_a_row, told.is_stale));
    (last.prober, last.check, told)
}

#[test]
fn the_newest_of_each_prober_and_check_is_told_with_how_many_there_were() {
    let mut ward = ward("0s");
    assert_eq!(told(&ward, 0), []);
    for at in [10, 20, 30, 40] {
        note(&mut ward, 0, 0, at, FAILED);
        note(&mut ward, 0, 1, at + 1, Outcome::Passed);
        note(&mut ward, 3, 1, at + 2, Outcome::Degraded);
    }
    note(&mut ward, 3, 1, 50, Outcome::Passed);
    // What comes late, or is about no check, changes nothing.
    let late = Fact { at: second(35), took: Duration::from_millis(40), outcome: Outcome::Passed };
    ward.note(0, instance(1), 0, late, second(51));
    note(&mut ward, 0, 2, 51, FAILED);
    let known: Vec<_> = told(&ward, 51).iter().map(brief).collect();
    assert_eq!(
        known,
        [
            (0, 0, Some((FAILED, 40, 4, false))),
            (0, 1, Some((Outcome::Passed, 41, 4, false))),
            (3, 1, Some((Outcome::Passed, 50, 1, false))),
        ]
    );
    assert_eq!(ward.facts_of(instance(2), second(51)).count(), 0, "nobody looks after that one");
    ward.forget_prober(3, second(51));
    assert_eq!(told(&ward, 51).len(), 2);
}

#[test]
fn a_failure_says_why_it_is_the_newest_one_and_a_pass_says_nothing_of_those_before() {
    let mut ward = ward("0s");
    note(&mut ward, 0, 0, 10, Outcome::Failed(Failure::Refused));
    note(&mut ward, 0, 0, 20, FAILED);
    assert_eq!(brief(&told(&ward, 20)[0]).2, Some((FAILED, 20, 2, false)));
    note(&mut ward, 0, 0, 30, Outcome::Passed);
    assert_eq!(brief(&told(&ward, 30)[0]).2, Some((Outcome::Passed, 30, 1, false)));
}

#[test]
fn passes_and_degraded_ones_lead_away_from_a_failure_together_and_are_counted_apart_afterwards() {
    let mut ward = ward("0s");
    let facts = [FAILED, FAILED, FAILED, Outcome::Passed, Outcome::Degraded, Outcome::Degraded, Outcome::Passed];
    for ((at, outcome), counted) in (1_i64..).zip(facts).zip([1, 2, 3, 1, 1, 2, 1]) {
        note(&mut ward, 0, 0, at, outcome);
        assert_eq!(brief(&told(&ward, at)[0]).2, Some((outcome, at.unsigned_abs(), counted, false)));
    }
}

#[test]
fn how_long_it_took_is_told_to_an_eighth_and_not_at_all_where_nobody_knows() {
    let mut ward = ward("0s");
    let mut noted = |at: i64, took: Duration| {
        ward.note(0, instance(1), 0, Fact { at: second(at), took, outcome: Outcome::Passed }, second(at));
        told(&ward, at)[0].told.and_then(|told: Told| told.took)
    };
    for (at, millis) in [(10, 1), (20, 40), (30, 5_000), (40, 3_600_000)] {
        let took = Duration::from_millis(millis);
        let kept = noted(at, took).unwrap();
        assert!(kept <= took && took < kept * 8 / 7, "{took:?} is told as {kept:?}");
    }
    assert_eq!(noted(50, Duration::ZERO), None);
}

#[test]
fn an_old_fact_is_stale_and_one_of_a_prober_that_could_not_tell_since_says_why() {
    let mut ward = ward("0s");
    note(&mut ward, 0, 0, 10, Outcome::Passed);
    note(&mut ward, 0, 1, 11, OBSTRUCTED);
    note(&mut ward, 0, 0, 20, OBSTRUCTED);
    let known = told(&ward, 10 + STALE_AFTER);
    assert_eq!(known.iter().map(brief).next(), Some((0, 0, Some((Outcome::Passed, 10, 1, false)))));
    assert_eq!(known[0].told.and_then(|told| told.took), None, "what is newer has its place");
    assert_eq!(known[1], LastFact { prober: 0, check: 1, told: None, obstruction: Some(Obstruction::NoRoute) });
    assert_eq!(known[0].obstruction, Some(Obstruction::NoRoute));
    let later = told(&ward, 11 + STALE_AFTER);
    assert_eq!(later.iter().map(brief).next(), Some((0, 0, Some((Outcome::Passed, 10, 1, true)))));
    note(&mut ward, 0, 0, 60, FAILED);
    let again = told(&ward, 60)[0];
    assert_eq!((again.obstruction, brief(&again).2), (None, Some((FAILED, 60, 1, false))));
}

#[test]
fn a_failure_counts_for_nothing_while_the_instance_may_start() {
    let mut ward = ward("60s");
    for (at, counted) in [(20_i64, 0), (40, 0), (60, 1), (70, 2)] {
        note(&mut ward, 0, 0, at, FAILED);
        assert_eq!(brief(&told(&ward, at)[0]).2, Some((FAILED, at.unsigned_abs(), counted, false)));
    }
}

#[test]
fn what_is_told_goes_with_its_machine() {
    let mut ward = ward("0s");
    note(&mut ward, 0, 0, 10, FAILED);
    note(&mut ward, 0, 1, 10, OBSTRUCTED);
    let health = Arc::new(HealthSpec::of(vec![check("live", ""), check("ready", "")]));
    let again = Target { instance: instance(1), began_at: second(20), has_served: true, was_ready: true };
    ward.set_group(group(1), &health, &[again], second(20));
    assert_eq!(told(&ward, 20), []);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_told_is_what_a_list_of_all_facts_says(
        heard in proptest::collection::vec(
            (prop_oneof![9 => 1_i64..12, 1 => 25_i64..40], prop_oneof![
                4 => Just(Outcome::Passed), 2 => Just(Outcome::Degraded), 4 => Just(FAILED), 1 => Just(OBSTRUCTED),
            ]),
            1..60,
        ),
    ) {
        let mut ward = ward("0s");
        let (mut now, mut all) = (0, Vec::new());
        for (pause, outcome) in heard {
            now += pause;
            note(&mut ward, 0, 0, now, outcome);
            if outcome != OBSTRUCTED {
                all.push((now, outcome));
            }
            let expected = all.last().map(|(at, outcome)| {
                (*outcome, at.unsigned_abs(), in_a_row(&all), now > at + STALE_AFTER)
            });
            let last = told(&ward, now)[0];
            prop_assert_eq!((brief(&last).2, last.obstruction.is_some()), (expected, outcome == OBSTRUCTED));
        }
    }
}

/// How many at the end agree with where the check stands or, on one side, do not.
fn in_a_row(all: &[(i64, Outcome)]) -> u16 {
    let mut stands = None;
    for end in 1..=all.len() {
        let (known, newest) = (&all[..end], all[end - 1].1);
        let is_gap = end > 1 && known[end - 1].0 - known[end - 2].0 > STALE_AFTER;
        stands = stands.filter(|_| !is_gap);
        let needed = if newest == FAILED { 3 } else { 2 };
        if Some(newest) != stands && against(known, stands) >= needed {
            stands = Some(newest);
        }
    }
    match all.last() {
        Some((_, newest)) if Some(*newest) == stands => last_of(all, |outcome| outcome == *newest),
        _ => against(all, stands),
    }
}

/// How many at the end fail, or do not, like the newest, where the check does not stand.
fn against(all: &[(i64, Outcome)], stands: Option<Outcome>) -> u16 {
    let fails = all.last().is_some_and(|(_, newest)| *newest == FAILED);
    last_of(all, |outcome| Some(outcome) != stands && (outcome == FAILED) == fails)
}

/// How many at the end are such, one soon after the other.
fn last_of(all: &[(i64, Outcome)], is_such: impl Fn(Outcome) -> bool) -> u16 {
    let goes_on = |pair: &&[(i64, Outcome)]| is_such(pair[0].1) && pair[1].0 - pair[0].0 <= STALE_AFTER;
    1 + u16::try_from(all.windows(2).rev().take_while(goes_on).count()).unwrap()
}

#[test]
fn lists_hold_for_minutes_and_a_heart_that_stops_for_nothing() {
    let guest = r#"{"type": "guest", "heartbeat": "5m", "interval": "10s", "timeout": "1s", "start_window": "0s"}"#;
    let health = Arc::new(HealthSpec::of(vec![serde_json::from_str(guest).unwrap()]));
    let mut ward = Ward::new(second(0));
    ward.set_group(
        group(1),
        &health,
        &[Target { instance: instance(1), began_at: second(0), has_served: true, was_ready: true }],
        BEGIN,
    );
    let verdict = |ward: &Ward, now: i64| ward.judgement(instance(1), second(now)).unwrap().verdict;

    // Two minutes apart, as lists of a large account are.
    [120, 240].into_iter().for_each(|at| note(&mut ward, 0, 0, at, Outcome::Passed));
    assert_eq!((verdict(&ward, 240), verdict(&ward, 600)), (Verdict::Healthy, Verdict::Healthy), "one has failed");
    assert_eq!(verdict(&ward, 602), Verdict::Unknown, "nobody knows what became of the lists");

    note(&mut ward, 0, 0, 360, Outcome::Passed);
    assert_eq!(verdict(&ward, 360), Verdict::Healthy);
    ward.take_changed();
    note(&mut ward, 0, 0, 480, Outcome::Unjudged(Obstruction::NoHeartbeat));
    assert_eq!((ward.take_changed(), verdict(&ward, 480)), (vec![group(1)], Verdict::Unknown), "at once");
    note(&mut ward, 0, 0, 600, Outcome::Passed);
    assert_eq!(verdict(&ward, 600), Verdict::Unknown, "what it said before counts no more");
    note(&mut ward, 0, 0, 720, Outcome::Passed);
    assert_eq!(verdict(&ward, 720), Verdict::Healthy);
}
