//! A prober that cannot see its control targets has nothing to say of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tsg_core::health::fact::{Failure, Outcome};
use tsg_server::probe::{Ability, Control, ProberConfig, Report};

use crate::responders::{OK, Responder, answer, answering, hang, request};
use crate::rig::{Rig, assignment, check, http, loopback, nic, with_timeout};

fn control(responder: &Responder) -> Control {
    let spec = check(&format!(r#"{{"type": "tcp", "port": {}}}"#, responder.port()));
    Control { nic: nic(responder.address.ip()), spec: Arc::new(spec) }
}

async fn ability(rig: &mut Rig) -> Ability {
    loop {
        if let Report::Ability(ability) = rig.report().await {
            return ability;
        }
    }
}

#[tokio::test]
async fn without_a_control_target_that_answers_nothing_is_found() {
    let (first, second, target) = (Responder::new(hang).await, Responder::new(hang).await, answering(OK).await);
    let controls = vec![control(&first), control(&second)];
    let mut rig = Rig::new(ProberConfig { controls, uses_max: 1, ..loopback() });
    rig.prober.replace(vec![assignment(1, target.address, http(target.port()))]).await;
    assert_eq!(ability(&mut rig).await, Ability::Unable, "nothing is known of them yet");
    assert_eq!(ability(&mut rig).await, Ability::Able);
    rig.findings().await;

    drop(first);
    rig.outcomes(1, 5).await;
    assert!(rig.prober.counts().is_able, "one is enough");

    let address = second.address;
    drop(second);
    assert_eq!(ability(&mut rig).await, Ability::Unable);
    let probed = target.accepted();
    while target.accepted() < probed + 5 {
        tokio::task::yield_now().await;
    }
    assert!(rig.reports.try_recv().is_err(), "it goes on probing and says nothing");
    assert!(rig.prober.counts().withheld >= 4);

    let _again = Responder::at(address, |stream| answer(stream, OK)).await;
    assert_eq!(rig.report().await, Report::Ability(Ability::Able));
    assert_eq!(rig.outcomes(1, 1).await[0], Outcome::Passed);
    rig.prober.shutdown().await;
}

/// Answers while it may, and hangs otherwise.
async fn answering_while(is_open: &Arc<AtomicBool>) -> Responder {
    let is_open = Arc::clone(is_open);
    Responder::new(move |stream| {
        let is_open = Arc::clone(&is_open);
        async move {
            while !is_open.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            answer(stream, OK).await;
        }
    })
    .await
}

#[tokio::test]
async fn what_fails_is_told_once_a_control_target_has_answered_since() {
    let is_open = Arc::new(AtomicBool::new(true));
    let (control, dead, well) = (answering_while(&is_open).await, answering(OK).await, answering(OK).await);
    // It hangs for much longer than the test looks at it.
    let spec = Arc::new(with_timeout(http(control.port()), 60_000));
    let controls = vec![Control { nic: nic(control.address.ip()), spec }];
    let mut rig = Rig::new(ProberConfig { controls, uses_max: 1, ..loopback() });
    assert_eq!(ability(&mut rig).await, Ability::Unable);
    assert_eq!(ability(&mut rig).await, Ability::Able);

    is_open.store(false, Ordering::SeqCst);
    let asked = control.accepted();
    while control.accepted() == asked {
        tokio::task::yield_now().await;
    }
    let address = dead.address;
    drop(dead);
    let targets = [assignment(1, address, http(address.port())), assignment(2, well.address, http(well.port()))];
    rig.prober.replace(targets.to_vec()).await;
    let mut passed = 0;
    while passed < 5 || rig.prober.counts().total().failed < 5 {
        for finding in rig.findings().await {
            assert_eq!(finding.fact.outcome, Outcome::Passed, "nothing tells yet whose failure the others are");
            passed += 1;
        }
    }

    is_open.store(true, Ordering::SeqCst);
    let told = rig.outcomes(1, 5).await;
    // The first connections may have found the listener just before it was gone.
    let has_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Failure::Refused | Failure::Reset));
    assert!(told.iter().all(has_failed), "{told:?}");
    rig.prober.shutdown().await;
}

/// It takes longer than two probes of a target are apart, so that each failure is followed by another one before
/// anybody can tell whose it was.
#[tokio::test]
async fn a_control_target_that_is_slow_hides_nobody() {
    let control = Responder::new(|mut stream| async move {
        while request(&mut stream).await.is_some() {
            let mut ticks = tokio::time::interval(Duration::from_millis(130));
            ticks.tick().await;
            ticks.tick().await;
            if stream.write_all(OK).await.is_err() {
                return;
            }
        }
    })
    .await;
    let controls = vec![Control { nic: nic(control.address.ip()), spec: Arc::new(http(control.port())) }];
    let mut rig = Rig::new(ProberConfig { controls, ..loopback() });
    assert_eq!(ability(&mut rig).await, Ability::Unable);
    assert_eq!(ability(&mut rig).await, Ability::Able);
    let dead = answering(OK).await.address;
    // Of all phases.
    rig.prober.replace((0..20).map(|number| assignment(number, dead, http(dead.port()))).collect()).await;
    let seen = rig.until(|seen| seen.len() == 20 && seen.values().all(|outcomes| outcomes.len() >= 3)).await;
    let refused = Outcome::Failed(Failure::Refused);
    assert!(seen.values().flatten().all(|outcome| *outcome == refused), "{seen:?}");
    rig.prober.shutdown().await;
}
