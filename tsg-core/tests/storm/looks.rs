//! What the look across all groups does in named cases: compute nodes, holds, correlation.

use crate::scene::{NOW, Scene, data_centre, group, group_id, instance, minutes, node, seconds};
use tsg_core::storm::StormMemory;
use tsg_core::storm::correlate::{Bucket, Correlation, Response};
use tsg_core::storm::holds::{Hold, HoldCause, Scope, Stop};
use tsg_core::storm::input::{Heartbeat, InstanceFacts, NO_NUMBER, Outcome, Probe, ProberFacts, Sight};
use tsg_core::storm::nodes::NodeState;
use tsg_core::storm::spend::Needs;

fn on(node: u32) -> impl Fn(&InstanceFacts) -> bool {
    move |facts| facts.node == node
}

fn causes(holds: &[Hold]) -> Vec<HoldCause> {
    holds.iter().map(|hold| hold.cause).collect()
}

fn buckets(found: &[Correlation]) -> Vec<Bucket> {
    found.iter().map(|correlation| correlation.bucket).collect()
}

/// Every group would replace and restart two.
fn with_repairs(scene: &mut Scene) {
    let needs = Needs { creates: 2, asked_deletes: 2, unasked_deletes: 2, starts: 2 };
    scene.groups.iter_mut().for_each(|group| group.needs = needs);
}

/// What the first group may do, by kind.
fn granted(scene: &mut Scene) -> [u32; 4] {
    let first = scene.assess().allowances[0];
    [first.creates, first.asked_deletes, first.unasked_deletes, first.starts]
}

#[test]
fn a_silent_node_is_suspect_after_a_minute_and_lost_after_its_grace() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(seconds(59), on(3));
    let output = scene.assess();
    assert_eq!(output.node(3), NodeState::Healthy);
    assert_eq!(output.next_wakeup, Some(NOW.after(seconds(1))));
    let since = NOW.before(seconds(59));
    let output = scene.later(seconds(1));
    assert_eq!(output.node(3), NodeState::Suspect { since });
    assert_eq!(output.next_wakeup, Some(since.after(minutes(10))));
    assert_eq!(scene.later(seconds(539)).node(3), NodeState::Suspect { since });
    let output = scene.later(seconds(1));
    assert_eq!(output.node(3), NodeState::Lost { since, confirmed_at: scene.now });
    assert_eq!(output.node_conditions.len(), 1);
}

#[test]
fn the_most_impatient_group_sets_the_grace_of_a_node() {
    let mut scene = Scene::with_nodes(20, 5);
    let impatient = scene.instances.iter().find(|facts| facts.node == 3).unwrap().group;
    scene.groups[impatient as usize].node_grace = minutes(3);
    scene.fail(minutes(3), on(3));
    scene.fail(minutes(3), on(7));
    let output = scene.assess();
    assert!(matches!(output.node(3), NodeState::Lost { .. }));
    assert!(matches!(output.node(7), NodeState::Suspect { .. }));
    scene.groups.iter_mut().for_each(|group| group.node_grace = seconds(0));
    assert!(matches!(scene.later(minutes(10)).node(7), NodeState::Lost { .. }), "grace 0");
}

#[test]
fn one_node_is_given_up_in_ten_minutes_in_each_data_centre() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.data_centres.push(data_centre(1));
    scene.nodes.extend((20..40).map(|number| node(number, 1)));
    scene.groups.extend((100..110).map(|number| group(number, 1)));
    scene.instances.extend((0..100).map(|number| instance(10 + number % 10, 20 + number / 5)));
    scene.fail(minutes(20), on(4));
    scene.fail(minutes(15), |facts| [2, 25].contains(&facts.node));
    let is_lost = |state| matches!(state, NodeState::Lost { .. });
    let output = scene.assess();
    let lost = |node| is_lost(output.node(node));
    assert_eq!([lost(4), lost(2), lost(25)], [true, false, true], "silent for longest, and each its own");
    assert_eq!(output.next_wakeup, Some(NOW.after(minutes(10))));
    assert!(!is_lost(scene.later(seconds(599)).node(2)));
    assert!(is_lost(scene.later(seconds(1)).node(2)));
}

#[test]
fn one_instance_convicts_a_node_only_once_its_data_centre_says_that_it_is_out_of_contact() {
    let mut scene = Scene::with_nodes(20, 1);
    scene.fail(minutes(5), on(3));
    assert_eq!(scene.assess().node(3), NodeState::Healthy);
    scene.nodes[3].out_of_contact_since = Some(NOW.before(seconds(60)));
    assert_eq!(scene.assess().node(3), NodeState::Suspect { since: NOW.before(seconds(60)) });
}

