//! Machines from create to gone.

use http::Method;
use serde_json::{Value, json};
use tsg_sim::admin::ClockCommand;
use tsg_sim::world::{Fault, FaultRule};

use crate::client::{Answer, Ask, Client};
use crate::support::site::{FAST, Site, quick};

fn message(answer: &Answer) -> String {
    answer.refusal().2
}

#[tokio::test]
async fn a_create_is_answered_with_a_provisioning_machine_that_cannot_be_acted_on() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let hold = site.server.admin().inject(&FaultRule::from(Fault::HoldProvision)).await.unwrap();
    let answer = client.post("/my/machines", &client.request("web").await).await.expect(201);
    let machine = answer.json();
    let id = machine["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/demo/machines/{id}"));
    for (field, value) in [
        ("name", json!("web")),
        ("state", json!("provisioning")),
        ("ips", json!([])),
        ("networks", json!([])),
        ("package", json!("")),
    ] {
        assert_eq!(machine[field], value, "{field}");
    }
    assert!(machine["compute_node"].is_string());
    assert!(machine.get("primaryIp").is_none() && machine.get("dns_names").is_none());

    assert_eq!(client.get(&format!("/my/machines/{id}")).await.expect(200).json()["state"], "provisioning");
    assert_eq!(client.get("/my/machines?name=web").await.json().as_array().unwrap().len(), 1);
    let early = client.post(&format!("/my/machines/{id}"), &json!({"action": "stop"})).await;
    let words = "Cannot call stop for a VM that has not been provisioned yet".to_owned();
    assert_eq!(early.refusal(), (409, "UnallocatedVM".into(), words));

    site.server.admin().clear(hold).await.unwrap();
    let running =
        client.until(&format!("/my/machines/{id}"), |answer| answer.json()["state"] == "running").await.json();
    assert_eq!(running["package"], "sample-1G");
    assert_eq!(running["ips"].as_array().unwrap().len(), 2);
    assert!(running["dns_names"].as_array().unwrap().len() > 1);
    assert_eq!(running["created"], machine["created"]);
    assert_eq!(running["nics"][0]["primary"], true);
    assert_eq!(running["primaryIp"], running["nics"][0]["ip"]);
}

#[tokio::test]
async fn names_are_unique_among_the_living() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("web").await;
    let id = client.running("web").await;
    let refused = client.post("/my/machines", &body).await.expect(409).json();
    let expected = json!({
        "code": "ValidationFailed",
        "message": "Invalid VM parameters: Invalid machine name",
        "errors": [{"field": "alias", "code": "Duplicate", "message": "Already exists for this owner_uuid"}],
    });
    assert_eq!(refused, expected);
    client.delete(&format!("/my/machines/{id}")).await.expect(204);
    client.until(&format!("/my/machines/{id}"), |answer| answer.status == 410).await;
    client.create(&body).await;

    site.server.admin().inject(&FaultRule::times(Fault::FailProvision, 1)).await.unwrap();
    let failing = client.create(&client.request("again").await).await;
    client.until(&format!("/my/machines/{failing}"), |answer| answer.json()["state"] == "failed").await;
    client.create(&client.request("again").await).await;
}

#[tokio::test]
async fn names_are_checked_and_expanded() {
    let site = Site::at_speed(FAST, quick()).await;
    let (client, other) = (Client::demo(&site), Client::other(&site));
    let mut body = client.request("x-{{shortId}}").await;
    let created = client.post("/my/machines", &body).await.expect(201).json();
    let short = created["id"].as_str().unwrap().split('-').next().unwrap();
    assert_eq!(created["name"], format!("x-{short}"));
    for wrong in ["-x", "a b", "é"] {
        body["name"] = json!(wrong);
        let refused = client.post("/my/machines", &body).await.expect(409).json();
        assert_eq!(
            (refused["code"].as_str(), refused["errors"][0]["field"].as_str()),
            (Some("ValidationFailed"), Some("alias")),
            "{wrong}"
        );
    }
    body["name"] = json!("a".repeat(64));
    let refused = client.post("/my/machines", &body).await.expect(409);
    assert!(message(&refused).contains("longer than 63 characters"), "{}", message(&refused));
    other.post("/my/machines", &body).await.expect(201);
    body["name"] = json!("a".repeat(190));
    other.post("/my/machines", &body).await.expect(409);
}

