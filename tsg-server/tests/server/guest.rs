//! Checks of what guests write into their own metadata: who is well, who is only not ready, and of
//! whom nothing is believed any more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tsg_core::model::guest::{HEALTH, HEARTBEAT, READY};
use tsg_sim::world::{MachineId, parse_canonical};

use crate::prober::{all, members_once, verdicts};
use crate::support::Site;
use crate::support::site::eventually;

/// Seconds since 1970 on the clock of a guest that is late by so many.
fn beat(late: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (now - late).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_believed_while_its_heart_beats_and_not_ready_is_no_reason_to_repair_it() {
    let site = Site::enrolled().await;
    let check = json!({"type": "guest", "heartbeat": "5m", "interval": "1s", "start_window": "1s", "retries": 2});
    let body = json!({"name": "edge", "template_id": site.template("t").await, "capacity": 2,
        "health": {"checks": [check]}, "policy": {"restart": {"attempts": 0}, "replace": {"delay": "1h"}}});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let group = made.json()["id"].as_str().unwrap().to_owned();
    let found = members_once(&site, &group, |verdicts| all(verdicts, 2, "unknown")).await;
    let machines: Vec<MachineId> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| MachineId(parse_canonical(member["instance"].as_str().unwrap()).unwrap()))
        .collect();
    let say = |machine: MachineId, key: &str, value: String| {
        site.sim.with_world(|world| world.put_guest_metadatum(machine, key, value.as_str()));
    };
    let all_beat = |late| machines.iter().for_each(|machine| say(*machine, HEARTBEAT, beat(late)));

    all_beat(0);
    members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;
    say(machines[0], READY, "false".to_owned());
    let seen = members_once(&site, &group, |verdicts| {
        assert!(!verdicts.contains(&"unhealthy"), "{verdicts:?}");
        *verdicts == ["degraded", "healthy"]
    })
    .await;
    assert_eq!(seen["items"][0]["health"]["reason"], "it says itself that it is not ready");
    say(machines[0], HEALTH, "bad".to_owned());
    members_once(&site, &group, |verdicts| *verdicts == ["unhealthy", "healthy"]).await;

    all_beat(3600);
    members_once(&site, &group, |verdicts| all(verdicts, 2, "unknown")).await;
    site.end().await;
}

/// A group with these checks, whose one instance is ready, and well by all of them, and its machine.
async fn one_that_is_well(site: &Site, health: &Value) -> (String, MachineId) {
    site.enrol(&site.demo).await;
    let body = json!({"name": "edge", "template_id": site.template("t").await, "capacity": 1, "health": health,
        "policy": {"restart": {"attempts": 0}, "replace": {"delay": "1h"}}});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let group = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v2/groups/{group}/instances?facts=true");
    let is_well = |members: &Value| {
        let one = &members["items"][0];
        let has_facts = one["health"]["facts"].as_array().is_some_and(|facts| facts.len() == 2);
        one["phase"] == "ready" && has_facts && verdicts(members) == ["healthy"]
    };
    let found = eventually(async || site.v2("GET", &path, "").await.json(), is_well).await;
    let machine = parse_canonical(found["items"][0]["instance"].as_str().unwrap()).unwrap();
    (group, MachineId(machine))
}

/// The facts of the one instance by their checks, once they are as wanted; it is well all the time.
async fn facts_while_healthy(site: &Site, group: &str, is_wanted: impl Fn(&Value, &Value) -> bool) {
    let path = format!("/v2/groups/{group}/instances?facts=true");
    let of = |members: &Value, check: &str| {
        let facts = members["items"][0]["health"]["facts"].as_array().unwrap();
        facts.iter().find(|fact| fact["check"] == check).cloned().unwrap()
    };
    eventually(
        async || site.v2("GET", &path, "").await.json(),
        |members| {
            assert_eq!(verdicts(members), ["healthy"], "{members:#}");
            is_wanted(&of(members, "guest"), &of(members, "http"))
        },
    )
    .await;
}

fn http(site: &Site) -> Value {
    json!({"type": "http", "name": "http", "port": site.sim.machine_port(), "path": "/ping", "interval": "1s",
        "timeout": "500ms", "start_window": "1s"})
}

fn in_a_row(fact: &Value) -> u64 {
    fact["in_a_row"].as_u64().unwrap()
}

/// However often it is looked at in between, and even if lists are rarer than what is told of them may be old.
#[tokio::test(flavor = "multi_thread")]
async fn one_list_is_one_observation() {
    let apart = Duration::from_secs(5);
    let site = Site::start(|config| {
        let engine = &mut config.engine.config;
        (engine.list_interval_min, engine.list_interval_max) = (apart, apart);
    })
    .await;
    let guest = json!({"type": "guest", "name": "guest", "interval": "1s", "timeout": "500ms", "start_window": "1s"});
    let health = json!({"checks": [guest, http(&site)], "stale_after": 1});
    let (group, machine) = one_that_is_well(&site, &health).await;

    site.sim.with_world(|world| world.put_guest_metadatum(machine, HEALTH, "bad"));
    facts_while_healthy(&site, &group, |guest, _| guest["outcome"] == "failed").await;
    site.sim.with_world(|world| world.put_guest_metadatum(machine, HEALTH, "ok"));
    facts_while_healthy(&site, &group, |guest, _| guest["outcome"] == "passed").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_stands_beside_a_quicker_one_keeps_its_own_pace() {
    let site = Site::start(|_| {}).await;
    let guest = json!({"type": "guest", "name": "guest", "interval": "1m", "start_window": "1s", "healthy_after": 1});
    let health = json!({"checks": [guest, http(&site)]});
    let (group, machine) = one_that_is_well(&site, &health).await;
    let told = |guest: &Value| guest["at"].as_str().unwrap().to_owned();
    let path = format!("/v2/groups/{group}/instances?facts=true");
    let before = site.v2("GET", &path, "").await.json()["items"][0]["health"]["facts"][0].clone();
    assert_eq!((&before["check"], in_a_row(&before)), (&json!("guest"), 1), "{before:#}");

    site.sim.with_world(|world| world.put_guest_metadatum(machine, HEALTH, "bad"));
    facts_while_healthy(&site, &group, |guest, http| {
        assert_eq!(told(guest), told(&before), "a minute has not passed: {guest:#}");
        in_a_row(http) >= 8
    })
    .await;
    site.end().await;
}
