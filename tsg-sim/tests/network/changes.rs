//! When answers follow: stops, deletes, a status, tags, the owner's switch, compute nodes.

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::RecordType;
use tsg_sim::world::{Fault, LossAppearance, MachineId, Scalar, Target};

use crate::dns::{both, texts};
use crate::scene::{Scene, ZONE};

/// The default of the specification.
const DELAY_MS: u64 = 3_000;

/// The machines that a service is said to have.
async fn listed(scene: &Scene) -> Vec<MachineId> {
    let answer = both(scene.address(), &format!("web.svc.demo.{ZONE}"), RecordType::TXT).await;
    let is_unknown = answer.metadata.response_code == ResponseCode::NXDomain;
    assert_eq!(is_unknown, answer.answers.is_empty());
    texts(&answer.answers).iter().map(|text| MachineId::parse(text).unwrap()).collect()
}

/// Nothing changes until the delay is over, and then it has.
async fn becomes(scene: &Scene, expected: &[MachineId]) {
    let before = listed(scene).await;
    scene.advance(DELAY_MS - 1).await;
    assert_eq!(listed(scene).await, before, "too early");
    scene.advance(1).await;
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(listed(scene).await, expected);
}

async fn knows_instance(scene: &Scene, name: &str) -> bool {
    let answer = both(scene.address(), &format!("{name}.inst.demo.{ZONE}"), RecordType::A).await;
    answer.metadata.response_code == ResponseCode::NoError
}

#[tokio::test]
async fn a_machine_that_halts_or_goes_leaves_after_the_delay() {
    let scene = Scene::with(&[("one", "web"), ("two", "web"), ("three", "web")]).await;
    let [one, two, three] = [scene.machines[0], scene.machines[1], scene.machines[2]];
    scene.inject(Fault::StopInstance { machine: Target::Named("one".into()) }).await;
    becomes(&scene, &[two, three]).await;
    assert!(knows_instance(&scene, "one").await, "{one} is only halted");
    scene.inject(Fault::KillInstance { machine: Target::Named("two".into()) }).await;
    becomes(&scene, &[three]).await;
    assert!(!knows_instance(&scene, "two").await);
    scene.inject(Fault::KillInstance { machine: Target::Named("three".into()) }).await;
    becomes(&scene, &[]).await;
}

#[tokio::test]
async fn a_guest_takes_itself_out_of_its_services() {
    let scene = Scene::with(&[("one", "web"), ("two", "web")]).await;
    let [one, two] = [scene.machines[0], scene.machines[1]];
    let say = |status: &str| {
        scene.server.with_world(|world| world.put_guest_metadatum(one, "triton.cns.status", Scalar::from(status)));
    };
    say("down");
    becomes(&scene, &[two]).await;
    assert!(knows_instance(&scene, "one").await);
    say("up");
    becomes(&scene, &[one, two]).await;
}

#[tokio::test]
async fn the_owner_switches_everything_off() {
    let scene = Scene::with(&[("one", "web")]).await;
    let switch = |value: &str| {
        let params = [("triton_cns_enabled".to_owned(), value.to_owned())].into();
        scene.server.with_world(|world| world.update_account(scene.demo, &params).map(drop)).unwrap();
    };
    switch("false");
    becomes(&scene, &[]).await;
    assert!(!knows_instance(&scene, "one").await);
    switch("true");
    becomes(&scene, &[scene.machines[0]]).await;
}

#[tokio::test]
async fn a_lost_compute_node_leaves_after_a_minute_and_returns_two_after_its_boot() {
    let scene = Scene::with(&[("one", "web")]).await;
    let one = scene.machines[0];
    let server = Target::Named(scene.node(one));
    scene.inject(Fault::ServerDown { server: server.clone(), appearance: LossAppearance::Unchanged }).await;
    scene.advance(60_000).await;
    becomes(&scene, &[]).await;
    assert!(knows_instance(&scene, "one").await);
    scene.inject(Fault::ServerUp { server }).await;
    scene.advance(120_000).await;
    becomes(&scene, &[one]).await;
}

#[tokio::test]
async fn a_reboot_is_seen_even_when_the_silence_is_not() {
    let scene = Scene::with(&[("one", "web")]).await;
    let one = scene.machines[0];
    let server = Target::Named(scene.node(one));
    let reboot = Fault::ServerReboot { server, for_ms: 20_000, appearance: LossAppearance::Unchanged };
    scene.inject(reboot).await;
    scene.advance(20_000).await;
    becomes(&scene, &[]).await;
    scene.advance(120_000 - DELAY_MS).await;
    becomes(&scene, &[one]).await;
}
