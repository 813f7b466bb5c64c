//! Every route of TSG v1: status, headers, fields and texts.

use serde_json::{Value, json};

use crate::support::{Form, Site, site::eventually};

const NOBODY: &str = "6b1ab0b8-0000-4000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_made_shown_listed_and_deleted_as_before() {
    let site = Site::enrolled().await;
    assert_eq!(site.v1("GET", "/v1/tsg/templates", "").await.body, "[]");

    let body = site.template_body("jolly-jelly");
    let made = site.v1("POST", "/v1/tsg/templates", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let template = made.json();
    let id = template["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/v1/tsg/templates/{id}"));
    assert_eq!(template["template_name"], "jolly-jelly");
    assert_eq!(template["networks"], json!([""]), "no networks are one empty one, as v1 has it");
    assert_eq!(template["metadata"], Value::Null);
    assert_eq!(template["tags"], json!({"owner": "user"}));
    assert_eq!((&template["userdata"], &template["firewall_enabled"]), (&json!(""), &json!(false)));
    assert_microseconds(&template["created_at"]);
    let fields: Vec<_> = template.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields.len(), 10, "{fields:?}");

    let shown = site.v1("GET", &format!("/v1/tsg/templates/{id}"), "").await;
    assert_eq!((shown.status, shown.json()), (200, template.clone()));
    assert_eq!(site.v1("GET", "/v1/tsg/templates", "").await.json(), json!([template]));

    let again = site.v1("POST", "/v1/tsg/templates", &body).await;
    assert_text(&again, 409, "Cannot create template \"jolly-jelly\", conflicts with another template.");

    let group = site.group("web", id, 0).await;
    let in_use = site.v1("DELETE", &format!("/v1/tsg/templates/{id}"), "").await;
    let text = format!("Cannot delete template \"{id}\" while in use, must be removed from all groups first.");
    assert_text(&in_use, 409, &text);
    assert_eq!(site.v1("DELETE", &format!("/v1/tsg/groups/{group}"), "").await.status, 204);
    let deleted = site.v1("DELETE", &format!("/v1/tsg/templates/{id}"), "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for id in [id, NOBODY, "no-uuid", "1"] {
        for method in ["GET", "DELETE"] {
            assert_eq!(site.v1(method, &format!("/v1/tsg/templates/{id}"), "").await.status, 404, "{method} {id}");
        }
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_tags_become_what_cloudapi_demands_and_come_back_as_text() {
    let site = Site::enrolled().await;
    let mut body: Value = serde_json::from_str(&site.template_body("t")).unwrap();
    body["tags"] = json!({"triton.cns.disable": "true", "n": "1"});
    body["networks"] = json!([""]);
    body["metadata"] = Value::Null;
    let made = site.v1("POST", "/v1/tsg/templates", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["tags"], json!({"triton.cns.disable": "true", "n": "1"}));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let typed = site.v2("GET", &format!("/v2/templates/{id}"), "").await.json();
    assert_eq!(typed["tags"], json!({"triton.cns.disable": true, "n": "1"}));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_changed_and_deleted_as_before() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.body, "[]");
    let body = json!({"group_name": "jolly-jelly", "template_id": template, "capacity": 2}).to_string();
    let made = site.v1("POST", "/v1/tsg/groups", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let group = made.json();
    let id = group["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/v1/tsg/groups/{id}"));
    assert_eq!((&group["group_name"], &group["capacity"]), (&json!("jolly-jelly"), &json!(2)));
    assert_microseconds(&group["created_at"]);
    assert_eq!(group["created_at"], group["updated_at"]);
    assert_eq!(group.as_object().unwrap().len(), 6);
    let path = format!("/v1/tsg/groups/{id}");
    assert_eq!(site.v1("GET", &path, "").await.json(), group);
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.json(), json!([group]));
    let text = "Cannot create group \"jolly-jelly\", group name conflicts with existing group.";
    assert_text(&site.v1("POST", "/v1/tsg/groups", &body).await, 409, text);

    let five = json!({"group_name": "jolly-jelly", "template_id": template, "capacity": 5}).to_string();
    let changed = site.v1("PUT", &path, &five).await;
    assert_eq!((changed.status, &changed.json()["capacity"]), (200, &json!(5)));
    assert_ne!(changed.json()["updated_at"], group["updated_at"]);
    let renamed = json!({"group_name": "x-ray", "template_id": template, "capacity": 5}).to_string();
    assert_text(
        &site.v1("PUT", &path, &renamed).await,
        400,
        "The group name \"x-ray\" does not match the name on the record.",
    );
    // Go leaves out a zero.
    let zero = json!({"group_name": "jolly-jelly", "template_id": template}).to_string();
    assert_eq!(site.v1("PUT", &path, &zero).await.json()["capacity"], 0);
    // Terraform leaves out the id.
    let by_name = site.v1("PUT", "/v1/tsg/groups", &five).await;
    assert_eq!((by_name.status, &by_name.json()["id"], &by_name.json()["capacity"]), (200, &json!(id), &json!(5)));

    let deleted = site.v1("DELETE", &path, "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.body, "[]");
    for (method, path) in
        [("GET", path.clone()), ("PUT", path.clone()), ("DELETE", path), ("PUT", "/v1/tsg/groups".to_owned())]
    {
        assert_eq!(site.v1(method, &path, &five).await.status, 404, "{method} {path}");
    }
    // The name is free at once.
    assert_eq!(site.v1("POST", "/v1/tsg/groups", &body).await.status, 201);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_and_decrements_are_clamped_and_never_drop_the_connection() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let id = site.group("web", &template, 5).await;
    let table = [
        ("increment", json!({"instance_count": 2, "max_instance": 10}), 202, 7),
        ("increment", json!({"instance_count": 9, "max_instance": 10}), 202, 10),
        ("increment", json!({"instance_count": 1, "max_instance": 10}), 202, 10),
        ("increment", json!({"instance_count": 1, "max_instance": 3}), 202, 10),
        ("decrement", json!({"instance_count": 3, "min_instance": 2}), 202, 7),
        ("decrement", json!({"instance_count": 9, "min_instance": 2}), 202, 2),
        ("decrement", json!({"instance_count": 1, "min_instance": 2}), 202, 2),
        ("decrement", json!({"instance_count": 1, "min_instance": 5}), 202, 2),
        ("increment", json!({"instance_count": i64::MAX, "max_instance": i64::MAX}), 202, 1000),
        ("decrement", json!({"instance_count": i64::MAX, "min_instance": 0}), 202, 0),
        ("increment", json!({"instance_count": -1, "max_instance": 3}), 422, 0),
        ("decrement", json!({"instance_count": 1, "min_instance": -3}), 422, 0),
        ("increment", json!({"instance_count": 1}), 422, 0),
        ("increment", json!({"max_instance": 1}), 422, 0),
        ("decrement", json!({}), 422, 0),
        ("decrement", Value::Null, 422, 0),
        ("increment", json!({"instance_count": "1", "max_instance": 3}), 422, 0),
    ];
    for (action, body, status, capacity) in table {
        let answer = site.v1("PUT", &format!("/v1/tsg/groups/{id}/{action}"), &body.to_string()).await;
        assert_eq!(answer.status, status, "{action} {body}: {answer:?}");
        if status == 202 {
            assert_eq!(answer.body, "", "{action} {body}");
        }
        let group = site.v1("GET", &format!("/v1/tsg/groups/{id}"), "").await.json();
        assert_eq!(group["capacity"], capacity, "{action} {body}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_at_the_same_moment_all_count() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let id = site.group("web", &template, 0).await;
    let (path, body) = (format!("/v1/tsg/groups/{id}/increment"), r#"{"instance_count":1,"max_instance":100}"#);
    let answers = futures_util::future::join_all((0..12).map(|_| site.v1("PUT", &path, body))).await;
    assert!(answers.iter().all(|answer| answer.status == 202), "{answers:?}");
    assert_eq!(site.v1("GET", &format!("/v1/tsg/groups/{id}"), "").await.json()["capacity"], 12);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_answers_as_go_did() {
    let site = Site::enrolled().await;
    let unknown = site.v1("GET", "/v1/tsg/nothing", "").await;
    assert_text(&unknown, 404, "404 page not found");
    assert_eq!(site.v1("GET", "/", "").await.status, 404);
    for (method, path) in [
        ("PATCH", "/v1/tsg/groups"),
        ("PUT", "/v1/tsg/templates"),
        ("PUT", "/v1/tsg/templates/x"),
        ("GET", "/v1/tsg/groups/x/increment"),
    ] {
        let answer = site.v1(method, path, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{method} {path}");
    }
    for path in ["/v1/tsg/groups/", "/v1/tsg/templates/", "/v1/tsg/groups/x/instances/"] {
        let answer = site.v1("GET", path, "").await;
        assert_eq!((answer.status, answer.header("location")), (301, path.trim_end_matches('/')), "{path}");
    }
    // Nobody learns the routes without an account.
    let unsigned = site.ask("GET", "/v1/tsg/nothing").send().await;
    assert_eq!(unsigned.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_the_machines_of_the_ledger_in_the_old_shape() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let id = site.group("web", &template, 3).await;
    let path = format!("/v1/tsg/groups/{id}/instances");
    let is_converged = |answer: &crate::support::Answer| {
        answer.status == 200
            && answer.json().as_array().unwrap().iter().filter(|machine| machine["state"] == "running").count() == 3
    };
    let answer = eventually(async || site.v1("GET", &path, "").await, is_converged).await;
    let machine = &answer.json()[0];
    for field in [
        "id",
        "name",
        "type",
        "brand",
        "state",
        "image",
        "memory",
        "disk",
        "metadata",
        "tags",
        "created",
        "updated",
        "docker",
        "ips",
        "networks",
        "primaryIp",
        "firewall_enabled",
        "compute_node",
        "package",
        "dns_names",
        "deletion_protection",
        "CNS",
    ] {
        assert!(machine.get(field).is_some(), "{field} is missing in {machine}");
    }
    assert_eq!(machine["tags"]["tsg.name"], "web");
    assert_eq!(machine["tags"]["tsg.template"], json!(template));
    assert_eq!(machine["tags"]["owner"], "user");
    assert_eq!(machine["CNS"], json!({"Disable": false, "ReversePTR": "", "Services": null}));
    let empty = site.group("empty", &template, 0).await;
    assert_eq!(site.v1("GET", &format!("/v1/tsg/groups/{empty}/instances"), "").await.body, "[]");
    let other = site.ask("GET", &path).signed(&site.other, Form::DateOnly).send().await;
    assert_eq!(other.status, 404);
    site.end().await;
}

fn assert_text(answer: &crate::support::Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body.lines().next(), Some(text));
    assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
}

fn assert_microseconds(value: &Value) {
    let text = value.as_str().unwrap();
    assert_eq!(text.len(), "2018-04-14T15:24:20.205784Z".len(), "{text}");
    assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
}
