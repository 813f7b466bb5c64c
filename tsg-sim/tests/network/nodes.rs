//! Compute nodes that go and come back, as clients of their machines see it.

use tsg_sim::world::{Fault, LossAppearance, MachineState, Target};

use crate::peer::{Peer, status_line};
use crate::scene::Scene;

const OK: &str = "HTTP/1.1 200 OK";

#[tokio::test]
async fn machines_of_a_lost_node_fall_silent_and_others_do_not() {
    let scene = Scene::with(&[("one", ""), ("two", "")]).await;
    let [one, two] = [scene.machines[0], scene.machines[1]];
    let server = Target::Named(scene.node(one));
    let mut open = Peer::connect(scene.http(one)).await.unwrap();
    assert!(open.answer("GET", "/").await.unwrap().starts_with(OK));
    scene.inject(Fault::ServerDown { server: server.clone(), appearance: LossAppearance::Unchanged }).await;
    open.ask("GET", "/").await.unwrap();
    assert!(open.is_silent().await, "nobody is there to close the connection");
    let mut fresh = Peer::connect(scene.http(one)).await.unwrap();
    fresh.ask("GET", "/").await.unwrap();
    assert!(fresh.is_silent().await);
    assert_eq!(status_line(scene.http(two)).await, OK);
    let shown = scene.server.admin().machines().await.unwrap();
    assert!(shown.iter().all(|machine| machine.state == MachineState::Running), "the cloud shows what it last knew");
    scene.inject(Fault::ServerUp { server }).await;
    assert_eq!(status_line(scene.http(one)).await, OK);
}

#[tokio::test]
async fn a_rebooting_node_returns_by_itself() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    let server = Target::Named(scene.node(one));
    let state = async || scene.server.admin().machines().await.unwrap()[0].state;
    scene.inject(Fault::ServerReboot { server, for_ms: 90_000, appearance: LossAppearance::Unknown }).await;
    assert_eq!(state().await, MachineState::Unknown);
    scene.advance(89_999).await;
    let mut peer = Peer::connect(scene.http(one)).await.unwrap();
    peer.ask("GET", "/").await.unwrap();
    assert!(peer.is_silent().await);
    scene.advance(1).await;
    assert_eq!(state().await, MachineState::Running);
    assert_eq!(status_line(scene.http(one)).await, OK);
}

#[tokio::test]
async fn a_node_that_is_back_before_its_boot_stays() {
    let scene = Scene::with(&[("one", "")]).await;
    let one = scene.machines[0];
    let server = Target::Named(scene.node(one));
    let appearance = LossAppearance::Offline;
    scene.inject(Fault::ServerReboot { server: server.clone(), for_ms: 90_000, appearance }).await;
    scene.inject(Fault::ServerUp { server: server.clone() }).await;
    assert_eq!(status_line(scene.http(one)).await, OK);
    scene.advance(90_000).await;
    assert_eq!(status_line(scene.http(one)).await, OK);
}