#[test]
fn two_instances_convict_a_node_and_nobody_does_without_others_to_compare() {
    let mut scene = Scene::with_nodes(20, 2);
    scene.fail(minutes(5), on(3));
    assert!(matches!(scene.assess().node(3), NodeState::Suspect { .. }));
    let mut scene = Scene::with_nodes(1, 2);
    scene.fail(minutes(5), on(0));
    assert_eq!(scene.assess().node_conditions, []);
}

#[test]
fn a_clock_that_goes_back_does_not_keep_a_node_from_being_given_up() {
    let mut scene = Scene::with_nodes(40, 5);
    scene.fail(minutes(20), on(3));
    scene.assess();
    scene.now = NOW.before(minutes(60));
    scene.fail(minutes(20), on(4));
    scene.assess();
    assert!(matches!(scene.later(minutes(10)).node(4), NodeState::Lost { .. }));
}

#[test]
fn what_fell_silent_with_its_node_counts_for_nothing_else() {
    let mut scene = Scene::with_nodes(5, 12);
    scene.fail(seconds(20), on(3));
    assert_eq!(scene.assess().holds, [], "12 of 60 since 20 s, but together");
    scene.instances.iter_mut().filter(|facts| facts.node == 3).for_each(|facts| facts.node = NO_NUMBER);
    assert_eq!(causes(&scene.assess().holds), [HoldCause::Degrading { degraded: 12, of: 60 }]);
}

#[test]
fn nodes_that_were_given_up_hold_nothing_by_themselves() {
    let mut scene = Scene::with_nodes(12, 5);
    scene.fail(minutes(20), |facts| facts.node < 2);
    scene.assess();
    scene.later(minutes(10));
    scene.nodes.truncate(6);
    assert_eq!(scene.assess().node_conditions.len(), 2);
    assert_eq!(scene.assess().holds, []);
}

#[test]
fn nothing_is_suspect_where_the_others_fail_too_or_one_on_it_passes() {
    let mut scene = Scene::with_nodes(4, 5);
    scene.fail(minutes(5), |facts| facts.node < 3);
    assert_eq!(scene.assess().node_conditions, []);
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(minutes(5), on(3));
    scene.instances.iter_mut().find(|facts| facts.node == 3).unwrap().outcome = Outcome::Passing;
    assert_eq!(scene.assess().node_conditions, []);
    scene.instances.iter_mut().find(|facts| facts.node == 3).unwrap().outcome = Outcome::Unchecked;
    assert_eq!(scene.assess().node_conditions.len(), 1, "who is not checked says nothing");
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(minutes(5), on(3));
    scene.instances.iter_mut().find(|facts| facts.node == 3).unwrap().outcome = Outcome::Answering;
    assert_eq!(scene.assess().node_conditions, [], "who answers that it is ill answers");
}

#[test]
fn the_operators_word_outweighs_the_probes() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.beat();
    scene.fail(minutes(5), on(3));
    assert_eq!(scene.assess().node_conditions, [], "its heartbeat is fresh");
    scene.beat();
    let stale = NOW.before(seconds(60));
    scene.nodes[4].heartbeat = Some(Heartbeat::Running { at: stale });
    scene.nodes[5].heartbeat = Some(Heartbeat::Down { since: NOW });
    let output = scene.assess();
    assert_eq!([output.node(4), output.node(5)].map(|state| matches!(state, NodeState::Suspect { .. })), [true; 2]);
    assert_eq!(output.next_wakeup, Some(NOW.after(seconds(60))), "when the next heartbeats are due");
}

#[test]
fn a_node_that_comes_back_settles_for_two_minutes() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(minutes(5), on(3));
    assert!(matches!(scene.assess().node(3), NodeState::Suspect { .. }));
    scene.mend(on(3));
    assert_eq!(scene.later(seconds(5)).node(3), NodeState::Returned { at: scene.now });
    assert_eq!(scene.later(seconds(119)).node(3), NodeState::Returned { at: scene.now.before(seconds(119)) });
    assert_eq!(scene.later(seconds(1)).node(3), NodeState::Healthy);
    scene.fail(minutes(10), on(3));
    assert!(matches!(scene.assess().node(3), NodeState::Lost { .. }));
    scene.mend(on(3));
    assert!(matches!(scene.assess().node(3), NodeState::Returned { .. }));
    scene.fail(seconds(60), on(3));
    assert!(matches!(scene.assess().node(3), NodeState::Suspect { .. }), "it did not settle");
}

