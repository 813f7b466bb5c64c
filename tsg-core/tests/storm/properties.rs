//! What holds for every look across all groups, whatever the input.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::scene::{NOW, Scene, account_id, data_centre, group, group_id, instance, minutes, node};
use crate::tries::tries;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tsg_core::model::id::{AccountId, GroupId};
use tsg_core::model::time::Timestamp;
use tsg_core::storm::StormOutput;
use tsg_core::storm::budgets::{Budgets, Pace};
use tsg_core::storm::fair::{Claim, Line};
use tsg_core::storm::holds::{Hold, Scope, Stop};
use tsg_core::storm::input::{
    DataCentreFacts, GroupFacts, Heartbeat, InstanceFacts, NO_NUMBER, NodeFacts, Outcome, Probe, ProberFacts, Sight,
};
use tsg_core::storm::nodes::{NodeCondition, NodeState};
use tsg_core::storm::rates::{BudgetRates, Rate};
use tsg_core::storm::spend::{Needs, PerSpend, Spend, Spender, Spent, Unused};

/// A moment up to half an hour ago, or a little ahead: clocks jump.
fn moment() -> impl Strategy<Value = Timestamp> {
    (-1_800_000_i64..5_000).prop_map(|millis| Timestamp::from_millis(NOW.as_millis() + millis))
}

fn number(below: u32) -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..below, 1 => Just(NO_NUMBER)]
}

fn probe() -> impl Strategy<Value = Probe> {
    prop_oneof![6 => Just(Probe::Passing), 1 => moment().prop_map(|since| Probe::Failing { since })]
}

fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![
        1 => Just(Sight::NotYet),
        1 => moment().prop_map(|since| Sight::CutOff { since }),
        9 => (0_u32..4).prop_map(|agreeing| Sight::Seen { agreeing }),
    ]
}

fn data_centre_facts(number: u32) -> impl Strategy<Value = DataCentreFacts> {
    (probe(), sight()).prop_map(move |(ping, sight)| DataCentreFacts { data_centre: number, ping, sight })
}

fn node_facts(count: u32) -> impl Strategy<Value = Vec<NodeFacts>> {
    let heartbeat = prop_oneof![
        4 => Just(None),
        1 => moment().prop_map(|at| Some(Heartbeat::Running { at })),
        1 => moment().prop_map(|since| Some(Heartbeat::Down { since })),
    ];
    let out_of_contact = proptest::option::weighted(0.2, moment());
    let one = (heartbeat, out_of_contact, proptest::option::weighted(0.05, moment()));
    proptest::collection::vec(one, count as usize).prop_map(|drawn| {
        let place = |(number, (heartbeat, out_of_contact_since, draining_since))| NodeFacts {
            heartbeat,
            out_of_contact_since,
            draining_since,
            rack: number / 3,
            ..node(number, number % 2)
        };
        (0_u32..).zip(drawn).map(place).collect()
    })
}

fn needs() -> impl Strategy<Value = Needs> {
    let need = || prop_oneof![4 => Just(0_u32), 4 => 1_u32..20, 1 => 100_u32..3000];
    (need(), need(), need(), need()).prop_map(|(creates, asked_deletes, unasked_deletes, starts)| Needs {
        creates,
        asked_deletes,
        unasked_deletes,
        starts,
    })
}

fn group_facts(count: u32) -> impl Strategy<Value = Vec<GroupFacts>> {
    let one = (needs(), 0_u64..15, 0_u32..3, 0_u32..3);
    proptest::collection::vec(one, count as usize).prop_map(|drawn| {
        let facts = |(number, (needs, grace, overridden, account))| GroupFacts {
            account: account_id(account),
            needs,
            node_grace: minutes(grace),
            overridden: if overridden == 2 { 1 } else { 0 },
            ..group(number, number % 2)
        };
        (0_u32..).zip(drawn).map(facts).collect()
    })
}

