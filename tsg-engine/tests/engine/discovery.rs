//! Who the name service answers with, as the production engine has it: nobody before it passed,
//! nobody who fails, and never nobody at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::support::clinic::{Clinic, MINUTE, Stage};
use crate::support::site::{Site, Wiring};
use tsg_core::health::discovery::Alarm;
use tsg_core::health::spec::{Discovery, HealthSpec};
use tsg_core::model::amount::Amount;
use tsg_core::model::id::InstanceId;
use tsg_core::model::listing::Listing;
use tsg_core::model::span::Span;
use tsg_core::plan::input::Verdict;
use tsg_core::ports::Clock as _;
use tsg_engine::MemberView;
use tsg_sim::cloud::lock;
use tsg_sim::world::{
    Caller, DnsKind, DnsValue, Fault, FaultRule, Latency, MachineId, Operation, Resolution, Scalar, ScalarInput,
    Target, Timing, TruthEvent, WorldSpec,
};

/// Nothing is repaired, so that what is listed changes for no other reason.
const WATCHED: &str = r#"{"restart": {"condition": "never"}, "replace": {"mode": "detect_only"}}"#;

fn served(seed: u64, policy: &str, clinic: Arc<Clinic>) -> Stage {
    served_in(WorldSpec::default(), seed, policy, clinic)
}

fn served_in(spec: WorldSpec, seed: u64, policy: &str, clinic: Arc<Clinic>) -> Stage {
    let mut site = Site::new(seed, spec, Wiring::default());
    site.make_served_template("web");
    Stage::at(site, policy, clinic)
}

/// A data centre that takes its time with what it was told.
fn sluggish(update: Duration) -> WorldSpec {
    let ms = update.as_millis().try_into().unwrap();
    WorldSpec { timing: Timing { update: Latency::Fixed { ms }, ..Timing::default() }, ..WorldSpec::default() }
}

/// Whom the name service answers with.
pub fn listed(stage: &Stage) -> Vec<InstanceId> {
    let world = lock(&stage.site.world);
    let name = format!("web.svc.demo.{}", world.zone_record().zone);
    let values = match world.resolve(&name, DnsKind::Txt) {
        Resolution::Found { values, .. } => values,
        Resolution::NoSuchName => Vec::new(),
        other => panic!("{name}: {other:?}"),
    };
    let id_of = |value: &DnsValue| match value {
        DnsValue::Txt(text) => MachineId::parse(text).map(|id| InstanceId::new(id.0)),
        _ => None,
    };
    let mut listed: Vec<_> = values.iter().filter_map(id_of).collect();
    listed.sort_unstable();
    listed
}

fn sorted(mut instances: Vec<InstanceId>) -> Vec<InstanceId> {
    instances.sort_unstable();
    instances
}

fn without(instances: &[InstanceId], gone: InstanceId) -> Vec<InstanceId> {
    sorted(instances.iter().copied().filter(|instance| *instance != gone).collect())
}

fn say(stage: &mut Stage, instance: InstanceId, verdict: Verdict) {
    stage.clinic.believe_of(instance, verdict);
    stage.news();
    stage.run(2 * MINUTE);
}

fn run_until(stage: &mut Stage, is_there: impl Fn(&Stage) -> bool) {
    let step = Duration::from_millis(100);
    for _ in 0..1200 {
        if is_there(stage) {
            return;
        }
        stage.run(step);
    }
    panic!("it does not come within two minutes");
}

/// Writes of metadata that reached the cloud.
fn writes(stage: &Stage) -> usize {
    let world = lock(&stage.site.world);
    let is_write =
        |event: &TruthEvent| matches!(event, TruthEvent::RequestReceived { operation: Operation::WriteMetadata, .. });
    world.truth().iter().filter(|record| is_write(&record.event)).count()
}

#[test]
fn a_newcomer_is_listed_once_it_passes_and_not_before() {
    let mut stage = served(1, WATCHED, Clinic::believing(Verdict::Starting));
    assert_eq!(listed(&stage), []);
    assert!(stage.view().members.iter().all(|member| member.listing == Listing::NotYet));
    let first = stage.machines()[0];
    say(&mut stage, first, Verdict::Healthy);
    assert_eq!(listed(&stage), [first]);
    stage.clinic.believe(Verdict::Healthy);
    stage.news();
    stage.run(2 * MINUTE);
    assert_eq!(listed(&stage), sorted(stage.machines()));
    assert_eq!(writes(&stage), 3, "each is told once");
}

