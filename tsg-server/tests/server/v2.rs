//! tsg's own API: paging, preconditions, idempotency, plans, audit, health.

use serde_json::{Value, json};

use crate::support::site::eventually;
use crate::support::{Answer, Form, Site};

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_by_key_without_gap_or_repetition() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(site.group(&format!("g{n}"), &template, 0).await);
    }
    made.sort();
    for limit in [1, 3, 7, 200] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = site.v2("GET", &format!("/v2/groups?limit={limit}&after={after}"), "").await.json();
            let items = page["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit, "{limit}");
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(seen, made, "limit {limit}");
    }
    let named = site.v2("GET", "/v2/groups?name=g3", "").await.json();
    assert_eq!((named["items"].as_array().unwrap().len(), &named["items"][0]["name"]), (1, &json!("g3")));
    assert_eq!(site.v2("GET", "/v2/groups?name=nobody", "").await.json()["items"], json!([]));
    assert_eq!(site.v2("GET", "/v2/templates?name=t", "").await.json()["items"][0]["id"], json!(template));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_can_be_bound_to_the_version_that_was_seen() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 0).await);
    let seen = site.v2("GET", &path, "").await;
    let etag = seen.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", seen.json()["version"]));
    let change = |method: &str, etag: &str, body: &str| {
        site.ask(method, &path).body(body).header("if-match", etag).unique().signed(&site.demo, Form::Target)
    };
    let changed = change("PATCH", &etag, r#"{"capacity":2}"#).send().await;
    assert_eq!((changed.status, &changed.json()["capacity"]), (200, &json!(2)), "{changed:?}");
    let now = changed.header("etag").to_owned();
    assert_ne!(now, etag);
    for method in ["PATCH", "DELETE"] {
        let stale = change(method, &etag, r#"{"capacity":3}"#).send().await;
        assert_eq!((stale.status, stale.code().as_str()), (412, "Changed"), "{method}");
    }
    assert_eq!(site.v2("GET", &path, "").await.json()["capacity"], 2);
    let none = change("PATCH", &now, "{}").send().await;
    assert_eq!((none.status, none.code().as_str()), (422, "NothingToChange"));
    assert_eq!(change("PATCH", "*", r#"{"capacity":0}"#).send().await.status, 200);
    let deleted = change("DELETE", "*", "").send().await;
    assert_eq!((deleted.status, &deleted.json()["lifecycle"]), (202, &json!("deleting")));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_a_key_is_done_once_and_answered_alike() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let body = |capacity: u32| json!({"name": "web", "template_id": template, "capacity": capacity}).to_string();
    let create = async |key: &str, body: String| {
        site.ask("POST", "/v2/groups")
            .body(body)
            .header("idempotency-key", key)
            .unique()
            .signed(&site.demo, Form::Target)
            .send()
            .await
    };
    let first = create("k1", body(0)).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = create("k1", body(0)).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!((again.header("idempotent-replayed"), again.header("etag")), ("true", first.header("etag")));
    let other_body = create("k1", body(1)).await;
    assert_eq!((other_body.status, other_body.code().as_str()), (409, "IdempotencyKeyReused"));
    let other_key = create("k2", body(0)).await;
    assert_eq!((other_key.status, other_key.code().as_str()), (409, "NameTaken"));
    // A refused request gives its key back to the corrected one.
    let renamed = json!({"name": "web2", "template_id": template, "capacity": 0}).to_string();
    assert_eq!(create("k2", renamed).await.status, 201);
    assert_eq!(site.v2("GET", "/v2/groups", "").await.json()["items"].as_array().unwrap().len(), 2);
    // Another account's keys are its own.
    let theirs = site
        .ask("POST", "/v2/groups")
        .body(body(0))
        .header("idempotency-key", "k1")
        .unique()
        .signed(&site.other, Form::Target)
        .send()
        .await;
    assert_eq!(theirs.code(), "UnknownTemplate");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_at_the_same_moment_make_one_group() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let body = json!({"name": "web", "template_id": template, "capacity": 0}).to_string();
    let asking = (0..8).map(|_| {
        let asking = site.ask("POST", "/v2/groups").body(body.clone()).header("idempotency-key", "k");
        asking.unique().signed(&site.demo, Form::Target).send()
    });
    let answers: Vec<Answer> = futures_util::future::join_all(asking).await;
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty(), "{answers:?}");
    assert!(made.iter().all(|answer| answer.json()["id"] == made[0].json()["id"]), "{answers:?}");
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status)), "{answers:?}");
    assert_eq!(site.v2("GET", "/v2/groups", "").await.json()["items"].as_array().unwrap().len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_converges_and_says_why_at_every_step() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 3).await);
    let is_converged = |answer: &Answer| answer.json()["status"] == "converged";
    let group = eventually(async || site.v2("GET", &path, "").await, is_converged).await.json();
    assert_eq!((&group["report"]["counts"]["serving"], &group["report"]["wanted"]), (&json!(3), &json!(3)));
    assert!(group["report"]["summary"].as_str().unwrap().contains("3 of 3"), "{group}");

    let instances = site.v2("GET", &format!("{path}/instances"), "").await.json();
    let items = instances["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        assert_eq!(
            (&item["class"], &item["phase"], &item["state"]),
            (&json!("serving"), &json!("ready"), &json!("running"))
        );
        assert!(
            item["instance"].is_string() && item["address"].is_string() && item["compute_node"].is_string(),
            "{item}"
        );
    }
    let first = site.v2("GET", &format!("{path}/instances?limit=2"), "").await.json();
    let rest =
        site.v2("GET", &format!("{path}/instances?limit=2&after={}", first["next"].as_str().unwrap()), "").await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));

    let operations = site.v2("GET", &format!("{path}/operations"), "").await.json();
    assert_eq!(operations["items"].as_array().unwrap().len(), 3);
    let audit = site.v2("GET", &format!("{path}/audit?verify=true&limit=2"), "").await.json();
    assert_eq!((&audit["verified"], &audit["items"][0]["event"]["what"]), (&json!(true), &json!("group_created")));
    assert!(audit["items"][0]["actor"]["user"].as_str().unwrap().starts_with("/demo/keys/"), "{audit}");
    let more = site.v2("GET", &format!("{path}/audit?after={}", audit["next"].as_str().unwrap()), "").await.json();
    assert_eq!(more["items"][0]["sequence"], 3);
    assert!(more["items"].as_array().unwrap().iter().any(|entry| entry["event"]["what"] == "will_send"), "{more}");

    let up = site.v2("POST", &format!("{path}/plan"), r#"{"capacity":4}"#).await.json();
    assert_eq!((up["actions"].as_array().unwrap().len(), up["steps"].as_array().unwrap().len()), (1, 1), "{up}");
    let down = site.v2("POST", &format!("{path}/plan"), r#"{"capacity":1}"#).await.json();
    assert_eq!(down["actions"].as_array().unwrap().len(), 2, "{down}");
    let idle = site.v2("POST", &format!("{path}/plan"), "").await.json();
    assert_eq!((&idle["capacity"], &idle["actions"]), (&json!(3), &json!([])), "a dry run changes nothing");
    assert_eq!(site.v2("POST", &format!("{path}/reconcile"), "").await.status, 202);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_each_what_they_may_know() {
    let site = Site::enrolled().await;
    // A request from this machine may be anybody's that a proxy here let in.
    let unsigned = site.ask("GET", "/v2/health").send().await;
    assert_eq!((unsigned.status, unsigned.json()), (200, json!({"status": "ok"})));
    let own = site.v2("GET", "/v2/health", "").await;
    assert_eq!(own.json()["account"]["login"], json!("demo"), "{own:?}");
    assert!(!own.body.contains("other"), "{own:?}");
    let open = site.ask("GET", "/v2/health").signed(&site.demo, Form::DateOnly).send().await;
    assert_eq!((open.status, open.code().as_str()), (401, "TargetNotSigned"));
    let wrong = site.ask("GET", "/v2/health").header("authorization", "Signature x").send().await;
    assert_eq!(wrong.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_with_a_key_is_answered_alike_when_the_group_is_long_gone() {
    let site = Site::start(|config| config.engine.config.forget_after = std::time::Duration::ZERO).await;
    site.enrol(&site.demo).await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 0).await);
    let delete = async || {
        let asking = site.ask("DELETE", &path).header("idempotency-key", "k").unique();
        asking.signed(&site.demo, Form::Target).send().await
    };
    let first = delete().await;
    assert_eq!(first.status, 202, "{first:?}");
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.status == 404).await;
    let again = delete().await;
    assert_eq!((again.status, &again.body, again.header("idempotent-replayed")), (202, &first.body, "true"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_bound_to_the_plan_that_was_shown() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 2).await);
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await;
    let shown = site.v2("POST", &format!("{path}/plan"), r#"{"capacity": 4}"#).await.json();
    assert_eq!(shown["actions"].as_array().unwrap().len(), 2, "{shown}");
    let again = site.v2("POST", &format!("{path}/plan"), r#"{"capacity": 4}"#).await.json();
    assert_eq!(again["id"], shown["id"], "whenever it is asked for");

    let patch = async |change: Value| site.v2("PATCH", &path, &change.to_string()).await;
    let other = patch(json!({"capacity": 5, "expected_plan": shown["id"]})).await;
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("PlanChanged")), "{other:?}");
    let more = patch(json!({"capacity": 4, "template_id": template, "expected_plan": shown["id"]})).await;
    assert_eq!((more.status, &more.json()["code"]), (422, &json!("PlanOfMore")), "{more:?}");
    assert_eq!(patch(json!({"capacity": 4, "expected_plan": "12"})).await.status, 422);
    assert_eq!(site.v2("GET", &path, "").await.json()["capacity"], json!(2), "nothing was changed");
    let bound = patch(json!({"capacity": 4, "expected_plan": shown["id"]})).await;
    assert_eq!((bound.status, &bound.json()["capacity"]), (200, &json!(4)), "{bound:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_keeps_to_the_limits_that_the_engine_has() {
    let site = Site::start(|config| {
        config.engine.config.unasked_per_minute = 1;
        config.engine.config.ramp = std::time::Duration::ZERO;
    })
    .await;
    site.enrol(&site.demo).await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 3).await);
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await;
    let machines: Vec<String> = site.sim.with_world(|world| {
        let account = world.find_account("demo").unwrap().id;
        world.live_machines(account).map(|machine| machine.id.to_string()).collect()
    });
    for machine in &machines {
        let stop = format!("/demo/machines/{machine}?action=stop");
        let asking = crate::support::client::Asking::new("POST", &site.sim.url(), &stop);
        let answer = asking.signed(&site.demo, Form::Target).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    // One start a minute is allowed: the engine takes it, and two machines stay stopped.
    let is_stuck = |answer: &Answer| {
        let json = answer.json();
        let states: Vec<_> = json["items"].as_array().unwrap().iter().map(|item| item["state"].clone()).collect();
        states.iter().filter(|state| **state == "stopped").count() == 2
            && states.iter().filter(|state| **state == "running").count() == 1
    };
    eventually(async || site.v2("GET", &format!("{path}/instances"), "").await, is_stuck).await;
    let plan = site.v2("POST", &format!("{path}/plan"), "").await.json();
    assert_eq!(plan["actions"], json!([]), "{plan}");
    site.end().await;
}