fn instance_facts() -> impl Strategy<Value = InstanceFacts> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Passing), 2 => Just(Outcome::Failing), 1 => Just(Outcome::Answering),
        1 => Just(Outcome::Unchecked)
    ];
    let marks = (number(3), 1_u32..3, number(3), number(2));
    (moment(), 0_u32..9, number(12), marks, outcome).prop_map(
        |(since, group, node, (image, revision, check, prober), outcome)| InstanceFacts {
            since,
            image,
            revision,
            check,
            prober,
            outcome,
            ..instance(group, node)
        },
    )
}

fn rates() -> impl Strategy<Value = BudgetRates> {
    let rate = || {
        prop_oneof![
            1 => Just(Rate::UNLIMITED),
            4 => (0_u32..9, 0_u32..9, 1_u64..20).prop_map(|(burst, tokens, period)| Rate {
                burst,
                tokens,
                period: Duration::from_secs(period),
            }),
        ]
    };
    let per = move || {
        (rate(), rate(), rate(), rate()).prop_map(|(creates, asked_deletes, unasked_deletes, starts)| PerSpend {
            creates,
            asked_deletes,
            unasked_deletes,
            starts,
        })
    };
    (per(), per(), per(), per()).prop_map(|(group, account, data_centre, everywhere)| BudgetRates {
        group,
        account,
        data_centre,
        everywhere,
    })
}

/// Two data centres with everything that can go wrong in them.
fn scene() -> impl Strategy<Value = Scene> {
    let places = (data_centre_facts(0), data_centre_facts(1), probe(), probe());
    let parts = (node_facts(12), group_facts(8), proptest::collection::vec(instance_facts(), 0..60));
    let rates = prop_oneof![Just(BudgetRates::default()), rates()];
    (places, parts, rates, 0_i64..600).prop_map(
        |((first, second, one, other), (nodes, groups, instances), rates, age)| Scene {
            started_at: Timestamp::from_millis(NOW.as_millis() - age * 1000),
            data_centres: vec![first, second],
            probers: vec![
                ProberFacts { prober: 0, data_centre: 0, canary: one },
                ProberFacts { prober: 1, data_centre: 0, canary: Probe::Passing },
                ProberFacts { prober: 1, data_centre: 1, canary: other },
            ],
            nodes,
            groups,
            instances,
            rates,
            ..Scene::calm()
        },
    )
}

/// What goes on between assessments: how long, and which instances begin or stop to fail.
fn course() -> impl Strategy<Value = Vec<(u64, u64)>> {
    proptest::collection::vec((prop_oneof![Just(0), 1_u64..90, 300_u64..900], any::<u64>()), 1..8)
}

/// Lets time pass over a scene, and assesses it each time.
fn play(scene: &mut Scene, course: &[(u64, u64)]) -> Vec<StormOutput> {
    let mut outputs = vec![scene.assess()];
    for (seconds, fate) in course {
        for (place, facts) in scene.instances.iter_mut().enumerate() {
            if fate >> (place % 64) & 7 == 3 {
                let failing = facts.outcome == Outcome::Failing;
                facts.outcome = if failing { Outcome::Passing } else { Outcome::Failing };
                facts.since = scene.now;
            }
        }
        outputs.push(scene.later(Duration::from_secs(*seconds)));
    }
    outputs
}

/// The same scene with every slice in another order.
fn shuffled(scene: &Scene, salt: u64) -> Scene {
    let key = |place: usize| (place as u64 ^ salt).wrapping_mul(salt | 1).rotate_left(23);
    fn by<T: Copy>(all: &[T], key: impl Fn(usize) -> u64) -> Vec<T> {
        let mut places: Vec<usize> = (0..all.len()).collect();
        places.sort_by_key(|place| key(*place));
        places.into_iter().map(|place| all[place]).collect()
    }
    let mut other = scene.clone();
    other.data_centres = by(&scene.data_centres, key);
    other.nodes = by(&scene.nodes, key);
    other.probers = by(&scene.probers, key);
    other.groups = by(&scene.groups, key);
    other.instances = by(&scene.instances, key);
    for facts in &mut other.instances {
        let Some(group) = scene.groups.get(facts.group as usize) else { continue };
        let found = other.groups.iter().position(|other| other.group == group.group);
        facts.group = u32::try_from(found.unwrap()).unwrap();
    }
    other
}

