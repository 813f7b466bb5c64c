//! Discovery over real sockets: what `dig` is answered by the name service while a group says by which
//! services its instances are found, and while a compute node is rebooted under them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};
use tsg_sim::world::{Fault, FaultRule, LossAppearance, Target};

use crate::prober::{all, members_once};
use crate::support::Site;
use crate::support::site::eventually;

/// The addresses that the name service has for a service of the account.
async fn dig(site: &Site, service: &str) -> BTreeSet<String> {
    let at = site.sim.name_server().unwrap();
    let zone = site.sim.with_world(|world| world.zone_record().zone);
    let mut command = Command::new("dig");
    command.args([format!("@{}", at.ip()), "-p".to_owned(), at.port().to_string(), "+short".to_owned()]);
    command.arg(format!("{service}.svc.demo.{zone}"));
    let asked = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    String::from_utf8(asked.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Asks until the answer is as wanted.
async fn dug_once(site: &Site, service: &str, is_wanted: impl Fn(&BTreeSet<String>) -> bool) {
    eventually(async || dig(site, service).await, is_wanted).await;
}

fn each<'a>(members: &'a Value, field: &str) -> Vec<&'a str> {
    members["items"].as_array().unwrap().iter().map(|member| member[field].as_str().unwrap()).collect()
}

fn check(site: &Site) -> Value {
    json!({"type": "http", "port": site.sim.machine_port(), "path": "/ping", "interval": "1s", "timeout": "900ms"})
}

async fn group(site: &Site, body: Value) -> String {
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn update(site: &Site, group: &str, health: &Value) {
    let changed = site.v2("PATCH", &format!("/v2/groups/{group}"), &json!({"health": health}).to_string()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_the_groups_and_change_without_anybody_being_replaced() {
    let site = Site::enrolled().await;
    let health = |services: Value| json!({"checks": [check(&site)], "discovery": {"services": services}});
    let body = json!({"name": "edge", "template_id": site.template("t").await, "capacity": 2,
        "health": health(json!(["web:8080", "api"]))});
    let group = group(&site, body).await;
    let before = members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;
    let has_all = |found: &BTreeSet<String>| each(&before, "address").iter().all(|address| found.contains(*address));
    dug_once(&site, "web", has_all).await;
    dug_once(&site, "api", has_all).await;

    update(&site, &group, &health(json!(["front:9000"]))).await;
    dug_once(&site, "front", has_all).await;
    dug_once(&site, "web", BTreeSet::is_empty).await;
    update(&site, &group, &health(json!([]))).await;
    dug_once(&site, "front", BTreeSet::is_empty).await;
    let after = members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;
    assert_eq!(each(&after, "instance"), each(&before, "instance"), "nobody was replaced");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_nobody_could_find_or_that_are_named_twice_are_refused() {
    let site = Site::enrolled().await;
    let mut template: Value = serde_json::from_str(&site.template_body("named")).unwrap();
    template["tags"] = json!({"triton.cns.services": "web"});
    let named = site.v1("POST", "/v1/tsg/templates", &template.to_string()).await.json()["id"].clone();
    let plain = site.template("plain").await;
    let body = |template: &Value, services: Value| json!({"name": "edge", "template_id": template, "capacity": 1, "health": {"discovery": {"services": services}}});
    for (refused, expected) in [
        (body(&json!(plain), json!(["web:70000"])), "is no service"),
        (body(&json!(plain), json!(["a b"])), "is no service"),
        (body(&json!(plain), json!(vec!["web"; 17])), "names 17 services, and 16 are the most"),
        (body(&named, json!(["web"])), "leave one of them out"),
    ] {
        let answer = site.v2("POST", "/v2/groups", &refused.to_string()).await;
        assert!(answer.status == 422 && answer.body.contains(expected), "{answer:?}");
    }
    let group = group(&site, body(&json!(plain), json!(["web"]))).await;
    let change = json!({"template_id": named});
    let answer = site.v2("PATCH", &format!("/v2/groups/{group}"), &change.to_string()).await;
    assert!(answer.status == 422 && answer.body.contains("leave one of them out"), "{answer:?}");
    site.end().await;
}

/// The requests that a group has sent, by kind.
async fn sent(site: &Site, group: &str) -> BTreeMap<String, usize> {
    let (mut sent, mut after) = (BTreeMap::new(), "0".to_owned());
    loop {
        let page = site.v2("GET", &format!("/v2/groups/{group}/audit?limit=200&after={after}"), "").await.json();
        for entry in page["items"].as_array().unwrap() {
            if let Some(request) = entry["event"]["request"].as_str() {
                *sent.entry(request.to_owned()).or_default() += 1;
            }
        }
        let Some(next) = page["next"].as_str() else { return sent };
        next.clone_into(&mut after);
    }
}

/// More than there are compute nodes.
const INSTANCES: usize = 16;
/// Far longer than a restart and a replacement would wait here.
const AWAY_MS: u64 = 10_000 * 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_rebooted_node_takes_its_instances_out_for_a_while_and_nobody_is_restarted_or_replaced() {
    let site = Site::enrolled().await;
    let body = json!({"name": "edge", "template_id": site.template("t").await, "capacity": INSTANCES,
        "health": {"checks": [check(&site)], "discovery": {"services": ["web"]}},
        "policy": {"restart": {"attempts": 1, "delay": "1s"}, "replace": {"delay": "1s"}}});
    let group = group(&site, body).await;
    let before = members_once(&site, &group, |verdicts| all(verdicts, INSTANCES, "healthy")).await;
    let nodes = each(&before, "compute_node");
    let on = |node: &str| nodes.iter().filter(|other| **other == node).count();
    let node = *nodes.iter().max_by_key(|node| on(node)).unwrap();
    let (away, there): (Vec<_>, Vec<_>) =
        each(&before, "address").into_iter().zip(&nodes).partition(|(_, at)| **at == node);
    assert!(away.len() > 1 && !there.is_empty(), "one alone tells nothing: {before:#}");
    let (away, there) = (addresses(&away), addresses(&there));
    dug_once(&site, "web", |found| found.is_superset(&away) && found.is_superset(&there)).await;
    let sent_before = sent(&site, &group).await;
    assert_eq!(sent_before.get("create"), Some(&INSTANCES));

    let server = Target::Named(node.to_owned());
    let reboot = Fault::ServerReboot { server, for_ms: AWAY_MS, appearance: LossAppearance::Offline };
    site.sim.admin().inject(&FaultRule::times(reboot, 1)).await.unwrap();
    dug_once(&site, "web", |found| found.is_disjoint(&away) && found.is_superset(&there)).await;
    dug_once(&site, "web", |found| found.is_superset(&away) && found.is_superset(&there)).await;
    let after = members_once(&site, &group, |verdicts| all(verdicts, INSTANCES, "healthy")).await;
    assert_eq!(each(&after, "instance"), each(&before, "instance"), "nobody was replaced");
    let without_updates = |mut sent: BTreeMap<String, usize>| {
        sent.remove("update");
        sent
    };
    assert_eq!(without_updates(sent(&site, &group).await), without_updates(sent_before), "nobody was restarted");
    site.end().await;
}

fn addresses(of: &[(&str, &&str)]) -> BTreeSet<String> {
    of.iter().map(|(address, _)| (*address).to_owned()).collect()
}
