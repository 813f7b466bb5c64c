//! The cloud port on a world: what a client would see over HTTP, faults included.

use std::collections::BTreeMap;
use std::time::Duration;

use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{Addressing, CloudCode, ErrorKind, Labelling, ListFilter, ListPage, Reach, Tombstones};
use tsg_core::protocol::create::{CreateOutcome, Refusal, classify_create};
use tsg_sim::cloud::{SignatureLife, lock};
use tsg_sim::executor::TaskId;
use tsg_sim::world::{Fault, FaultRule, Fingerprint, Latency, Operation, Quota, TruthEvent, WorldSpec};

use crate::bench::{Bench, bench, bench_of, claim};

fn page(filter: ListFilter, tombstones: Tombstones) -> ListPage {
    ListPage {
        filter,
        tombstones,
        labelling: Labelling::Bare,
        addressing: Addressing::Primary,
        offset: 0,
        limit: 1_000,
    }
}

#[test]
fn a_machine_is_made_found_and_deleted() {
    let mut bench = bench();
    let made = bench.create(7).unwrap();
    assert_eq!((made.state, made.named), (InstanceState::Provisioning, Some(OperationId::from_bits(7))));
    assert_eq!(made.claim, Some(claim(7)));
    assert!(made.compute_node.is_some() && made.address.is_none());
    assert!(bench.time.elapsed() >= Duration::from_millis(200), "a create takes its time");
    bench.pass(300);
    let id = made.id;
    let seen = bench.call(|cloud| async move { cloud.get(id).await }).unwrap();
    assert_eq!(seen.state, InstanceState::Running);
    assert!(seen.address.is_some());
    for filter in
        [ListFilter::All, ListFilter::Operation(OperationId::from_bits(7)), ListFilter::NamePrefix("web-".into())]
    {
        let page = page(filter, Tombstones::Hidden);
        let listed = bench.call(|cloud| async move { cloud.list(&page).await }).unwrap();
        assert_eq!(listed.instances, [seen]);
        assert!(listed.server_time.is_some());
    }
    bench.call(|cloud| async move { cloud.delete(id).await }).unwrap();
    bench.pass(300);
    assert_eq!(bench.call(|cloud| async move { cloud.get(id).await }).unwrap().state, InstanceState::Deleted);
    bench.call(|cloud| async move { cloud.delete(id).await }).expect("gone is what was asked for");
    let hidden = page(ListFilter::All, Tombstones::Hidden);
    assert!(bench.call(|cloud| async move { cloud.list(&hidden).await }).unwrap().instances.is_empty());
    let shown = page(ListFilter::All, Tombstones::Shown);
    assert_eq!(bench.call(|cloud| async move { cloud.list(&shown).await }).unwrap().instances.len(), 1);
    let nobody = InstanceId::new(uuid::Uuid::from_u128(9));
    let error = bench.call(|cloud| async move { cloud.get(nobody).await }).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::NotFound, CloudCode::ResourceNotFound));
}

#[test]
fn the_account_introduces_itself() {
    let mut bench = bench();
    let profile = bench.call(|cloud| async move { cloud.account().await }).unwrap();
    assert_eq!((profile.id.uuid(), profile.login.as_str(), profile.has_cns), (bench.account.0, "demo", true));
}

/// Makes the next create fail.
type Spoil = fn(&Bench);

#[test]
fn refusals_prove_what_they_prove() {
    let full: Spoil = |bench| {
        lock(&bench.world).set_quota(bench.account, Quota { machines: Some(0), ..Quota::default() });
    };
    let table: [(&str, Spoil, CreateOutcome); 8] = [
        ("quota", full, CreateOutcome::Refused(Refusal::Quota)),
        ("disabled", |bench| bench.fault(Fault::AccountDisabled), CreateOutcome::Refused(Refusal::Permission)),
        ("throttle", |bench| bench.fault(Fault::ThrottleStorm), CreateOutcome::Refused(Refusal::Throttled)),
        ("no room", |bench| bench.fault(Fault::NoCapacity), CreateOutcome::Refused(Refusal::Capacity)),
        (
            "read only",
            |bench| bench.fault(Fault::ReadOnly { retry_after_s: Some(30) }),
            CreateOutcome::Refused(Refusal::Maintenance),
        ),
        (
            "clock",
            |bench| bench.fault(Fault::ClockOffset { offset_ms: 301_000 }),
            CreateOutcome::Refused(Refusal::Credentials),
        ),
        ("proxy page", |bench| bench.fault(Fault::ProxyUnavailable), CreateOutcome::Unknown),
        ("500", |bench| bench.fault(Fault::InternalError), CreateOutcome::Unknown),
    ];
    for (name, spoil, expected) in table {
        let mut bench = bench();
        spoil(&bench);
        let reply = bench.create(7);
        assert_eq!(classify_create(OperationId::from_bits(7), &reply), expected, "{name}: {reply:?}");
        bench.pass(60);
        assert_eq!(bench.live(), 0, "{name}");
    }
}