/// An output with its allowances in the order of the groups' ids.
fn in_order(mut output: StormOutput) -> StormOutput {
    output.allowances.sort_by_key(|allowance| (allowance.group, allowance.data_centre));
    output
}

fn moved(at: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + by)
}

fn moved_probe(probe: &mut Probe, by: i64) {
    if let Probe::Failing { since } = probe {
        *since = moved(*since, by);
    }
}

fn moved_scene(scene: &Scene, by: i64) -> Scene {
    let mut scene = scene.clone();
    (scene.now, scene.started_at) = (moved(scene.now, by), moved(scene.started_at, by));
    for facts in &mut scene.data_centres {
        moved_probe(&mut facts.ping, by);
        if let Sight::CutOff { since } = &mut facts.sight {
            *since = moved(*since, by);
        }
    }
    scene.probers.iter_mut().for_each(|facts| moved_probe(&mut facts.canary, by));
    for facts in &mut scene.nodes {
        facts.heartbeat = facts.heartbeat.map(|heartbeat| match heartbeat {
            Heartbeat::Running { at } => Heartbeat::Running { at: moved(at, by) },
            Heartbeat::Down { since } => Heartbeat::Down { since: moved(since, by) },
        });
        facts.out_of_contact_since = facts.out_of_contact_since.map(|at| moved(at, by));
        facts.draining_since = facts.draining_since.map(|at| moved(at, by));
    }
    scene.instances.iter_mut().for_each(|facts| facts.since = moved(facts.since, by));
    scene
}

fn moved_node(mut condition: NodeCondition, by: i64) -> NodeCondition {
    condition.state = match condition.state {
        NodeState::Healthy => NodeState::Healthy,
        NodeState::Suspect { since } => NodeState::Suspect { since: moved(since, by) },
        NodeState::Lost { since, confirmed_at } => {
            NodeState::Lost { since: moved(since, by), confirmed_at: moved(confirmed_at, by) }
        }
        NodeState::Returned { at } => NodeState::Returned { at: moved(at, by) },
        NodeState::Draining { since } => NodeState::Draining { since: moved(since, by) },
    };
    condition
}

fn moved_hold(hold: Hold, by: i64) -> Hold {
    Hold { since: moved(hold.since, by), ..hold }
}

/// Who got what, and where.
fn grants(output: &StormOutput) -> Vec<(GroupId, u32, [u32; 4])> {
    let all = output.allowances.iter();
    all.map(|allowance| (allowance.group, allowance.data_centre, Spend::ALL.map(|kind| allowance.of(kind)))).collect()
}

fn burst_and_gain(rate: Rate, window: Duration) -> u128 {
    u128::from(rate.burst) + u128::from(rate.tokens) * window.as_millis() / rate.period.as_millis().max(1)
}

/// Whether what one purse paid for keeps to its rate in every window.
fn keeps_to(spent: &[(Timestamp, u32)], rate: Rate) -> bool {
    let is_kept = |first: usize, last: usize| {
        let sum: u128 = spent[first..=last].iter().map(|(_, count)| u128::from(*count)).sum();
        sum <= burst_and_gain(rate, spent[last].0.since(spent[first].0))
    };
    rate.is_unlimited() || (0..spent.len()).all(|first| (first..spent.len()).all(|last| is_kept(first, last)))
}

/// A purse: its level, whose it is, and what it pays for.
type Purse = (u8, Option<GroupId>, Option<AccountId>, Option<u32>, Spend);

