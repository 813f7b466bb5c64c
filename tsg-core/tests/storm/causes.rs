//! What failures have in common, which nodes are silent and what is held, each in small exact cases.

use std::time::Duration;

use crate::scene::{NOW, Scene, data_centre, group, group_id, instance, minutes, seconds};
use tsg_core::model::id::ComputeNodeId;
use tsg_core::plan::input;
use tsg_core::storm::correlate::{Bucket, Correlation};
use tsg_core::storm::holds::{Hold, HoldCause, Scope, Stop};
use tsg_core::storm::input::{
    DataCentreFacts, Heartbeat, InstanceFacts, NO_NUMBER, NodeFacts, Outcome, Probe, ProberFacts, Sight,
};
use tsg_core::storm::nodes::{NodeCondition, NodeState};
use tsg_core::storm::output::Allowance;
use tsg_core::storm::{StormMemory, StormOutput};
use uuid::Uuid;

/// One group in one data centre with so many instances that have nothing in common but that.
fn crowd(count: usize) -> Scene {
    let mut scene = Scene::calm();
    scene.groups = vec![group(0, 0)];
    scene.instances = vec![instance(0, NO_NUMBER); count];
    scene
}

/// Lets those at these places fail since a while.
fn fail(scene: &mut Scene, since: Duration, places: impl IntoIterator<Item = usize>) {
    let since = scene.now.before(since);
    for place in places {
        (scene.instances[place].outcome, scene.instances[place].since) = (Outcome::Failing, since);
    }
}

/// Bucket, failing inside, of, failing outside, of.
fn told(output: &StormOutput) -> Vec<(Bucket, [u32; 4])> {
    let shown =
        |found: &Correlation| (found.bucket, [found.failing, found.of, found.outside_failing, found.outside_of]);
    output.correlations.iter().map(shown).collect()
}

fn causes(output: &StormOutput) -> Vec<HoldCause> {
    output.holds.iter().map(|hold| hold.cause).collect()
}

#[test]
fn three_in_five_are_a_cause_where_others_fail_three_times_less() {
    let mut scene = crowd(15);
    scene.instances[..5].iter_mut().for_each(|facts| facts.image = 1);
    fail(&mut scene, seconds(20), [0, 1, 2, 5, 6]);
    assert_eq!(told(&scene.assess()), [(Bucket::Image(1), [3, 5, 2, 10])]);
    fail(&mut scene, seconds(20), [7]);
    assert_eq!(told(&scene.assess()), [], "3 of 10 are too many outside");
}

#[test]
fn two_are_a_cause_on_one_node_and_eleven_of_twenty_in_a_data_centre() {
    let mut scene = Scene::with_nodes(10, 2);
    fail(&mut scene, seconds(20), [6, 7]);
    assert_eq!(told(&scene.assess()), [(Bucket::Node(3), [2, 2, 0, 18])]);
    let mut scene = crowd(20);
    fail(&mut scene, seconds(20), 0..11);
    assert_eq!(told(&scene.assess()), [(Bucket::DataCentre(0), [11, 20, 0, 0])]);
    let mut scene = crowd(5);
    fail(&mut scene, seconds(20), 0..5);
    assert_eq!(told(&scene.assess()), [(Bucket::DataCentre(0), [5, 5, 0, 0])], "with nobody left who passes");
}

#[test]
fn a_node_and_a_rack_are_compared_with_their_own_data_centre() {
    let elsewhere = |scene: &mut Scene| {
        scene.data_centres = vec![data_centre(0), data_centre(1)];
        scene.groups.push(group(500, 0));
        let last = u32::try_from(scene.groups.len() - 1).unwrap();
        scene.groups[..last as usize].iter_mut().for_each(|group| group.data_centre = 1);
        scene.nodes.iter_mut().for_each(|facts| facts.data_centre = 1);
        scene.instances.extend(vec![instance(last, NO_NUMBER); 9]);
    };
    let mut scene = Scene::with_nodes(4, 5);
    elsewhere(&mut scene);
    fail(&mut scene, seconds(20), 0..5);
    assert_eq!(told(&scene.assess()), [(Bucket::Node(0), [5, 5, 0, 15])]);
    let mut scene = Scene::with_nodes(20, 2);
    elsewhere(&mut scene);
    fail(&mut scene, seconds(20), 0..20);
    assert_eq!(told(&scene.assess()), [(Bucket::Rack(0), [20, 20, 0, 20])]);
}