#[test]
fn three_suspect_nodes_or_a_third_of_them_hold_the_data_centre() {
    let mut scene = Scene::with_nodes(40, 5);
    scene.fail(minutes(20), |facts| [3, 14, 25].contains(&facts.node));
    with_repairs(&mut scene);
    let output = scene.assess();
    assert_eq!(causes(&output.holds), [HoldCause::NodesSilent { suspect: 3, lost: 0, of: 40 }]);
    assert_eq!(scene.later(minutes(60)).node_conditions.len(), 3, "and none is given up");
    assert_eq!(granted(&mut scene), [2, 2, 0, 0]);

    let mut scene = Scene::with_nodes(6, 5);
    scene.fail(minutes(20), |facts| facts.node < 2);
    assert_eq!(causes(&scene.assess().holds), [HoldCause::NodesSilent { suspect: 2, lost: 0, of: 6 }]);
    let mut scene = Scene::with_nodes(3, 5);
    scene.fail(minutes(20), on(0));
    let output = scene.assess();
    assert_eq!(output.holds, [], "one node of three is what repair is for");
    assert!(matches!(output.node(0), NodeState::Lost { .. }));
}

#[test]
fn no_node_is_given_up_in_a_rack_that_fails() {
    let mut scene = Scene::with_nodes(30, 5);
    scene.nodes.iter_mut().for_each(|facts| facts.rack = facts.node / 2);
    scene.fail(minutes(30), |facts| facts.node / 2 == 4);
    let output = scene.assess();
    assert_eq!(buckets(&output.correlations), [Bucket::Rack(4)]);
    assert_eq!(output.holds.len(), 1);
    assert_eq!((output.holds[0].scope, output.holds[0].cause.stops()), (Scope::In(Bucket::Rack(4)), Stop::Losses));
    assert!(matches!(output.node(8), NodeState::Suspect { .. }) && matches!(output.node(9), NodeState::Suspect { .. }));
}

#[test]
fn a_node_that_is_being_emptied_may_be_silent() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.nodes[3].draining_since = Some(NOW);
    scene.fail(minutes(30), on(3));
    assert_eq!(scene.assess().node(3), NodeState::Draining { since: NOW });
    scene.nodes[3].draining_since = None;
    assert!(matches!(scene.assess().node(3), NodeState::Suspect { .. } | NodeState::Lost { .. }));
}

#[test]
fn a_node_keeps_its_state_while_nobody_sees_it_and_under_another_number() {
    let mut scene = Scene::with_nodes(20, 5);
    scene.fail(minutes(2), on(3));
    let suspect = scene.assess().node(3);
    scene.data_centres[0].sight = Sight::CutOff { since: NOW };
    assert_eq!(scene.later(minutes(60)).node(3), suspect);
    scene.nodes[5].heartbeat = Some(Heartbeat::Down { since: NOW });
    assert_eq!(scene.assess().node(5), NodeState::Healthy, "not even by the operator's word");
    scene.nodes[5].heartbeat = None;
    let mut scene = Scene { data_centres: vec![data_centre(0)], ..scene };
    scene.nodes[3].node = 90;
    scene.instances.iter_mut().filter(|facts| facts.node == 3).for_each(|facts| facts.node = 90);
    let output = scene.assess();
    assert_eq!(
        (output.node(3), output.node(90)),
        (NodeState::Healthy, NodeState::Lost { since: NOW.before(minutes(2)), confirmed_at: scene.now })
    );
    scene.instances.retain(|facts| facts.node != 90);
    assert_eq!(scene.assess().node_conditions, [], "nothing of ours is there, nobody tells of it");
}

