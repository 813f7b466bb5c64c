//! One account never sees, changes or learns of another's things: every route with every
//! foreign id.

use serde_json::json;

use crate::support::{Form, Site};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_a_foreign_id_like_one_that_does_not_exist() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let group = site.group("web", &template, 1).await;
    let account = site.v2("GET", "/v2/account", "").await.json()["id"].as_str().unwrap().to_owned();
    let nobody = "6b1ab0b8-0000-4000-8000-000000000000";
    let body = json!({"group_name": "web", "template_id": template, "capacity": 0, "instance_count": 1,
        "max_instance": 9, "min_instance": 0})
    .to_string();
    let routes = [
        ("GET", "/v1/tsg/templates/{}", "", 404),
        ("DELETE", "/v1/tsg/templates/{}", "", 404),
        ("GET", "/v1/tsg/groups/{}", "", 404),
        ("PUT", "/v1/tsg/groups/{}", body.as_str(), 404),
        ("DELETE", "/v1/tsg/groups/{}", "", 404),
        ("PUT", "/v1/tsg/groups/{}/increment", body.as_str(), 404),
        ("PUT", "/v1/tsg/groups/{}/decrement", body.as_str(), 404),
        ("GET", "/v1/tsg/groups/{}/instances", "", 404),
        ("GET", "/v2/templates/{}", "", 404),
        ("DELETE", "/v2/templates/{}", "", 404),
        ("GET", "/v2/groups/{}", "", 404),
        ("PATCH", "/v2/groups/{}", r#"{"capacity":0}"#, 404),
        ("DELETE", "/v2/groups/{}", "", 404),
        ("POST", "/v2/groups/{}/plan", r#"{"capacity":0}"#, 404),
        ("GET", "/v2/groups/{}/why", "", 404),
        ("GET", "/v2/groups/{}/why?instance=nobody", "", 404),
        ("POST", "/v2/groups/{}/reconcile", "", 404),
        ("GET", "/v2/groups/{}/instances", "", 404),
        ("GET", "/v2/groups/{}/operations", "", 404),
        ("GET", "/v2/groups/{}/audit?verify=true", "", 404),
    ];
    for (method, route, body, status) in routes {
        for id in [template.as_str(), &group, &account, nobody, "no-uuid", "%27;--"] {
            let path = route.replace("{}", id);
            let asking = site.ask(method, &path).body(body).unique().signed(&site.other, Form::Target);
            let answer = asking.send().await;
            let text = answer.body.replace(id, "");
            assert_eq!(answer.status, status, "{method} {path}: {text}");
            assert!(!text.contains("web"), "{method} {path}: {text}");
        }
    }
    // A foreign template cannot be put to use, and nothing is saved.
    for (path, body) in [
        ("/v1/tsg/groups", json!({"group_name": "mine", "template_id": template, "capacity": 1})),
        ("/v2/groups", json!({"name": "mine", "template_id": template, "capacity": 1})),
    ] {
        let answer =
            site.ask("POST", path).body(body.to_string()).unique().signed(&site.other, Form::Target).send().await;
        assert_eq!(answer.status, 422, "{answer:?}");
    }
    for path in ["/v1/tsg/groups", "/v1/tsg/templates"] {
        assert_eq!(site.ask("GET", path).signed(&site.other, Form::DateOnly).send().await.body, "[]");
    }
    // The owner's things are as they were.
    let kept = site.v1("GET", &format!("/v1/tsg/groups/{group}"), "").await.json();
    assert_eq!((&kept["capacity"], &kept["template_id"]), (&json!(1), &json!(template)));
    // Names are each account's own.
    let same = json!({"name": "t", "package": nobody, "image": nobody}).to_string();
    let answer = site.ask("POST", "/v2/templates").body(same).unique().signed(&site.other, Form::Target).send().await;
    assert_eq!(answer.status, 201, "{answer:?}");
    site.end().await;
}
