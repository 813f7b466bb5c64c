//! What the production engine makes of compute nodes that fall silent: they are waited for, given
//! up one at a time, and never many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::discovery;
use crate::support::clinic::{Clinic, MINUTE, Stage};
use crate::support::site::{Site, Wiring};
use tsg_core::health::contact::Contact;
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::plan::input::{NodeState, Verdict};
use tsg_core::plan::output::{Action, Class, PlannedAction, Wait};
use tsg_core::plan::why::{Answer, InstanceAnswer, Prospect};
use tsg_engine::{Explanation, Occurrence, Topic};
use tsg_sim::cloud::lock;
use tsg_sim::world::{Fault, FaultRule, LossAppearance, Target, WorldSpec};

const POLICY: &str = r#"{"cn_loss": {"grace": "5m"}}"#;
const CAPACITY: u32 = 12;

fn stage(seed: u64) -> Stage {
    stage_at(site(seed), POLICY)
}

fn site(seed: u64) -> Site {
    let spec = WorldSpec { racks: 2, servers_per_rack: 3, ..WorldSpec::default() };
    Site::new(seed, spec, Wiring::default())
}

fn stage_at(site: Site, policy: &str) -> Stage {
    let mut stage = Stage::of(site, CAPACITY, policy, Clinic::believing(Verdict::Healthy));
    // Past the time in which nobody is replaced for being slow to come up.
    stage.run(65 * MINUTE);
    stage
}

/// The instances by compute node, the fullest node first.
fn by_node(stage: &Stage) -> Vec<(String, BTreeSet<InstanceId>)> {
    let world = lock(&stage.site.world);
    let mut nodes: BTreeMap<String, BTreeSet<InstanceId>> = BTreeMap::new();
    for machine in world.live_machines(stage.site.world_account) {
        nodes.entry(machine.server.to_string()).or_default().insert(InstanceId::new(machine.id.0));
    }
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by_key(|(_, instances)| std::cmp::Reverse(instances.len()));
    nodes
}

/// A node falls silent; CloudAPI goes on to show its machines as they were.
fn lose(stage: &mut Stage, node: &str, instances: &BTreeSet<InstanceId>) {
    strike(stage, Fault::ServerDown { server: Target::Named(node.to_owned()), appearance: LossAppearance::Unchanged });
    instances.iter().for_each(|instance| stage.clinic.believe_of(*instance, Verdict::Unhealthy));
    stage.news();
    // For a minute it could be anything, and what fails is restarted.
    stage.run(MINUTE + Duration::from_secs(5));
}

fn bring_back(stage: &mut Stage, node: &str, instances: &BTreeSet<InstanceId>) {
    strike(stage, Fault::ServerUp { server: Target::Named(node.to_owned()) });
    instances.iter().for_each(|instance| stage.clinic.believe_of(*instance, Verdict::Healthy));
    stage.news();
}

fn strike(stage: &Stage, fault: Fault) {
    lock(&stage.site.world).switch_fault(FaultRule::times(fault, 1)).unwrap();
}

/// What is told of a compute node, which is forgotten.
fn told_of(stage: &Stage, node: &str) -> Vec<Option<NodeState>> {
    let state = |what| match what {
        Occurrence::Node { node: told, state } if told.to_string() == node => Some(state),
        _ => None,
    };
    stage.diary.what().into_iter().filter_map(state).collect()
}

fn machines(stage: &Stage) -> BTreeSet<InstanceId> {
    stage.machines().into_iter().collect()
}

#[test]
fn what_is_on_a_silent_node_is_waited_for_and_replaced_after_its_grace() {
    let mut stage = stage(1);
    let before = machines(&stage);
    let (node, lost) = by_node(&stage).swap_remove(0);
    assert!(lost.len() > 1, "one alone convicts nobody");
    stage.diary.take();
    lose(&mut stage, &node, &lost);
    let restarts = stage.restarts();
    stage.run(3 * MINUTE);
    assert_eq!((machines(&stage), stage.restarts()), (before.clone(), restarts), "it may come back by itself");
    assert!(matches!(told_of(&stage, &node)[..], [Some(NodeState::Suspect { .. })]));
    let rehearsed = stage.rehearse(None).plan;
    let waited = |waits: &[Wait]| waits.iter().any(|wait| matches!(wait, Wait::NodeGrace { .. }));
    assert!(rehearsed.actions.is_empty() && waited(&rehearsed.report.waits), "a rehearsal knows it: {rehearsed:?}");
    let more = stage.rehearse(Some(CAPACITY + 1)).plan.actions;
    assert!(matches!(more[..], [PlannedAction { action: Action::Create { .. }, .. }]), "{more:?}");

    stage.run(40 * MINUTE);
    let after = machines(&stage);
    let kept: BTreeSet<_> = before.difference(&lost).copied().collect();
    assert!(after.is_superset(&kept), "the others were left alone");
    let new = after.difference(&before).count();
    assert_eq!((new, stage.count(Class::Serving)), (lost.len(), CAPACITY), "each has a successor");
    assert_eq!(stage.restarts(), restarts);
    assert!(matches!(told_of(&stage, &node)[..], [Some(NodeState::Lost { .. }), ..]));
}