#[test]
fn one_that_fails_is_taken_out_after_a_while_and_comes_back_once_it_passes() {
    let mut stage = served(2, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    assert_eq!(listed(&stage), all);
    stage.clinic.believe_of(all[1], Verdict::Unhealthy);
    stage.news();
    stage.run(Duration::from_secs(5));
    assert_eq!(writes(&stage), 3, "it may be nothing");
    stage.run(MINUTE);
    assert_eq!(listed(&stage), without(&all, all[1]));
    say(&mut stage, all[1], Verdict::Unknown);
    assert_eq!(listed(&stage), without(&all, all[1]), "nobody can tell that it is well again");
    say(&mut stage, all[1], Verdict::Healthy);
    assert_eq!(listed(&stage), all);
    stage.run(60 * MINUTE);
    assert_eq!(writes(&stage), 5, "nothing is said twice");
}

#[test]
fn if_most_fail_all_stay_listed_and_the_group_says_so() {
    let mut stage = served(3, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    stage.clinic.believe(Verdict::Unhealthy);
    stage.news();
    stage.run(10 * MINUTE);
    assert_eq!(listed(&stage), all);
    let alarm = stage.view().discovery.unwrap().alarm;
    assert_eq!(alarm, Some(Alarm::Panic { unready: 3, of: 3, most: 1 }));
    stage.clinic.believe(Verdict::Healthy);
    stage.news();
    stage.run(MINUTE);
    assert_eq!(stage.view().discovery.unwrap().alarm, None);
}

#[test]
fn what_somebody_else_took_out_is_left_to_them() {
    let mut stage = served(4, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    set_status(&stage, all[0], "down");
    stage.run(30 * MINUTE);
    assert_eq!(listed(&stage), without(&all, all[0]));
    assert_eq!(stage.view().members.iter().filter(|member| member.is_delisted).count(), 1);
    set_status(&stage, all[0], "up");
    stage.run(MINUTE);
    assert_eq!(listed(&stage), all);
}

#[test]
fn what_is_taken_out_stays_out_whoever_puts_it_in() {
    let mut stage = served(5, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    say(&mut stage, all[2], Verdict::Unhealthy);
    set_status(&stage, all[2], "up");
    stage.run(5 * MINUTE);
    assert_eq!(listed(&stage), without(&all, all[2]));
}

#[test]
fn one_whose_delisting_lands_once_it_is_well_again_is_listed_again() {
    let mut stage = served_in(sluggish(2 * MINUTE), 11, WATCHED, Clinic::believing(Verdict::Healthy));
    stage.run(20 * MINUTE);
    let all = sorted(stage.machines());
    assert_eq!(listed(&stage), all);
    stage.clinic.believe_of(all[1], Verdict::Unhealthy);
    stage.news();
    stage.run(Duration::from_secs(90));
    stage.clinic.believe_of(all[1], Verdict::Healthy);
    stage.news();
    stage.run(Duration::from_secs(30));
    assert_eq!(listed(&stage), all, "nothing of it was done yet");
    stage.run(MINUTE);
    assert_eq!(listed(&stage), without(&all, all[1]), "now it was");
    stage.run(10 * MINUTE);
    assert_eq!(listed(&stage), all);
}

#[test]
fn what_is_protected_after_its_drain_is_listed_again_once_it_is_well() {
    let policy = r#"{"restart": {"condition": "never"}, "replace": {"mode": "detect_only"},
        "stop": {"drain": {"delay": "60s"}}}"#;
    for is_checked in [true, false] {
        let mut stage = served(12, policy, Clinic::believing(Verdict::Healthy));
        if !is_checked {
            let engines = vec![stage.engine.handle.clone()];
            stage.site.check(0, None, engines);
            stage.run(MINUTE);
        }
        let all = sorted(stage.machines());
        let engines = vec![stage.engine.handle.clone()];
        stage.site.scale(0, 2, engines);
        let retirement = |stage: &Stage| {
            let of = |member: &MemberView| Some((member.instance?, member.retirement?.since));
            stage.view().members.iter().find_map(of)
        };
        run_until(&mut stage, |stage| retirement(stage).is_some());
        let (drained, since) = retirement(&stage).unwrap();
        // No list shows it before the delete is decided on, and the look before the delete does.
        run_until(&mut stage, |stage| stage.site.time.now() > since.after(Duration::from_secs(58)));
        assert_eq!(listed(&stage), without(&all, drained), "it is being drained");
        stage.clinic.believe_of(drained, Verdict::Unhealthy);
        stage.site.protect(drained, true);
        stage.run(5 * MINUTE);
        assert!(stage.machines().contains(&drained), "it is protected, and another one goes");
        assert_eq!(listed(&stage).contains(&drained), !is_checked, "it is not well");
        say(&mut stage, drained, Verdict::Healthy);
        let both = sorted(stage.machines());
        assert_eq!((listed(&stage), both.len()), (both.clone(), 2), "with checks: {is_checked}");
        assert_eq!(metadatum(&stage, drained, "tsg.drain").as_deref(), Some("none"), "its guest is told");
        set_status(&stage, drained, "down");
        stage.run(10 * MINUTE);
        assert_eq!(listed(&stage), without(&both, drained), "what a person does now is left to them");
    }
}

#[test]
fn another_engine_goes_on_where_one_was_killed() {
    let mut stage = served(6, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    stage.clinic.believe_of(all[0], Verdict::Unhealthy);
    stage.news();
    // As soon as it is written down that it is to be taken out.
    run_until(&mut stage, |stage| stage.view().members.iter().any(|member| member.listing != Listing::Listed));
    stage.site.executor.crash(stage.engine.task);
    stage.engine = stage.site.start_engine();
    stage.run(2 * MINUTE);
    assert_eq!(listed(&stage), without(&all, all[0]));
    stage.site.executor.crash(stage.engine.task);
    stage.engine = stage.site.start_engine();
    say(&mut stage, all[0], Verdict::Healthy);
    assert_eq!(listed(&stage), all);
}

#[test]
fn without_checks_everybody_is_listed_again() {
    let mut stage = served(7, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    say(&mut stage, all[0], Verdict::Unhealthy);
    assert_eq!(listed(&stage).len(), 2);
    let engines = vec![stage.engine.handle.clone()];
    stage.site.check(0, None, engines);
    stage.run(2 * MINUTE);
    assert_eq!(listed(&stage), all);
    assert_eq!(stage.view().discovery, None);
}

#[test]
fn newcomers_that_never_passed_are_listed_once_there_are_no_checks() {
    let mut stage = served(9, WATCHED, Clinic::believing(Verdict::Starting));
    assert_eq!(listed(&stage), []);
    let engines = vec![stage.engine.handle.clone()];
    stage.site.check(0, None, engines);
    stage.run(2 * MINUTE);
    assert_eq!(listed(&stage), sorted(stage.machines()));
}

#[test]
fn those_that_do_not_run_do_not_let_the_last_one_go() {
    let mut stage = served(10, WATCHED, Clinic::believing(Verdict::Healthy));
    let all = sorted(stage.machines());
    let stop = |machine: InstanceId| Fault::StopInstance { machine: Target::Named(machine.uuid().to_string()) };
    for machine in &all[..2] {
        lock(&stage.site.world).switch_fault(FaultRule::times(stop(*machine), 1)).unwrap();
    }
    stage.run(2 * MINUTE);
    say(&mut stage, all[2], Verdict::Unhealthy);
    assert_eq!(listed(&stage), [all[2]], "nobody else is answered with");
    assert!(stage.view().discovery.unwrap().alarm.is_some());
}

#[test]
fn a_failing_one_is_out_before_its_successor_is_in() {
    let policy = r#"{"restart": {"attempts": 0}, "replace": {"delay": "60s"}}"#;
    let mut stage = served(8, policy, Clinic::believing(Verdict::Healthy));
    stage.run(65 * MINUTE);
    let all = sorted(stage.machines());
    stage.clinic.believe_of(all[1], Verdict::Unhealthy);
    stage.news();
    stage.run(Duration::from_secs(45));
    assert_eq!(listed(&stage), without(&all, all[1]), "it is out");
    assert!(stage.machines().contains(&all[1]), "and not replaced yet");
    stage.run(30 * MINUTE);
    assert!(!stage.machines().contains(&all[1]));
    assert_eq!((listed(&stage), listed(&stage).len()), (sorted(stage.machines()), 3));
}

/// What a group of three that is replaced one after the other says of itself, asked each second, and
/// how few discovery answered with.
fn replaced(stage: &mut Stage, length: Duration) -> (usize, BTreeSet<String>) {
    let engines = vec![stage.engine.handle.clone()];
    stage.site.change_template(0, engines);
    let (mut fewest, mut told) = (usize::MAX, BTreeSet::new());
    for _ in 0..length.as_secs() {
        stage.run(Duration::from_secs(1));
        fewest = fewest.min(listed(stage).len());
        let report = stage.view().report.clone().unwrap();
        told.extend(report.waits.iter().map(|wait| format!("{wait:?}")));
        told.extend(report.rollout.map(|rollout| format!("{:?}", rollout.course.state)));
    }
    (fewest, told)
}

fn checked(stage: &mut Stage, change: impl Fn(&mut Discovery)) {
    let mut health = HealthSpec::of(vec!["http:8080/ping".parse().unwrap()]);
    change(&mut health.discovery);
    let engines = vec![stage.engine.handle.clone()];
    stage.site.check(0, Some(health), engines);
    stage.run(2 * MINUTE);
}

#[test]
fn nobody_is_replaced_before_its_successor_is_listed() {
    let mut stage = served(13, WATCHED, Clinic::believing(Verdict::Healthy));
    checked(&mut stage, |discovery| discovery.up_after = Span::from_mins(5));
    let before = stage.machines();
    let (fewest, told) = replaced(&mut stage, 40 * MINUTE);
    assert!(stage.machines().iter().all(|machine| !before.contains(machine)), "it is done: {told:?}");
    assert_eq!((fewest, listed(&stage)), (3, sorted(stage.machines())));
    assert!(told.contains("Listing { count: 1 }"), "{told:?}");
}

#[test]
fn an_update_that_discovery_takes_no_note_of_replaces_nobody_and_fails() {
    let mut stage = served(14, WATCHED, Clinic::believing(Verdict::Healthy));
    let before = sorted(stage.machines());
    let refuse = FaultRule::rate(Fault::InternalError, 1.0).only(Operation::WriteMetadata);
    lock(&stage.site.world).switch_fault(refuse).unwrap();
    let (fewest, told) = replaced(&mut stage, 40 * MINUTE);
    assert_eq!((fewest, listed(&stage)), (3, before.clone()));
    assert!(told.contains("Listing { count: 1 }") && told.contains("Reverted"), "{told:?}");
    assert_eq!(sorted(stage.machines()), before, "and what it had begun with is gone");
}

#[test]
fn an_update_that_may_take_all_down_leaves_as_many_listed_as_discovery_needs() {
    let policy = r#"{"update": {"max_surge": 0, "max_unavailable": "100%"}}"#;
    for (least, expected) in [(1, 1), (2, 2), (0, 0)] {
        let mut stage = served(15, policy, Clinic::believing(Verdict::Healthy));
        checked(&mut stage, |discovery| discovery.min_listed = Amount::Count(least));
        let (fewest, _) = replaced(&mut stage, 20 * MINUTE);
        assert_eq!((fewest, listed(&stage)), (expected, sorted(stage.machines())));
    }
}

fn metadatum(stage: &Stage, instance: InstanceId, key: &str) -> Option<String> {
    let world = lock(&stage.site.world);
    let machine = world.live_machines(stage.site.world_account).find(|machine| machine.id.0 == instance.uuid())?;
    machine.metadata.get(key)?.as_text().map(str::to_owned)
}

/// The customer writes the metadatum by hand.
fn set_status(stage: &Stage, instance: InstanceId, status: &str) {
    let caller = Caller { account: stage.site.world_account, ip: [127, 0, 0, 1].into(), key_id: "customer".into() };
    let status = [("triton.cns.status".to_owned(), ScalarInput::Scalar(Scalar::from(status)))].into();
    lock(&stage.site.world).write_metadata(&caller, &instance.uuid().to_string(), status).unwrap();
}
