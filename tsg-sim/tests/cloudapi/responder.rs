//! Machines on the network: they answer while they run, and only then.

use http::Method;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tsg_sim::admin::Manner;
use tsg_sim::world::{Fault, FaultRule, MachineId, Target};

use crate::client::{Ask, Client};
use crate::support::site::{FAST, Site, quick};

fn address(site: &Site, id: &str) -> SocketAddr {
    let id = MachineId::parse(id).unwrap();
    let ip: Ipv4Addr = site.server.with_world(|world| world.true_machine(id).unwrap().primary_ip().unwrap());
    assert!(ip.is_loopback());
    (ip, site.server.machine_port()).into()
}

#[tokio::test]
async fn a_machine_answers_on_its_own_address_while_it_runs() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let (one, two) = (client.running("one").await, client.running("two").await);
    for (id, name) in [(&one, "one"), (&two, "two")] {
        let answer = Ask::new(Method::GET, "/ping").send(address(&site, id)).await.unwrap().expect(200);
        assert_eq!(answer.json(), json!({"id": id, "name": name}));
    }
    let rule = FaultRule::from(Fault::KillInstance { machine: Target::Named("one".into()) });
    let (dead, alive) = (address(&site, &one), address(&site, &two));
    site.server.admin().inject(&rule).await.unwrap();
    assert!(Ask::new(Method::GET, "/ping").send(dead).await.is_none());
    assert!(Ask::new(Method::GET, "/ping").send(alive).await.is_some());
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, site.server.machine_port()));
    assert!(Ask::new(Method::GET, "/ping").send(nobody).await.is_none());
}

#[tokio::test]
async fn a_machine_can_be_slow_or_hang() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("one").await;
    let (machine, address) = (MachineId::parse(&id).unwrap(), address(&site, &id));
    site.server.admin().set_manner(machine, Manner::Slow { delay_ms: 80 }).await.unwrap();
    let asked = Instant::now();
    Ask::new(Method::GET, "/").send(address).await.unwrap().expect(200);
    assert!(asked.elapsed() >= Duration::from_millis(80));

    site.server.admin().set_manner(machine, Manner::Hangs).await.unwrap();
    let hanging = tokio::time::timeout(Duration::from_millis(100), Ask::new(Method::GET, "/").send(address));
    assert!(hanging.await.is_err(), "a hanging machine must not answer");
    tokio::time::timeout(Duration::from_secs(5), site.server.shutdown()).await.expect("hanging must not block the end");
}
