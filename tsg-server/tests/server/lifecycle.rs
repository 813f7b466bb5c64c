//! Start, restart and end of the whole server.

use std::time::Duration;

use tsg_server::config::StoreLocation;
use tsg_server::{Server, StartError};

use crate::support::site::{DEADLINE, config, eventually};
use crate::support::{Form, Site};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart_and_goes_on() {
    let site = Site::start(|config| config.store = StoreLocation::File(config.key_file.with_file_name("tsg.db"))).await;
    site.enrol(&site.demo).await;
    let template = site.template("t").await;
    let group = site.group("web", &template, 2).await;
    let Site { sim, server, demo, other, folder } = site;
    server.shutdown().await;

    let mut config = config(&sim.url(), folder.path());
    config.store = StoreLocation::File(folder.path().join("tsg.db"));
    let server = Server::start(config).await.unwrap();
    let site = Site { sim, server, demo, other, folder };
    let path = format!("/v2/groups/{group}");
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await;
    let reconciled = site.server.reconcile(DEADLINE).await;
    assert!(reconciled.is_complete() && reconciled.settled == 1, "{reconciled:?}");
    let live = site.sim.with_world(|world| {
        let account = world.find_account("demo").unwrap().id;
        world.live_machines(account).count()
    });
    assert_eq!(live, 2);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_an_error_with_a_next_step_and_leaves_nothing_running() {
    let site = Site::start(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&site.sim.url(), folder.path());
    config.http.port = site.server.address().port();
    let error = Server::start(config).await.err().unwrap();
    assert!(matches!(error, StartError::Bind { .. }), "{error}");
    assert!(error.hint().contains("http.port"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_use_or_damaged_is_an_error_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://127.0.0.1:9", folder.path());
    let file = folder.path().join("tsg.db");
    config.store = StoreLocation::File(file.clone());
    let first = Server::start(config.clone()).await.unwrap();
    let second = Server::start(config.clone()).await.err().unwrap();
    assert!(matches!(second, StartError::Open(_)), "{second}");
    assert!(second.hint().contains("no other tsg server"), "{second}");
    first.shutdown().await;
    std::fs::write(&file, "this is no database").unwrap();
    let damaged = Server::start(config).await.err().unwrap();
    assert!(matches!(damaged, StartError::Open(_)), "{damaged}");
    assert_eq!(std::fs::read(&file).unwrap(), b"this is no database", "what is damaged is left for its owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloudapi_that_does_not_answer_is_said_and_nothing_is_lost() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let Site { sim, server, demo, other, folder } = site;
    sim.shutdown().await;
    let url = format!("http://{}", server.address());
    let ask = |method: &str, path: &str| crate::support::client::Asking::new(method, &url, path);
    // Keys that are known are believed for a while; writes are kept.
    let body = format!(r#"{{"group_name":"web","template_id":"{template}","capacity":1}}"#);
    let made = ask("POST", "/v1/tsg/groups").body(body).signed(&demo, Form::DateOnly).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let health = eventually(
        async || ask("GET", "/v2/health").signed(&demo, Form::Target).send().await,
        |answer| answer.json()["status"] == "degraded",
    )
    .await;
    assert!(health.json()["account"]["health"]["cloud_trouble"]["what"].is_string(), "{health:?}");
    let reconciled = server.reconcile(Duration::from_millis(300)).await;
    assert!(!reconciled.is_complete(), "{reconciled:?}");
    server.shutdown().await;
    drop((other, folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_development_mode_the_demonstration_account_needs_no_signature() {
    let site = Site::start(|config| {
        config.dev = Some(tsg_server::config::DevMode { login: "demo".to_owned() });
    })
    .await;
    let early = site.ask("GET", "/v1/tsg/groups").send().await;
    assert_eq!(early.status, 401, "nobody is enrolled yet");
    site.enrol(&site.demo).await;
    for path in ["/v1/tsg/groups", "/v2/groups"] {
        assert_eq!(site.ask("GET", path).send().await.status, 200, "{path}");
    }
    // A signature that is there is held against the account's keys all the same.
    let wrong = site.ask("GET", "/v2/groups").signed(&site.other, Form::Target).send().await;
    assert_eq!(wrong.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_at_once_are_turned_away_and_others_are_not() {
    let site = Site::start(|config| config.limits.requests_at_once = 1).await;
    site.enrol(&site.demo).await;
    site.enrol(&site.other).await;
    let asking = (0..40).map(|_| site.ask("GET", "/v2/groups").signed(&site.demo, Form::Target).send());
    let (answers, theirs) = tokio::join!(
        futures_util::future::join_all(asking),
        site.ask("GET", "/v2/groups").signed(&site.other, Form::Target).send()
    );
    assert!(answers.iter().any(|answer| answer.status == 200));
    assert!(answers.iter().all(|answer| [200, 429].contains(&answer.status)), "{answers:?}");
    assert_eq!(theirs.status, 200);
    site.end().await;
}