/// The checks of a create in upstream's order: of two faults in one request, the earlier one is named.
#[tokio::test]
async fn creates_are_refused_in_upstreams_order() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    client.create(&client.request("taken").await).await;
    let unknown = "11111111-2222-4333-8444-555555555555";
    let flaws: [(&str, Value, u16, &str); 7] = [
        ("image", Value::Null, 409, "image must be specified"),
        ("image", json!("nope"), 409, "nope is not a valid image"),
        ("package", Value::Null, 409, "package must be specified"),
        ("package", json!("nope"), 409, "nope is not a valid package"),
        ("networks", json!([unknown]), 409, "Invalid Networks"),
        ("affinity", json!(["foo"]), 409, "could not find operator in affinity rule"),
        ("name", json!("taken"), 409, "Invalid VM parameters: Invalid machine name"),
    ];
    let sound = client.request("sound").await;
    for (position, (field, value, status, words)) in flaws.iter().enumerate() {
        let mut body = sound.clone();
        body[field] = value.clone();
        let refused = client.post("/my/machines", &body).await.expect(*status);
        assert!(message(&refused).contains(words), "{field}={value}: {}", message(&refused));
        for (later, worse, ..) in flaws.iter().skip(position + 1).filter(|(later, ..)| later != field) {
            let mut pair = body.clone();
            pair[later] = worse.clone();
            let refused = client.post("/my/machines", &pair).await;
            assert!(message(&refused).contains(words), "{field} and {later}: {}", message(&refused));
        }
    }
    let mut body = sound.clone();
    body["image"] = json!(unknown);
    client.post("/my/machines", &body).await.expect(404);
}

#[tokio::test]
async fn networks_decide_the_interfaces() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let networks = client.get("/my/networks").await.expect(200).json();
    let id_of = |name: &str| {
        let all = networks.as_array().unwrap();
        all.iter().find(|network| network["name"] == name).unwrap_or_else(|| panic!("no {name}"))["id"].clone()
    };
    let (external, internal) = (id_of("external"), id_of("internal"));
    let id = client.running("two-nics").await;
    let machine = client.get(&format!("/my/machines/{id}")).await.json();
    let primary = machine["nics"].as_array().unwrap().iter().find(|nic| nic["primary"] == true).unwrap().clone();
    assert_eq!((machine["nics"].as_array().unwrap().len(), &primary["network"]), (2, &external));

    let taken = primary["ip"].clone();
    let mut body = client.request("placed").await;
    body["networks"] = json!([{"ipv4_uuid": external, "ipv4_ips": [taken]}]);
    let refused = client.post("/my/machines", &body).await.expect(422).json();
    assert_eq!(
        (refused["code"].as_str(), refused["errors"][0]["code"].as_str()),
        (Some("InvalidParameters"), Some("UsedBy"))
    );
    // The refused create left a record behind that holds its name until its provisioning has failed.
    (body["name"], body["networks"]) = (json!("inside"), json!([internal]));
    let id = client.create(&body).await;
    let placed = client.until(&format!("/my/machines/{id}"), |answer| answer.json()["state"] == "running").await;
    assert_eq!(placed.json()["networks"], json!([internal]));
}

#[tokio::test]
async fn deletion_is_prevented_by_protection_and_leaves_a_tombstone() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let mut body = client.request("guarded").await;
    (body["deletion_protection"], body["tag.role"]) = (json!(true), json!("web"));
    let id = client.create(&body).await;
    let path = format!("/my/machines/{id}");
    client.until(&path, |answer| answer.json()["state"] == "running").await;
    let words = "Instance has \"deletion_protection\" enabled, preventing deletion".to_owned();
    assert_eq!(client.delete(&path).await.refusal(), (409, "CannotDestroyMachineError".into(), words));

    client.post(&path, &json!({"action": "disable_deletion_protection"})).await.expect(202);
    client.until(&path, |answer| answer.json()["deletion_protection"] == false).await;
    client.delete(&path).await.expect(204);
    let gone = client.until(&path, |answer| answer.status == 410).await.json();
    assert_eq!((gone["state"].as_str(), gone["tags"]["role"].as_str()), (Some("deleted"), Some("web")));
    client.delete(&path).await.expect(410);
    client.post(&path, &json!({"action": "stop"})).await.expect(410);
    assert_eq!(client.get("/my/machines").await.json(), json!([]));
    let unknown = "11111111-2222-4333-8444-555555555555";
    let missing = client.get(&format!("/my/machines/{unknown}")).await.refusal();
    assert_eq!(missing, (404, "ResourceNotFound".into(), format!("VM {unknown} not found")));
    Client::other(&site).get(&path).await.expect(404);
    let odd = client.get(&path.to_uppercase().replace("/MY/MACHINES", "/my/machines")).await.expect(409).json();
    assert_eq!(
        (odd["code"].as_str(), odd["errors"][0]["message"].as_str()),
        (Some("ValidationFailed"), Some("Invalid UUID"))
    );
}

#[tokio::test]
async fn a_failed_machine_hides_from_lists_and_can_be_deleted() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    site.server.admin().inject(&FaultRule::times(Fault::FailProvision, 1)).await.unwrap();
    let id = client.create(&client.request("doomed").await).await;
    let path = format!("/my/machines/{id}");
    client.until(&path, |answer| answer.json()["state"] == "failed").await.expect(200);
    assert_eq!(client.get("/my/machines").await.json(), json!([]));
    let tombs = client.get("/my/machines?tombstone=true").await.json();
    assert_eq!(tombs[0]["id"], id.as_str());
    client.delete(&path).await.expect(204);
    client.until(&path, |answer| answer.status == 410).await;
}