#[test]
fn what_one_cause_explains_is_set_aside_for_the_next() {
    let mut scene = crowd(60);
    scene.instances[..8].iter_mut().for_each(|facts| facts.image = 1);
    scene.instances[6..12].iter_mut().for_each(|facts| facts.check = 2);
    scene.instances[12..15].iter_mut().for_each(|facts| facts.prober = 3);
    fail(&mut scene, seconds(20), 0..15);
    let expected =
        [(Bucket::Image(1), [8, 8, 7, 52]), (Bucket::Check(2), [4, 4, 3, 48]), (Bucket::Prober(3), [3, 3, 0, 45])];
    assert_eq!(told(&scene.assess()), expected);
}

#[test]
fn the_clearest_cause_is_found_first_and_the_largest_told_first() {
    let mut scene = Scene::with_nodes(20, 4);
    // Nine of image 1, each on a node of its own.
    (1..10).for_each(|node| scene.instances[node * 4].image = 1);
    fail(&mut scene, seconds(20), (0..4).chain((1..7).map(|node| node * 4)));
    let expected = [(Bucket::Image(1), [6, 9, 0, 67]), (Bucket::Node(0), [4, 4, 6, 76])];
    assert_eq!(told(&scene.assess()), expected);
}

#[test]
fn no_more_than_eight_causes_are_told() {
    let mut scene = Scene::with_nodes(100, 2);
    scene.fail(seconds(20), |facts| facts.node % 11 == 0);
    assert_eq!(scene.assess().correlations.len(), 8);
}

#[test]
fn of_two_nodes_with_one_number_the_lesser_id_counts() {
    let mut scene = Scene::with_nodes(20, 5);
    let twin = |facts: &NodeFacts| NodeFacts {
        id: ComputeNodeId::new(Uuid::from_u128(u128::MAX)),
        rack: 7,
        heartbeat: Some(Heartbeat::Down { since: NOW.before(minutes(5)) }),
        ..*facts
    };
    let twins: Vec<NodeFacts> = scene.nodes[..5].iter().map(twin).collect();
    scene.nodes.push(NodeFacts { node: NO_NUMBER, ..twins[0] });
    fail(&mut scene, seconds(20), 0..50);
    for is_first in [true, false] {
        let mut scene = scene.clone();
        let at = if is_first { 0 } else { scene.nodes.len() };
        scene.nodes.splice(at..at, twins.iter().copied());
        let output = scene.assess();
        assert_eq!(told(&output), [(Bucket::Rack(0), [50, 50, 0, 50])]);
        assert_eq!(output.node_conditions, []);
    }
}

#[test]
fn a_node_that_is_back_settles_for_two_minutes() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(minutes(2), |facts| facts.node == 3);
    assert!(matches!(scene.assess().node(3), NodeState::Suspect { .. }));
    scene.mend(|_| true);
    let output = scene.later(seconds(5));
    assert_eq!(
        (output.node(3), output.next_wakeup),
        (NodeState::Returned { at: scene.now }, Some(scene.now.after(minutes(2))))
    );
    assert_ne!(scene.memory.nodes, StormMemory::default().nodes);
    assert_eq!(scene.later(minutes(2)).next_wakeup, None);
    scene.nodes[4].draining_since = Some(NOW);
    assert_eq!(scene.assess().node(4), NodeState::Draining { since: NOW });
    assert_eq!(scene.memory.nodes, StormMemory::default().nodes, "nothing is remembered of what is well or planned");
}

#[test]
fn what_fails_on_a_lost_node_does_not_count_against_its_data_centre() {
    let mut scene = Scene::with_nodes(4, 5);
    fail(&mut scene, minutes(30), 0..5);
    assert!(matches!(scene.assess().node(0), NodeState::Lost { .. }));
    fail(&mut scene, minutes(30), [5, 6, 10, 11, 15, 16]);
    let output = scene.assess();
    assert!(matches!(output.node(0), NodeState::Lost { .. }));
    assert_eq!(output.holds, [], "6 of 15 are not most of them");
}

