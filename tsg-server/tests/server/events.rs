//! What accounts are told of what happens: in order, each once, to their own people, and without
//! asking again and again.

use serde_json::{Value, json};

use crate::prober::{all, hang, members_once, watched_group};
use crate::support::site::eventually;
use crate::support::{Answer, Form, Person, Site};

async fn read(site: &Site, person: &Person, query: &str) -> Answer {
    let path = format!("/v2/events?{query}");
    site.ask("GET", &path).unique().signed(person, Form::Target).send().await
}

/// A group of three whose instances are well, and where its story stands.
async fn well(site: &Site) -> (String, Value, String) {
    site.enrol(&site.demo).await;
    site.enrol(&site.other).await;
    let group = watched_group(site, 3, "2m").await;
    let members = members_once(site, &group, |verdicts| all(verdicts, 3, "healthy")).await;
    let so_far = read(site, &site.demo, "limit=200").await.json();
    (group, members, so_far["cursor"].as_str().unwrap().to_owned())
}

fn is_about(event: &Value, member: &Value, verdict: &str) -> bool {
    (&event["kind"], &event["instance"], &event["to"]) == (&json!("verdict"), &member["instance"], &json!(verdict))
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_instance_is_told_of_in_order_page_by_page_and_to_nobody_else() {
    let site = Site::start(|_| {}).await;
    let (group, members, _) = well(&site).await;
    let hung = &members["items"][0];
    hang(&site, hung).await;
    let has_both = |answer: &Answer| {
        let items = items(answer);
        let place = |verdict: &str| items.iter().position(|event| is_about(event, hung, verdict));
        place("healthy").is_some() && place("healthy") < place("unhealthy")
    };
    let told = eventually(async || read(&site, &site.demo, "limit=200").await, has_both).await;
    let unhealthy = items(&told).into_iter().find(|event| is_about(event, hung, "unhealthy")).unwrap();
    assert_eq!((&unhealthy["group"], &unhealthy["group_name"]), (&json!(group), &json!("edge")));
    assert_eq!((&unhealthy["from"], &unhealthy["reason"]), (&json!("healthy"), &json!("it did not answer in time")));
    let expected = format!(
        "{} is unhealthy (was healthy): {}: it did not answer in time",
        hung["name"].as_str().unwrap(),
        unhealthy["check"].as_str().unwrap()
    );
    assert_eq!(unhealthy["text"], expected);

    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = read(&site, &site.demo, &format!("limit=1&after={after}")).await;
        paged.extend(items(&page));
        match page.json()["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert!(paged.starts_with(&items(&told)), "{paged:#?}");
    let after_it = format!("after={}", unhealthy["cursor"].as_str().unwrap());
    let later = items(&read(&site, &site.demo, &after_it).await);
    assert!(!later.contains(&unhealthy) && !later.iter().any(|event| is_about(event, hung, "healthy")), "{later:#?}");

    for query in [String::new(), format!("group={group}"), after_it] {
        assert_eq!(items(&read(&site, &site.other, &query).await), [Value::Null; 0], "{query}");
    }
    let nobody = "6b1ab0b8-0000-4000-8000-000000000000";
    assert_eq!(items(&read(&site, &site.demo, &format!("group={nobody}")).await), [Value::Null; 0]);
    assert!(!items(&read(&site, &site.demo, &format!("group={group}")).await).is_empty());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_is_told_when_it_happens() {
    let site = Site::start(|_| {}).await;
    let (group, members, cursor) = well(&site).await;
    let nothing = read(&site, &site.demo, &format!("after={cursor}&wait=1s")).await;
    assert_eq!((items(&nothing), nothing.json()["cursor"].as_str()), (Vec::new(), Some(cursor.as_str())));
    let query = format!("after={cursor}&wait=50s&group={group}");
    let (told, ()) = tokio::join!(read(&site, &site.demo, &query), hang(&site, &members["items"][1]));
    assert!(is_about(&items(&told)[0], &members["items"][1], "unhealthy"), "{told:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_another_process_and_what_is_no_place_are_told_apart() {
    let site = Site::start(|_| {}).await;
    let (_, _, cursor) = well(&site).await;
    assert_eq!(read(&site, &site.demo, &format!("after={cursor}")).await.json()["has_begun_anew"], false);
    let number = cursor.rsplit_once('-').unwrap().1;
    // It does not wait: the reader has to know.
    let other = read(&site, &site.demo, &format!("after=1-{number}&wait=50s&limit=1")).await.json();
    assert_eq!((&other["has_begun_anew"], &other["missed"]), (&json!(true), &json!(0)));
    for (query, code) in [("after=nonsense", 422), ("wait=soon", 422), ("limit=0", 422), ("group=nonsense", 404)] {
        assert_eq!(read(&site, &site.demo, query).await.status, code, "{query}");
    }
    assert_eq!(site.ask("GET", "/v2/events").send().await.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_sends_its_readers_home() {
    let site = Site::start(|config| config.limits.requests_at_once = 1).await;
    site.enrol(&site.demo).await;
    let waiting = site.ask("GET", "/v2/events?wait=50s").signed(&site.demo, Form::Target);
    let reader = tokio::spawn(waiting.send());
    // There is room for one at once: the reader waits.
    eventually(async || site.v2("GET", "/v2/groups", "").await, |answer| answer.status == 429).await;
    site.end().await;
    let told = reader.await.unwrap();
    assert_eq!((told.status, items(&told)), (200, Vec::new()));
}
