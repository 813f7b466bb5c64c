//! Machines that answer badly, by order: one, several, those of a compute node, all.

use std::io::ErrorKind;
use std::time::Duration;

use tsg_sim::admin::{AdminError, Manner, MannerOrder, Whom};
use tsg_sim::world::MachineId;

use crate::peer::{Peer, status_line, talk};
use crate::scene::Scene;

const OK: &str = "HTTP/1.1 200 OK";

async fn order(scene: &Scene, of: Whom, manner: Manner) {
    scene.server.admin().order_manner(&MannerOrder { of, manner }).await.unwrap();
}

async fn make(scene: &Scene, machine: MachineId, manner: Manner) {
    scene.server.admin().set_manner(machine, manner).await.unwrap();
}

#[tokio::test]
async fn one_connection_serves_any_path_and_method() {
    let scene = Scene::with(&[("one", "")]).await;
    let mut peer = Peer::connect(scene.http(scene.machines[0])).await.unwrap();
    let expected = format!("{{\"id\":\"{}\",\"name\":\"one\"}}", scene.machines[0]);
    for (method, path) in [("GET", "/"), ("HEAD", "/a/b?c=d"), ("OPTIONS", "*"), ("POST", "/ping")] {
        let answer = peer.answer(method, path).await.unwrap();
        assert!(answer.starts_with(OK), "{method} {path}: {answer}");
        let body = if method == "HEAD" { "" } else { expected.as_str() };
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{method} {path}");
    }
}

#[tokio::test]
async fn a_status_is_given_on_request() {
    let scene = Scene::with(&[("one", "")]).await;
    let (one, mut peer) = (scene.machines[0], Peer::connect(scene.http(scene.machines[0])).await.unwrap());
    for code in [500, 429, 204, 404] {
        make(&scene, one, Manner::Status { code }).await;
        let answer = peer.answer("GET", "/ping").await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{answer}");
    }
    for code in [0, 101, 600] {
        let refused = scene.server.admin().set_manner(one, Manner::Status { code }).await;
        assert!(matches!(refused, Err(AdminError::Refused { status: 409, .. })), "{code}");
    }
}

#[tokio::test]
async fn a_machine_that_refuses_resets_the_connection() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    make(&scene, one, Manner::Refuses).await;
    let error = talk(scene.http(one), 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error:?}");
    make(&scene, one, Manner::Prompt).await;
    assert_eq!(status_line(scene.http(one)).await, OK);
}

#[tokio::test]
async fn answers_without_end_go_on_until_the_client_has_enough() {
    let scene = Scene::with(&[("one", "")]).await;
    let (one, megabyte) = (scene.machines[0], 1 << 20);
    make(&scene, one, Manner::EndlessHeader).await;
    let header = String::from_utf8(talk(scene.http(one), megabyte).await.unwrap()).unwrap();
    assert_eq!(header.len(), megabyte);
    assert!(header.starts_with("HTTP/1.1 200 OK\r\nX-And-So-On: ") && !header.contains("\r\n\r\n"));
    make(&scene, one, Manner::EndlessBody).await;
    let body = String::from_utf8(talk(scene.http(one), megabyte).await.unwrap()).unwrap();
    assert_eq!(body.len(), megabyte);
    assert!(body.contains("Transfer-Encoding: chunked\r\n\r\n4000\r\nxxx") && !body.contains("\r\n0\r\n"));
    make(&scene, one, Manner::HugeBody { bytes: 10_000_000_000 }).await;
    let huge = talk(scene.http(one), megabyte).await.unwrap();
    assert_eq!(huge.len(), megabyte);
    assert!(
        huge.starts_with(b"HTTP/1.1 200 OK\r\n")
            && huge.windows(30).any(|at| at == b"Content-Length: 10000000000\r\n\r")
    );
}

