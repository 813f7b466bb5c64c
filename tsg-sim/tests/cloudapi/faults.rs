//! Faults as clients feel them, and the admin API that switches them.

use serde_json::json;
use std::time::Duration;
use tsg_sim::admin::{AdminError, ClockCommand, SimAdmin};
use tsg_sim::http::clock::parse_date;
use tsg_sim::world::{Fault, FaultRule, Operation, Target};

use crate::client::{Ask, Client};
use crate::support::site::{FAST, Site, quick};

#[tokio::test]
async fn a_lost_reply_closes_the_connection_after_the_effect() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("web").await;
    let rule = FaultRule::times(Fault::LoseReply, 1).only(Operation::CreateMachine);
    let id = site.server.admin().inject(&rule).await.unwrap();
    assert!(client.try_send(Ask::new(http::Method::POST, "/my/machines").json(&body)).await.is_none());
    let found = client.get("/my/machines?name=web").await.expect(200).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let status = site.server.admin().faults().await.unwrap().into_iter().find(|status| status.id == id).unwrap();
    assert_eq!(status.hits, 1);
    assert_eq!(site.server.admin().stats().await.unwrap().dropped, 1);
}

#[tokio::test]
async fn a_lost_request_has_no_effect() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("web").await;
    let rule = FaultRule::times(Fault::LoseRequest, 1).only(Operation::CreateMachine);
    site.server.admin().inject(&rule).await.unwrap();
    assert!(client.try_send(Ask::new(http::Method::POST, "/my/machines").json(&body)).await.is_none());
    assert_eq!(client.get("/my/machines").await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn read_only_mode_refuses_writes_and_serves_reads() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let body = client.request("web").await;
    let id = client.running("kept").await;
    let rule = FaultRule::from(Fault::ReadOnly { retry_after_s: Some(7) });
    let fault = site.server.admin().inject(&rule).await.unwrap();
    let refused = client.post("/my/machines", &body).await;
    let words = "This Triton data center is being upgraded".to_owned();
    assert_eq!(refused.refusal(), (503, "ServiceUnavailableError".into(), words));
    let date = |name: &str| parse_date(refused.header(name)).unwrap();
    assert_eq!(date("retry-after").duration_since(date("date")).as_secs(), 7);
    client.delete(&format!("/my/machines/{id}")).await.expect(503);
    client.get("/my/machines").await.expect(200);
    assert!(site.server.admin().clear(fault).await.unwrap());
    assert!(!site.server.admin().clear(fault).await.unwrap());
    client.post("/my/machines", &body).await.expect(201);
}

#[tokio::test]
async fn the_load_balancer_answers_with_its_own_page() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    site.server.admin().inject(&FaultRule::times(Fault::ProxyUnavailable, 1)).await.unwrap();
    let page = client.get("/my/machines").await.expect(503);
    assert_eq!((page.header("content-type"), page.header("api-version")), ("text/html", ""));
    assert!(page.body.starts_with(b"<html>"));
    client.get("/my/machines").await.expect(200);
}

#[tokio::test]
async fn storms_and_crashes_look_like_upstreams() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let admin = site.server.admin();
    for (fault, status) in [(Fault::ThrottleStorm, 429), (Fault::InternalError, 500)] {
        admin.inject(&FaultRule::times(fault, 1)).await.unwrap();
        client.get("/my/images").await.expect(status);
        client.get("/my/images").await.expect(200);
    }
    let body = client.request("web").await;
    admin.inject(&FaultRule::times(Fault::QuotaReached, 1)).await.unwrap();
    let quota = client.post("/my/machines", &body).await.refusal();
    let words = "Quota exceeded; to have your limits raised please contact Support".to_owned();
    assert_eq!(quota, (403, "NotAuthorized".into(), words));
    admin.inject(&FaultRule::times(Fault::NoCapacity, 1)).await.unwrap();
    let full = client.post("/my/machines", &body).await.expect(409);
    assert_eq!(full.json()["code"], "NoAllocatableServersError");
    admin.inject(&FaultRule::times(Fault::ErrorAfterCreate, 1)).await.unwrap();
    client.post("/my/machines", &body).await.expect(500);
    assert_eq!(client.get("/my/machines?name=web").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn time_can_be_paused_advanced_and_resumed() {
    let site = Site::at_speed(1.0, quick()).await;
    let client = Client::demo(&site);
    let admin = site.server.admin();
    let id = client.create(&client.request("web").await).await;
    let paused = admin.set_clock(ClockCommand::Pause).await.unwrap();
    assert!(paused.paused);
    let path = format!("/my/machines/{id}");
    assert_eq!(client.get(&path).await.json()["state"], "provisioning");
    assert_eq!(admin.clock().await.unwrap().now, paused.now);
    let later = admin.set_clock(ClockCommand::Advance { ms: 60_000 }).await.unwrap();
    assert_eq!(later.now, paused.now.plus_ms(60_000));
    assert_eq!(client.get(&path).await.json()["state"], "running");
    let refused = admin.set_clock(ClockCommand::SetSpeed { factor: 0.0 }).await.unwrap_err();
    assert!(matches!(refused, AdminError::Refused { status: 400, .. }), "{refused}");
    let running = admin.set_clock(ClockCommand::SetSpeed { factor: 50.0 }).await.unwrap();
    assert_eq!((running.speed, running.paused), (50.0, true));
    assert!(!admin.set_clock(ClockCommand::Resume).await.unwrap().paused);
}

#[tokio::test]
async fn truth_and_targets_by_the_admin_api() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let admin = site.server.admin();
    let id = client.running("web").await;
    let truth = admin.machines().await.unwrap();
    assert_eq!((truth.len(), truth[0].id.to_string(), truth[0].account.as_str()), (1, id.clone(), "demo"));
    assert!(truth[0].server.starts_with(&truth[0].rack) && truth[0].address.is_some());
    admin.inject(&FaultRule::from(Fault::KillInstance { machine: Target::Named("web".into()) })).await.unwrap();
    client.get(&format!("/my/machines/{id}")).await.expect(410);
    assert_eq!(admin.machines().await.unwrap(), []);
    let nothing = FaultRule::from(Fault::KillInstance { machine: Target::Named("nope".into()) });
    let refused = admin.inject(&nothing).await.unwrap_err();
    assert!(matches!(refused, AdminError::Refused { status: 409, .. }), "{refused}");
    admin.inject(&FaultRule::from(Fault::NoCapacity)).await.unwrap();
    admin.clear_all().await.unwrap();
    assert_eq!(admin.faults().await.unwrap(), []);
    let nowhere = SimAdmin::new(([127, 0, 0, 1], 1).into()).clock().await.unwrap_err();
    assert!(matches!(nowhere, AdminError::Unreachable { .. }), "{nowhere}");
}

#[tokio::test]
async fn cloudapi_shows_nothing_of_the_back_door_and_shutdown_ends_everything() {
    let site = Site::at_speed(FAST, quick()).await;
    let address = site.server.cloudapi();
    for (path, status) in [("/--sim", 401), ("/--sim/faults", 405), ("/--sim/machines/x/manner", 404)] {
        Ask::new(http::Method::GET, path).send(address).await.unwrap().expect(status);
    }
    tokio::time::timeout(Duration::from_secs(5), site.server.shutdown()).await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
