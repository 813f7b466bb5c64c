//! What the port changes in a machine that stays the same machine: stop, restart, resize, update,
//! drain, and what its guest answers.

use tsg_core::model::guest::{self, GuestReport};
use tsg_core::model::id::{InstanceId, OperationId, PackageId};
use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ResizeMode};
use tsg_core::model::tag::Tags;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, FirewallState, InstanceUpdate, Noted};
use tsg_sim::cloud::lock;
use tsg_sim::world::{Fault, FaultRule, Machine, MachineId, Operation, Scalar};

use crate::bench::{Bench, bench};

fn running(bench: &mut Bench) -> InstanceId {
    let id = bench.create(7).unwrap().id;
    bench.pass(300);
    id
}

fn seen(bench: &mut Bench, id: InstanceId) -> ObservedInstance {
    bench.call(|cloud| async move { cloud.get(id).await }).unwrap()
}

fn truth(bench: &Bench, id: InstanceId) -> Machine {
    lock(&bench.world).true_machine(MachineId(id.uuid())).unwrap().clone()
}

fn stop(bench: &mut Bench, id: InstanceId) -> Result<(), CloudError> {
    bench.call(|cloud| async move { cloud.stop(id).await })
}

fn restart(bench: &mut Bench, id: InstanceId) -> Result<(), CloudError> {
    bench.call(|cloud| async move { cloud.restart(id).await })
}

fn resize(bench: &mut Bench, id: InstanceId, package: PackageId) -> Result<(), CloudError> {
    bench.call(|cloud| async move { cloud.resize(id, package).await })
}

