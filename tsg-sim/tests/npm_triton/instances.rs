//! Instances from create to delete.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tsg_sim::world::{MachineId, MachineState};

use crate::support::site::Site;
use crate::triton::{Triton, names, site};

/// What the world itself knows of an instance.
fn truth(site: &Site, id: &str) -> (String, MachineState) {
    let id = MachineId::parse(id).unwrap();
    site.server.with_world(|world| world.true_machine(id).map(|machine| (machine.name.clone(), machine.state))).unwrap()
}

async fn create(triton: &Triton, options: &[&str]) -> Value {
    let args = [&["inst", "create", "-w", "-j"], options, &["base-64-lts", "sample-1G"]].concat();
    // The first line is the answer to the create, the last one the machine when it runs.
    triton.lines(&args).await.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_created_listed_filtered_and_read() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let options = ["-n", "g1", "-t", "n=3", "-t", "b=true", "-t", "role=web", "-m", "k=v", "-N", "external"];
    let created = create(&triton, &[&options[..], &["-a", "role!=web"]].concat()).await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(truth(&site, id), ("g1".to_owned(), MachineState::Running));
    assert_eq!(created["tags"], json!({"n": 3, "b": true, "role": "web"}));
    let plain = create(&triton, &["-n", "g2"]).await;

    assert_eq!(names(&triton.lines(&["inst", "list", "-j"]).await), ["g1", "g2"]);
    let table = [
        (vec!["tag.role=web"], vec!["g1"]),
        (vec!["tag.n=3", "state=running"], vec!["g1"]),
        (vec!["tag.role=db"], vec![]),
        (vec!["name=g2"], vec!["g2"]),
        (vec!["state=stopped"], vec![]),
    ];
    for (filters, expected) in table {
        let listed = triton.lines(&[&["inst", "list", "-j"], &filters[..]].concat()).await;
        assert_eq!(names(&listed), expected, "{filters:?}");
    }
    let table = triton.ok(&["inst", "list"]).await;
    assert!(table.contains("g1") && table.contains("base-64-lts@") && table.contains("running"), "{table}");

    let by_name = triton.json(&["inst", "get", "g1", "-j"]).await;
    assert_eq!((by_name["id"].as_str(), by_name["metadata"]["k"].as_str()), (Some(id), Some("v")));
    assert_eq!(by_name["networks"].as_array().unwrap().len(), 1);
    assert!(!by_name["dns_names"].as_array().unwrap().is_empty());
    let short = &plain["id"].as_str().unwrap()[..8];
    assert_eq!(triton.json(&["inst", "get", short, "-j"]).await["name"], "g2");
    let ip = triton.ok(&["inst", "ip", "g1"]).await;
    assert_eq!(ip.trim(), by_name["primaryIp"].as_str().unwrap());
    let info = triton.json(&["info", "-j"]).await;
    assert_eq!(info["totalInstances"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_metadata_are_set_listed_and_deleted() {
    let site = site().await;
    let triton = Triton::demo(&site);
    create(&triton, &["-n", "g1"]).await;
    triton.ok(&["inst", "tag", "set", "-w", "g1", "a=1", "b=x", "c=true"]).await;
    let tags = triton.json(&["inst", "tag", "list", "g1", "-j"]).await;
    assert_eq!(tags, json!({"a": 1, "b": "x", "c": true}));
    triton.ok(&["inst", "tag", "delete", "-w", "g1", "a"]).await;
    assert_eq!(triton.json(&["inst", "tag", "list", "g1", "-j"]).await, json!({"b": "x", "c": true}));
    triton.ok(&["inst", "tag", "replace-all", "-w", "g1", "only=this"]).await;
    assert_eq!(triton.json(&["inst", "tag", "list", "g1", "-j"]).await, json!({"only": "this"}));
    assert_eq!(triton.ok(&["inst", "tag", "get", "g1", "only"]).await.trim(), "this");

    triton.ok(&["inst", "metadata", "set", "-w", "g1", "color=red"]).await;
    let metadata = triton.json(&["inst", "metadata", "list", "g1", "-j"]).await;
    assert_eq!(metadata["color"], "red");
    assert_eq!(triton.ok(&["inst", "metadata", "get", "g1", "color"]).await.trim(), "red");
    triton.ok(&["inst", "metadata", "delete", "-f", "-w", "g1", "color"]).await;
    let metadata = triton.json(&["inst", "metadata", "list", "g1", "-j"]).await;
    assert_eq!((metadata.get("color"), metadata["root_authorized_keys"].is_string()), (None, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_stopped_started_rebooted_renamed_and_resized() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let id = create(&triton, &["-n", "g1"]).await["id"].as_str().unwrap().to_owned();
    triton.ok(&["inst", "stop", "-w", "g1"]).await;
    assert_eq!(truth(&site, &id).1, MachineState::Stopped);
    triton.ok(&["inst", "start", "-w", "g1"]).await;
    assert_eq!(truth(&site, &id).1, MachineState::Running);
    triton.ok(&["inst", "reboot", "-w", "g1"]).await;
    triton.ok(&["inst", "rename", "-w", "g1", "renamed"]).await;
    assert_eq!(truth(&site, &id).0, "renamed");
    triton.ok(&["inst", "resize", "-w", "renamed", "sample-2G"]).await;
    assert_eq!(triton.json(&["inst", "get", "renamed", "-j"]).await["package"], "sample-2G");

    let audit = triton.lines(&["inst", "audit", "renamed", "-j"]).await;
    let mut actions: Vec<&str> = audit.iter().map(|record| record["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["provision", "reboot", "rename", "resize", "start", "stop"]);
    assert!(audit.iter().all(|record| record["success"] == "yes"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_waits_for_the_end_and_protection_prevents_it() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let id = create(&triton, &["-n", "g1"]).await["id"].as_str().unwrap().to_owned();
    triton.ok(&["inst", "enable-deletion-protection", "-w", "g1"]).await;
    let (code, complaint) = triton.refused(&["inst", "delete", "-f", "-w", "g1"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("Instance has \"deletion_protection\" enabled, preventing deletion"), "{complaint}");
    assert_eq!(truth(&site, &id).1, MachineState::Running);
    triton.ok(&["inst", "disable-deletion-protection", "-w", "g1"]).await;
    triton.ok(&["inst", "delete", "-f", "-w", "g1"]).await;
    assert_eq!(truth(&site, &id).1, MachineState::Deleted);
    assert_eq!(triton.ok(&["inst", "list", "-j"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_and_firewall_rules_work_too() {
    let site = site().await;
    let triton = Triton::demo(&site);
    create(&triton, &["-n", "g1"]).await;
    triton.ok(&["inst", "snapshot", "create", "-w", "-n", "first", "g1"]).await;
    assert_eq!(names(&triton.lines(&["inst", "snapshot", "list", "g1", "-j"]).await), ["first"]);
    triton.ok(&["inst", "snapshot", "delete", "-w", "-f", "g1", "first"]).await;
    assert_eq!(triton.ok(&["inst", "snapshot", "list", "g1", "-j"]).await, "");
    triton.ok(&["inst", "enable-firewall", "-w", "g1"]).await;
    triton.ok(&["fwrule", "create", "FROM any TO all vms ALLOW tcp PORT 22"]).await;
    let rules = triton.lines(&["fwrule", "list", "-j"]).await;
    let id = rules[0]["id"].as_str().unwrap();
    assert_eq!(rules[0]["enabled"], true);
    triton.ok(&["fwrule", "disable", id]).await;
    assert_eq!(triton.json(&["fwrule", "get", id, "-j"]).await["enabled"], false);
    triton.ok(&["fwrule", "delete", "-f", id]).await;
    assert_eq!(triton.ok(&["fwrule", "list", "-j"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn interfaces_are_created_listed_and_deleted() {
    let site = site().await;
    let triton = Triton::demo(&site);
    create(&triton, &["-n", "g1", "-N", "external"]).await;
    triton.ok(&["inst", "nic", "create", "-w", "g1", "internal"]).await;
    let nics = triton.lines(&["inst", "nic", "list", "g1", "-j"]).await;
    assert_eq!(nics.len(), 2, "{nics:?}");
    let added = nics.iter().find(|nic| nic["primary"] == false).unwrap()["mac"].as_str().unwrap();
    assert_eq!(triton.json(&["inst", "nic", "get", "g1", added, "-j"]).await["state"], "running");
    triton.ok(&["inst", "nic", "delete", "-f", "g1", added]).await;
}

/// The command prints what the feed tells, for as long as it runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_change_feed_is_followed() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let id = create(&triton, &["-n", "g1"]).await["id"].as_str().unwrap().to_owned();
    let mut follower = triton.start(&["changefeed", "-j"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // Nobody says when the command has registered, so the instance changes until it notices.
    let change_for_ever = async {
        for round in 0_u64.. {
            triton.ok(&["inst", "tag", "set", "g1", &format!("round={round}")]).await;
        }
    };
    let frame = tokio::select! {
        line = lines.next_line() => line.unwrap().expect("a frame"),
        () = change_for_ever => unreachable!("it goes on for ever"),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("no frame within a minute"),
    };
    let frame: Value = serde_json::from_str(&frame).unwrap();
    assert_eq!(frame["changedResourceId"], id.as_str());
    follower.kill().await.unwrap();
}
