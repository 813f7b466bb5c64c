//! A prober over time: its targets change, connections are kept, and it ends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tsg_core::health::fact::{Failure, Outcome};
use tsg_core::model::id::InstanceId;
use tsg_server::probe::{Assignment, Prober, ProberConfig, StartError};

use crate::responders::{OK, Responder, answering, request};
use crate::rig::{Rig, assignment, check, every, http, instance, loopback};

#[tokio::test]
async fn a_connection_carries_so_many_probes_and_no_more() {
    let responder = answering(OK).await;
    let mut rig = Rig::new(ProberConfig { uses_max: 4, ..loopback() });
    rig.prober.replace(vec![assignment(1, responder.address, http(responder.port()))]).await;
    let mut seen = 0;
    while seen < 12 {
        for finding in rig.findings().await {
            assert_eq!(finding.fact.outcome, Outcome::Passed);
            seen += 1;
        }
    }
    rig.prober.shutdown().await;
    assert_eq!(responder.accepted(), usize::div_ceil(seen, 4), "of {seen} probes");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_fails_no_probe() {
    // One kind closes after its answer, the other only once it is asked again.
    let at_once = Responder::new(|mut stream| async move {
        if request(&mut stream).await.is_some() {
            _ = stream.write_all(OK).await;
        }
    })
    .await;
    let when_asked = Responder::new(|mut stream| async move {
        if request(&mut stream).await.is_some() && stream.write_all(OK).await.is_ok() {
            request(&mut stream).await;
        }
    })
    .await;
    for responder in [at_once, when_asked] {
        let mut rig = Rig::new(loopback());
        rig.prober.replace(vec![assignment(1, responder.address, http(responder.port()))]).await;
        let outcomes = rig.outcomes(1, 6).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Passed), "{outcomes:?}");
        assert!(responder.accepted() >= outcomes.len());
        assert_eq!(rig.prober.counts().reused, 0);
        rig.prober.shutdown().await;
    }
}