#[test]
fn failures_are_traced_to_what_they_have_in_common() {
    let spread = |scene: &mut Scene| {
        for (number, facts) in (0_u32..).zip(&mut scene.instances) {
            (facts.image, facts.check, facts.prober) = (number % 7, number % 11, number % 2);
        }
    };
    type Meant = fn(&InstanceFacts) -> bool;
    let cases: [(Meant, Bucket); 7] = [
        (|facts| facts.node == 7, Bucket::Node(7)),
        (|facts| facts.node / 10 == 2, Bucket::Rack(2)),
        (|facts| facts.image == 3, Bucket::Image(3)),
        (|facts| facts.group == 5, Bucket::Revision { group: group_id(5), revision: 1 }),
        (|facts| facts.check == 4, Bucket::Check(4)),
        (|facts| facts.prober == 1, Bucket::Prober(1)),
        (|facts| facts.node % 10 < 8, Bucket::DataCentre(0)),
    ];
    for (is_meant, bucket) in cases {
        let mut scene = Scene::with_nodes(40, 10);
        spread(&mut scene);
        scene.fail(seconds(20), is_meant);
        let failing = scene.instances.iter().filter(|facts| is_meant(facts)).count();
        // One that has nothing to do with it.
        scene.fail(seconds(20), |facts| facts.node == 39 && facts.image == 6 && facts.check == 0);
        let found = scene.assess().correlations;
        assert_eq!(buckets(&found), [bucket]);
        assert!(found[0].failing as usize >= failing && found[0].failing <= found[0].of);
    }
}

#[test]
fn several_causes_are_told_apart_and_chance_is_none() {
    let mut scene = Scene::with_nodes(40, 10);
    for (number, facts) in (0_u32..).zip(&mut scene.instances) {
        facts.image = number % 7;
    }
    scene.fail(seconds(20), |facts| facts.node == 7 || facts.image == 3);
    assert_eq!(buckets(&scene.assess().correlations), [Bucket::Image(3), Bucket::Node(7)]);
    // One rack and one stray are told from a data centre of which most fails.
    let mut scene = Scene::with_nodes(10, 10);
    scene.nodes.iter_mut().for_each(|facts| facts.rack = facts.node / 6);
    scene.fail(seconds(20), |facts| facts.node < 6);
    scene.instances[77].outcome = Outcome::Failing;
    assert_eq!(buckets(&scene.assess().correlations), [Bucket::Rack(0)]);
    // Too few outside to compare with: then it is the data centre.
    let mut scene = Scene::with_nodes(2, 3);
    scene.fail(seconds(20), on(0));
    assert_eq!(buckets(&scene.assess().correlations), [Bucket::Node(0)]);
    scene.instances.pop();
    assert_eq!(buckets(&scene.assess().correlations), [Bucket::DataCentre(0)]);
    // Two that are each alone on a node, of one image, have nothing in common yet.
    let mut scene = Scene::with_nodes(20, 1);
    scene.instances.iter_mut().for_each(|facts| facts.image = u32::from([3, 9].contains(&facts.node)));
    scene.fail(seconds(20), |facts| facts.image == 1);
    assert_eq!(scene.assess().correlations, []);
    let mut scene = Scene::with_nodes(40, 10);
    let scattered: Vec<usize> = (0..40).map(|number| number * 10 + number % 7).collect();
    for place in scattered {
        scene.instances[place].outcome = Outcome::Failing;
    }
    assert_eq!(scene.assess().correlations, []);
}

#[test]
fn each_bucket_has_its_response() {
    let responses = [
        (Bucket::Node(1), Response::SuspectNode(1)),
        (Bucket::Rack(1), Response::HoldRack(1)),
        (Bucket::DataCentre(1), Response::HoldDataCentre(1)),
        (Bucket::Image(1), Response::SuspendImage(1)),
        (Bucket::Check(1), Response::DistrustCheck(1)),
        (Bucket::Prober(1), Response::DistrustProber(1)),
        (
            Bucket::Revision { group: group_id(1), revision: 2 },
            Response::StopRollout { group: group_id(1), revision: 2 },
        ),
    ];
    for (bucket, response) in responses {
        assert_eq!(bucket.response(), response);
    }
}

#[test]
fn a_bad_image_stops_replacing_where_it_is_used_and_nowhere_else() {
    let mut scene = Scene::with_nodes(40, 10);
    with_repairs(&mut scene);
    scene.instances.iter_mut().for_each(|facts| facts.image = facts.group % 4);
    scene.fail(minutes(6), |facts| facts.image == 2);
    let output = scene.assess();
    assert_eq!(buckets(&output.correlations), [Bucket::Image(2)]);
    let unasked = |scene: &Scene, output: &tsg_core::storm::StormOutput, image: usize| -> u32 {
        let of_image = (0..scene.groups.len()).filter(|group| group % 4 == image);
        of_image.map(|group| output.allowances[group].unasked_deletes).sum()
    };
    assert_eq!(unasked(&scene, &output, 2), 0);
    assert!(unasked(&scene, &output, 1) > 0);
    assert!(output.allowances[2].starts > 0, "a restart may mend it");
    assert_eq!(output.allowances[2].hold.unwrap().scope, Scope::In(Bucket::Image(2)));
    assert_eq!(output.allowances[1].hold, None);
}

