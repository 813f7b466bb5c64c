//! Checks of what guests write into their own metadata: who is well, who is only not ready, and of
//! whom nothing is believed any more.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tsg_core::model::guest::{HEALTH, HEARTBEAT, READY};
use tsg_sim::world::{MachineId, parse_canonical};

use crate::prober::{all, members_once};
use crate::support::Site;

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
