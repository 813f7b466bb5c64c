//! Routes, versions, representations, bodies and headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde_json::json;
use tsg_cloudapi::signature::HttpDate;

use crate::client::{Answer, Ask, Client};
use crate::support::site::{FAST, Site, quick};

async fn anonymous(site: &Site, ask: Ask) -> Answer {
    ask.send(site.server.cloudapi()).await.expect("an answer")
}

#[tokio::test]
async fn ping_needs_no_signature_but_a_fresh_date() {
    let site = Site::at_speed(FAST, quick()).await;
    let pong = anonymous(&site, Ask::new(Method::GET, "/--ping")).await.expect(200);
    let versions = ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"];
    assert_eq!(pong.json(), json!({"ping": "pong", "cloudapi": {"versions": versions}}));
    assert_eq!(pong.header("triton-datacenter-name"), site.server.with_world(|world| world.datacenter().to_owned()));

    let old = Timestamp::now().checked_sub(SignedDuration::from_secs(400)).unwrap();
    let date = HttpDate::from_timestamp(old);
    let refused = anonymous(&site, Ask::new(Method::GET, "/--ping").header("date", date.as_str())).await;
    assert_eq!(refused.refusal(), (400, "RequestExpired".into(), format!("Date header {} is too old", date.as_str())));
    let ahead = HttpDate::from_timestamp(Timestamp::now().checked_add(SignedDuration::from_secs(400)).unwrap());
    anonymous(&site, Ask::new(Method::GET, "/--ping").header("date", ahead.as_str())).await.expect(200);
}

#[tokio::test]
async fn ordinary_answers_carry_all_headers() {
    let site = Site::at_speed(FAST, quick()).await;
    let answer = Client::demo(&site).get("/my/machines").await.expect(200);
    for (name, value) in [
        ("content-type", "application/json"),
        ("server", "cloudapi/9.20.0"),
        ("api-version", "9.0.0"),
        ("connection", "Keep-Alive"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "Api-Version, Request-Id, Response-Time"),
        ("access-control-allow-methods", "GET, HEAD, POST, PUT"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("response-time").parse::<u64>().is_ok());
    assert_eq!(answer.header("request-id").len(), 36);
    assert!(answer.header("date").ends_with(" GMT"));
}

#[tokio::test]
async fn bodies_come_with_their_md5_and_length_and_head_without_body() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    for target in ["/my", "/my/images", "/my/machines", "/my/machines/nope", "/other"] {
        let answer = client.get(target).await;
        assert_eq!(answer.header("content-md5"), STANDARD.encode(Md5::digest(&answer.body)), "{target}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{target}");
        let head = client.head(target).await;
        assert_eq!((head.status, head.body.len()), (answer.status, 0), "{target}");
        for name in ["content-md5", "content-length", "content-type", "x-resource-count"] {
            assert_eq!(head.header(name), answer.header(name), "{target} {name}");
        }
    }
}

#[tokio::test]
async fn the_router_refuses_before_anything_else_and_barely() {
    let site = Site::at_speed(FAST, quick()).await;
    let unknown = anonymous(&site, Ask::new(Method::GET, "/a/b/c/d/e/f/g")).await;
    assert_eq!(unknown.refusal(), (404, "ResourceNotFound".into(), "/a/b/c/d/e/f/g does not exist".into()));
    assert_eq!((unknown.header("api-version"), unknown.header("request-id")), ("", ""));

    let wrong = anonymous(&site, Ask::new(Method::PATCH, "/my/machines")).await;
    assert_eq!(wrong.refusal(), (405, "MethodNotAllowedError".into(), "PATCH is not allowed".into()));
    assert_eq!(wrong.header("allow"), "GET, HEAD, POST, PUT");

    let other = anonymous(&site, Ask::new(Method::GET, "/my/nonexistent")).await.expect(405);
    assert_eq!(other.header("allow"), "PUT");
    anonymous(&site, Ask::new(Method::GET, "/my/Machines")).await.expect(405);
    anonymous(&site, Ask::new(Method::GET, "//my///machines/")).await.expect(401);
}

#[tokio::test]
async fn version_ranges_are_negotiated_by_npm_rules() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let with = |name: &'static str, range: &str| Ask::new(Method::GET, "/my/machines").header(name, range);
    for range in ["~9||~8", "8", "*", "~7.2", ">=7 <9"] {
        let answer = client.send(with("accept-version", range)).await.expect(200);
        assert_eq!(answer.header("api-version"), "9.0.0", "{range}");
    }
    for range in ["~5", "9.20.0", "latest"] {
        let refused = client.send(with("accept-version", range)).await;
        let message = format!("{range} is not supported by GET /my/machines");
        assert_eq!(refused.refusal(), (400, "InvalidVersion".into(), message));
    }
    client.send(with("x-api-version", "~5")).await.expect(400);
    client.send(with("x-api-version", "~5").header("accept-version", "8")).await.expect(200);
    client.send(with("api-version", "0.1.0")).await.expect(200);
    client.get("/my/machines").await.expect(200);
}

