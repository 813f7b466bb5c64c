//! What `/v2` tells of the last facts: of each check and each prober the newest, why it failed, how
//! old it is, and that of an old one it says so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::prober::{fabric, hang, members_once, push, targets, targets_of_two, tell, watched_group};
use crate::support::Site;
use crate::support::site::eventually;

async fn asked(site: &Site, group: &str, query: &str) -> Value {
    site.v2("GET", &format!("/v2/groups/{group}/instances{query}"), "").await.json()
}

async fn members(site: &Site, group: &str) -> Value {
    asked(site, group, "?facts=true").await
}

/// The facts of the first member once they are as wanted.
async fn facts_once(site: &Site, group: &str, is_wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let facts = |members: &Value| members["items"][0]["health"]["facts"].as_array().cloned().unwrap_or_default();
    facts(&eventually(async || members(site, group).await, |members| is_wanted(&facts(members))).await)
}

/// The check, the prober and what it found.
fn brief(fact: &Value) -> [&str; 3] {
    ["check", "prober", "outcome"].map(|field| fact[field].as_str().unwrap())
}

fn of<'a>(facts: &'a [Value], prober: &str) -> &'a Value {
    facts.iter().find(|fact| fact["prober"] == prober).unwrap()
}

/// The fact that the page shows.
fn example() -> Value {
    let page = include_str!("../../../docs/health.md");
    let (_, from) = page.split_once("```json fact\n").unwrap();
    serde_json::from_str(from.split_once("```").unwrap().0).unwrap()
}

fn fields(fact: &Value) -> Vec<&String> {
    fact.as_object().unwrap().keys().collect()
}