fn listed(stage: &Stage) -> BTreeSet<InstanceId> {
    discovery::listed(stage).into_iter().collect()
}

/// Whom discovery answers with within that time, and how few at once.
fn answered(stage: &mut Stage, length: Duration) -> (BTreeSet<InstanceId>, usize) {
    let (mut answered, mut fewest) = (BTreeSet::new(), usize::MAX);
    for _ in 0..length.as_secs() {
        stage.run(Duration::from_secs(1));
        let now = listed(stage);
        fewest = fewest.min(now.len());
        answered.extend(now);
    }
    (answered, fewest)
}

#[test]
fn discovery_follows_a_node_that_comes_back_within_the_grace_and_after_it() {
    for (seed, reconcile, is_original_kept) in [(4, "keep_healthiest", true), (5, "keep_replacement", false)] {
        let mut site = site(seed);
        site.make_served_template("web");
        let policy = format!(r#"{{"cn_loss": {{"grace": "5m", "reconcile": "{reconcile}"}}}}"#);
        let mut stage = stage_at(site, &policy);
        let before = machines(&stage);
        assert_eq!(listed(&stage), before);
        let (node, lost) = by_node(&stage).swap_remove(0);
        let kept: BTreeSet<_> = before.difference(&lost).copied().collect();

        lose(&mut stage, &node, &lost);
        stage.run(2 * MINUTE);
        assert_eq!(listed(&stage), kept, "they have left");
        bring_back(&mut stage, &node, &lost);
        stage.run(5 * MINUTE);
        assert_eq!((listed(&stage), machines(&stage)), (before.clone(), before.clone()), "within the grace");

        lose(&mut stage, &node, &lost);
        // Past the time in which the successors are spared.
        stage.run(70 * MINUTE);
        let served = listed(&stage);
        assert!(served.is_superset(&kept) && served.is_disjoint(&lost), "{served:?}");
        assert_eq!(served.len(), CAPACITY as usize, "each has a successor");
        bring_back(&mut stage, &node, &lost);
        let (_, fewest) = answered(&mut stage, 20 * MINUTE);
        assert_eq!(fewest, CAPACITY as usize, "{reconcile}");
        let expected = if is_original_kept { &before } else { &served };
        assert_eq!((&listed(&stage), &machines(&stage)), (expected, expected), "{reconcile}");
        let (answered, _) = answered(&mut stage, 10 * MINUTE);
        assert_eq!(&answered, expected, "what is gone is never answered with again");
    }
}

#[test]
fn restarts_do_not_hide_a_silent_node() {
    let mut stage = stage(1);
    let before = machines(&stage);
    let (node, lost) = by_node(&stage).swap_remove(0);
    strike(&stage, Fault::ServerDown { server: Target::Named(node), appearance: LossAppearance::Unchanged });
    for instance in &lost {
        stage.clinic.believe_of(*instance, Verdict::Unhealthy);
        stage.news();
        stage.run_recovering(Duration::from_secs(3));
    }
    stage.run_recovering(MINUTE);
    assert_eq!(stage.count(Class::Stranded), u32::try_from(lost.len()).unwrap());
    stage.run_recovering(10 * MINUTE);
    let after = machines(&stage);
    assert_eq!(after.difference(&before).count(), lost.len(), "each has a successor");
    assert_eq!(stage.restarts(), 1, "one, before it could be known");
}

#[test]
fn a_node_on_which_one_of_two_dead_still_answers_is_not_waited_for_until_that_falls_silent_too() {
    let mut stage = stage(1);
    let (node, ill) = by_node(&stage).swap_remove(0);
    let one = *ill.first().unwrap();
    stage.clinic.hear_of(one, Contact::Answers);
    ill.iter().for_each(|instance| stage.clinic.believe_of(*instance, Verdict::Unhealthy));
    stage.news();
    stage.run(2 * MINUTE);
    assert_eq!((stage.count(Class::Stranded), told_of(&stage, &node).len()), (0, 0));
    // Nothing is believed otherwise of anybody.
    stage.clinic.hear_of(one, Contact::Silent);
    stage.run(Duration::from_secs(20));
    assert!(matches!(told_of(&stage, &node)[..], [Some(NodeState::Suspect { .. })]));
}

#[test]
fn who_asks_why_is_told_of_the_node_and_later_of_the_successor() {
    let mut stage = stage(1);
    let (node, lost) = by_node(&stage).swap_remove(0);
    let view = stage.view();
    let member = view.members.iter().find(|member| member.instance == lost.first().copied()).unwrap();
    lose(&mut stage, &node, &lost);
    let planned = stage.rehearse(None).plan;
    let Explanation { answers, .. } = stage.explain(Topic::Group);
    let [Answer::Group(group), Answer::Rollout(_)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((&group.report, &group.steps), (&planned.report, &planned.actions), "the next plan says the same");
    let Explanation { answers, successors, .. } = stage.explain(Topic::Instance(member.operation));
    let [Answer::Instance(InstanceAnswer { instance, prospect: Prospect::Returns { until: Some(_) }, .. })] =
        answers[..]
    else {
        panic!("{answers:?}")
    };
    assert_eq!((instance, successors.len()), (member.instance, 0));

    stage.run(40 * MINUTE);
    let Explanation { successors, .. } = stage.explain(Topic::Instance(member.operation));
    let view = stage.view();
    let is_there = |id: &OperationId| view.members.iter().any(|member| member.operation == *id);
    assert!(successors.len() == 1 && successors.iter().all(is_there), "{successors:?}");
}

#[test]
fn a_node_that_comes_back_in_time_loses_nothing() {
    let mut stage = stage(2);
    let before = machines(&stage);
    let (node, away) = by_node(&stage).swap_remove(0);
    lose(&mut stage, &node, &away);
    let restarts = stage.restarts();
    stage.run(3 * MINUTE);
    stage.diary.take();
    bring_back(&mut stage, &node, &away);
    stage.run(60 * MINUTE);
    assert!(matches!(told_of(&stage, &node)[..], [Some(NodeState::Returned { .. }), None]));
    assert_eq!((machines(&stage), stage.restarts()), (before, restarts));
    assert_eq!(stage.count(Class::Serving), CAPACITY);
}

#[test]
fn many_nodes_at_once_are_more_likely_our_mistake_than_theirs() {
    let mut stage = stage(3);
    let before = machines(&stage);
    let nodes: Vec<_> = by_node(&stage).into_iter().filter(|(_, on)| on.len() > 1).take(3).collect();
    assert_eq!(nodes.len(), 3);
    nodes.iter().for_each(|(node, lost)| lose(&mut stage, node, lost));
    stage.run(60 * MINUTE);
    assert_eq!(machines(&stage), before);
    let waits = stage.view().report.as_ref().unwrap().waits.clone();
    assert!(waits.iter().any(|wait| matches!(wait, Wait::NodeGrace { .. })), "{waits:?}");
}

/// A group of three on nodes of their own, and one of those nodes with what is on it.
fn alone(seed: u64) -> (Stage, String, BTreeSet<InstanceId>) {
    let spec = WorldSpec { racks: 2, servers_per_rack: 3, ..WorldSpec::default() };
    let site = Site::new(seed, spec, Wiring::default());
    let mut stage = Stage::of(site, 3, POLICY, Clinic::believing(Verdict::Healthy));
    stage.run(65 * MINUTE);
    let (node, on_it) = by_node(&stage).into_iter().find(|(_, on)| on.len() == 1).unwrap();
    stage.diary.take();
    (stage, node, on_it)
}

#[test]
fn one_instance_convicts_its_node_only_where_the_data_centre_says_that_it_is_out_of_contact() {
    let (mut stage, node, lost) = alone(4);
    lose(&mut stage, &node, &lost);
    stage.run(60 * MINUTE);
    assert_eq!(told_of(&stage, &node), [], "one that hangs fails just so: it is repaired by itself");

    for (appearance, is_convicted) in [(LossAppearance::Offline, true), (LossAppearance::Unknown, false)] {
        let (mut stage, node, _) = alone(5);
        let before = machines(&stage);
        strike(&stage, Fault::ServerDown { server: Target::Named(node.clone()), appearance });
        stage.run(4 * MINUTE);
        assert_eq!(machines(&stage).len(), 3, "it may come back by itself");
        stage.run(60 * MINUTE);
        let told = told_of(&stage, &node);
        let is_lost = matches!(told[..], [Some(NodeState::Suspect { .. }), Some(NodeState::Lost { .. }), ..]);
        assert_eq!((is_lost, told.is_empty()), (is_convicted, !is_convicted), "{appearance:?}: {told:?}");
        let new = machines(&stage).difference(&before).count();
        assert_eq!(new, usize::from(is_convicted), "{appearance:?}: nobody can delete what is lost, but succeed it");
    }
}