#[tokio::test]
async fn one_that_cuts_every_connection_fails_on_a_new_one_too() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let responder = Responder::new(move |mut stream| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            request(&mut stream).await;
            if is_first {
                _ = stream.write_all(OK).await;
                request(&mut stream).await;
            }
        }
    })
    .await;
    let mut rig = Rig::new(loopback());
    rig.prober.replace(vec![assignment(1, responder.address, http(responder.port()))]).await;
    let outcomes = rig.outcomes(1, 2).await;
    assert_eq!(outcomes[..2], [Outcome::Passed, Outcome::Failed(Failure::Reset)]);
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn targets_come_go_and_stay() {
    let [stays, goes, comes] = [answering(OK).await, answering(OK).await, answering(OK).await];
    let target = |number, responder: &Responder| assignment(number, responder.address, http(responder.port()));
    let mut rig = Rig::new(ProberConfig { uses_max: u32::MAX, ..loopback() });
    rig.prober.replace(vec![target(1, &stays), target(2, &goes)]).await;
    rig.until(|seen| seen.len() == 2).await;
    rig.prober.replace(vec![target(1, &stays), target(3, &comes)]).await;
    // Once the third was heard of, the second can only be in what was underway.
    rig.outcomes(3, 1).await;
    rig.findings().await;
    let seen = rig.until(|seen| seen.values().all(|outcomes| outcomes.len() > 3) && seen.len() > 1).await;
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [instance(1), instance(3)]);
    assert_eq!(stays.accepted(), 1, "what stays keeps its connection");

    rig.prober.update(vec![target(2, &goes)], vec![(instance(1), 0), (instance(9), 0)]).await;
    rig.outcomes(2, 1).await;
    rig.findings().await;
    let seen = rig.until(|seen| seen.values().all(|outcomes| outcomes.len() > 3) && seen.len() > 1).await;
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [instance(2), instance(3)]);
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn a_check_that_changed_is_asked_in_its_new_form() {
    let (asked_in, mut asked) = mpsc::unbounded_channel();
    let responder = Responder::new(move |mut stream| {
        let asked_in = asked_in.clone();
        async move {
            while let Some(text) = request(&mut stream).await {
                _ = asked_in.send(text);
                _ = stream.write_all(OK).await;
            }
        }
    })
    .await;
    let rig = Rig::new(loopback());
    let spec = |path: &str| check(&format!(r#"{{"type": "http", "port": {}, "path": "{path}"}}"#, responder.port()));
    rig.prober.replace(vec![assignment(1, responder.address, spec("/old"))]).await;
    assert!(asked.recv().await.unwrap().starts_with("GET /old "));
    rig.prober.update(vec![assignment(1, responder.address, spec("/new"))], Vec::new()).await;
    while !asked.recv().await.unwrap().starts_with("GET /new ") {}
    assert!(asked.recv().await.unwrap().starts_with("GET /new "));
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn a_check_that_needs_no_socket_is_nobodys_business_here() {
    let responder = answering(OK).await;
    let mut rig = Rig::new(loopback());
    let mut cloud = assignment(1, responder.address, http(responder.port()));
    cloud.spec = Arc::new(serde_json::from_str(r#"{"type": "cloud"}"#).unwrap());
    rig.prober.replace(vec![cloud, assignment(2, responder.address, http(responder.port()))]).await;
    let seen = rig.until(|seen| seen.values().any(|outcomes| outcomes.len() > 4)).await;
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [instance(2)]);
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn it_stops_at_once_whatever_it_waits_for_and_leaves_nothing() {
    let (event_in, mut events) = mpsc::unbounded_channel();
    let responder = Responder::new(move |mut stream| {
        let event_in = event_in.clone();
        async move {
            request(&mut stream).await;
            _ = event_in.send("asked");
            _ = stream.read(&mut [0; 1]).await;
            _ = event_in.send("left");
        }
    })
    .await;
    let Rig { prober, mut reports } = Rig::new(loopback());
    let targets = (0..20).map(|number| assignment(number, responder.address, http(responder.port())));
    prober.replace(targets.collect()).await;
    for _ in 0..20 {
        assert_eq!(events.recv().await, Some("asked"));
    }
    prober.shutdown().await;
    assert_eq!(reports.recv().await, None);
    for _ in 0..20 {
        assert_eq!(events.recv().await, Some("left"), "its time would not have been over for long");
    }
}

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let responder = answering(OK).await;
    let mut rig = Rig::new(loopback());
    rig.prober.replace(vec![assignment(1, responder.address, http(responder.port()))]).await;
    rig.findings().await;
    drop(rig.prober);
    while rig.reports.recv().await.is_some() {}
}

#[tokio::test]
async fn findings_that_nobody_takes_stop_it_and_it_goes_on_when_they_are_taken() {
    let responder = Responder::everywhere(|stream| crate::responders::answer(stream, OK)).await;
    let mut rig = Rig::new(loopback());
    let targets = (1..=200_u8).map(|number| {
        let address = ([127, 0, 1, number], responder.port()).into();
        assignment(u128::from(number), address, every(http(responder.port()), 10))
    });
    rig.prober.replace(targets.collect()).await;
    while rig.prober.counts().waiting < 200 {
        tokio::task::yield_now().await;
    }
    while rig.prober.counts().waiting > 0 {
        rig.findings().await;
    }
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn too_few_files_are_said_to_be_that() {
    let refused = Prober::start(ProberConfig { files_reserved: u32::MAX, ..ProberConfig::default() });
    let error = refused.err().unwrap();
    assert!(matches!(error, StartError::Files { left: 0, .. }));
    assert!(error.to_string().contains("raise the limit"), "{error}");
}

/// When within its interval a prober of this name asks each of some targets, in milliseconds.
async fn moments(name: &str, port: u16, check: u16) -> BTreeMap<InstanceId, i64> {
    const INTERVAL: i64 = 2_000;
    let mut rig = Rig::new(ProberConfig { name: name.to_owned(), ..loopback() });
    let one = |number| {
        let spec = every(http(port), INTERVAL as u64);
        Assignment { check, ..assignment(number, SocketAddr::from(([127, 0, 0, 1], port)), spec) }
    };
    rig.prober.replace((0..8).map(one).collect()).await;
    let mut moments = BTreeMap::new();
    while moments.len() < 8 {
        let found = rig.findings().await;
        moments.extend(found.iter().map(|found| (found.instance, found.fact.at.as_millis().rem_euclid(INTERVAL))));
    }
    rig.prober.shutdown().await;
    moments
}

#[tokio::test]
async fn when_a_target_is_asked_follows_from_the_target_and_the_name_of_the_prober_alone() {
    let responder = answering(OK).await;
    let port = responder.port();
    let (near, again, far) =
        (moments("near", port, 0).await, moments("near", port, 7).await, moments("far", port, 0).await);
    let apart = |one: &BTreeMap<_, i64>, other: &BTreeMap<_, i64>| {
        let of = |(instance, at): (&InstanceId, &i64)| {
            let apart = (other[instance] - at).rem_euclid(2_000);
            apart.min(2_000 - apart)
        };
        one.iter().map(of).collect::<Vec<_>>()
    };
    let (restarted, elsewhere) = (apart(&near, &again), apart(&near, &far));
    assert!(restarted.iter().all(|apart| *apart < 150), "{restarted:?} ms apart after a restart");
    assert!(elsewhere.iter().any(|apart| *apart > 400), "{elsewhere:?} ms apart of two probers");
}