/// When its probe began, in milliseconds.
fn at(fact: &Value) -> i64 {
    fact["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_is_told_with_why_and_when_beside_one_that_passes() {
    let site = Site::enrolled().await;
    let port = site.sim.machine_port();
    let pace = |kind: &str| json!({"type": kind, "port": port, "interval": "1s", "timeout": "500ms"});
    let mut http = pace("http");
    http["path"] = json!("/ping");
    let body = json!({"name": "edge", "template_id": site.template("t").await, "capacity": 1,
        "health": {"checks": [pace("tcp"), http]}, "policy": {"restart": {"attempts": 0}, "replace": {"delay": "1h"}}});
    let group = site.v2("POST", "/v2/groups", &body.to_string()).await.json()["id"].as_str().unwrap().to_owned();
    let (tcp, http) = (format!("tcp-{port}"), format!("http-{port}"));

    let passing = [[&tcp, "server", "passed"], [&http, "server", "passed"]];
    let before = facts_once(&site, &group, |facts| facts.iter().map(brief).eq(passing)).await;
    let first = members_once(&site, &group, |verdicts| verdicts == ["healthy"]).await;
    let fresh = |fact: &Value| fact["is_stale"] == false && fact["age_ms"].as_u64().unwrap() < 3_500;
    assert!(before.iter().all(|fact| fresh(fact) && fact["took_ms"].as_f64().unwrap() > 0.0), "{before:#?}");
    assert!(before.iter().all(|fact| fact["reason"].is_null() && fact["failure"].is_null()), "{before:#?}");

    hang(&site, &first["items"][0]).await;
    let failing = [[&tcp, "server", "passed"], [&http, "server", "failed"]];
    let is_down = |facts: &[Value]| facts.iter().map(brief).eq(failing) && facts[1]["in_a_row"].as_u64() >= Some(4);
    let after = facts_once(&site, &group, is_down).await;
    assert_eq!(after[1]["reason"], "it did not answer in time", "{after:#?}");
    assert_eq!(after[1]["failure"], json!({"timed_out": "head"}));
    assert_eq!(fields(&after[1]), fields(&example()), "docs/health.md shows one");
    assert!(at(&after[1]) > at(&before[1]) && at(&after[0]) > at(&before[0]), "{before:#?} {after:#?}");
    assert!((430.0..600.0).contains(&after[1]["took_ms"].as_f64().unwrap()), "{after:#?}");
    let member = members(&site, &group).await["items"][0]["health"].clone();
    assert_eq!((&member["verdict"], &member["check"]), (&json!("unhealthy"), &json!(http)), "{member:#}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_probers_has_a_fact_of_its_own_and_one_that_falls_silent_an_old_one() {
    let site = Site::enrolled().await;
    let group = watched_group(&site, 1, "1s").await;
    members_once(&site, &group, |verdicts| verdicts == ["healthy"]).await;
    let healthy = members(&site, &group).await;
    assert_eq!(healthy["items"][0]["health"]["facts"].as_array().unwrap().len(), 1, "{healthy:#}");
    let found = targets(&site, &site.demo, "").await.json();
    let mut number = 0;
    let mut lie = async |outcome: &Value| {
        number += 10;
        let told = tell(&site, &site.demo, "near", &push(&found, number, outcome)).await;
        assert_eq!(told.json()["taken"], 1, "{told:?}");
        members(&site, &group).await["items"][0]["health"]["facts"].as_array().unwrap().clone()
    };
    lie(&json!({"failed": "refused"})).await;
    let facts = lie(&json!({"failed": {"status": 503}})).await;
    assert_eq!(facts.len(), 2, "{facts:#?}");
    let (own, near) = (of(&facts, "server"), of(&facts, "near"));
    assert_eq!((&own["outcome"], &own["check"]), (&json!("passed"), &near["check"]));
    assert_eq!((&near["outcome"], &near["reason"]), (&json!("failed"), &json!("it answered with status 503")));
    assert_eq!(
        (&near["failure"], &near["took_ms"]),
        (&json!({"status": 503}), &json!(4.7)),
        "5 ms are told as no more"
    );
    assert!(at(near) > 0 && near["age_ms"].as_u64().unwrap() >= 5 && near["is_stale"] == false, "{near:#}");

    // Another machine's prober is stopped, the server's own goes on.
    let old = facts_once(&site, &group, |facts| of(facts, "near")["is_stale"] == true).await;
    assert_eq!((at(of(&old, "near")), &of(&old, "near")["reason"]), (at(near), &near["reason"]), "as it was told");
    assert!(of(&old, "near")["age_ms"].as_u64().unwrap() > 3_000, "{old:#?}");
    assert!(of(&old, "server")["is_stale"] == false && at(of(&old, "server")) > at(own), "{old:#?}");
    assert_eq!(site.v2("DELETE", "/v2/probers/near", "").await.status, 204);
    facts_once(&site, &group, |facts| facts.iter().all(|fact| fact["prober"] == "server")).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_cannot_tell_says_why_beside_one_that_can() {
    let (site, group) = fabric().await;
    let found = targets_of_two(&site).await.json();
    let alone = facts_once(&site, &group, |facts| !facts.is_empty()).await;
    assert_eq!((alone.len(), &alone[0]["prober"], &alone[0]["outcome"]), (1, &json!("server"), &json!("unknown")));
    assert_eq!(alone[0]["cannot_tell"], "the prober may not connect to its address", "{alone:#?}");
    assert!(alone[0]["at"].is_null() && alone[0]["reason"].is_null(), "{alone:#?}");

    let told = tell(&site, &site.demo, "fabric", &push(&found, 1, &json!("passed"))).await;
    assert_eq!(told.json()["taken"], 2, "{told:?}");
    let both = facts_once(&site, &group, |facts| facts.len() == 2).await;
    assert_eq!(both.iter().map(|fact| brief(fact)[2]).collect::<Vec<_>>(), ["unknown", "passed"], "{both:#?}");
    let age = Duration::from_millis(both[1]["age_ms"].as_u64().unwrap());
    assert!(age >= Duration::from_millis(5) && both[1]["cannot_tell"].is_null(), "{both:#?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_come_for_those_who_ask_and_of_one_instance_alone_if_they_name_it() {
    let site = Site::enrolled().await;
    let group = watched_group(&site, 2, "1s").await;
    let both = members_once(&site, &group, |verdicts| verdicts == ["healthy", "healthy"]).await;
    let has_facts = |member: &Value| member["health"].as_object().unwrap().contains_key("facts");
    assert!(!both["items"].as_array().unwrap().iter().any(has_facts), "{both:#}");
    let unasked = asked(&site, &group, "?facts=false").await;
    assert!(!unasked["items"].as_array().unwrap().iter().any(has_facts), "{unasked:#}");
    for wrong in ["?facts=yes", "?facts=1", "?facts="] {
        let refused = site.v2("GET", &format!("/v2/groups/{group}/instances{wrong}"), "").await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "InvalidQuery"), "{refused:?}");
    }

    let each = members(&site, &group).await;
    assert!(each["items"].as_array().unwrap().iter().all(has_facts), "{each:#}");
    let second = &each["items"][1];
    for by in ["instance", "operation", "name"] {
        let found = asked(&site, &group, &format!("?instance={}&facts=true", second[by].as_str().unwrap())).await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{by}: {found:#}");
        assert_eq!((&found["items"][0]["name"], &found["next"]), (&second["name"], &Value::Null));
        assert_eq!(brief(&found["items"][0]["health"]["facts"][0]), brief(&second["health"]["facts"][0]));
    }
    assert_eq!(asked(&site, &group, "?instance=nobody").await["items"], json!([]));
    site.end().await;
}