#[test]
fn a_node_is_silent_only_beside_others_that_speak() {
    let mut scene = Scene::with_nodes(5, 5);
    fail(&mut scene, minutes(2), 0..5);
    assert!(matches!(scene.clone().assess().node(0), NodeState::Suspect { .. }));
    fail(&mut scene, minutes(2), [5, 6, 7, 10, 11, 12, 15, 16, 17, 20, 21]);
    assert_eq!(scene.assess().node(0), NodeState::Healthy, "11 of the 20 others fail");
}

#[test]
fn lost_nodes_count_when_one_more_falls_silent() {
    let mut scene = Scene::with_nodes(6, 5);
    scene.fail(minutes(30), |facts| facts.node == 0);
    assert_eq!(causes(&scene.assess()), []);
    scene.fail(minutes(2), |facts| facts.node == 1);
    assert_eq!(causes(&scene.assess()), [HoldCause::NodesSilent { suspect: 1, lost: 1, of: 6 }]);

    let mut scene = Scene::with_nodes(10, 5);
    let down = |scene: &mut Scene, node: usize| {
        let since = scene.now.before(minutes(30));
        scene.nodes[node].heartbeat = Some(Heartbeat::Down { since });
        scene.assess();
    };
    down(&mut scene, 0);
    scene.now = scene.now.after(minutes(10));
    down(&mut scene, 1);
    assert!([0, 1].iter().all(|node| matches!(scene.assess().node(*node), NodeState::Lost { .. })));
    scene.nodes[2].heartbeat = Some(Heartbeat::Down { since: scene.now.before(minutes(2)) });
    assert_eq!(causes(&scene.assess()), [HoldCause::NodesSilent { suspect: 1, lost: 2, of: 10 }], "30 % of them");
}

#[test]
fn a_failure_is_new_for_five_minutes_and_no_longer() {
    let mut scene = crowd(100);
    fail(&mut scene, seconds(20), 0..10);
    assert_eq!(causes(&scene.clone().assess()), [HoldCause::Degrading { degraded: 10, of: 100 }]);
    fail(&mut scene, Duration::from_millis(300_001), [0]);
    assert_eq!(causes(&scene.assess()), []);
}

#[test]
fn the_word_of_a_prober_that_fails_its_own_targets_does_not_count() {
    let mut scene = crowd(40);
    scene.instances[20..].iter_mut().for_each(|facts| facts.prober = 1);
    scene.instances[..20].iter_mut().for_each(|facts| facts.prober = 0);
    let failing = Probe::Failing { since: NOW };
    let facts = |prober, canary| ProberFacts { prober, data_centre: 0, canary };
    scene.probers = vec![facts(0, failing), facts(1, Probe::Passing)];
    fail(&mut scene, minutes(30), (0..20).chain(20..32));
    let output = scene.assess();
    assert!(causes(&output).contains(&HoldCause::MostFail { failing: 12, of: 20 }), "{output:?}");
}

#[test]
fn what_is_not_seen_says_nothing_about_an_image() {
    let mut scene = crowd(10);
    scene.data_centres = vec![data_centre(0), data_centre(1)];
    scene.groups.push(group(1, 1));
    scene.instances.extend(vec![InstanceFacts { image: 1, ..instance(1, NO_NUMBER) }; 10]);
    fail(&mut scene, minutes(30), 10..20);
    scene.data_centres[1].sight = Sight::CutOff { since: NOW };
    assert_eq!(told(&scene.assess()), []);
}

