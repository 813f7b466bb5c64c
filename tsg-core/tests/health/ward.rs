//! A ward against instances that are judged one by one, and what it keeps when things change.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::scene::plain::Plain;
use crate::scene::warded::{group, instance};
use crate::scene::{Judge as _, check, config, second};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tsg_core::health::fact::{Fact, Failure, Obstruction, Outcome};
use tsg_core::health::quorum::Ability;
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::health::ward::{Target, Ward};
use tsg_core::model::id::InstanceId;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::Verdict;

const FAILED: Outcome = Outcome::Failed(Failure::Refused);

#[derive(Debug, Clone)]
enum Step {
    /// Seconds pass.
    Wait(i64),
    Note {
        prober: u16,
        instance: u128,
        check: u16,
        outcome: Outcome,
        age: u64,
    },
    SetProber {
        prober: u16,
        ability: Ability,
    },
    ForgetProber {
        prober: u16,
    },
    /// The members of a group, as bits; those that are newly seated may have served before.
    SetGroup {
        group: u128,
        members: u32,
        has_served: bool,
    },
    Restart {
        instance: u128,
    },
    ForgetGroup {
        group: u128,
    },
}

/// Instances, probers and groups of which all are drawn.
const INSTANCES: u128 = 4;
const PROBERS: u16 = 3;
const GROUPS: u128 = 2;

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Passed),
        1 => Just(Outcome::Degraded),
        4 => Just(FAILED),
        1 => Just(Outcome::Unjudged(Obstruction::Exhausted)),
    ];
    let ability = prop_oneof![Just(Ability::Able), Just(Ability::Abstains)];
    let age = prop_oneof![4 => Just(0_u64), 1 => 0_u64..60];
    let note = (0..PROBERS, 0..INSTANCES, 0_u16..3, outcome, age);
    prop_oneof![
        8 => prop_oneof![9 => 1_i64..15, 1 => 15_i64..200].prop_map(Step::Wait),
        30 => note.prop_map(|(prober, instance, check, outcome, age)| Step::Note { prober, instance, check, outcome, age }),
        2 => (0..PROBERS, ability).prop_map(|(prober, ability)| Step::SetProber { prober, ability }),
        1 => (0..PROBERS).prop_map(|prober| Step::ForgetProber { prober }),
        2 => (0..GROUPS, 0_u32..1 << INSTANCES, proptest::bool::ANY)
            .prop_map(|(group, members, has_served)| Step::SetGroup { group, members, has_served }),
        1 => (0..INSTANCES).prop_map(|instance| Step::Restart { instance }),
        1 => (0..GROUPS).prop_map(|group| Step::ForgetGroup { group }),
    ]
}

/// A ward, and beside it each instance by itself.
struct Both {
    ward: Ward,
    now: i64,
    healths: [Arc<HealthSpec>; GROUPS as usize],
    plain: BTreeMap<u128, (u128, Target, Plain)>,
    abilities: BTreeMap<u16, Ability>,
    judged: BTreeMap<u128, (u128, Judgement)>,
}

