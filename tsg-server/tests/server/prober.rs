//! Probers and what is believed of them: the server's own, whose control targets do not answer, and
//! those of others.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tsg_sim::admin::{Manner, MannerOrder, Whom};

use crate::support::site::eventually;
use crate::support::{Answer, Form, Person, Site};

/// Takes connections until it is aborted; nobody listens there then.
pub async fn control(address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    (address, task)
}

const ANY: &str = "127.0.0.1:0";

/// A group whose instances are asked each second, and which repairs nobody for a while.
pub async fn watched_group(site: &Site, capacity: u32, start_window: &str) -> String {
    let port = site.sim.machine_port();
    let check = json!({"type": "http", "port": port, "path": "/ping", "interval": "1s", "timeout": "500ms",
        "start_window": start_window});
    group_with(site, capacity, &check).await
}

async fn group_with(site: &Site, capacity: u32, check: &Value) -> String {
    let template = site.template("t").await;
    let body = json!({"name": "edge", "template_id": template, "capacity": capacity, "health": {"checks": [check]},
        "policy": {"restart": {"attempts": 0}, "replace": {"delay": "1h"}}});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

pub fn verdicts(members: &Value) -> Vec<&str> {
    let items = members["items"].as_array().unwrap();
    items.iter().map(|member| member["health"]["verdict"].as_str().unwrap_or("none")).collect()
}

/// Looks at the members of a group until they are as wanted.
pub async fn members_once(site: &Site, group: &str, is_wanted: impl Fn(&[&str]) -> bool) -> Value {
    let path = format!("/v2/groups/{group}/instances");
    let answer = eventually(async || site.v2("GET", &path, "").await, |answer| is_wanted(&verdicts(&answer.json())));
    answer.await.json()
}

pub fn all(verdicts: &[&str], count: usize, wanted: &str) -> bool {
    verdicts.len() == count && verdicts.iter().all(|verdict| *verdict == wanted)
}

pub async fn hang(site: &Site, member: &Value) {
    let of = Whom::Machines(vec![member["instance"].as_str().unwrap().to_owned()]);
    site.sim.admin().order_manner(&MannerOrder { of, manner: Manner::Hangs }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_control_targets_do_not_answer_finds_nobody_unhealthy() {
    let (address, listening) = control(ANY.parse().unwrap()).await;
    let site = Site::start(|config| config.health.controls = vec![format!("tcp:{address}").parse().unwrap()]).await;
    site.enrol(&site.demo).await;
    let group = watched_group(&site, 3, "2m").await;
    let before = members_once(&site, &group, |verdicts| all(verdicts, 3, "healthy")).await;

    listening.abort();
    hang(&site, &before["items"][0]).await;
    members_once(&site, &group, |verdicts| {
        assert!(!verdicts.contains(&"unhealthy"), "{verdicts:?}");
        all(verdicts, 3, "unknown")
    })
    .await;

    let (_, listening) = control(address).await;
    let after = members_once(&site, &group, |verdicts| {
        verdicts.iter().filter(|verdict| **verdict == "healthy").count() == 2 && verdicts.contains(&"unhealthy")
    })
    .await;
    assert_eq!(after["items"][0]["health"]["verdict"], "unhealthy", "{after:#}");
    listening.abort();
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_prober_counts_while_none_is_able() {
    let (address, listening) = control(ANY.parse().unwrap()).await;
    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled(), "nobody listens there any more");
    let site = Site::start(|config| config.health.controls = vec![format!("tcp:{address}").parse().unwrap()]).await;
    site.enrol(&site.demo).await;
    let group = group_with(&site, 2, &json!({"type": "cloud", "interval": "1s"})).await;
    members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;
    let own = site.v2("GET", "/v2/probers", "").await.json()["items"][0].clone();
    assert_eq!((&own["name"], &own["standing"]), (&json!("server"), &json!("unable")));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_network_is_not_asked_whatever_else_is_allowed() {
    let site = Site::start(|config| config.health.refused_networks = vec!["127.0.0.0/8".parse().unwrap()]).await;
    site.enrol(&site.demo).await;
    let group = watched_group(&site, 2, "2m").await;
    members_once(&site, &group, |verdicts| all(verdicts, 2, "starting")).await;
    site.end().await;
}

/// What a prober of some account would say.
pub async fn tell(site: &Site, person: &Person, name: &str, push: &Value) -> Answer {
    let path = format!("/v2/probers/{name}/facts");
    site.ask("POST", &path).body(push.to_string()).unique().signed(person, Form::Target).send().await
}

/// The targets of a prober, and their ETag.
pub async fn targets(site: &Site, person: &Person, known: &str) -> Answer {
    let asking = site.ask("GET", "/v2/probers/fabric/targets").signed(person, Form::Target);
    asking.header("if-none-match", known).send().await
}

pub const RUN: &str = "00000000-0000-4000-8000-000000000001";

/// A push of one kind of outcome for each instance of the only group.
pub fn push(targets: &Value, first: u64, outcome: &Value) -> Value {
    push_each(targets, first, |_| outcome.clone())
}

/// A push of some outcome for each instance of the only group.
fn push_each(targets: &Value, first: u64, outcome: impl Fn(&Value) -> Value) -> Value {
    let group = &targets["groups"][0];
    let facts: Vec<Value> = (first..)
        .zip(group["instances"].as_array().unwrap())
        .map(|(number, target)| {
            json!({"number": number, "instance": target["instance"], "check": group["checks"][0]["place"],
                "tag": group["checks"][0]["tag"], "age_ms": 5, "took_ms": 5, "outcome": outcome(&target["instance"])})
        })
        .collect();
    json!({"run": RUN, "is_able": true, "targets": facts.len(), "facts": facts})
}

/// A server that may not ask the instances itself, and a group of two.
pub async fn fabric() -> (Site, String) {
    let site = Site::start(|config| config.health.refused_networks = vec!["127.0.0.0/8".parse().unwrap()]).await;
    site.enrol(&site.demo).await;
    site.enrol(&site.other).await;
    let group = watched_group(&site, 2, "2m").await;
    (site, group)
}

pub async fn targets_of_two(site: &Site) -> Answer {
    let has_two =
        |answer: &Answer| answer.json()["groups"][0]["instances"].as_array().is_some_and(|all| all.len() == 2);
    eventually(async || targets(site, &site.demo, "").await, has_two).await
}

/// Pushes again and again until the members are as wanted.
async fn pushed_until(site: &Site, group: &str, targets: &Value, outcome: &Value, wanted: &str) {
    let mut number = 1;
    let path = format!("/v2/groups/{group}/instances");
    let ask = async || {
        number += 10;
        let told = tell(site, &site.demo, "fabric", &push(targets, number, outcome)).await;
        assert_eq!((told.status, &told.json()["taken"]), (200, &json!(2)), "{told:?}");
        site.v2("GET", &path, "").await
    };
    eventually(ask, |answer| all(&verdicts(&answer.json()), 2, wanted)).await;
    tell(site, &site.demo, "fabric", &json!({"run": RUN, "is_able": true, "targets": 2, "facts": []})).await;
    let gone = site.v2("DELETE", "/v2/probers/fabric", "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_only_a_prober_elsewhere_can_ask_is_judged_by_what_it_tells() {
    let (site, group) = fabric().await;
    let found = targets_of_two(&site).await;
    let (tag, found) = (found.header("etag").to_owned(), found.json());
    assert_eq!(targets(&site, &site.demo, &tag).await.status, 304);
    members_once(&site, &group, |verdicts| all(verdicts, 2, "starting")).await;

    pushed_until(&site, &group, &found, &json!("passed"), "healthy").await;
    members_once(&site, &group, |verdicts| {
        assert!(!verdicts.contains(&"unhealthy"), "{verdicts:?}");
        all(verdicts, 2, "starting") || all(verdicts, 2, "unknown")
    })
    .await;
    pushed_until(&site, &group, &found, &json!("passed"), "healthy").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_counts_for_its_account_its_check_and_once() {
    let (site, _group) = fabric().await;
    let found = targets_of_two(&site).await.json();
    let nothing = targets(&site, &site.other, "").await.json();
    assert_eq!(nothing, json!({"groups": []}), "another account has no such targets");
    let ignored = async |person: &Person, name: &str, push: &Value| {
        let answer = tell(&site, person, name, push).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let reasons = answer["ignored"].as_object().unwrap().iter().filter(|(_, count)| **count != json!(0));
        let reasons: Vec<String> = reasons.map(|(reason, count)| format!("{count} {reason}")).collect();
        (answer["taken"].as_u64().unwrap(), reasons.join(", "))
    };
    let failed = push(&found, 1, &json!({"failed": {"status": 503}}));
    assert_eq!(ignored(&site.other, "fabric", &failed).await, (0, "2 unknown".to_owned()));
    assert_eq!(ignored(&site.demo, "fabric", &failed).await, (2, String::new()));
    assert_eq!(ignored(&site.demo, "fabric", &failed).await, (0, "2 repeated".to_owned()));

    let mut changed = push(&found, 10, &json!("passed"));
    changed["facts"][0]["tag"] = json!("0123456789abcdef");
    changed["facts"][1]["check"] = json!(1);
    assert_eq!(ignored(&site.demo, "fabric", &changed).await, (0, "2 outdated".to_owned()));
    let mut old = push(&found, 20, &json!("passed"));
    old["facts"][0]["age_ms"] = json!(60_001);
    assert_eq!(ignored(&site.demo, "fabric", &old).await, (1, "1 old".to_owned()));
    let mut unable = push(&found, 30, &json!("passed"));
    unable["is_able"] = json!(false);
    assert_eq!(ignored(&site.demo, "fabric", &unable).await, (0, "2 unable".to_owned()));

    let listed = site.v2("GET", "/v2/probers", "").await.json();
    let standings: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|one| (&one["name"], &one["standing"])).collect();
    assert_eq!(standings, [(&json!("server"), &json!("able")), (&json!("fabric"), &json!("unable"))]);
    assert_eq!(listed["items"][1]["ignored"], 7);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_is_one_too_many_or_badly_named_is_refused() {
    let site = Site::enrolled().await;
    let empty = json!({"run": RUN, "is_able": true, "targets": 0, "facts": []});
    for name in ["server", "A", "a.b", &"x".repeat(33)] {
        let refused = tell(&site, &site.demo, name, &empty).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "InvalidProberName"), "{name}: {refused:?}");
    }
    for number in 0..8 {
        assert_eq!(tell(&site, &site.demo, &format!("p{number}"), &empty).await.status, 200);
    }
    let refused = tell(&site, &site.demo, "p8", &empty).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "TooManyProbers"));
    assert_eq!(tell(&site, &site.other, "p8", &empty).await.status, 200, "another account has room of its own");
    let mut twin = empty.clone();
    twin["run"] = json!("00000000-0000-4000-8000-000000000002");
    let refused = tell(&site, &site.demo, "p1", &twin).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "ProberNameTaken"));

    let mut flood = empty.clone();
    let fact =
        json!({"number": 1, "instance": RUN, "check": 0, "tag": "", "age_ms": 0, "took_ms": 0, "outcome": "passed"});
    flood["facts"] = Value::Array(vec![fact; 401]);
    assert_eq!(tell(&site, &site.demo, "p1", &flood).await.code(), "TooManyFacts");
    assert_eq!(site.v2("DELETE", "/v2/probers/p1", "").await.status, 204);
    assert_eq!(site.v2("DELETE", "/v2/probers/p1", "").await.status, 404);
    assert_eq!(tell(&site, &site.demo, "p1", &twin).await.status, 200);
    site.end().await;
}