#[test]
fn of_two_words_about_a_data_centre_the_worse_counts_and_each_cause_stands_once() {
    let cut_off = |since| Sight::CutOff { since };
    let mut scene = crowd(5);
    let facts = scene.data_centres[0];
    let sights = [Sight::NotYet, cut_off(NOW.before(seconds(9)))];
    for sights in [sights, [sights[1], sights[0]]] {
        scene.data_centres = sights.map(|sight| DataCentreFacts { sight, ..facts }).to_vec();
        assert_eq!(causes(&scene.clone().assess()), [HoldCause::CutOff { agreeing: 0 }]);
    }
    let ping = |since| Probe::Failing { since };
    let pings = [ping(NOW.before(seconds(9))), ping(NOW.before(seconds(90)))];
    scene.data_centres = pings.map(|ping| DataCentreFacts { ping, ..facts }).to_vec();
    fail(&mut scene, minutes(30), 0..5);
    let output = scene.assess();
    let expected = [(HoldCause::CloudFails, NOW.before(seconds(90))), (HoldCause::MostFail { failing: 5, of: 5 }, NOW)];
    assert_eq!(output.holds.iter().map(|hold| (hold.cause, hold.since)).collect::<Vec<_>>(), expected);
}

#[test]
fn holds_are_remembered_by_their_scope() {
    let mut scene = crowd(5);
    scene.data_centres = vec![data_centre(0), data_centre(1)];
    scene.data_centres[0].ping = Probe::Failing { since: NOW };
    scene.data_centres[1].sight = Sight::NotYet;
    scene.assess();
    let scopes: Vec<Scope> = scene.memory.holds.iter().map(|kept| kept.hold.scope).collect();
    assert_eq!(scopes, [0, 1].map(|number| Scope::In(Bucket::DataCentre(number))));
}

#[test]
fn everything_is_held_once_every_data_centre_is() {
    let mut scene = crowd(5);
    scene.data_centres = (0..3).map(data_centre).collect();
    let ping = |age| Probe::Failing { since: NOW.before(seconds(age)) };
    (scene.data_centres[0].ping, scene.data_centres[1].ping) = (ping(90), ping(60));
    fail(&mut scene, minutes(30), 0..5);
    let output = scene.clone().assess();
    assert!(output.holds.iter().all(|hold| hold.scope != Scope::Everywhere), "the third is not");
    scene.data_centres.truncate(2);
    let cause = HoldCause::EveryDataCentre { data_centres: 2 };
    let hold = Hold { scope: Scope::Everywhere, cause, since: NOW.before(seconds(60)) };
    assert_eq!(scene.assess().holds[0], hold, "first of all, and since the last of them was");
}

#[test]
fn of_two_holds_the_one_that_stops_more_binds() {
    let mut scene = Scene::with_nodes(10, 10);
    scene.groups.iter_mut().for_each(|group| (group.needs.starts, group.needs.unasked_deletes) = (2, 2));
    scene.fail(minutes(2), |facts| facts.node < 3);
    fail(&mut scene, seconds(20), (3..10).map(|node| node * 11).chain([41, 52, 60]));
    let output = scene.assess();
    let silent = HoldCause::NodesSilent { suspect: 3, lost: 0, of: 10 };
    assert_eq!(causes(&output), [HoldCause::Degrading { degraded: 10, of: 100 }, silent]);
    for allowance in &output.allowances {
        assert_eq!((allowance.hold.map(|hold| hold.cause), allowance.starts), (Some(silent), 0));
    }
}

#[test]
fn an_image_is_held_beside_another_data_centre() {
    let mut scene = crowd(20);
    scene.data_centres = vec![data_centre(0), data_centre(1)];
    scene.data_centres[1].ping = Probe::Failing { since: NOW };
    scene.groups.extend([group(1, 0), group(2, 1)]);
    scene.instances[..4].iter_mut().for_each(|facts| (facts.image, facts.group) = (2, 1));
    fail(&mut scene, minutes(30), 0..4);
    let output = scene.assess();
    let scopes: Vec<Option<Scope>> =
        output.allowances.iter().map(|allowance| allowance.hold.map(|hold| hold.scope)).collect();
    let revision = Bucket::Revision { group: group_id(1), revision: 1 };
    assert_eq!(scopes, [None, Some(Scope::In(revision)), Some(Scope::In(Bucket::DataCentre(1)))]);
}