#[test]
fn a_prober_that_stands_alone_is_not_believed() {
    let mut scene = Scene::with_nodes(40, 10);
    with_repairs(&mut scene);
    for (number, facts) in (0_u32..).zip(&mut scene.instances) {
        facts.prober = u32::from(number % 10 < 6);
    }
    scene.fail(minutes(30), |facts| facts.prober == 1);
    let output = scene.assess();
    assert_eq!(buckets(&output.correlations), [Bucket::Prober(1)]);
    assert_eq!(causes(&output.holds), [HoldCause::Correlated(output.correlations[0])], "60 % do not fail");
    assert_eq!(output.node_conditions, []);
    for (number, allowance) in output.allowances.iter().enumerate() {
        // Groups whose instances only this prober judges; the data centre pays for five others.
        assert!(number % 10 >= 6 || allowance.unasked_deletes + allowance.starts == 0);
    }
    assert!(output.allowances[6].unasked_deletes + output.allowances[6].starts > 0);
}

#[test]
fn no_repair_without_eyes() {
    let failing = Probe::Failing { since: NOW.before(seconds(9)) };
    let canary = |prober, canary| ProberFacts { prober, data_centre: 0, canary };
    let mut calm = Scene::with_nodes(20, 5);
    with_repairs(&mut calm);
    assert_eq!(granted(&mut calm.clone()), [2, 2, 1, 2]);
    let mut scene = calm.clone();
    scene.probers = vec![canary(0, failing), canary(1, Probe::Passing)];
    assert_eq!(granted(&mut scene), [2, 2, 1, 2], "another one sees");
    let mut scene = calm.clone();
    let longer = Probe::Failing { since: NOW.before(seconds(90)) };
    scene.probers = vec![canary(0, failing), canary(1, longer)];
    let hold = scene.assess().holds[0];
    assert_eq!((hold.cause, hold.since), (HoldCause::ProbersFail { probers: 2 }, NOW.before(seconds(9))));
    let mut scene = calm.clone();
    scene.data_centres[0].ping = failing;
    assert_eq!(granted(&mut scene), [2, 2, 0, 0]);
    scene.data_centres[0].ping = Probe::Passing;
    assert_eq!(causes(&scene.later(seconds(119)).holds), [HoldCause::CloudFails]);
    assert_eq!(scene.later(seconds(1)).holds, []);
}

#[test]
fn a_data_centre_where_most_fail_is_held_until_five_minutes_after() {
    let mut scene = Scene::with_nodes(4, 5);
    with_repairs(&mut scene);
    let on_each = [0, 1, 2, 3, 5, 6, 7, 10, 11, 12];
    let mut worst = 0..20;
    for place in on_each {
        scene.instances[place].outcome = Outcome::Failing;
    }
    assert_eq!(scene.assess().holds, [], "10 of 20");
    scene.instances[15].outcome = Outcome::Failing;
    let hold = scene.assess().holds[0];
    assert_eq!((hold.cause, hold.since), (HoldCause::MostFail { failing: 11, of: 20 }, NOW));
    assert_eq!(granted(&mut scene), [2, 2, 0, 0]);
    assert_eq!(scene.later(minutes(1)).holds, [hold], "since then");
    worst.by_ref().for_each(|place| scene.instances[place].outcome = Outcome::Passing);
    let output = scene.later(seconds(299));
    assert_eq!(output.holds, [hold], "with its last numbers");
    assert_eq!(output.next_wakeup, Some(NOW.after(minutes(6))));
    assert_eq!(scene.later(seconds(1)).holds, []);
}

#[test]
fn two_instances_are_too_few_to_judge_a_data_centre() {
    let mut scene = Scene::with_nodes(3, 1);
    scene.instances.truncate(2);
    scene.fail(minutes(30), |_| true);
    assert_eq!(scene.assess().holds, []);
    scene.instances.push(instance(0, NO_NUMBER));
    scene.fail(minutes(30), |_| true);
    assert_eq!(causes(&scene.assess().holds), [HoldCause::MostFail { failing: 3, of: 3 }]);
}

