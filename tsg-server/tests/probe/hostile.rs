//! One target of each manner, and the one thing that is found of it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tsg_core::health::fact::{Failure, Obstruction, Outcome, Stage};
use tsg_core::model::id::NetworkId;
use tsg_server::probe::{Nic, ProberConfig};
use uuid::Uuid;

use crate::responders::{self, BlackHole, OK, Responder, answering, answering_once, hang, pour, request};
use crate::rig::{Rig, assignment, check, http, loopback, probed_once, with_timeout};

async fn found(responder: &Responder) -> Outcome {
    probed_once(responder.address, http(responder.port())).await
}

const fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(failure)
}

#[tokio::test]
async fn an_answer_is_judged_by_its_status() {
    let cases: [(&[u8], Outcome); 7] = [
        (OK, Outcome::Passed),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome::Passed),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Outcome::Passed),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", Outcome::Degraded),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", failed(Failure::Status(503))),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", failed(Failure::Status(404))),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Outcome::Passed),
    ];
    for (text, outcome) in cases {
        assert_eq!(found(&answering_once(text).await).await, outcome, "{}", text.escape_ascii());
    }
}

#[tokio::test]
async fn a_redirect_is_a_status_like_any_other() {
    let other = answering(OK).await;
    let text = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", other.address);
    let text = Arc::new(text);
    let responder = Responder::new(move |stream| {
        let text = Arc::clone(&text);
        async move { responders::answer(stream, text.as_bytes()).await }
    })
    .await;
    assert_eq!(found(&responder).await, failed(Failure::Status(302)));
    assert_eq!(other.accepted(), 0);
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    for text in [&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], b"\x16\x03\x01\x00\x05hello", b"HTTP/1.1 200 OK\r\nContent-"] {
        assert_eq!(found(&answering_once(text).await).await, failed(Failure::Malformed), "{}", text.escape_ascii());
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    for (first, again) in
        [(&b"HTTP/1.1 200 OK\r\nX: "[..], &b"aaaaaaaaaaaaaaaa"[..]), (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")]
    {
        let responder = Responder::new(move |stream| async move {
            pour(stream, first, again).await;
        })
        .await;
        assert_eq!(found(&responder).await, failed(Failure::HeadTooLarge));
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let heads: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for head in heads {
        let (poured_in, mut poured) = mpsc::unbounded_channel();
        let responder = Responder::new(move |stream| {
            let poured_in = poured_in.clone();
            async move { _ = poured_in.send(pour(stream, head, b"4\r\nabcd\r\n").await) }
        })
        .await;
        assert_eq!(found(&responder).await, Outcome::Passed);
        // What fits into the buffers of two sockets, not more.
        assert!(poured.recv().await.unwrap() < 16 << 20);
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_is_a_reset() {
    let by_reset = Responder::new(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    assert_eq!(found(&by_reset).await, failed(Failure::Reset));
    let by_end = answering_once(b"").await;
    assert_eq!(found(&by_end).await, failed(Failure::Reset));
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    assert_eq!(probed_once(address, http(address.port())).await, failed(Failure::Refused));
    let tcp = check(&format!(r#"{{"type": "tcp", "port": {}}}"#, address.port()));
    assert_eq!(probed_once(address, tcp).await, failed(Failure::Refused));
}

#[tokio::test]
async fn silence_is_told_by_where_it_began() {
    let hole = BlackHole::new().await;
    let outcome = probed_once(hole.address, with_timeout(http(hole.address.port()), 300)).await;
    assert_eq!(outcome, failed(Failure::TimedOut(Stage::Connect)));

    let silent = Responder::new(hang).await;
    let outcome = probed_once(silent.address, with_timeout(http(silent.port()), 300)).await;
    assert_eq!(outcome, failed(Failure::TimedOut(Stage::Head)));

    let dripping = Responder::new(|mut stream| async move {
        let mut drops = tokio::time::interval(std::time::Duration::from_millis(20));
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await;
        while stream.write_all(b"x").await.is_ok() {
            drops.tick().await;
        }
    })
    .await;
    let outcome = probed_once(dripping.address, with_timeout(http(dripping.port()), 300)).await;
    assert_eq!(outcome, failed(Failure::TimedOut(Stage::Head)), "a slow loris");
}

#[tokio::test]
async fn an_open_port_is_enough_for_tcp_and_is_left_by_a_reset() {
    let (ended_in, mut ended) = mpsc::unbounded_channel();
    let responder = Responder::new(move |mut stream| {
        let ended_in = ended_in.clone();
        async move {
            let end = stream.read(&mut [0; 1]).await;
            _ = ended_in.send(end.map_err(|error| error.kind()));
        }
    })
    .await;
    let tcp = check(&format!(r#"{{"type": "tcp", "port": {}}}"#, responder.port()));
    assert_eq!(probed_once(responder.address, tcp).await, Outcome::Passed);
    assert_eq!(ended.recv().await.unwrap(), Err(std::io::ErrorKind::ConnectionReset), "no TIME_WAIT is left behind");
}

#[tokio::test]
async fn containerpilot_is_asked_for_its_status() {
    let (asked_in, mut asked) = mpsc::unbounded_channel();
    let responder = Responder::new(move |mut stream| {
        let asked_in = asked_in.clone();
        async move {
            _ = asked_in.send(request(&mut stream).await);
            _ = stream.write_all(OK).await;
        }
    })
    .await;
    let pilot = check(&format!(r#"{{"type": "containerpilot", "port": {}}}"#, responder.port()));
    assert_eq!(probed_once(responder.address, pilot).await, Outcome::Passed);
    let expected = format!("GET /status HTTP/1.1\r\nHost: {}\r\n", responder.address);
    assert!(asked.recv().await.unwrap().unwrap().starts_with(&expected));
}

#[tokio::test]
async fn containerpilot_is_as_well_as_its_worst_service() {
    let status = |state: &str| format!(r#"{{"Services": [{{"Name": "app", "Status": "{state}"}}]}}"#);
    let plain = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let chunked = |body: &str| {
        let (one, other) = body.split_at(20);
        let (first, second) = (one.len(), other.len());
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{first:x}\r\n{one}\r\n{second:x}\r\n{other}\r\n0\r\n\r\n"
        )
    };
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n{}", status("unhealthy"));
    for (answer, expected) in [
        (plain(&status("healthy")), Outcome::Passed),
        (plain(&status("unhealthy")), failed(Failure::SaysBad)),
        (chunked(&status("unhealthy")), failed(Failure::SaysBad)),
        (chunked(&status("maintenance")), failed(Failure::SaysNotReady)),
        (endless, Outcome::Passed),
        ("HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n".to_owned(), failed(Failure::Status(503))),
        ("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_owned(), failed(Failure::TimedOut(Stage::Head))),
    ] {
        let text: Arc<[u8]> = answer.as_bytes().into();
        let responder = Responder::new(move |stream| {
            let text = text.clone();
            async move { responders::answer(stream, &text).await }
        })
        .await;
        let pilot = with_timeout(check(&format!(r#"{{"type": "containerpilot", "port": {}}}"#, responder.port())), 500);
        assert_eq!(probed_once(responder.address, pilot).await, expected, "{answer}");
    }
}

#[tokio::test]
async fn an_address_that_is_out_of_bounds_or_missing_is_never_connected_to() {
    let responder = answering(OK).await;
    let mut rig = Rig::new(ProberConfig::default());
    let mut elsewhere = assignment(2, responder.address, http(responder.port()));
    let network = |number| Some(NetworkId::new(Uuid::from_u128(number)));
    elsewhere.nics = vec![Nic { address: "10.0.0.5".parse().unwrap(), network: network(1) }];
    let named = format!(r#"{{"type": "tcp", "port": {}, "network": "{}"}}"#, responder.port(), network(2).unwrap());
    elsewhere.spec = Arc::new(check(&named));
    rig.prober.replace(vec![assignment(1, responder.address, http(responder.port())), elsewhere]).await;
    let seen = rig.until(|seen| seen.len() == 2 && seen.values().all(|outcomes| outcomes.len() > 2)).await;
    for (instance, outcomes) in seen {
        let expected = if instance == crate::rig::instance(1) {
            Outcome::Unjudged(Obstruction::Forbidden)
        } else {
            Outcome::Unjudged(Obstruction::NoAddress)
        };
        assert!(outcomes.iter().all(|outcome| *outcome == expected), "{instance}: {outcomes:?}");
    }
    assert_eq!(responder.accepted(), 0);
    rig.prober.shutdown().await;
}

#[tokio::test]
async fn a_network_that_nobody_reaches_does_not_disturb_others_and_is_not_blamed_for_what_the_prober_lacks() {
    let responder = answering(OK).await;
    let mut rig = Rig::new(loopback());
    // No route leads there from a host without IPv6, which is that host's own lack, and none that answers from
    // one with it.
    let nowhere: SocketAddr = "[2001:db8::1]:80".parse().unwrap();
    rig.prober
        .replace(vec![
            assignment(1, responder.address, http(responder.port())),
            assignment(2, nowhere, with_timeout(http(80), 300)),
        ])
        .await;
    let seen = rig.until(|seen| seen.len() == 2 && seen.values().all(|outcomes| outcomes.len() > 2)).await;
    assert!(seen[&crate::rig::instance(1)].iter().all(|outcome| *outcome == Outcome::Passed));
    let has_route = tokio::net::UdpSocket::bind("[::]:0").await;
    let has_route = match has_route {
        Ok(socket) => socket.connect(nowhere).await.is_ok(),
        Err(_) => false,
    };
    let is_far = |outcome: &Outcome| match outcome {
        Outcome::Unjudged(Obstruction::NoRoute) => !has_route,
        Outcome::Failed(Failure::Unreachable | Failure::TimedOut(Stage::Connect)) => has_route,
        _ => false,
    };
    assert!(seen[&crate::rig::instance(2)].iter().all(is_far), "{seen:?}");
    rig.prober.shutdown().await;
}