#[test]
fn a_cause_holds_the_groups_that_share_it_and_no_others() {
    type Change = fn(&mut InstanceFacts);
    let revision = Bucket::Revision { group: group_id(1), revision: 2 };
    let both: fn(&Bucket) -> [Option<Scope>; 3] = |bucket| [Some(Scope::In(*bucket)), Some(Scope::In(*bucket)), None];
    let cases: [(Bucket, Change, [Option<Scope>; 3]); 4] = [
        (Bucket::Check(1), |facts| facts.check = 1, both(&Bucket::Check(1))),
        (Bucket::Image(1), |facts| facts.image = 1, both(&Bucket::Image(1))),
        (Bucket::Prober(1), |facts| facts.prober = 1, both(&Bucket::Prober(1))),
        (revision, |facts| (facts.group, facts.revision) = (1, 2), [None, Some(Scope::In(revision)), None]),
    ];
    for (bucket, change, expected) in cases {
        let mut scene = crowd(30);
        scene.groups = (0..3).map(|number| group(number, 0)).collect();
        (0..20).for_each(|place| scene.instances[place].group = u32::from(place % 2 == 1));
        (20..30).for_each(|place| scene.instances[place].group = 2);
        scene.instances[..4].iter_mut().for_each(change);
        fail(&mut scene, minutes(30), 0..4);
        let output = scene.assess();
        assert_eq!(told(&output), [(bucket, [4, 4, 0, 26])]);
        let held: Vec<Option<Scope>> =
            output.allowances.iter().map(|allowance| allowance.hold.map(|hold| hold.scope)).collect();
        assert_eq!(held, expected);
    }
}

#[test]
fn an_assessment_is_told_to_the_planner_in_its_own_words() {
    let (since, confirmed_at) = (NOW.before(minutes(30)), NOW);
    let mut output = Scene::calm().assess();
    let states = [
        (NodeState::Healthy, None),
        (NodeState::Suspect { since }, Some(input::NodeState::Suspect { since })),
        (NodeState::Lost { since, confirmed_at }, Some(input::NodeState::Lost { since })),
        (NodeState::Returned { at: since }, Some(input::NodeState::Returned { at: since })),
        (NodeState::Draining { since }, Some(input::NodeState::Draining { since })),
    ];
    output.node_conditions = (0..).zip(states).map(|(node, (state, _))| NodeCondition { node, state }).collect();
    let expected =
        (0..).zip(states).filter_map(|(node, (_, state))| Some(input::NodeCondition { node, state: state? }));
    assert_eq!(output.planner_nodes(), expected.collect::<Vec<_>>());

    use input::RepairHold as Repair;
    let found = Correlation { bucket: Bucket::Image(1), failing: 3, of: 5, outside_failing: 0, outside_of: 9 };
    let holds = [
        (HoldCause::NotSeenYet, Stop::Everything, None),
        (HoldCause::CutOff { agreeing: 1 }, Stop::Everything, None),
        (HoldCause::ProbersFail { probers: 2 }, Stop::Repair, Some(Repair::ProberFails { since })),
        (HoldCause::CloudFails, Stop::Repair, Some(Repair::CloudFails { since })),
        (
            HoldCause::MostFail { failing: 5, of: 6 },
            Stop::Repair,
            Some(Repair::DataCentreFails { failing: 5, of: 6, since }),
        ),
        (HoldCause::Degrading { degraded: 10, of: 20 }, Stop::Replacing, None),
        (
            HoldCause::NodesSilent { suspect: 2, lost: 1, of: 9 },
            Stop::Repair,
            Some(Repair::NodesSuspect { nodes: 3, of: 9, since }),
        ),
        (HoldCause::Correlated(found), Stop::Replacing, None),
        (HoldCause::EveryDataCentre { data_centres: 2 }, Stop::Repair, None),
    ];
    for (cause, stops, expected) in holds {
        let hold = Some(Hold { scope: Scope::Everywhere, cause, since });
        let allowance = Allowance {
            group: group_id(1),
            data_centre: 0,
            creates: 1,
            asked_deletes: 2,
            unasked_deletes: 3,
            starts: 4,
            hold,
        };
        assert_eq!((cause.stops(), allowance.repair_hold()), (stops, expected), "{cause:?}");
        let limits = allowance.limits(input::Limits { orphans: 5, ..input::Limits::default() });
        let given = [limits.creates, limits.asked_deletes, limits.unasked_deletes, limits.starts, limits.orphans];
        assert_eq!(given, [1, 2, 3, 4, 5]);
    }
}