#[test]
fn many_new_failures_at_once_stop_replacing() {
    let mut scene = Scene::with_nodes(20, 5);
    with_repairs(&mut scene);
    for place in 0..10 {
        let facts = &mut scene.instances[place * 10 + place % 7];
        // The first of them exactly five minutes ago.
        (facts.outcome, facts.since) = (Outcome::Failing, NOW.before(seconds(300 - 30 * place as u64)));
    }
    let output = scene.assess();
    assert_eq!(causes(&output.holds), [HoldCause::Degrading { degraded: 10, of: 100 }]);
    assert_eq!((output.allowances[0].unasked_deletes, output.allowances[0].starts), (0, 2), "restarts go on");
    assert_eq!(scene.later(minutes(4)).holds.len(), 1, "the cause is gone for less than five minutes");
    assert_eq!(scene.later(minutes(1)).holds, []);
    scene.instances.extend([instance(0, 0); 1]);
    scene
        .instances
        .iter_mut()
        .filter(|facts| facts.outcome == Outcome::Failing)
        .for_each(|facts| facts.since = NOW.after(minutes(5)));
    assert_eq!(scene.assess().holds, [], "10 of 101 are less than a tenth");
}

#[test]
fn a_data_centre_that_was_cut_off_is_believed_after_two_looks_that_agree() {
    let mut scene = Scene::with_nodes(4, 5);
    with_repairs(&mut scene);
    scene.data_centres[0].sight = Sight::NotYet;
    assert_eq!(granted(&mut scene), [0; 4]);
    scene.data_centres[0].sight = Sight::Seen { agreeing: 1 };
    assert_eq!(granted(&mut scene)[0], 2, "after a start one look is enough");
    let since = NOW.before(seconds(3));
    scene.data_centres[0].sight = Sight::CutOff { since };
    assert_eq!(granted(&mut scene), [0; 4]);
    scene.data_centres[0].sight = Sight::Seen { agreeing: 1 };
    let hold = scene.later(seconds(10)).holds[0];
    assert_eq!((hold.cause, hold.since), (HoldCause::CutOff { agreeing: 1 }, since));
    scene.data_centres[0].sight = Sight::Seen { agreeing: 2 };
    assert_eq!(scene.later(seconds(10)).holds, []);
    scene.data_centres.clear();
    assert_eq!(causes(&scene.assess().holds), [HoldCause::NotSeenYet], "and one that nobody tells of is not seen");
}

#[test]
fn a_person_may_let_repairs_through_a_hold() {
    let mut scene = Scene::with_nodes(4, 5);
    with_repairs(&mut scene);
    scene.fail(minutes(30), |_| true);
    scene.groups[0].overridden = 1;
    assert_eq!(granted(&mut scene), [2, 2, 1, 0]);
    scene.data_centres[0].sight = Sight::CutOff { since: NOW };
    assert_eq!(granted(&mut scene), [0; 4], "nobody can want to act on what is not seen");
}

#[test]
fn when_every_data_centre_is_held_so_is_everything() {
    let mut scene = Scene::with_nodes(4, 5);
    scene.data_centres.push(data_centre(1));
    scene.groups.push(group(77, 1));
    with_repairs(&mut scene);
    let last = u32::try_from(scene.groups.len() - 1).unwrap();
    scene.instances.extend([instance(last, NO_NUMBER); 5]);
    scene.fail(minutes(30), |facts| facts.group != last);
    assert!(scene.assess().holds.iter().all(|hold| hold.scope != Scope::Everywhere));
    scene.fail(minutes(30), |_| true);
    let output = scene.later(minutes(1));
    let everywhere = output.holds.iter().find(|hold| hold.scope == Scope::Everywhere).unwrap();
    assert_eq!((everywhere.cause, everywhere.since), (HoldCause::EveryDataCentre { data_centres: 2 }, scene.now));
}

#[test]
fn what_is_remembered_can_be_written_and_read_back() {
    let mut scene = Scene::with_nodes(40, 10);
    with_repairs(&mut scene);
    scene.instances.iter_mut().for_each(|facts| facts.image = facts.group % 4);
    scene.fail(minutes(30), |facts| facts.node == 5 || facts.node == 17 || facts.image == 2);
    scene.assess();
    let kept = scene.later(seconds(3)).memory;
    assert!(!kept.lines.is_empty() && !kept.holds.is_empty() && kept.budgets.ledger().count() > 0);
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<StormMemory>(&text).unwrap(), kept);
    assert_eq!(serde_json::from_str::<StormMemory>("{}").unwrap(), StormMemory::default());
}