/// The payments of each purse, and that each keeps to its rate.
fn check_windows(ledger: &[Spent], rates: &BudgetRates) -> bool {
    let mut purses: BTreeMap<Purse, Vec<(Timestamp, u32)>> = BTreeMap::new();
    for line in ledger {
        let Spender { group, account, data_centre } = line.spender;
        let paid = (line.at, line.count);
        for key in [
            (0, Some(group), None, Some(data_centre), line.kind),
            (1, None, Some(account), Some(data_centre), line.kind),
            (2, None, None, Some(data_centre), line.kind),
            (3, None, None, None, line.kind),
        ] {
            purses.entry(key).or_default().push(paid);
        }
    }
    let levels = [&rates.group, &rates.account, &rates.data_centre, &rates.everywhere];
    purses.iter().all(|(key, spent)| keeps_to(spent, levels[usize::from(key.0)].of(key.4)))
}

proptest! {
    #![proptest_config(tries(1500))]

    #[test]
    fn the_same_input_gives_the_same_output_in_any_order(scene in scene(), course in course(), salt in any::<u64>()) {
        let (mut one, mut again, mut other) = (scene.clone(), scene.clone(), shuffled(&scene, salt));
        let outputs = play(&mut one, &course);
        prop_assert_eq!(&play(&mut again, &course), &outputs);
        // The course goes by places, so only the first and the memory it leaves are compared.
        let first = other.assess();
        prop_assert_eq!(in_order(first), in_order(outputs[0].clone()));
        let mut late = shuffled(&one, salt);
        prop_assert_eq!(in_order(late.later(minutes(1))), in_order(one.later(minutes(1))));
    }

    #[test]
    fn only_distances_in_time_matter(scene in scene(), course in course(), by in -1_000_000_000_i64..1_000_000_000) {
        let expected = play(&mut scene.clone(), &course);
        let shifted = play(&mut moved_scene(&scene, by), &course);
        for (one, other) in expected.into_iter().zip(shifted) {
            prop_assert_eq!(grants(&one), grants(&other));
            let nodes: Vec<NodeCondition> = one.node_conditions.iter().map(|found| moved_node(*found, by)).collect();
            prop_assert_eq!(nodes, other.node_conditions);
            let holds: Vec<Hold> = one.holds.iter().map(|hold| moved_hold(*hold, by)).collect();
            prop_assert_eq!(holds, other.holds);
            prop_assert_eq!(one.correlations, other.correlations);
            prop_assert_eq!(one.next_wakeup.map(|at| moved(at, by)), other.next_wakeup);
        }
    }

    #[test]
    fn no_input_brings_it_down(
        mut scene in scene(), course in course(), times in proptest::collection::vec(any::<i64>(), 12),
        numbers in proptest::collection::vec(any::<u32>(), 12), grace in any::<u64>(),
    ) {
        let time = |place: usize| Timestamp::from_millis(times[place % times.len()]);
        let wild = |place: usize| numbers[place % numbers.len()];
        (scene.now, scene.started_at) = (time(0), time(1));
        for (place, facts) in scene.instances.iter_mut().enumerate().filter(|(place, _)| place % 3 == 0) {
            (facts.since, facts.group, facts.node) = (time(place), wild(place), wild(place + 1));
            (facts.image, facts.revision, facts.check) = (wild(place), wild(place), wild(place));
        }
        for (place, facts) in scene.nodes.iter_mut().enumerate().filter(|(place, _)| place % 3 == 0) {
            (facts.node, facts.rack, facts.data_centre) = (wild(place), wild(place), wild(place));
            facts.out_of_contact_since = Some(time(place));
        }
        for (place, facts) in scene.groups.iter_mut().enumerate().filter(|(place, _)| place % 3 == 0) {
            (facts.group, facts.node_grace) = (group_id(0), Duration::from_millis(grace));
            facts.needs.creates = wild(place);
        }
        for output in play(&mut scene, &course) {
            prop_assert_eq!(output.allowances.len(), scene.groups.len());
        }
        scene.now = time(2);
        scene.unused = vec![Unused { group: group_id(0), data_centre: 0, kind: Spend::Create, count: wild(3) }; 2];
        let output = scene.assess();
        prop_assert!(output.next_wakeup.is_none_or(|at| at > scene.now));
    }

    #[test]
    fn a_wake_up_lies_in_the_future_and_nobody_gets_more_than_needed(mut scene in scene(), course in course()) {
        let start = scene.now;
        let outputs = play(&mut scene, &course);
        let mut now = start;
        for (output, passed) in outputs.iter().zip(course.iter().map(|(seconds, _)| *seconds).chain([0])) {
            prop_assert!(output.next_wakeup.is_none_or(|at| at > now));
            for (allowance, group) in output.allowances.iter().zip(&scene.groups) {
                prop_assert_eq!((allowance.group, allowance.data_centre), (group.group, group.data_centre));
                for kind in Spend::ALL {
                    prop_assert!(allowance.of(kind) <= group.needs.of(kind));
                }
            }
            now = now.after(Duration::from_secs(passed));
        }
    }

    #[test]
    fn no_purse_pays_more_than_its_rate_in_any_window(
        mut scene in scene(), rates in rates(), course in course(), returned in any::<u64>(),
    ) {
        scene.rates = rates;
        scene.data_centres = vec![data_centre(0), data_centre(1)];
        scene.instances.clear();
        let mut book: Vec<Spent> = Vec::new();
        for (round, (seconds, _)) in course.iter().enumerate() {
            let output = scene.later(Duration::from_secs(*seconds));
            for (place, allowance) in output.allowances.iter().enumerate() {
                let account = scene.groups[place].account;
                let spender = Spender { group: allowance.group, account, data_centre: allowance.data_centre };
                for kind in Spend::ALL {
                    // A part is not used and handed back; what is used has to keep to the rates.
                    let back = allowance.of(kind).min(u32::try_from(returned >> ((round + place) % 60) & 3).unwrap());
                    let count = allowance.of(kind) - back;
                    let (group, data_centre) = (allowance.group, allowance.data_centre);
                    scene.unused.push(Unused { group, data_centre, kind, count: back });
                    book.push(Spent { at: scene.now, spender, kind, count });
                }
            }
        }
        prop_assert!(check_windows(&book, &rates));
    }

    #[test]
    fn the_book_says_what_was_granted(mut scene in scene(), course in course()) {
        scene.rates = BudgetRates::default();
        let mut granted: BTreeMap<(GroupId, u32, Spend), u64> = BTreeMap::new();
        let outputs = play(&mut scene, &course);
        for output in &outputs {
            for allowance in &output.allowances {
                for kind in Spend::ALL.into_iter().filter(|kind| allowance.of(*kind) > 0) {
                    *granted.entry((allowance.group, allowance.data_centre, kind)).or_default() += u64::from(allowance.of(kind));
                }
            }
        }
        let mut booked: BTreeMap<(GroupId, u32, Spend), u64> = BTreeMap::new();
        for line in outputs.last().unwrap().ledger() {
            *booked.entry((line.spender.group, line.spender.data_centre, line.kind)).or_default() += u64::from(line.count);
        }
        prop_assert_eq!(booked, granted);
    }

    #[test]
    fn one_data_centre_never_pays_for_another(scene in scene(), needs in needs(), rates in rates(), course in course()) {
        let mut alone = scene;
        alone.rates = BudgetRates { everywhere: PerSpend { creates: Rate::UNLIMITED, asked_deletes: Rate::UNLIMITED, unasked_deletes: Rate::UNLIMITED, starts: Rate::UNLIMITED }, ..rates };
        alone.data_centres = vec![data_centre(0), data_centre(1)];
        alone.instances.clear();
        let mut beside = alone.clone();
        beside.groups.iter_mut().filter(|group| group.data_centre == 1).for_each(|group| group.needs = needs);
        alone.groups.retain(|group| group.data_centre == 0);
        for (seconds, _) in course {
            let (one, other) = (alone.later(Duration::from_secs(seconds)), beside.later(Duration::from_secs(seconds)));
            let here: Vec<_> = grants(&other).into_iter().filter(|(_, data_centre, _)| *data_centre == 0).collect();
            prop_assert_eq!(grants(&one), here);
        }
    }

    #[test]
    fn when_all_fail_nobody_repairs(mut scene in scene(), course in course()) {
        scene.instances.retain(|facts| facts.group < 8);
        scene.instances.extend((0..24).map(|place| instance(place % 8, NO_NUMBER)));
        scene.groups.iter_mut().for_each(|group| group.overridden = 0);
        let since = NOW.before(minutes(30));
        scene.instances.iter_mut().for_each(|facts| (facts.outcome, facts.since) = (Outcome::Failing, since));
        let steady: Vec<(u64, u64)> = course.into_iter().map(|(seconds, _)| (seconds, 0)).collect();
        for output in play(&mut scene, &steady) {
            for allowance in &output.allowances {
                prop_assert_eq!((allowance.unasked_deletes, allowance.starts), (0, 0));
                prop_assert!(allowance.hold.is_some_and(|hold| hold.cause.stops() >= Stop::Repair));
            }
            prop_assert!(output.holds.iter().any(|hold| hold.scope == Scope::Everywhere));
            let is_lost = |found: &NodeCondition| matches!(found.state, NodeState::Lost { .. });
            prop_assert!(!output.node_conditions.iter().any(is_lost));
        }
    }

    #[test]
    fn a_prober_that_is_cut_off_changes_nothing(scene in scene(), fate in any::<u64>(), since in moment()) {
        let mut before = scene;
        let cut_off = Probe::Failing { since };
        before.probers = vec![
            ProberFacts { prober: 0, data_centre: 0, canary: cut_off },
            ProberFacts { prober: 0, data_centre: 1, canary: cut_off },
            ProberFacts { prober: 1, data_centre: 0, canary: Probe::Passing },
            ProberFacts { prober: 1, data_centre: 1, canary: Probe::Passing },
        ];
        let mut after = before.clone();
        let judged = after.instances.iter_mut().filter(|facts| facts.prober == 0);
        for (place, facts) in judged.enumerate() {
            facts.outcome = if fate >> (place % 64) & 1 == 1 { Outcome::Failing } else { Outcome::Passing };
            facts.since = since;
        }
        prop_assert_eq!(after.assess(), before.assess());
    }

    #[test]
    fn a_group_without_needs_and_instances_changes_nothing(scene in scene(), course in course()) {
        let mut scene = scene;
        scene.instances.retain(|facts| facts.group < 8);
        let mut with = scene.clone();
        with.groups.push(group(500, 0));
        let plain = play(&mut scene.clone(), &course);
        for (mut output, expected) in play(&mut with, &course).into_iter().zip(plain) {
            prop_assert_eq!(output.allowances.pop().map(|allowance| allowance.creates), Some(0));
            prop_assert_eq!(output, expected);
        }
    }

    #[test]
    fn nodes_are_given_up_one_at_a_time(mut scene in scene(), course in course()) {
        let mut confirmed: BTreeMap<u32, BTreeSet<Timestamp>> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for output in play(&mut scene, &course) {
            for found in &output.node_conditions {
                if let NodeState::Lost { confirmed_at, .. } = found.state {
                    let is_new = ids.insert((found.node, confirmed_at));
                    let times = confirmed.entry(found.node % 2).or_default();
                    prop_assert!(times.insert(confirmed_at) || !is_new, "two at once");
                }
            }
        }
        for times in confirmed.values() {
            let times: Vec<Timestamp> = times.iter().copied().collect();
            prop_assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) >= minutes(10)));
        }
    }
}