fn healths() -> [Arc<HealthSpec>; 2] {
    let of = |fields: [(&str, &str); 2]| HealthSpec::of(fields.map(|(purpose, fields)| check(purpose, fields)).into());
    let quick = r#", "interval": "10s", "start_window": "30s""#;
    let one = of([("live", quick), ("ready", r#", "start_window": "0s", "retries": 1, "healthy_after": 1"#)]);
    [Arc::new(one), Arc::new(HealthSpec { quorum: 1, ..of([("both", quick), ("live", "")]) })]
}

impl Both {
    fn new() -> Self {
        let (plain, abilities, judged) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { ward: Ward::new(second(0)), now: 0, healths: healths(), plain, abilities, judged }
    }

    fn now(&self) -> Timestamp {
        second(self.now)
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Wait(seconds) => self.now += seconds,
            Step::Note { prober, instance: number, check, outcome, age } => {
                let now = self.now();
                let fact = Fact { at: now.before(Duration::from_secs(age)), took: Duration::ZERO, outcome };
                self.ward.note(prober, instance(number), check, fact, now);
                if let Some((_, _, plain)) = self.plain.get_mut(&number).filter(|_| check < 2) {
                    plain.note(prober, check, fact, now);
                }
            }
            Step::SetProber { prober, ability } => {
                self.abilities.insert(prober, ability);
                self.ward.set_prober(prober, ability, self.now());
                let now = self.now();
                self.plain.values_mut().for_each(|(_, _, plain)| plain.set_prober(prober, ability, now));
            }
            Step::ForgetProber { prober } => {
                self.abilities.remove(&prober);
                let now = self.now();
                self.ward.forget_prober(prober, now);
                self.plain.values_mut().for_each(|(_, _, plain)| plain.forget_prober(prober, now));
            }
            Step::SetGroup { group, members, has_served } => self.set_group(group, members, has_served),
            Step::Restart { instance } => self.restart(instance),
            Step::ForgetGroup { group: number } => {
                self.plain.retain(|_, (of, ..)| *of != number);
                self.ward.forget_group(group(number));
            }
        }
    }

    fn set_group(&mut self, number: u128, members: u32, has_served: bool) {
        self.plain.retain(|instance, (of, ..)| *of != number || members >> instance & 1 == 1);
        for of in (0..INSTANCES).filter(|of| members >> of & 1 == 1) {
            if self.plain.get(&of).is_some_and(|(group, ..)| *group == number) {
                continue;
            }
            let now = self.now();
            let target = Target {
                instance: instance(of),
                began_at: now.before(Duration::from_secs(9)),
                has_served,
                was_ready: has_served,
            };
            let health = self.healths[number as usize].clone();
            let mut plain = Plain::new(health, target.began_at, has_served, now);
            self.abilities.iter().for_each(|(prober, ability)| plain.set_prober(*prober, *ability, now));
            self.plain.insert(of, (number, target, plain));
        }
        self.tell(number);
    }

    fn restart(&mut self, number: u128) {
        let now = self.now();
        let Some((group, target, plain)) = self.plain.get_mut(&number) else { return };
        if target.began_at == now {
            return;
        }
        target.began_at = now;
        plain.restart(now);
        let group = *group;
        self.tell(group);
    }

    fn tell(&mut self, number: u128) {
        let members = self.plain.values().filter(|(of, ..)| *of == number);
        let targets: Vec<Target> = members.map(|(_, target, _)| *target).collect();
        let now = self.now();
        self.ward.set_group(group(number), &self.healths[number as usize], &targets, now);
    }

    /// Everybody as both judge them; the groups of which somebody is judged otherwise than before.
    fn compare(&mut self) -> (Vec<Option<Judgement>>, Vec<Option<Judgement>>, BTreeSet<u128>) {
        let now = self.now();
        self.ward.advance(now);
        let theirs = (0..INSTANCES).map(|number| self.ward.judgement(instance(number), now)).collect();
        let mut judged = BTreeMap::new();
        for (number, (group, _, plain)) in &mut self.plain {
            judged.insert(*number, (*group, plain.judgement(now)));
        }
        let is_new = |(number, known): &(&u128, &(u128, Judgement))| self.judged.get(number) != Some(known);
        let changed = judged.iter().filter(is_new).map(|(_, (group, _))| *group).collect();
        self.judged = judged;
        let ours = (0..INSTANCES).map(|number| self.judged.get(&number).map(|(_, judgement)| *judgement)).collect();
        (theirs, ours, changed)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn everybody_is_judged_as_if_alone(steps in proptest::collection::vec(step(), 1..120)) {
        let mut both = Both::new();
        both.take(&Step::SetGroup { group: 0, members: 0b0011, has_served: false });
        both.take(&Step::SetGroup { group: 1, members: 0b1100, has_served: false });
        both.compare();
        for step in steps {
            let quiet_until = both.ward.next_change_at();
            both.take(&step);
            let (theirs, ours, changed) = both.compare();
            prop_assert_eq!(&theirs, &ours, "after {:?}", step);
            let told: BTreeSet<u128> = both.ward.take_changed().iter().map(|id| id.uuid().as_u128()).collect();
            prop_assert!(told.is_superset(&changed), "{changed:?} changed, {told:?} was told");
            if matches!(step, Step::Wait(_)) {
                let is_time = quiet_until.is_some_and(|at| at <= both.now());
                prop_assert!(changed.is_empty() || is_time, "{changed:?} changed before {quiet_until:?}");
            }
        }
    }
}

fn target(number: u128) -> Target {
    Target { instance: instance(number), began_at: second(0), has_served: false, was_ready: false }
}

fn health(checks: &[(&str, &str)]) -> Arc<HealthSpec> {
    Arc::new(HealthSpec::of(checks.iter().map(|(purpose, fields)| check(purpose, fields)).collect()))
}

fn note(ward: &mut Ward, check: u16, outcome: Outcome, seconds: impl IntoIterator<Item = i64>) {
    for at in seconds {
        ward.note(0, instance(1), check, Fact { at: second(at), took: Duration::ZERO, outcome }, second(at));
    }
}

fn verdict(ward: &Ward, number: u128, now: i64) -> Option<Verdict> {
    ward.judgement(instance(number), second(now)).map(|judgement| judgement.verdict)
}

#[test]
fn what_is_known_stays_with_the_checks_that_stay() {
    let quick = r#", "interval": "10s""#;
    let (before, after) = (health(&[("live", quick), ("ready", quick)]), health(&[("both", quick), ("live", quick)]));
    let mut ward = Ward::new(second(0));
    ward.set_group(group(1), &before, &[target(1), target(2)], second(0));
    note(&mut ward, 0, FAILED, [125, 135, 145]);
    note(&mut ward, 1, Outcome::Passed, [126, 136]);
    assert_eq!(verdict(&ward, 1, 146), Some(Verdict::Unhealthy));

    ward.set_group(group(1), &after, &[target(1), target(2)], second(146));
    let heard: Vec<(u16, Outcome)> =
        ward.facts_of(instance(1), second(146)).map(|last| (last.check, last.told.unwrap().outcome)).collect();
    assert_eq!(heard, [(1, FAILED)], "`live` moved to the second place, `ready` is gone");
    assert_eq!(verdict(&ward, 1, 146), Some(Verdict::Unhealthy));
    let cause = ward.judgement(instance(1), second(146)).and_then(|judgement| judgement.cause);
    assert_eq!(cause.map(|cause| cause.check), Some(1));
    assert_eq!(ward.facts_of(instance(2), second(146)).count(), 0);
}

#[test]
fn a_check_that_asks_otherwise_begins_anew_and_one_of_another_pace_does_not() {
    let before = health(&[("both", r#", "interval": "10s""#)]);
    let slower = health(&[("both", r#", "interval": "20s""#)]);
    let mut other = HealthSpec::clone(&slower);
    other.checks[0].kind = "tcp:23".parse::<tsg_core::health::check::CheckSpec>().unwrap().kind;
    let mut ward = Ward::new(second(0));
    ward.set_group(group(1), &before, &[target(1)], second(0));
    note(&mut ward, 0, FAILED, [125, 135, 145]);
    ward.set_group(group(1), &slower, &[target(1)], second(146));
    assert_eq!(verdict(&ward, 1, 190), Some(Verdict::Unhealthy), "stale only after three of the longer intervals");
    ward.set_group(group(1), &Arc::new(other), &[target(1)], second(146));
    assert_eq!((verdict(&ward, 1, 190), ward.facts_of(instance(1), second(190)).count()), (Some(Verdict::Unknown), 0));
}

#[test]
fn one_that_says_it_is_not_ready_is_left_alone_until_it_says_worse_and_nobody_waits_to_hear_of_it() {
    let mut ward = Ward::new(second(0));
    let health = health(&[("both", r#", "start_window": "0s""#)]);
    ward.set_group(group(1), &health, &[target(1)], second(0));
    note(&mut ward, 0, Outcome::Failed(Failure::SaysNotReady), [10, 20, 30]);
    assert_eq!(ward.take_changed(), [group(1)]);
    let judged = ward.judgement(instance(1), second(30)).unwrap();
    assert_eq!((judged.verdict, judged.is_ready), (Verdict::Degraded, false));
    note(&mut ward, 0, Outcome::Failed(Failure::SaysNotReady), [40]);
    assert_eq!(ward.take_changed(), [], "nothing is new");
    for (outcome, at, expected) in
        [(Failure::SaysBad, 50, Verdict::Unhealthy), (Failure::SaysNotReady, 60, Verdict::Degraded)]
    {
        note(&mut ward, 0, Outcome::Failed(outcome), [at]);
        assert_eq!((ward.take_changed(), verdict(&ward, 1, at)), (vec![group(1)], Some(expected)));
    }
}

#[test]
fn nobody_is_judged_by_what_was_heard_of_another_one() {
    let health = health(&[("both", "")]);
    let mut ward = Ward::new(second(0));
    ward.set_group(group(1), &health, &[target(1)], second(0));
    note(&mut ward, 0, FAILED, [125, 135, 145]);
    ward.set_group(group(1), &health, &[target(2)], second(146));
    assert_eq!((verdict(&ward, 1, 146), verdict(&ward, 2, 130)), (None, Some(Verdict::Starting)));
    assert_eq!(ward.facts_of(instance(2), second(146)).count(), 0, "it has the seat of the first one");

    // What is said of a former machine, of another check or by a prober that cannot be is no use.
    let fact = |at| Fact { at: second(at), took: Duration::ZERO, outcome: FAILED };
    for (prober, number, check, at) in [(0, 2, 0, -1), (0, 2, 1, 150), (64, 2, 0, 150), (0, 1, 0, 150)] {
        ward.note(prober, instance(number), check, fact(at), second(150));
    }
    assert_eq!(ward.facts_of(instance(2), second(146)).count(), 0);
}

#[test]
fn a_group_that_is_forgotten_is_not_told_of() {
    let health = health(&[("both", "")]);
    let mut ward = Ward::new(second(0));
    ward.set_group(group(1), &health, &[target(1)], second(0));
    ward.forget_group(group(1));
    assert_eq!((ward.take_changed(), ward.next_change_at()), (Vec::new(), None));
    ward.set_group(group(2), &health, &[target(1)], second(0));
    assert_eq!(ward.take_changed(), [group(2)], "which has its number");
    assert_eq!(ward.take_changed(), []);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_deaf() {
    let health = health(&[("both", r#", "start_window": "0s""#)]);
    let mut ward = Ward::new(second(0));
    ward.set_group(group(1), &health, &[target(1)], second(0));
    // A prober whose clock is a day ahead.
    for at in [10, 20] {
        let fact = Fact { at: second(86_400 + at), took: Duration::ZERO, outcome: Outcome::Passed };
        ward.note(0, instance(1), 0, fact, second(at));
    }
    assert_eq!(verdict(&ward, 1, 20), Some(Verdict::Healthy));
    assert_eq!(verdict(&ward, 1, 100), Some(Verdict::Unknown), "what it said was said then");
    // The clock here goes back.
    note(&mut ward, 0, Outcome::Passed, [1000, 1010]);
    note(&mut ward, 0, FAILED, [500, 510, 520]);
    assert_eq!(verdict(&ward, 1, 520), Some(Verdict::Unhealthy));
}

#[test]
fn a_hundred_thousand_facts_that_agree_allocate_nothing() {
    let health = health(&[("both", "")]);
    let mut ward = Ward::new(second(0));
    let targets: Vec<Target> = (0..1000).map(target).collect();
    ward.set_group(group(1), &health, &targets, second(0));
    let mut round = |number: i64| {
        let ids = (0..1000_u128).map(instance);
        ids.for_each(|id: InstanceId| {
            let fact = Fact { at: second(number * 10), took: Duration::ZERO, outcome: Outcome::Passed };
            (0..2).for_each(|prober| ward.note(prober, id, 0, fact, second(number * 10)));
        });
        ward.advance(second(number * 10));
        let _ = ward.take_changed().len();
    };
    (1..10).for_each(&mut round);
    let allocated = allocation_counter::measure(|| (10..60).for_each(&mut round));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn what_failed_and_is_started_again_has_not_passed_because_of_that() {
    let health = health(&[("both", "")]);
    let mut ward = Ward::new(second(0));
    let started = |at| Target { began_at: second(at), ..target(1) };
    ward.set_group(group(1), &health, &[started(0)], second(0));
    note(&mut ward, 0, FAILED, [125, 135, 145]);
    let failing = ward.judgement(instance(1), second(146)).unwrap();
    assert_eq!(failing.verdict, Verdict::Unhealthy);

    // Restarted, twice, until its start window is over.
    for at in [150, 160] {
        ward.set_group(group(1), &health, &[started(at)], second(at));
        let again = ward.judgement(instance(1), second(at)).unwrap();
        assert_eq!((again.verdict, again.since, again.is_ready), (Verdict::Recovering, failing.since, false));
        assert_eq!(again.cause, failing.cause, "that is still why");
        note(&mut ward, 0, FAILED, [at + 5]);
        assert_eq!(verdict(&ward, 1, at + 6), Some(Verdict::Recovering), "a failure within its start window");
    }
    note(&mut ward, 0, FAILED, (175..310).step_by(10));
    let down = ward.judgement(instance(1), second(306)).unwrap();
    assert_eq!((down.verdict, down.since), (Verdict::Unhealthy, failing.since), "it was never well between");
    ward.set_group(group(1), &health, &[started(310)], second(310));
    note(&mut ward, 0, Outcome::Passed, [320, 330]);
    assert_eq!(verdict(&ward, 1, 330), Some(Verdict::Healthy));
    ward.set_group(group(1), &health, &[started(340)], second(340));
    assert_eq!(verdict(&ward, 1, 340), Some(Verdict::Starting), "it was well before");
}

#[test]
fn one_that_was_listed_before_anybody_looked_stays_so_until_it_fails() {
    let health = health(&[("both", "")]);
    let is_ready = |ward: &Ward, at| ward.judgement(instance(1), second(at)).unwrap().is_ready;
    for has_served in [false, true] {
        let mut ward = Ward::new(second(0));
        ward.set_group(group(1), &health, &[Target { has_served, was_ready: true, ..target(1) }], second(0));
        assert!(is_ready(&ward, 1), "nobody has looked yet");
        note(&mut ward, 0, Outcome::Passed, [10]);
        assert!(is_ready(&ward, 11), "one pass is not enough to be well, and no failure");
        note(&mut ward, 0, Outcome::Passed, [20]);
        note(&mut ward, 0, FAILED, [30, 40, 50]);
        assert!(!is_ready(&ward, 51));

        // And one that was not stays out, whatever else is believed of it.
        let mut ward = Ward::new(second(0));
        ward.set_group(group(1), &health, &[Target { has_served, was_ready: false, ..target(1) }], second(0));
        assert!(!is_ready(&ward, 1), "nobody has looked yet");
        note(&mut ward, 0, Outcome::Passed, [10, 20]);
        assert!(is_ready(&ward, 20));
    }
}
