//! Policies, revisions and rollouts over HTTP.

use serde_json::{Value, json};

use crate::support::site::eventually;
use crate::support::{Answer, Site};

/// Counts as healthy at once: time is real here.
const POLICY: &str = r#"{"update": {"min_healthy_time": "0s", "max_surge": 2}}"#;

async fn template(site: &Site, name: &str, role: &str) -> String {
    let mut body: Value = serde_json::from_str(&site.template_body(name)).unwrap();
    body["tags"]["role"] = json!(role);
    let answer = site.v1("POST", "/v1/tsg/templates", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn group(site: &Site, template: &str, capacity: u32) -> String {
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let body = json!({"name": "web", "template_id": template, "capacity": capacity, "policy": policy});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("/v2/groups/{}", made.json()["id"].as_str().unwrap())
}

/// Waits until the rollout of a revision has ended well and nothing is left to do.
async fn rolled_out(site: &Site, path: &str, revision: u32) -> Answer {
    let is_done = |answer: &Answer| {
        let group = answer.json();
        let course = &group["report"]["rollout"]["course"];
        group["status"] == "converged" && course["target"] == revision && course["state"] == "successful"
    };
    eventually(async || site.v2("GET", path, "").await, is_done).await
}

async fn instances(site: &Site, path: &str) -> Vec<(String, u64)> {
    let listed = site.v2("GET", &format!("{path}/instances"), "").await.json();
    let items = listed["items"].as_array().unwrap().iter();
    let mut found: Vec<_> = items
        .map(|item| (item["instance"].as_str().unwrap_or_default().to_owned(), item["revision"].as_u64().unwrap()))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_taken_shown_changed_and_refused_by_name() {
    let site = Site::enrolled().await;
    let first = template(&site, "t", "web").await;
    let path = group(&site, &first, 0).await;
    let shown = site.v2("GET", &path, "").await.json();
    assert_eq!(
        (&shown["policy"]["update"]["max_surge"], &shown["policy"]["update"]["mode"]),
        (&json!(2), &json!("rolling"))
    );

    let changed = site.v2("PATCH", &path, r#"{"policy": {"update": {"canary": 1}}}"#).await;
    assert_eq!((changed.status, &changed.json()["policy"]["update"]["canary"]), (200, &json!(1)), "{changed:?}");
    assert_eq!(changed.json()["policy"]["update"]["max_surge"], 1, "what is left out has its default");
    let refused = site.v2("PATCH", &path, r#"{"policy": {"update": {"max_surge": 0}}}"#).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "InvalidBody"), "{refused:?}");
    assert!(format!("{refused:?}").contains("max_surge"), "{refused:?}");
    let unknown = site.v2("PATCH", &path, r#"{"policy": {"udpate": {}}}"#).await;
    assert_eq!(unknown.status, 422, "{unknown:?}");

    let of_v1 = site.group("old", &first, 0).await;
    let shown = site.v2("GET", &format!("/v2/groups/{of_v1}"), "").await.json();
    assert_eq!(shown["policy"]["update"]["mode"], "on_create", "scripts for TSG v1 see what they know");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_rolled_out_gone_back_from_and_listed() {
    let site = Site::enrolled().await;
    let (first, second) = (template(&site, "t", "web").await, template(&site, "u", "edge").await);
    let path = group(&site, &first, 2).await;
    rolled_out(&site, &path, 1).await;
    let made = instances(&site, &path).await;
    let answer = site.v2("PATCH", &path, &json!({"template_id": second}).to_string()).await;
    assert_eq!((answer.status, &answer.json()["revision"]), (200, &json!(2)), "{answer:?}");
    rolled_out(&site, &path, 2).await;
    let relabelled = instances(&site, &path).await;
    let ids = |found: &[(String, u64)]| found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&relabelled), ids(&made), "a tag changes in place");
    assert!(relabelled.iter().all(|(_, revision)| *revision == 2), "{relabelled:?}");

    let back = site.v2("PATCH", &path, r#"{"revision": 1}"#).await;
    assert_eq!((&back.json()["revision"], &back.json()["template_id"]), (&json!(3), &json!(first)), "{back:?}");
    rolled_out(&site, &path, 3).await;
    let listed = site.v2("GET", &format!("{path}/revisions"), "").await.json();
    let numbers: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert!(listed["items"].as_array().unwrap().iter().all(|item| item["is_stable"] == true), "{listed}");
    let unknown = site.v2("PATCH", &path, r#"{"revision": 9}"#).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "UnknownRevision"), "{unknown:?}");
    let both = site.v2("PATCH", &path, &json!({"revision": 1, "template_id": first}).to_string()).await;
    assert_eq!((both.status, both.code().as_str()), (422, "TwoTemplates"), "{both:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_where_there_is_something_to_order() {
    let site = Site::enrolled().await;
    let first = template(&site, "t", "web").await;
    let path = group(&site, &first, 2).await;
    rolled_out(&site, &path, 1).await;
    let order = async |action: &str| {
        site.v2("POST", &format!("{path}/rollout"), &json!({ "action": action }).to_string()).await
    };
    for action in ["promote", "abort", "continue"] {
        let refused = order(action).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "NoRollout"), "{action}: {refused:?}");
    }
    let paused = order("pause").await;
    assert_eq!((paused.status, &paused.json()["orders"]["is_paused"]), (200, &json!(true)), "{paused:?}");
    assert_eq!(order("continue").await.json()["orders"]["is_paused"], false);
    assert_eq!(order("resume_repairs").await.status, 200);
    assert_eq!(order("dance").await.status, 422);
    let nobody = site.v2("POST", "/v2/groups/00000000-0000-4000-8000-000000000000/rollout", r#"{"action":"pause"}"#);
    assert_eq!(nobody.await.status, 404);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_replaced_when_asked_for() {
    let site = Site::enrolled().await;
    let first = template(&site, "t", "web").await;
    let path = group(&site, &first, 2).await;
    rolled_out(&site, &path, 1).await;
    let made = instances(&site, &path).await;
    let ask = async |body: &str| site.v2("POST", &format!("{path}/reprovision"), body).await;
    for body in ["", "{}", r#"{"revision": 7}"#] {
        let refused = ask(body).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "NothingChosen"), "{body}: {refused:?}");
    }
    let asked = ask(&json!({ "instances": [made[0].0] }).to_string()).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let is_replaced = |answer: &Answer| answer.json()["status"] == "converged";
    eventually(
        async || {
            let now = instances(&site, &path).await;
            let is_new = now.len() == 2 && !now.iter().any(|(id, _)| *id == made[0].0);
            let path = if is_new { path.as_str() } else { "/v2/groups/none" };
            site.v2("GET", path, "").await
        },
        |answer| answer.status == 200 && is_replaced(answer),
    )
    .await;
    let now = instances(&site, &path).await;
    assert!(now.iter().any(|(id, _)| *id == made[1].0), "the other one stays: {made:?} {now:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_on_demand_where_nothing_is_rolled_out() {
    let site = Site::enrolled().await;
    let first = template(&site, "t", "web").await;
    let path = format!("/v2/groups/{}", site.group("old", &first, 1).await);
    let is_up = |answer: &Answer| answer.json()["status"] == "converged";
    eventually(async || site.v2("GET", &path, "").await, is_up).await;
    let ask = async |body: &str| site.v2("POST", &format!("{path}/reprovision"), body).await;
    for body in [r#"{"all": true}"#, r#"{"all": true, "how": "restart", "at_once": 1}"#] {
        let refused = ask(body).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "NeverRolls"), "{body}: {refused:?}");
        assert!(format!("{refused:?}").contains("rolling"), "what to do about it: {refused:?}");
    }
    let shown = site.v2("GET", &path, "").await.json();
    assert_eq!(shown["orders"]["width"], 0, "a refused request leaves nothing behind: {shown}");

    let changed = site.v2("PATCH", &path, r#"{"policy": {"update": {"mode": "rolling"}}}"#).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let accepted = ask(r#"{"all": true, "how": "restart"}"#).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    site.end().await;
}
