//! Why over HTTP: what a group and its instances wait for and until when, why those went that are gone,
//! and that nobody is told of others'.

use serde_json::{Value, json};

use crate::prober::{all, hang, members_once, watched_group};
use crate::support::site::eventually;
use crate::support::{Answer, Form, Person, Site};

async fn ask(site: &Site, person: &Person, group: &str, instance: Option<&str>) -> Answer {
    let query = instance.map(|instance| format!("?instance={instance}")).unwrap_or_default();
    let path = format!("/v2/groups/{group}/why{query}");
    site.ask("GET", &path).unique().signed(person, Form::Target).send().await
}

/// The answer once its words are as wanted.
async fn told_once(site: &Site, group: &str, instance: Option<&str>, is_wanted: impl Fn(&str) -> bool) -> Value {
    let is_wanted = |answer: &Answer| answer.status == 200 && is_wanted(&words(&answer.json()));
    eventually(async || ask(site, &site.demo, group, instance).await, is_wanted).await.json()
}

fn words(answer: &Value) -> String {
    let lines: Vec<_> = answer["words"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    lines.join("\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// A moment as answers write it, in milliseconds since 1970.
fn millis(value: &Value) -> i64 {
    text(value).parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_with_its_end_and_a_group_that_is_held_says_so() {
    let site = Site::enrolled().await;
    let group = watched_group(&site, 3, "2m").await;
    let members = members_once(&site, &group, |verdicts| all(verdicts, 3, "healthy")).await["items"].clone();
    let well = told_once(&site, &group, None, |words| words.starts_with("converged: 3 of 3 serving")).await;
    assert_eq!((&well["group"]["lacking"], &well["trouble"]), (&json!(0), &Value::Null), "{well:#}");
    assert_eq!(well["rollout"]["progress"]["course"]["target"], 1, "{well:#}");

    let hung = &members[0];
    hang(&site, hung).await;
    let (machine, name, operation) = (text(&hung["instance"]), text(&hung["name"]), text(&hung["operation"]));
    // What was seen of it last is told once the group was planned with it.
    let is_whole = |words: &str| words.contains("it is replaced in") && words.ends_with(": it did not answer in time");
    let waits = told_once(&site, &group, Some(machine), is_whole).await;
    let told = words(&waits);
    assert!(told.starts_with(&format!("{name}, machine {machine}\n{operation} has been unhealthy")), "{told}");
    assert!(told.contains("it is replaced in 59 min: ") || told.contains("it is replaced in 60 min: "), "{told}");
    let until = waits["instance"]["prospect"]["replaced"]["due_at"].as_i64().unwrap();
    assert_eq!(millis(&waits["until"]), until, "{waits:#}");
    assert!((3_500_000..=3_600_000).contains(&(until - millis(&waits["at"]))), "{waits:#}");
    assert!(told.contains(": the group had fewer than were wanted\n"), "{told}");

    let also = told_once(&site, &group, None, |words| words.contains("replaces what is given up in")).await;
    let delay = &also["group"]["report"]["waits"][0]["replace_delay"]["until"];
    assert_eq!(delay, until, "the same moment: {also:#}");
    for same in [name, operation] {
        let same = ask(&site, &site.demo, &group, Some(same)).await.json();
        assert_eq!((&same["until"], &same["record"]), (&waits["until"], &waits["record"]), "{same:#}");
    }

    for other in &members.as_array().unwrap()[1..] {
        hang(&site, other).await;
    }
    let held = told_once(&site, &group, None, |words| words.starts_with("held: 0 of 3 serving")).await;
    assert!(words(&held).contains("\n  held for "), "{held:#}");
    assert_eq!(held["group"]["report"]["status"], "held", "{held:#}");
    let held = told_once(&site, &group, Some(machine), |words| words.contains("\n  held for ")).await;
    assert_eq!(held["until"], Value::Null, "nobody can tell: {held:#}");
    site.end().await;
}

/// A group of so many that are asked each second and replaced at once.
async fn quick_group(site: &Site, capacity: u32) -> (String, Value) {
    let check = json!({"type": "http", "port": site.sim.machine_port(), "path": "/ping", "interval": "1s",
        "timeout": "500ms"});
    let body = json!({"name": "quick", "template_id": site.template("q").await, "capacity": capacity,
        "health": {"checks": [check]}, "policy": {"restart": {"attempts": 0}, "replace": {"delay": 0}}});
    let made = site.v2("POST", "/v2/groups", &body.to_string()).await;
    let group = text(&made.json()["id"]).to_owned();
    let members = members_once(site, &group, |verdicts| all(verdicts, capacity as usize, "healthy")).await;
    (group, members["items"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_replaced_and_one_too_many_say_why_they_went() {
    let site = Site::enrolled().await;
    let (group, members) = quick_group(&site, 3).await;
    let (machine, operation) = (text(&members[0]["instance"]), text(&members[0]["operation"]));
    hang(&site, &members[0]).await;
    let gone = told_once(&site, &group, Some(machine), |words| words.contains("gone since")).await;
    let record = &gone["record"];
    assert_eq!((&record["phase"], &record["deletion_cause"]), (&json!("gone"), &json!("repair")), "{gone:#}");
    assert_eq!((&gone["instance"], &gone["until"]), (&Value::Null, &Value::Null), "it waits for nothing: {gone:#}");
    let (told, successor) = (words(&gone), text(&record["successors"][0]));
    assert!(told.contains(&format!("\n{successor} was made to take its place\n")), "{told}");
    let decided = text(&record["deletion_decided_at"]);
    assert!(
        told.contains(&format!(
            "\ndeleted, decided at {decided}: repair: it was not well, or its compute node was not; gone since "
        )),
        "{told}"
    );
    assert!(told.contains(" is unhealthy (was healthy): ") && told.contains(": it did not answer in time\n"), "{told}");

    let new = ask(&site, &site.demo, &group, Some(successor)).await.json();
    assert_eq!(new["instance"]["succession"]["predecessor"], operation, "{new:#}");
    assert!(
        words(&new).contains(&format!(": for one that was repaired by replacing it, in the place of {operation}")),
        "{new:#}"
    );

    site.v2("PATCH", &format!("/v2/groups/{group}"), r#"{"capacity": 2}"#).await;
    let is_over = |listed: &Answer| listed.json()["items"].as_array().unwrap().len() == 2;
    let path = format!("/v2/groups/{group}/instances");
    let kept = eventually(async || site.v2("GET", &path, "").await, is_over).await.json();
    let there = [successor, text(&members[1]["operation"]), text(&members[2]["operation"])];
    let is_kept = |wanted: &str| kept["items"].as_array().unwrap().iter().any(|member| member["operation"] == wanted);
    let gone = there.into_iter().find(|operation| !is_kept(operation)).unwrap();
    let gone = told_once(&site, &group, Some(gone), |words| words.contains("gone since")).await;
    assert!(words(&gone).contains(": the group had too many; gone since"), "{gone:#}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_is_not_theirs_and_who_asks_for_nobody_hears_where_to_look() {
    let site = Site::enrolled().await;
    let (group, members) = quick_group(&site, 1).await;
    let elsewhere = site.group("elsewhere", &site.template("t").await, 0).await;
    let (machine, name) = (text(&members[0]["instance"]), text(&members[0]["name"]));
    let operation = text(&members[0]["operation"]);
    for wanted in [None, Some(machine), Some(name), Some(operation)] {
        let foreign = ask(&site, &site.other, &group, wanted).await;
        assert_eq!((foreign.status, foreign.json()["message"].as_str()), (404, Some("there is no such group")));
    }
    // Of another group of one's own it is told which.
    let wrong = ask(&site, &site.demo, &elsewhere, Some(machine)).await;
    assert_eq!(wrong.status, 404, "{wrong:?}");
    assert!(text(&wrong.json()["hint"]).contains(&format!("/v2/groups/{group}/why")), "{wrong:?}");
    let stranger = format!("other-{operation}");
    let nobody = ["6b1ab0b8-0000-4000-8000-000000000000", "aaaaaaaaaaaaaaaaaaaaaaaabk", "nobody", "", "%27;--"];
    for wanted in nobody.into_iter().chain([stranger.as_str()]) {
        let unknown = ask(&site, &site.demo, &group, Some(wanted)).await;
        assert_eq!((unknown.status, unknown.code().as_str()), (404, "NotFound"), "{wanted}: {unknown:?}");
        assert!(text(&unknown.json()["hint"]).contains(&format!("/v2/groups/{group}/audit")), "{wanted}: {unknown:?}");
    }
    assert_eq!(ask(&site, &site.demo, &elsewhere, Some(operation)).await.status, 404);
    assert_eq!(site.ask("GET", &format!("/v2/groups/{group}/why")).send().await.status, 401);
    site.end().await;
}