#[tokio::test]
async fn actions_that_make_no_sense_are_accepted_and_fail_in_the_audit() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let path = format!("/my/machines/{id}");
    client.post(&path, &json!({"action": "start"})).await.expect(202);
    let audit = client.until(&format!("{path}/audit"), |answer| answer.json()[0]["action"] == "start").await.json();
    assert_eq!(audit[0]["success"], "no");
    assert_eq!(audit[1]["action"], "provision");
    assert_eq!(audit[0]["caller"]["type"], "signature");
    assert!(audit[0]["caller"]["keyId"].as_str().unwrap().starts_with("/demo/keys/"));
    assert!(audit[0]["time"].as_str() > audit[1]["time"].as_str());
    assert_eq!(client.get(&path).await.json()["state"], "running");
}

#[tokio::test]
async fn renaming_and_resizing_take_effect_later() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("old").await;
    client.running("taken").await;
    let path = format!("/my/machines/{id}");
    client.post(&path, &json!({"action": "rename", "name": "new"})).await.expect(202);
    client.until(&path, |answer| answer.json()["name"] == "new").await;
    let refused = client.post(&path, &json!({"action": "rename", "name": "taken"})).await.expect(409);
    assert!(message(&refused).starts_with("Invalid VM update parameters"), "{}", message(&refused));
    client.post(&path, &json!({"action": "resize", "package": "sample-2G"})).await.expect(202);
    let resized = client.until(&path, |answer| answer.json()["package"] == "sample-2G").await.json();
    assert_eq!(resized["memory"], 2048);
}

#[tokio::test]
async fn metadata_has_the_accounts_keys_and_protects_them() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let mut body = client.request("web").await;
    (body["metadata.user-data"], body["metadata.x_pw"]) = (json!("hello"), json!("secret"));
    let id = client.create(&body).await;
    let path = format!("/my/machines/{id}");
    let machine = client.until(&path, |answer| answer.json()["state"] == "running").await.json();
    assert_eq!(machine["metadata"]["user-data"], "hello");
    assert_eq!(machine["metadata"].get("x_pw"), None);
    assert_eq!(machine["metadata"]["root_authorized_keys"].as_str().unwrap().lines().count(), 3);
    let added = client.post(&format!("{path}/metadata"), &json!({"color": "red"})).await.expect(200).json();
    assert_eq!((added["color"].as_str(), added["user-data"].as_str()), (Some("red"), Some("hello")));
    client.until(&format!("{path}/metadata"), |answer| answer.json()["color"] == "red").await;
    assert_eq!(client.get(&format!("{path}/metadata/color")).await.expect(200).json(), "red");
    let missing = client.get(&format!("{path}/metadata/zz")).await.refusal();
    assert_eq!(missing, (404, "ResourceNotFound".into(), "metadatum \"zz\" not found".into()));
    client.delete(&format!("{path}/metadata")).await.expect(204);
    let left =
        client.until(&format!("{path}/metadata"), |answer| answer.json().as_object().unwrap().len() == 1).await.json();
    assert!(left["root_authorized_keys"].is_string());
}

#[tokio::test]
async fn concurrent_creates_of_strict_anti_affinity_see_one_another() {
    let spec = tsg_sim::world::WorldSpec { racks: 3, servers_per_rack: 1, ..quick() };
    let site = Site::at_speed(FAST, spec).await;
    let client = Client::demo(&site);
    let template = client.request("x").await;
    let creates = (0..4).map(|n| {
        let mut body = template.clone();
        body["name"] = json!(format!("web-{n}"));
        (body["tag.role"], body["affinity"]) = (json!("web"), json!(["role!=web"]));
        let client = &client;
        async move { client.send(Ask::new(Method::POST, "/my/machines").json(&body)).await }
    });
    let answers = futures_util::future::join_all(creates).await;
    let created: Vec<Value> = answers.iter().filter(|answer| answer.status == 201).map(Answer::json).collect();
    let nodes: std::collections::BTreeSet<&str> =
        created.iter().map(|machine| machine["compute_node"].as_str().unwrap()).collect();
    assert_eq!((created.len(), nodes.len()), (3, 3));
    let refused = answers.iter().find(|answer| answer.status != 201).unwrap();
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("NoAllocatableServersError")));
}

#[tokio::test]
async fn two_creates_of_one_name_in_flight_may_both_succeed_when_the_race_is_on() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("fair").await;
    let (one, two) = tokio::join!(client.post("/my/machines", &body), client.post("/my/machines", &body));
    assert_eq!(one.status.min(two.status), 201);
    assert_eq!(one.status.max(two.status), 409);
    // Time stands still while both requests are checked, so that neither is placed before the other arrived.
    site.server.admin().inject(&FaultRule::from(Fault::NameRace)).await.unwrap();
    let admin = site.server.admin();
    admin.set_clock(ClockCommand::Pause).await.unwrap();
    let body = client.request("raced").await;
    let both = async { tokio::join!(client.post("/my/machines", &body), client.post("/my/machines", &body)) };
    let resume = async {
        while admin.stats().await.unwrap().creating < 2 {
            tokio::task::yield_now().await;
        }
        admin.set_clock(ClockCommand::Resume).await.unwrap();
    };
    let ((one, two), ()) = tokio::join!(both, resume);
    assert_eq!((one.status, two.status), (201, 201));
}
