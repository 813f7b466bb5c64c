//! Checks that name a network: asked at the instance's own address there, from within the server and
//! from elsewhere, and unknown where it has none.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tsg_sim::world::Reach;

use crate::prober::{all, members_once};
use crate::support::Site;

/// The id of a network that every machine has a NIC in.
fn internal(site: &Site) -> String {
    site.sim.with_world(|world| {
        let account = world.find_account("demo").unwrap().id;
        let networks = world.networks(account, &BTreeMap::new());
        networks.iter().find(|network| network.name == "internal").unwrap().id.to_string()
    })
}

async fn group_in(site: &Site, name: &str, network: &str) -> String {
    let check = json!({"type": "http", "port": site.sim.machine_port(), "path": "/ping", "interval": "1s",
        "timeout": "500ms", "start_window": "1s", "network": network});
    let body = json!({"name": name, "template_id": site.template(name).await, "capacity": 2,
        "health": {"checks": [check]}});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The public network, in which every machine has its primary address, is out of bounds here.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_asked_in_the_network_of_the_check_and_unknown_where_it_has_no_address() {
    let site = Site::start(|config| config.health.refused_networks = vec!["127.16.0.0/12".parse().unwrap()]).await;
    site.enrol(&site.demo).await;
    let inner = internal(&site);
    let group = group_in(&site, "inner", &inner).await;
    members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;

    let targets = site.v2("GET", "/v2/probers/fabric/targets", "").await.json();
    for target in targets["groups"][0]["instances"].as_array().unwrap() {
        let address = target["networks"][&inner].as_str().unwrap();
        assert!(address.starts_with("127.32."), "whoever asks from elsewhere is told too: {target}");
    }

    let elsewhere = site.sim.with_world(|world| world.add_network("far", Reach::Internal, [127, 48, 0, 0].into(), 16));
    let group = group_in(&site, "outer", &elsewhere.to_string()).await;
    let seen = members_once(&site, &group, |verdicts| {
        assert!(!verdicts.contains(&"unhealthy"), "{verdicts:?}");
        all(verdicts, 2, "unknown")
    })
    .await;
    assert!(seen["items"].as_array().unwrap().iter().all(|member: &Value| member["instance"].is_string()), "{seen:#}");
    site.end().await;
}
