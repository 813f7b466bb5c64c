//! Many targets, of which many do not answer, on fewer sockets than those would take.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tsg_core::health::fact::{Failure, Outcome, Stage};
use tsg_server::probe::{Assignment, ProberConfig};

use crate::responders::{BlackHole, OK, Responder, answer, hang, request};
use crate::rig::{Rig, assignment, every, http, instance, loopback, with_timeout};

const TARGETS: u32 = 1_000;
const INTERVAL_MILLIS: u64 = 500;
const ROUNDS: usize = 8;

fn at(number: u32, port: u16) -> SocketAddr {
    let [_, high, middle, low] = (number + 1).to_be_bytes();
    ([127, 1 + high, middle, low], port).into()
}

fn target(number: u32, port: u16) -> Assignment {
    let spec = with_timeout(every(http(port), INTERVAL_MILLIS), INTERVAL_MILLIS);
    assignment(u128::from(number), at(number, port), spec)
}

/// Lets every `nth` target be silent on `silent_port`. The others have to be found well, all at
/// the same pace, while the silent ones want more sockets than there are for them.
async fn others_are_never_late(nth: u32, silent_port: u16) {
    let responder = Responder::everywhere(|stream| answer(stream, OK)).await;
    let mut rig = Rig::new(ProberConfig { sockets_max: 160, ..loopback() });
    let is_silent = |number: u32| number.is_multiple_of(nth);
    let port = |number| if is_silent(number) { silent_port } else { responder.port() };
    rig.prober.replace((0..TARGETS).map(|number| target(number, port(number))).collect()).await;

    // At first nothing is known of any. Then all of the others have been found to answer.
    let well: Vec<_> = (0..TARGETS).filter(|number| !is_silent(*number)).map(u128::from).map(instance).collect();
    rig.until(|seen| well.iter().all(|instance| seen.contains_key(instance))).await;
    let seen =
        rig.until(|seen| well.iter().any(|instance| seen.get(instance).is_some_and(|all| all.len() >= ROUNDS))).await;

    for instance in &well {
        let outcomes = seen.get(instance).map_or(&[][..], Vec::as_slice);
        assert!(outcomes.len() >= ROUNDS - 2, "{instance} was probed {} times, another {ROUNDS} times", outcomes.len());
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Passed), "{outcomes:?}");
    }
    for (_, outcomes) in seen.iter().filter(|(instance, _)| !well.contains(instance)) {
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(Failure::TimedOut(_)))),
            "{outcomes:?}"
        );
    }
    assert!(rig.prober.counts().waiting > 0, "silent ones wait for one another");
    rig.prober.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenth_in_a_black_hole_delays_nobody() {
    let hole = BlackHole::new().await;
    others_are_never_late(10, hole.address.port()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_in_a_black_hole_delay_nobody() {
    let hole = BlackHole::new().await;
    others_are_never_late(2, hole.address.port()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_that_take_connections_and_never_answer_delay_nobody() {
    let silent = Responder::everywhere(hang).await;
    others_are_never_late(2, silent.port()).await;
}

#[tokio::test]
async fn targets_that_fall_silent_all_at_once_are_found_so() {
    let responder = Responder::everywhere(|stream| answer(stream, OK)).await;
    let mut rig = Rig::new(ProberConfig { sockets_max: 160, ..loopback() });
    let hole = BlackHole::new().await;
    rig.prober.replace((0..200).map(|number| target(number, responder.port())).collect()).await;
    rig.until(|seen| seen.len() == 200).await;
    rig.prober.replace((0..200).map(|number| target(number, hole.address.port())).collect()).await;
    let is_silent =
        |outcomes: &Vec<Outcome>| outcomes.last() == Some(&Outcome::Failed(Failure::TimedOut(Stage::Connect)));
    rig.until(|seen| seen.len() == 200 && seen.values().all(is_silent)).await;
    assert_eq!(rig.prober.counts().total().unjudged, 0);
    rig.prober.shutdown().await;
}

/// Its probes last for longer than any test.
fn patient(mut target: Assignment) -> Assignment {
    target.spec = with_timeout(target.spec.as_ref().clone(), 600_000).into();
    target
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_are_asked_soon_whatever_is_silent() {
    let responder = Responder::everywhere(|stream| answer(stream, OK)).await;
    let hole = BlackHole::new().await;
    let mut rig = Rig::new(ProberConfig { sockets_max: 160, patience: Duration::from_millis(50), ..loopback() });
    let silent = |number| patient(target(number, hole.address.port()));
    rig.prober.replace((0..400).map(silent).collect()).await;
    rig.counts_once(|counts| counts.in_flight_slow >= 80 && counts.waiting >= 80).await;
    let newcomers: Vec<_> = (400..600).map(|number| target(number, responder.port())).collect();
    rig.prober.update(newcomers, Vec::new()).await;
    let seen = rig.until(|seen| seen.len() == 200).await;
    assert!(seen.values().flatten().all(|outcome| *outcome == Outcome::Passed), "the others are asked still");
    rig.prober.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_fall_silent_all_at_once_delay_nobody_who_answers() {
    let responder = Responder::everywhere(|stream| answer(stream, OK)).await;
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let fickle = Responder::everywhere(move |mut stream| {
        let silent = Arc::clone(&silent);
        async move {
            while request(&mut stream).await.is_some() {
                if silent.load(Ordering::SeqCst) {
                    return hang(stream).await;
                }
                _ = stream.write_all(OK).await;
            }
        }
    })
    .await;
    let mut rig = Rig::new(ProberConfig { sockets_max: 160, patience: Duration::from_millis(100), ..loopback() });
    let well = |number: u32| number.is_multiple_of(2);
    let one = |number: u32| patient(target(number, if well(number) { responder.port() } else { fickle.port() }));
    rig.prober.replace((0..TARGETS).map(one).collect()).await;
    rig.until(|seen| seen.len() == TARGETS as usize).await;

    is_silent.store(true, Ordering::SeqCst);
    rig.counts_once(|counts| counts.waiting >= 100).await;
    let others: Vec<_> = (0..TARGETS).filter(|number| well(*number)).map(u128::from).map(instance).collect();
    let has_seen = |seen: &BTreeMap<_, Vec<Outcome>>, one| seen.get(one).is_some_and(|all| all.len() >= ROUNDS);
    let seen = rig.until(|seen| others.iter().any(|one| has_seen(seen, one))).await;
    for one in &others {
        let outcomes = seen.get(one).map_or(&[][..], Vec::as_slice);
        assert!(outcomes.len() >= ROUNDS - 2, "{one} was probed {} times, another {ROUNDS} times", outcomes.len());
    }
    assert!(seen.values().flatten().all(|outcome| *outcome == Outcome::Passed), "whose time is not over fails not");
    rig.prober.shutdown().await;
}
