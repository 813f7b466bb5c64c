//! Interfaces, snapshots and firewall rules.

use http::Method;
use serde_json::json;

use crate::client::{Ask, Client};
use crate::support::site::{FAST, Site, quick};

#[tokio::test]
async fn interfaces_are_added_and_removed_by_a_reboot() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let nics = format!("/my/machines/{id}/nics");
    let listed = client.get(&nics).await.expect(200);
    assert_eq!((listed.json().as_array().unwrap().len(), listed.header("x-resource-count")), (2, "2"));
    let fabric = client.get("/my/networks?fabric=true").await.expect(200).json()[0]["id"].clone();

    let added = client.post(&nics, &json!({"network": fabric})).await.expect(201);
    let mac = added.json()["mac"].as_str().unwrap().replace(':', "");
    assert_eq!(added.header("location"), format!("/demo/machines/{id}/nics/{mac}"));
    assert_eq!(added.json()["state"], "provisioning");
    let nic = format!("{nics}/{mac}");
    client.until(&nic, |answer| answer.json()["state"] == "running").await;
    let again = client.post(&nics, &json!({"network": fabric})).await.expect(302);
    assert_eq!((again.header("location"), again.body.len()), (added.header("location"), 0));
    let missing = client.post(&nics, &json!({})).await.refusal();
    assert_eq!((missing.0, missing.2.as_str()), (409, "network must be specified"));
    client.get(&format!("{nics}/{}", added.json()["mac"].as_str().unwrap())).await.expect(409);
    client.delete(&nic).await.expect(204);
    client.until(&nics, |answer| answer.json().as_array().unwrap().len() == 2).await;
}

#[tokio::test]
async fn snapshots_are_queued_created_rolled_back_to_and_deleted() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let snapshots = format!("/my/machines/{id}/snapshots");
    let queued = client.post(&snapshots, &json!({"name": "first"})).await.expect(201).json();
    assert_eq!((queued["name"].as_str(), queued["state"].as_str()), (Some("first"), Some("queued")));
    let first = format!("{snapshots}/first");
    client.until(&first, |answer| answer.status == 200 && answer.json()["state"] == "created").await;
    assert_eq!(client.get(&snapshots).await.expect(200).json().as_array().unwrap().len(), 1);
    client.send(Ask::new(Method::POST, &first)).await.expect(202);
    client.until(&format!("/my/machines/{id}/audit"), |answer| answer.json()[0]["action"] == "rollback_snapshot").await;
    client.delete(&first).await.expect(204);
    client.until(&first, |answer| answer.status == 404).await;
}

#[tokio::test]
async fn firewall_rules_are_kept() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let text = "FROM any TO all vms ALLOW tcp PORT 22";
    let created = client.post("/my/fwrules", &json!({"rule": text})).await.expect(201);
    let rule = created.header("location").to_owned();
    assert_eq!((created.json()["enabled"].as_bool(), created.json()["rule"].as_str()), (Some(false), Some(text)));
    assert_eq!(client.post(&format!("{rule}/enable"), &json!({})).await.expect(200).json()["enabled"], true);
    assert_eq!(client.get(&format!("{rule}/machines")).await.expect(200).json()[0]["id"], id.as_str());
    assert_eq!(
        client.get(&format!("/my/machines/{id}/fwrules")).await.expect(200).json()[0],
        client.get(&rule).await.json()
    );
    let missing = client.post("/my/fwrules", &json!({})).await.expect(409);
    assert_eq!(missing.json()["code"], "MissingParameter");
    assert_eq!(
        client.post("/my/fwrules", &json!({"rule": "nonsense"})).await.expect(422).json()["code"],
        "InvalidParameters"
    );
    client.delete(&rule).await.expect(204);
    client.get(&rule).await.expect(404);
}
