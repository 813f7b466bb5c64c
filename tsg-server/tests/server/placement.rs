//! Placement: what templates and groups carry of it, what is refused, and what is said of it.

use serde_json::{Value, json};

use crate::support::site::eventually;
use crate::support::{Answer, Form, Site};

fn rules(rules: &[&str]) -> Value {
    json!({ "cn": rules, "enforce": "replace" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_carries_placement_and_nothing_is_replaced_for_it() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let group = |placement: Value| {
        json!({"name": "web", "template_id": template, "capacity": 0, "placement": placement}).to_string()
    };
    let made = site.v2("POST", "/v2/groups", &group(rules(&["service!==web"]))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["placement"], rules(&["service!=web"]), "as it is written, not as it was");
    let path = format!("/v2/groups/{}", made.json()["id"].as_str().unwrap());

    let changed = site.v2("PATCH", &path, r#"{"placement": {"rack": ["role!=~db"]}}"#).await.json();
    assert_eq!((&changed["placement"], &changed["revision"]), (&json!({"rack": ["role!=~db"]}), &json!(1)));
    let kept = site.v2("PATCH", &path, r#"{"capacity": 0}"#).await.json();
    assert_eq!(kept["placement"], changed["placement"]);
    let removed = site.v2("PATCH", &path, r#"{"placement": null}"#).await.json();
    assert_eq!(removed["placement"], Value::Null);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_a_template_are_those_of_groups_that_have_none() {
    let site = Site::enrolled().await;
    let (package, image) = site.package_and_image();
    let template = |name: &str, placement: Value| {
        json!({"name": name, "image": image, "package": package, "placement": placement}).to_string()
    };
    let refused = site.v2("POST", "/v2/templates", &template("apart", json!({"cn": ["service=web"]}))).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let made = site.v2("POST", "/v2/templates", &template("apart", rules(&["service!=web"]))).await;
    assert_eq!((made.status, &made.json()["placement"]), (201, &rules(&["service!=web"])), "{made:?}");
    let body = json!({"name": "web", "template_id": made.json()["id"], "capacity": 2}).to_string();
    let group = site.v2("POST", "/v2/groups", &body).await.json();
    assert_eq!(group["placement"], Value::Null, "its own");

    let path = format!("/v2/groups/{}/placement", group["id"].as_str().unwrap());
    let is_there = |told: &Answer| told.json()["instances"].as_array().is_some_and(|all| all.len() == 2);
    let told = eventually(async || site.v2("GET", &path, "").await, is_there).await.json();
    assert_eq!((&told["source"], &told["enforced"]), (&json!("template"), &json!(["placement.cn[0]"])), "{told}");

    let other = site.v2("POST", "/v2/templates", &template("away", rules(&["service!=db"]))).await.json();
    let group = path.trim_end_matches("/placement");
    let changed = site.v2("PATCH", group, &json!({"template_id": other["id"]}).to_string()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let told = eventually(async || site.v2("GET", &path, "").await, |told| told.status == 200).await.json();
    assert_eq!(told["placement"], rules(&["service!=db"]), "never those of the template before: {told}");

    site.v2("DELETE", group, "").await;
    let told = eventually(async || site.v2("GET", &path, "").await, |told| told.status != 200).await;
    assert_eq!((told.status, &told.json()["code"]), (409, &json!("GroupDeleting")), "{told:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_rules_stands_where_cloudapi_put_it() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let body = json!({"name": "web", "template_id": template, "capacity": 3}).to_string();
    let group = site.v2("POST", "/v2/groups", &body).await.json();
    let path = format!("/v2/groups/{}/placement", group["id"].as_str().unwrap());
    let is_there = |told: &Answer| told.json()["instances"].as_array().is_some_and(|all| all.len() == 3);
    let told = eventually(async || site.v2("GET", &path, "").await, is_there).await.json();
    assert_eq!((&told["source"], &told["placement"], &told["outlook"]), (&json!("none"), &Value::Null, &Value::Null));
    assert_eq!((&told["affinity"], &told["is_spread_by_cloudapi"]), (&json!([]), &json!(true)), "{told}");
    let members = |node: &Value| node["members"].as_u64().unwrap();
    let nodes = told["compute_nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(members).sum::<u64>(), 3, "{told}");
    assert!(nodes.is_sorted_by(|one, next| members(one) >= members(next)), "the fullest first: {told}");
    let words = told["summary"].as_str().unwrap();
    assert!(words.contains("a tenant is shown only those where it has instances"), "{words}");
    assert_eq!(site.ask("GET", &path).signed(&site.other, Form::Target).send().await.status, 404);

    site.v2("PATCH", path.trim_end_matches("/placement"), r#"{"placement": {"cn": ["service!=web"]}}"#).await;
    let is_ruled = |told: &Answer| told.json()["source"] == "group";
    let ruled = eventually(async || site.v2("GET", &path, "").await, is_ruled).await.json();
    let outlook = &ruled["outlook"];
    assert_eq!(
        (&outlook["open"], &outlook["is_whole"]),
        (&json!(0), &json!(false)),
        "every known one has one: {ruled}"
    );
    assert_eq!(outlook["way_out"]["without"], json!([{"at": "placement.cn[0]", "rule": "service!=web"}]), "{ruled}");
    assert_eq!(outlook["way_out"]["compute_nodes"], outlook["known"], "{ruled}");
    assert_eq!(outlook["nearest"]["breaks"][0]["at"], "placement.cn[0]", "{ruled}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_rule_is_refused_with_its_place_and_a_fix() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let cases = [
        (
            json!({"cn": ["role!=db", "service=web"]}),
            "`placement.cn[1]`: the rule cannot be read: at position 8 '=' was found",
        ),
        (json!({"cn": ["service=web"]}), "write service==web"),
        (json!({"spread": [{"over": "cn", "max_skew": 0}]}), "`placement.spread[0].max_skew` is 0"),
        (json!({"attempts": 0}), "attempts"),
        (json!({"nodes": []}), "unknown field `nodes`"),
        (json!({"cn": ["role==/(a+/"]}), "a regular expression was found that cannot be used"),
    ];
    for (placement, expected) in cases {
        let body = json!({"name": "web", "template_id": template, "capacity": 0, "placement": placement}).to_string();
        let refused = site.v2("POST", "/v2/groups", &body).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.json()["message"].as_str().unwrap().contains(expected), "{expected}: {refused:?}");
    }
    assert_eq!(site.v2("GET", "/v2/groups", "").await.json()["items"], json!([]));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_where_each_create_would_go_and_which_have_no_place() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let make = async |body: Value| {
        let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
        assert_eq!(made.status, 201, "{made:?}");
        format!("/v2/groups/{}", made.json()["id"].as_str().unwrap())
    };
    let db = make(json!({"name": "db", "template_id": template, "capacity": 3})).await;
    let is_there = |told: &Answer| told.json()["instances"].as_array().is_some_and(|all| all.len() == 3);
    let stands = eventually(async || site.v2("GET", &format!("{db}/placement"), "").await, is_there).await.json();
    let known: Vec<&str> =
        stands["compute_nodes"].as_array().unwrap().iter().map(|node| node["compute_node"].as_str().unwrap()).collect();

    let plan_of = async |group: &str, capacity: u32| {
        let body = json!({ "capacity": capacity }).to_string();
        site.v2("POST", &format!("{group}/plan"), &body).await
    };
    assert_eq!(plan_of(&db, 3).await.json()["creates"], Value::Null, "it has none");
    // A single answer may have shown an instance before a list counts it where it stands.
    let words = format!("where this account has no instance (0 of {} known)", known.len());
    let tells = |told: &Answer| {
        let told = told.json();
        told["creates"]["summary"].as_str().is_some_and(|summary| summary.replace("\n    ", " ").contains(&words))
    };
    let unruled = eventually(async || plan_of(&db, 5).await, tells).await.json();
    assert_eq!(unruled["placement"], Value::Null, "{unruled}");
    let creates = &unruled["creates"];
    let sum = creates["planned"].as_u64().unwrap() + creates["waiting"].as_u64().unwrap();
    assert_eq!((&creates["source"], sum, &creates["known"]), (&json!("none"), 2, &Value::Null), "{creates}");

    let rule = json!({"cn": ["service!=web"]});
    let web = make(json!({"name": "web", "template_id": template, "capacity": 0, "placement": rule})).await;
    let is_seen = |told: &Answer| told.json()["creates"]["source"] == "group";
    let planned = eventually(async || plan_of(&web, 20).await, is_seen).await.json();
    let creates = &planned["creates"];
    assert_eq!((&creates["known"], &creates["open"]), (&json!(known.len()), &json!(known.len())), "{creates}");
    let shares = creates["compute_nodes"].as_array().unwrap();
    let mut nodes: Vec<&str> = shares.iter().map(|share| share["compute_node"].as_str().unwrap()).collect();
    assert!(shares.iter().all(|share| share["creates"] == 1), "at most one on each: {creates}");
    nodes.sort_unstable();
    let mut expected = known.clone();
    expected.sort_unstable();
    assert_eq!(nodes, expected, "{creates}");
    let lost = json!([{
        "at": "placement.cn[0]", "rule": "service!=web", "compute_nodes": known.len(), "in_turn": known.len(),
    }]);
    let unplaced = &creates["unplaced"];
    assert_eq!((&unplaced["first"], &unplaced["losses"]), (&json!(known.len() + 1), &lost), "{creates}");
    assert_eq!((&unplaced["creates"], &unplaced["sequel"]), (&json!(20 - known.len()), &json!("elsewhere")));
    assert_eq!(unplaced["way_out"]["compute_nodes"], json!(known.len()), "{creates}");
    assert_eq!(site.ask("POST", &format!("{web}/plan")).signed(&site.other, Form::Target).send().await.status, 404);
    site.end().await;
}