#[tokio::test]
async fn accept_decides_the_representation() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let with = |accept: &str| Ask::new(Method::GET, "/my").header("accept", accept);
    let refused = client.send(with("text/html")).await.expect(406);
    assert_eq!(refused.json()["code"], "NotAcceptableError");
    let text = client.send(with("text/plain")).await.expect(200);
    assert_eq!(text.header("content-type"), "text/plain");
    let json = client.send(with("*/*")).await.expect(200);
    assert_eq!(json.header("content-type"), "application/json");
}

#[tokio::test]
async fn bodies_are_judged_before_signatures() {
    let site = Site::at_speed(FAST, quick()).await;
    let broken = Ask::new(Method::POST, "/my/machines").body("application/json", "{nope");
    let refused = anonymous(&site, broken.clone()).await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "InvalidContent"));
    Client::demo(&site).send(broken).await.expect(400);

    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(100_001));
    let refused = anonymous(&site, Ask::new(Method::POST, "/my/machines").body("application/json", &huge)).await;
    let message = "Request body size exceeds 100000".to_owned();
    assert_eq!(refused.refusal(), (413, "PayloadTooLargeError".into(), message));
    let fitting = format!("{{\"name\":\"{}\"}}", "x".repeat(99_900));
    anonymous(&site, Ask::new(Method::POST, "/my/machines").body("application/json", &fitting)).await.expect(401);
}

#[tokio::test]
async fn bodies_without_a_known_type_are_ignored_and_forms_carry_texts() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("a").await.to_string();
    let untyped = Ask { body: body.clone().into(), ..Ask::new(Method::POST, "/my/machines") };
    let ignored = client.send(untyped).await;
    assert_eq!(ignored.refusal(), (409, "MissingParameter".into(), "image must be specified".into()));

    let image = client.image("debian-12").await;
    let form = format!("name=form&image={image}&package=sample-1G&tag.n=3");
    let created = client
        .send(Ask::new(Method::POST, "/my/machines").body("application/x-www-form-urlencoded", &form))
        .await
        .expect(201);
    assert_eq!(created.json()["tags"], json!({"n": "3"}));
}

#[tokio::test]
async fn the_body_wins_over_the_query_and_actions_may_stand_in_either() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("from-body").await;
    let created = client.post("/my/machines?name=from-query", &body).await.expect(201).json();
    assert_eq!(created["name"], "from-body");
    let id = client.running("acted-on").await;
    client.send(Ask::new(Method::POST, &format!("/my/machines/{id}?action=stop"))).await.expect(202);
    client.until(&format!("/my/machines/{id}"), |answer| answer.json()["state"] == "stopped").await;
    client.post(&format!("/my/machines/{id}"), &json!({"action": "start"})).await.expect(202);
    client.until(&format!("/my/machines/{id}"), |answer| answer.json()["state"] == "running").await;
    let missing = client.post(&format!("/my/machines/{id}"), &json!({})).await;
    assert_eq!((missing.status, missing.refusal().2.as_str()), (409, "action is required"));
    let wrong = client.post(&format!("/my/machines/{id}"), &json!({"action": "explode"})).await;
    assert_eq!((wrong.status, wrong.refusal().2.as_str()), (409, "explode is not a valid action"));
}

#[tokio::test]
async fn what_is_not_offered_says_so() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    for (method, target) in
        [(Method::POST, "/my/volumes"), (Method::GET, "/my/fabrics/default/vlans"), (Method::PUT, "/my/machines")]
    {
        let refused = client.send(Ask::new(method, target)).await.expect(501);
        assert_eq!(refused.json()["code"], "NotImplementedError", "{target}");
    }
    for target in ["/my/volumes", "/my/users", "/my/migrations", "/my/fwrules"] {
        assert_eq!(client.get(target).await.expect(200).json(), json!([]), "{target}");
    }
}

#[tokio::test]
async fn data_centres_and_services_point_here() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let name = site.server.with_world(|world| world.datacenter().to_owned());
    let url = site.server.url();
    let list = client.get("/my/datacenters").await.expect(200);
    assert_eq!(list.json()[&name], url.as_str());
    assert_eq!(list.header("triton-datacenter-name"), name);
    let moved = client.get(&format!("/my/datacenters/{name}")).await.expect(302);
    assert_eq!((moved.header("location"), moved.json()["code"].as_str()), (url.as_str(), Some("ResourceMoved")));
    let unknown = client.get("/my/datacenters/zz").await.refusal();
    assert_eq!(unknown, (404, "ResourceNotFound".into(), "zz is not an available datacenter".into()));
    assert_eq!(client.get("/my/services").await.expect(200).json()["cloudapi"], url.as_str());
}