fn claim(number: u32, need: u32) -> Claim {
    Claim { group: group_id(number), account: account_id(0), need, limit: u32::MAX }
}

/// Serves a line with so many tokens a round until nobody needs anything, and tells for each
/// group how many tokens were handed out when it got its first and its last.
fn served(needs: &[u32], pool: u32) -> Vec<(u64, u64)> {
    let mut left: Vec<u32> = needs.to_vec();
    let (mut line, mut handed_out) = (Line::default(), 0);
    let mut times = vec![(0, 0); needs.len()];
    while left.iter().any(|need| *need > 0) {
        let claims: Vec<Claim> = (0_u32..).zip(&left).map(|(number, need)| claim(number, *need)).collect();
        let granted = line.serve(&claims, pool, &mut [(account_id(0), u32::MAX)].into(), NOW);
        handed_out += granted.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
        for (group, count) in granted {
            let place = group.uuid().as_u128() as usize;
            left[place] -= count;
            times[place].0 = if times[place].0 == 0 { handed_out } else { times[place].0 };
            times[place].1 = handed_out;
        }
    }
    times
}

proptest! {
    #![proptest_config(tries(400))]

    #[test]
    fn everybody_is_served_within_two_rounds(
        needs in proptest::collection::vec(prop_oneof![1_u32..4, 10_u32..300, Just(3000)], 1..40), pool in 1_u32..60,
    ) {
        let longest_turns = 4 * needs.len() as u64;
        for (first, _) in served(&needs, pool) {
            prop_assert!(first <= 2 * longest_turns + u64::from(pool));
        }
    }

    #[test]
    fn equal_needs_are_met_at_about_the_same_time(groups in 2_usize..60, need in 100_u32..400, pool in 1_u32..200) {
        let times = served(&vec![need; groups], pool);
        let last = times.iter().map(|(_, last)| *last).max().unwrap();
        let first = times.iter().map(|(_, last)| *last).min().unwrap();
        prop_assert!(last * 10 <= first * 12, "{first} and {last}");
    }

    #[test]
    fn nobody_starves_where_accounts_and_limits_differ(
        accounts in proptest::collection::vec(1_u32..5, 1..4), limits in proptest::collection::vec(0_u32..4, 12), pool in 1_u32..9,
    ) {
        let mut line = Line::default();
        let mut got = [0_u32; 12];
        for _ in 0..60 {
            let mut purses: BTreeMap<AccountId, u32> = (0_u32..).zip(&accounts).map(|(number, purse)| (account_id(number), *purse)).collect();
            let account = |number: u32| account_id(number % u32::try_from(accounts.len()).unwrap());
            let all = (0_u32..).zip(&limits).map(|(number, limit)| Claim { account: account(number), limit: *limit, ..claim(number, 1000) });
            let all: Vec<Claim> = all.collect();
            let granted = line.serve(&all, pool, &mut purses, NOW);
            prop_assert!(granted.iter().map(|(_, count)| *count).sum::<u32>() <= pool);
            let mut paid: BTreeMap<AccountId, u32> = BTreeMap::new();
            for (group, count) in &granted {
                *paid.entry(account(group.uuid().as_u128() as u32)).or_default() += count;
            }
            let first = |account: AccountId| accounts[account.uuid().as_u128() as usize];
            prop_assert!(paid.into_iter().all(|(account, count)| count <= first(account)));
            for (group, count) in granted {
                got[group.uuid().as_u128() as usize] += count;
            }
        }
        for (count, limit) in got.iter().zip(&limits) {
            prop_assert_eq!(*count > 0, *limit > 0, "{:?}", got);
        }
    }

    #[test]
    fn a_budget_is_what_counting_by_hand_gives(
        gaps in proptest::collection::vec((0_u64..30_000, 0_u32..6), 1..40), burst in 1_u32..6, tokens in 1_u32..6, period in 1_u64..20_000,
    ) {
        let rate = Rate { burst, tokens, period: Duration::from_millis(period) };
        let all = PerSpend { creates: rate, asked_deletes: rate, unasked_deletes: rate, starts: rate };
        let rates = BudgetRates { group: all, account: all, data_centre: all, everywhere: all };
        let spender = Spender { group: group_id(1), account: account_id(1), data_centre: 0 };
        let (mut budgets, mut now, mut level) = (Budgets::default(), NOW, u64::from(burst) * period);
        for (gap, wanted) in gaps {
            now = now.after(Duration::from_millis(gap));
            level = (level + gap * u64::from(tokens)).min(u64::from(burst) * period);
            let expected = u32::try_from(level / period).unwrap().min(wanted);
            let pace = Pace { rates: &rates, now, started_at: NOW };
            prop_assert_eq!(budgets.spend(spender, Spend::Create, wanted, &pace), expected);
            level -= u64::from(expected) * period;
        }
    }
}