#[test]
fn the_second_machine_of_a_name_is_a_duplicate() {
    let mut bench = bench();
    bench.create(7).unwrap();
    let reply = bench.create(7);
    assert_eq!(classify_create(OperationId::from_bits(7), &reply), CreateOutcome::DuplicateName);
}

#[test]
fn what_is_lost_is_unknown_whether_or_not_it_happened() {
    for (fault, live) in [(Fault::LoseRequest, 0), (Fault::LoseReply, 1), (Fault::ErrorAfterCreate, 1)] {
        let mut bench = bench();
        bench.fault(FaultRule::times(fault.clone(), 1));
        let reply = bench.create(7);
        assert_eq!(classify_create(OperationId::from_bits(7), &reply), CreateOutcome::Unknown, "{fault:?}");
        assert_eq!(bench.live(), live, "{fault:?}");
        let reach = reply.unwrap_err().reach;
        assert_eq!(reach == Reach::Answered, fault == Fault::ErrorAfterCreate);
    }
}

#[test]
fn a_create_that_waits_longer_than_the_proxy_ends_in_504_and_still_happens() {
    let mut spec = WorldSpec { throttle: None, ..WorldSpec::with_seed(3) };
    spec.timing.allocation = Latency::Fixed { ms: 130_000 };
    let mut bench = bench_of(spec);
    let error = bench.create(7).unwrap_err();
    assert_eq!((error.status, error.kind), (Some(504), ErrorKind::Unavailable));
    assert_eq!(bench.live(), 0);
    bench.pass(60);
    assert_eq!(bench.live(), 1);
}

#[test]
fn a_signature_that_is_too_old_on_arrival_is_refused_unless_its_life_is_unlimited() {
    for (life, expected) in [(SignatureLife::Limited, 0), (SignatureLife::Unlimited, 1)] {
        let mut bench = bench();
        bench.cloud = bench.cloud.clone().with_signature_life(life);
        let request = bench.request(7);
        bench.pass(301);
        let _ = bench.call(|cloud| async move { cloud.create(&request).await });
        assert_eq!(bench.live(), expected, "{life:?}");
    }
}

#[test]
fn a_sender_that_dies_leaves_at_most_one_machine_at_every_await() {
    let mut outcomes = BTreeMap::new();
    for seed in 0..40 {
        for polls in 1..=12 {
            let mut bench = bench_of(WorldSpec { throttle: None, ..WorldSpec::with_seed(seed) });
            let task = bench.spawn_create(7);
            bench.executor.crash_after_polls(task, polls);
            bench.executor.run_until(Duration::MAX, |executor| executor.is_over(task));
            bench.pass(300);
            *outcomes.entry((polls, bench.live())).or_insert(0) += 1;
        }
    }
    assert!(outcomes.keys().all(|(_, live)| *live <= 1), "{outcomes:?}");
    assert!(outcomes[&(1, 0)] > 5 && outcomes[&(1, 1)] > 5, "a request on its way is lost or arrives: {outcomes:?}");
    assert_eq!(outcomes.get(&(12, 0)), None, "a finished create is there: {outcomes:?}");
}

#[test]
fn every_write_is_in_the_truth_with_the_fingerprint_of_what_was_sent() {
    let mut bench = bench();
    let expected = Fingerprint(*bench.request(7).fingerprint().as_bytes());
    let id = bench.create(7).unwrap().id;
    bench.call(|cloud| async move { cloud.start(id).await }).unwrap_err();
    let world = lock(&bench.world);
    let writes: Vec<_> = world
        .truth()
        .iter()
        .filter_map(|record| match record.event {
            TruthEvent::RequestReceived { operation, payload, .. } => Some((operation, payload)),
            _ => None,
        })
        .collect();
    let of_instance = Fingerprint(*tsg_core::model::fingerprint::Fingerprint::of(&id).as_bytes());
    assert_eq!(writes, [(Operation::CreateMachine, Some(expected)), (Operation::ActOnMachine, Some(of_instance))]);
    let created = world.truth().iter().find_map(|record| match &record.event {
        TruthEvent::MachineCreated { payload, .. } => *payload,
        _ => None,
    });
    assert_eq!(created, Some(expected));
}

/// A fleet of clients under faults, twice: same polls, same truth.
#[test]
fn a_whole_run_repeats_itself_exactly() {
    let run = |seed: u64| {
        let mut bench = bench_of(WorldSpec::with_seed(seed));
        bench.fault(FaultRule::rate(Fault::LoseReply, 0.2));
        bench.fault(FaultRule::rate(Fault::LoseRequest, 0.2));
        bench.fault(FaultRule::rate(Fault::FailProvision, 0.2));
        let tasks: Vec<TaskId> = (0..50).map(|operation| bench.spawn_create(operation)).collect();
        bench.executor.crash_after_polls(tasks[3], 3);
        bench.executor.pause_at(tasks[4], Duration::from_millis(5), Duration::from_secs(400));
        bench.executor.run_until(Duration::MAX, |executor| tasks.iter().all(|task| executor.is_over(*task)));
        bench.pass(600);
        let digest = lock(&bench.world).truth_digest();
        (bench.executor.trace(), digest)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