/// A group of three that the server's own prober finds well, and its members.
async fn three_that_are_well() -> (Site, String, Value) {
    let site = Site::start(|_| {}).await;
    site.enrol(&site.demo).await;
    let group = watched_group(&site, 3, "1s").await;
    let members = members_once(&site, &group, |verdicts| all(verdicts, 3, "healthy")).await;
    (site, group, members)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_finds_that_everybody_fails_is_alone_with_it() {
    let (site, group, before) = three_that_are_well().await;
    let found = targets(&site, &site.demo, "").await.json();
    let refused = json!({"failed": "refused"});
    let path = format!("/v2/groups/{group}/instances");
    let mut number = 1;
    let mut lie = async || {
        number += 10;
        let told = tell(&site, &site.demo, "liar", &push(&found, number, &refused)).await;
        assert_eq!((told.status, &told.json()["taken"]), (200, &json!(3)), "{told:?}");
        site.v2("GET", &path, "").await
    };
    // Three in a row after the start window would be enough to be believed, were it not alone.
    for _ in 0..10 {
        let members = lie().await.json();
        assert!(all(&verdicts(&members), 3, "healthy"), "{members:#}");
    }
    hang(&site, &before["items"][0]).await;
    let after = eventually(lie, |answer| verdicts(&answer.json()).contains(&"unhealthy")).await.json();
    assert_eq!(verdicts(&after), ["unhealthy", "healthy", "healthy"], "{after:#}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_probers_that_is_cut_off_from_everybody_changes_nothing() {
    let (site, group, before) = three_that_are_well().await;
    let found = targets(&site, &site.demo, "").await.json();
    let (passed, refused) = (json!("passed"), json!({"failed": "refused"}));
    let path = format!("/v2/groups/{group}/instances");
    let mut number = 1;
    // The server's own prober asks as well.
    let mut all_three = async |hung: &Value| {
        number += 10;
        let truth = |instance: &Value| if instance == hung { refused.clone() } else { passed.clone() };
        for (prober, push) in [("near", push_each(&found, number, truth)), ("cut-off", push(&found, number, &refused))]
        {
            let told = tell(&site, &site.demo, prober, &push).await;
            assert_eq!((told.status, &told.json()["taken"]), (200, &json!(3)), "{told:?}");
        }
        site.v2("GET", &path, "").await
    };
    for _ in 0..10 {
        let members = all_three(&Value::Null).await.json();
        assert!(all(&verdicts(&members), 3, "healthy"), "{members:#}");
    }
    let hung = &before["items"][1];
    hang(&site, hung).await;
    let of_hung = async || all_three(&hung["instance"]).await;
    let after = eventually(of_hung, |answer| verdicts(&answer.json()).contains(&"unhealthy")).await.json();
    assert_eq!(verdicts(&after), ["healthy", "unhealthy", "healthy"], "{after:#}");
    site.end().await;
}
