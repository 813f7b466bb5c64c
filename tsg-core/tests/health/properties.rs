//! What holds for every pulse, poll and judgement, whatever is heard.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use core::time::Duration;

use crate::scene::{check, config, second};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tsg_core::health::fact::{Failure, Obstruction, Outcome};
use tsg_core::health::pulse::{Pulse, Standing, Thresholds};
use tsg_core::health::quorum::{Ability, Poll};
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::time::Timestamp;

const FAILED: Outcome = Outcome::Failed(Failure::Refused);
const HOUR: i64 = 3600;

/// A check of `interval` seconds, and what the group says beside.
fn health(interval: u32, fields: &str) -> HealthSpec {
    let fields = format!(r#", "interval": "{interval}s", "timeout": "1s", "start_window": "0s" {fields}"#);
    HealthSpec::of(vec![check("both", &fields)])
}

fn thresholds(health: &HealthSpec) -> Thresholds {
    Thresholds::of(health, &health.checks[0])
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let unjudged = Outcome::Unjudged(Obstruction::Exhausted);
    prop_oneof![4 => Just(Outcome::Passed), 1 => Just(Outcome::Degraded), 4 => Just(FAILED), 1 => Just(unjudged)]
}

/// Seconds since the one before, and what was found.
fn heard() -> impl Strategy<Value = Vec<(i64, Outcome)>> {
    proptest::collection::vec((prop_oneof![9 => 1_i64..12, 1 => 12_i64..90], outcome()), 0..40)
}

/// Where a pulse stands after all of it, and when that was.
fn listened(heard: &[(i64, Outcome)], thresholds: &Thresholds) -> (Pulse, i64) {
    let mut pulse = Pulse::starting(second(0), thresholds);
    let mut now = 0;
    for (pause, outcome) in heard {
        now += pause;
        pulse.note(*outcome, second(now), thresholds);
    }
    (pulse, now)
}

/// The moments at which a pulse changes that hears `runs` in turn for some hours.
fn changes(runs: &[(u32, Outcome)], interval: u32, hours: i64, thresholds: &Thresholds) -> Vec<i64> {
    let (mut pulse, mut now, mut moments) = (Pulse::unknown(second(0)), 0, Vec::new());
    let facts = runs.iter().flat_map(|(count, outcome)| core::iter::repeat_n(*outcome, *count as usize));
    for outcome in facts.cycle() {
        now += i64::from(interval);
        if now > hours * HOUR {
            return moments;
        }
        let before = pulse.standing(second(now), thresholds);
        pulse.note(outcome, second(now), thresholds);
        if pulse.standing(second(now), thresholds) != before {
            moments.push(now);
        }
    }
    moments
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_the_period_it_changes_a_few_times_an_hour(
        (one, other) in (1_u32..600, 1_u32..600),
        (worse, better) in prop_oneof![
            Just((FAILED, Outcome::Passed)),
            Just((Outcome::Degraded, Outcome::Passed)),
            Just((FAILED, Outcome::Degraded)),
        ],
        interval in 1_u32..60,
        (retries, healthy_after) in (1_u32..6, 1_u32..6),
    ) {
        let health = health(interval, &format!(r#", "retries": {retries}, "healthy_after": {healthy_after}"#));
        let thresholds = thresholds(&health);
        let moments = changes(&[(one, worse), (other, better)], interval, 8, &thresholds);
        for from in 0..7 {
            let within = |moment: &&i64| (from * HOUR..(from + 1) * HOUR).contains(*moment);
            let count = moments.iter().filter(within).count();
            // At first those that are believed at once, and one for each doubling.
            let most = if from == 0 { 18 } else { 9 };
            prop_assert!(count <= most, "{count} in hour {from} of {moments:?}");
        }
    }

    #[test]
    fn silence_is_never_a_failure(heard in heard(), silence in 0_i64..10_000) {
        let thresholds = thresholds(&health(10, ""));
        let (pulse, now) = listened(&heard, &thresholds);
        let (before, after) = [now, now + silence].map(|now| pulse.standing(second(now), &thresholds)).into();
        prop_assert!(after == before || after == Standing::Unknown);
        let until = pulse.stands_until(&thresholds);
        prop_assert_eq!(after == before || before == Standing::Unknown, second(now + silence) < until || before == Standing::Unknown);
    }

    #[test]
    fn it_is_down_only_after_failures_in_a_row_and_up_only_after_passes(heard in heard(), last in outcome()) {
        let thresholds = thresholds(&health(10, ""));
        let (mut pulse, now) = listened(&heard, &thresholds);
        let before = pulse.standing(second(now + 1), &thresholds);
        pulse.note(last, second(now + 1), &thresholds);
        let after = pulse.standing(second(now + 1), &thresholds);
        if before == after || after == Standing::Unknown {
            return Ok(());
        }
        let judged = heard.iter().map(|(_, outcome)| *outcome).chain([last]);
        let judged: Vec<Outcome> = judged.filter(|outcome| !matches!(outcome, Outcome::Unjudged(_))).collect();
        let in_a_row = |is_one: fn(&&Outcome) -> bool| judged.iter().rev().take_while(is_one).count();
        match after {
            Standing::Down => prop_assert!(in_a_row(|outcome| **outcome == FAILED) >= 3),
            Standing::Up | Standing::Degraded => prop_assert!(in_a_row(|outcome| **outcome != FAILED) >= 2),
            Standing::Starting | Standing::Unknown => prop_assert!(before == Standing::Unknown),
        }
    }

    #[test]
    fn what_was_heard_before_is_ignored(heard in heard(), late in outcome(), age in 0_i64..100) {
        let thresholds = thresholds(&health(10, ""));
        let (mut pulse, _) = listened(&heard, &thresholds);
        let (known, newest) = (pulse, pulse.newest().unwrap_or(second(-1)));
        prop_assert!(!pulse.note(late, newest.before(Duration::from_secs(age.unsigned_abs())), &thresholds));
        prop_assert_eq!(pulse, known);
    }

    #[test]
    fn a_poll_takes_the_worst_that_enough_stand_for(votes in proptest::collection::vec(vote(), 0..7), quorum in 1_u32..5) {
        let thresholds = thresholds(&health(10, ""));
        prop_assert_eq!(polled(&votes, quorum, &thresholds), expected(&votes, quorum));
    }

    #[test]
    fn one_prober_of_three_never_takes_an_instance_down(vote in vote(), quorum in 1_u32..5) {
        let thresholds = thresholds(&health(10, ""));
        let passing = Vote { standing: Standing::Up, is_able: true, is_fresh: true };
        prop_assert_eq!(polled(&[vote, passing, passing], quorum, &thresholds), Standing::Up);
        let failing = Vote { standing: Standing::Down, ..passing };
        let rest = [vote, failing, failing];
        let is_heard = vote.is_able && vote.is_fresh;
        let most = if is_heard { 3 } else { 2 };
        let is_down = quorum.min(most) <= 2 || vote.standing == Standing::Down;
        prop_assert_eq!(polled(&rest, quorum, &thresholds) == Standing::Down, is_down);
    }
}

/// What one prober has to say.
#[derive(Debug, Clone, Copy)]
struct Vote {
    standing: Standing,
    is_able: bool,
    is_fresh: bool,
}

fn vote() -> impl Strategy<Value = Vote> {
    let standing = prop_oneof![
1 => Just(Standing::Unknown),
1 => Just(Standing::Up),
1 => Just(Standing::Degraded),
3 => Just(Standing::Down)];
    let flags = (proptest::bool::weighted(0.8), proptest::bool::weighted(0.8));
    (standing, flags).prop_map(|(standing, (is_able, is_fresh))| Vote { standing, is_able, is_fresh })
}

const NOW: i64 = 1000;

fn pulse_of(vote: Vote, thresholds: &Thresholds) -> Pulse {
    let outcomes = match vote.standing {
        Standing::Up => [Outcome::Passed; 3],
        Standing::Degraded => [Outcome::Degraded; 3],
        Standing::Down => [FAILED; 3],
        Standing::Unknown | Standing::Starting => [FAILED, Outcome::Passed, FAILED],
    };
    let mut pulse = Pulse::unknown(second(0));
    let last = if vote.is_fresh { NOW } else { NOW - 100 };
    for (before, outcome) in (0..3).rev().zip(outcomes) {
        pulse.note(outcome, second(last - 10 * before), thresholds);
    }
    pulse
}

fn polled(votes: &[Vote], quorum: u32, thresholds: &Thresholds) -> Standing {
    let mut poll = Poll::new(second(NOW), thresholds);
    for vote in votes {
        poll.hear(&pulse_of(*vote, thresholds), if vote.is_able { Ability::Able } else { Ability::Abstains });
    }
    poll.standing(quorum)
}

/// Found by naming every set of voters: the worst standing that all of some set find, or worse,
/// which is as large as the quorum and larger than what is left of the voters.
fn expected(votes: &[Vote], quorum: u32) -> Standing {
    let voters: Vec<Standing> =
        votes.iter().filter(|vote| vote.is_able && vote.is_fresh).map(|vote| vote.standing).collect();
    let quorum = (quorum as usize).min(voters.len());
    let mut worst = Standing::Unknown;
    for set in 1_u32..1 << voters.len() {
        let (within, without): (Vec<_>, Vec<_>) =
            voters.iter().enumerate().partition(|(place, _)| set >> place & 1 == 1);
        let mildest = *within.iter().map(|(_, standing)| *standing).min().unwrap();
        let is_enough = within.len() >= quorum && within.len() > without.len();
        if is_enough && mildest >= Standing::Degraded {
            worst = worst.max(mildest);
        }
    }
    let passes = voters.iter().any(|standing| matches!(standing, Standing::Up | Standing::Degraded));
    if worst == Standing::Unknown && passes { Standing::Up } else { worst }
}

/// Facts of one kind, one each interval; when it changed, if it did.
fn changed_after(pulse: &mut Pulse, now: &mut i64, outcome: Outcome, thresholds: &Thresholds) -> Option<u32> {
    let before = pulse.standing(second(*now), thresholds);
    (1..=1000).find(|_| {
        *now += 10;
        pulse.note(outcome, second(*now), thresholds);
        pulse.standing(second(*now), thresholds) != before
    })
}

#[test]
fn each_change_too_many_doubles_and_each_calm_hour_halves() {
    let thresholds = thresholds(&health(10, r#", "retries": 3, "healthy_after": 2"#));
    let (mut pulse, mut now) = (Pulse::unknown(second(0)), 0);
    let kinds = [Outcome::Passed, FAILED].into_iter().cycle();
    let took: Vec<u32> =
        kinds.take(8).map(|kind| changed_after(&mut pulse, &mut now, kind, &thresholds).unwrap()).collect();
    assert_eq!(took, [2, 3, 2, 3, 2, 6, 8, 24], "three changes are believed at once");
    assert_eq!(pulse.doublings(), 4);

    // Three hours later, of which the first was not calm.
    for _ in 0..3 * 360 {
        now += 10;
        pulse.note(FAILED, second(now), &thresholds);
    }
    assert_eq!(changed_after(&mut pulse, &mut now, Outcome::Passed, &thresholds), Some(8), "halved twice");
    for _ in 0..24 * 360 {
        now += 10;
        pulse.note(Outcome::Passed, second(now), &thresholds);
    }
    assert_eq!(changed_after(&mut pulse, &mut now, FAILED, &thresholds), Some(3), "after a calm day as ever");
}

#[test]
fn to_be_found_again_where_it_was_is_no_change() {
    let thresholds = thresholds(&health(10, ""));
    let mut pulse = Pulse::unknown(second(0));
    for silence in 0..20 {
        for fact in 0..3 {
            pulse.note(FAILED, second(silence * 100 + fact * 10), &thresholds);
        }
        assert_eq!(pulse.standing(second(silence * 100 + 20), &thresholds), Standing::Down);
    }
    assert_eq!(pulse.doublings(), 0);
}

#[test]
fn however_often_it_changed_half_of_the_time_is_believed() {
    for (interval, retries) in [(1, 1), (1, 3), (10, 3), (60, 3), (3600, 1)] {
        let thresholds = thresholds(&health(interval, &format!(r#", "retries": {retries}, "healthy_after": 1"#)));
        let (mut pulse, mut now) = (Pulse::unknown(second(0)), 0_i64);
        let mut longest = 0;
        for kind in [Outcome::Passed, FAILED].into_iter().cycle().take(40) {
            let begin = now;
            let before = pulse.standing(second(now), &thresholds);
            while pulse.standing(second(now), &thresholds) == before {
                now += i64::from(interval);
                pulse.note(kind, second(now), &thresholds);
            }
            longest = longest.max(now - begin);
        }
        let once = i64::from(interval * retries);
        assert!(longest <= (HOUR / 2).max(once), "{longest} s at {interval} s");
    }
}

#[test]
fn a_clock_at_either_end_of_time_does_not_overflow() {
    let thresholds = thresholds(&health(10, ""));
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    for began_at in [first, last] {
        let mut pulse = Pulse::starting(began_at, &thresholds);
        for at in [first, Timestamp::EPOCH, last] {
            pulse.note(FAILED, at, &thresholds);
            pulse.standing(last, &thresholds);
        }
    }
}