fn update(bench: &mut Bench, id: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError> {
    let change = change.clone();
    bench.call(|cloud| async move { cloud.update(id, &change).await })
}

fn package(bench: &Bench, name: &str) -> PackageId {
    PackageId::new(lock(&bench.world).package(name).unwrap().id.0)
}

fn texts(machine: &Machine, keys: &[&str]) -> Vec<Option<String>> {
    keys.iter().map(|key| machine.metadata.get(*key).map(Scalar::to_string)).collect()
}

/// The states a machine shows while `seconds` pass, without repetition.
fn course(bench: &mut Bench, id: InstanceId, seconds: u64) -> Vec<InstanceState> {
    let mut states = Vec::new();
    for _ in 0..seconds {
        states.push(seen(bench, id).state);
        bench.pass(1);
    }
    states.dedup();
    states
}

#[test]
fn stopping_and_restarting_pass_through_their_states_and_say_nothing_but_that_they_were_noted() {
    let mut bench = bench();
    let id = running(&mut bench);
    restart(&mut bench, id).unwrap();
    let states = course(&mut bench, id, 300);
    assert_eq!(states.last(), Some(&InstanceState::Running));
    assert!(states.contains(&InstanceState::Stopped), "{states:?}");
    stop(&mut bench, id).unwrap();
    assert_ne!(seen(&mut bench, id).state, InstanceState::Stopped, "noted, not done");
    bench.pass(300);
    assert_eq!(seen(&mut bench, id).state, InstanceState::Stopped);
    stop(&mut bench, id).unwrap();
    restart(&mut bench, id).unwrap();
    bench.pass(300);
    assert_eq!(seen(&mut bench, id).state, InstanceState::Stopped, "a restart starts nothing that is stopped");
}

#[test]
fn actions_are_lost_refused_and_fail_like_everything_else() {
    let mut bench = bench();
    let id = running(&mut bench);
    bench.fault(FaultRule::times(Fault::LoseReply, 1).only(Operation::ActOnMachine));
    assert_eq!(stop(&mut bench, id).unwrap_err().kind, ErrorKind::Unavailable);
    bench.pass(300);
    assert_eq!(seen(&mut bench, id).state, InstanceState::Stopped, "the answer was lost, not the request");
    bench.fault(FaultRule::times(Fault::ThrottleStorm, 1));
    assert_eq!(restart(&mut bench, id).unwrap_err().kind, ErrorKind::Throttled);
    bench.fault(FaultRule::times(Fault::ReadOnly { retry_after_s: None }, 1));
    let refused = update(&mut bench, id, &InstanceUpdate::drain("update")).unwrap_err();
    assert_eq!(refused.code, CloudCode::Maintenance);
    bench.fault(FaultRule::times(Fault::FailAction, 1));
    assert_eq!(update(&mut bench, id, &InstanceUpdate::drain("update")), Ok(Noted::Whole));
    bench.pass(60);
    assert_eq!(texts(&truth(&bench, id), &[guest::DRAIN]), [None], "noted, and then it failed");
    let nobody = InstanceId::new(uuid::Uuid::from_u128(9));
    let change = InstanceUpdate { removed_tags: vec!["a".into()], ..InstanceUpdate::default() };
    for reply in [stop(&mut bench, nobody), update(&mut bench, nobody, &change).map(drop)] {
        assert_eq!(reply.unwrap_err().kind, ErrorKind::NotFound);
    }
}

#[test]
fn a_resize_is_seen_by_the_mark_of_the_new_package() {
    let mut bench = bench();
    let made = bench.create(7).unwrap();
    assert_eq!((made.package, made.brand), (PackageMark::NONE, Brand::Zone), "not told yet");
    bench.pass(300);
    let (small, large) = (package(&bench, "sample-1G"), package(&bench, "sample-2G"));
    let marks = [small, large].map(|id| bench.call(|cloud| async move { cloud.package(id).await }).unwrap());
    assert_eq!(marks.map(|profile| profile.memory_mib), [1_024, 2_048]);
    assert_eq!(seen(&mut bench, made.id).package, marks[0].mark);
    resize(&mut bench, made.id, large).unwrap();
    assert_eq!(seen(&mut bench, made.id).package, marks[0].mark, "noted, not done");
    bench.pass(60);
    let resized = seen(&mut bench, made.id);
    assert_eq!((resized.package, resized.state), (marks[1].mark, InstanceState::Running));
    assert_eq!(resized.brand.resize(), ResizeMode::Live);
    let nothing = PackageId::new(uuid::Uuid::from_u128(9));
    assert_eq!(resize(&mut bench, made.id, nothing).unwrap_err().kind, ErrorKind::NotFound);
    let error = bench.call(|cloud| async move { cloud.package(nothing).await }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn an_update_changes_what_it_names_and_loses_nothing() {
    let mut bench = bench();
    let id = running(&mut bench);
    let change = InstanceUpdate {
        tags: Tags::from([("tsgver".to_owned(), "v2".into()), ("n".to_owned(), "1".into())]),
        removed_tags: vec!["role".into(), "never".into()],
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        removed_metadata: vec!["user-data".into()],
        firewall: Some(FirewallState::Enabled),
    };
    let mut goes = Vec::new();
    while goes.last() != Some(&Noted::Whole) {
        goes.push(update(&mut bench, id, &change).unwrap());
        bench.pass(60);
    }
    assert_eq!(goes, [Noted::Part, Noted::Part, Noted::Whole]);
    let machine = truth(&bench, id);
    assert!(machine.firewall_enabled);
    assert_eq!(texts(&machine, &["k", "user-data"]), [Some("v".to_owned()), None]);
    assert!(machine.metadata.contains_key("root_authorized_keys"), "others' metadata stay");
    assert!(machine.tags.contains_key("n") && !machine.tags.contains_key("role"));
    let claim = seen(&mut bench, id).claim.expect("tsg's own tags stay");
    assert_eq!((claim.revision, claim.operation), (2, OperationId::from_bits(7)));
    assert_eq!(update(&mut bench, id, &change), Ok(Noted::Whole), "repeatable");
    bench.pass(60);
    assert_eq!(truth(&bench, id).tags, machine.tags);
}

#[test]
fn a_drain_is_told_to_guest_and_name_service_and_can_be_taken_back() {
    let keys = [guest::DRAIN, guest::CNS_STATUS, guest::TAKEN_OUT];
    let own = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned()));
    let mut bench = bench();
    let id = running(&mut bench);
    assert_eq!(update(&mut bench, id, &InstanceUpdate::drain("scale_in")), Ok(Noted::Whole));
    bench.pass(60);
    assert_eq!(texts(&truth(&bench, id), &keys), own(["scale_in", "down", "true"]));
    lock(&bench.world).put_guest_metadatum(MachineId(id.uuid()), guest::DRAINED, "true");
    assert!(seen(&mut bench, id).guest.has_drained && seen(&mut bench, id).signs.is_taken_out);
    assert_eq!(update(&mut bench, id, &InstanceUpdate::undrain()), Ok(Noted::Whole));
    bench.pass(60);
    assert_eq!(texts(&truth(&bench, id), &keys), own(["none", "down", "true"]));
    assert_eq!(update(&mut bench, id, &InstanceUpdate::list()), Ok(Noted::Whole));
    bench.pass(60);
    assert_eq!(texts(&truth(&bench, id), &keys), own(["none", "up", "false"]));
    assert!(!seen(&mut bench, id).guest.has_drained, "the answer to an earlier drain is void");
}

#[test]
fn what_a_guest_says_of_itself_is_seen() {
    let mut bench = bench();
    let id = running(&mut bench);
    assert_eq!(seen(&mut bench, id).guest, GuestReport::default());
    for (key, value) in [(guest::BUSY, "true"), (guest::SCALE_IN_COST, "-3"), (guest::HEALTH, "bad")] {
        lock(&bench.world).put_guest_metadatum(MachineId(id.uuid()), key, value);
    }
    let expected = GuestReport { scale_in_cost: Some(-3), busy: Some(true), has_drained: false, is_unhealthy: true };
    assert_eq!(seen(&mut bench, id).guest, expected);
}