#[tokio::test]
async fn a_body_has_the_length_that_was_announced() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    for bytes in [0, 1, 16_384, 50_000] {
        make(&scene, one, Manner::HugeBody { bytes }).await;
        let answer = String::from_utf8(talk(scene.http(one), 1 << 20).await.unwrap()).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(u64::try_from(body.len()).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_dripping_answer_is_good_and_late() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    make(&scene, one, Manner::Drip { interval_ms: 1 }).await;
    let answer = String::from_utf8(talk(scene.http(one), 1 << 10).await.unwrap()).unwrap();
    assert!(answer.starts_with(OK) && answer.ends_with("\r\n\r\nslow"), "{answer}");
    make(&scene, one, Manner::Drip { interval_ms: 3_600_000 }).await;
    let mut peer = Peer::connect(scene.http(one)).await.unwrap();
    peer.ask("GET", "/").await.unwrap();
    assert_eq!(peer.read(1).await.unwrap(), b"H");
    assert!(peer.is_silent().await);
}

#[tokio::test]
async fn garbage_is_no_http() {
    let scene = Scene::with(&[("one", "")]).await;
    make(&scene, scene.machines[0], Manner::Garbage).await;
    let garbage = talk(scene.http(scene.machines[0]), 1 << 10).await.unwrap();
    assert_eq!(garbage.len(), 32);
    assert!(!garbage.starts_with(b"H") && String::from_utf8(garbage).is_err());
}

#[tokio::test]
async fn manners_change_under_open_connections() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    let mut peer = Peer::connect(scene.http(one)).await.unwrap();
    assert!(peer.answer("GET", "/").await.unwrap().starts_with(OK));
    make(&scene, one, Manner::Hangs).await;
    peer.ask("GET", "/").await.unwrap();
    assert!(peer.is_silent().await);
    let mut second = Peer::connect(scene.http(one)).await.unwrap();
    make(&scene, one, Manner::Garbage).await;
    assert!(second.answer("GET", "/").await.is_err());
}

#[tokio::test]
async fn orders_are_for_several_for_a_node_or_for_everyone_and_the_latest_stands() {
    let scene = Scene::with(&[("one", ""), ("two", ""), ("three", "")]).await;
    let [one, two, three] = [scene.machines[0], scene.machines[1], scene.machines[2]];
    let node = scene.node(one);
    assert!(scene.node(two) != node && scene.node(three) != node, "the allocator spreads");
    let lines = async || {
        let mut codes = Vec::new();
        for machine in [one, two, three] {
            codes.push(status_line(scene.http(machine)).await.split(' ').nth(1).unwrap().to_owned());
        }
        codes.join(" ")
    };
    let status = |code| Manner::Status { code };
    order(&scene, Whom::Machines(vec!["one".to_owned(), three.to_string()]), status(500)).await;
    assert_eq!(lines().await, "500 200 500");
    order(&scene, Whom::Node(node.clone()), status(503)).await;
    assert_eq!(lines().await, "503 200 500");
    make(&scene, one, status(429)).await;
    assert_eq!(lines().await, "429 200 500");
    order(&scene, Whom::Everyone, status(404)).await;
    assert_eq!(lines().await, "404 404 404");
    order(&scene, Whom::Node(node), Manner::Prompt).await;
    assert_eq!(lines().await, "200 404 404");
    order(&scene, Whom::Everyone, Manner::Prompt).await;
    assert_eq!(lines().await, "200 200 200");
}

#[tokio::test]
async fn an_order_for_nobody_is_refused_whole() {
    let scene = Scene::with(&[("one", "")]).await;
    for of in [Whom::Machines(vec!["one".to_owned(), "nobody".to_owned()]), Whom::Node("r9-cn9".to_owned())] {
        let order = MannerOrder { of, manner: Manner::Hangs };
        let refused = scene.server.admin().order_manner(&order).await;
        assert!(matches!(refused, Err(AdminError::Refused { status: 409, .. })), "{refused:?}");
    }
    assert_eq!(status_line(scene.http(scene.machines[0])).await, OK);
}

#[tokio::test]
async fn none_of_them_holds_up_the_end() {
    let scene = Scene::with(&[("one", "")]).await;
    let (one, mut open) = (scene.machines[0], Vec::new());
    for manner in [Manner::Hangs, Manner::EndlessHeader, Manner::EndlessBody, Manner::Drip { interval_ms: 3_600_000 }] {
        make(&scene, one, manner).await;
        let mut peer = Peer::connect(scene.http(one)).await.unwrap();
        peer.ask("GET", "/").await.unwrap();
        open.push(peer);
    }
    tokio::time::timeout(Duration::from_secs(10), scene.server.shutdown()).await.expect("it ends");
}
