//! Enrolling an account, and what must not enrol one.

use crate::support::site::eventually;
use crate::support::{Form, Person, Site};

/// The names of an account's keys in the data centre.
pub fn keys_of(site: &Site, login: &str) -> Vec<String> {
    site.sim.with_world(|world| {
        let account = world.find_account(login).unwrap().id;
        world.keys(account).unwrap().iter().map(|key| key.name.clone()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_enrols_and_enrolling_again_replaces_the_key() {
    let site = Site::start(|_| {}).await;
    let first = site.enrol(&site.demo).await;
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.json();
    assert_eq!((&first["account"]["login"], &first["superseded"]), (&"demo".into(), &serde_json::json!([])));
    assert!(keys_of(&site, "demo").contains(&first["key_name"].as_str().unwrap().to_owned()));
    let template = site.template("t").await;

    let second = site.enrol(&site.demo).await.json();
    assert_eq!(second["superseded"][0]["key_name"], first["key_name"]);
    assert_eq!(second["superseded"][0]["key_fingerprint"], first["key_fingerprint"]);
    let account = site.v2("GET", "/v2/account", "").await.json();
    assert_eq!((&account["key_name"], &account["key_version"]), (&second["key_name"], &2.into()));
    // What the account had stays, and the engine works with the new key.
    let group = site.group("web", &template, 1).await;
    let path = format!("/v2/groups/{group}");
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_its_owner_removed_is_said_and_mended_by_enrolling_again() {
    let site = Site::start(|_| {}).await;
    let enrolled = site.enrol(&site.demo).await.json();
    site.sim.with_world(|world| {
        let account = world.find_account("demo").unwrap().id;
        world.remove_key(account, enrolled["key_name"].as_str().unwrap()).unwrap();
    });
    let refused = site.ask("GET", "/v2/groups").signed(&site.demo, Form::Target).send().await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "ServerKeyRefused"));
    assert!(refused.body.contains("enrol the account again"), "{refused:?}");
    let old = site.ask("GET", "/v1/tsg/groups").signed(&site.demo, Form::DateOnly).send().await;
    assert!(old.body.starts_with("failed key authentication"), "{old:?}");
    assert_eq!(site.enrol(&site.demo).await.status, 200);
    assert_eq!(site.v2("GET", "/v2/groups", "").await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_of_an_allowed_account_can_complete() {
    let site = Site::start(|_| {}).await;
    for (login, status, code) in [
        ("stranger", 403, "AccountNotAllowed"),
        ("a", 422, "InvalidLogin"),
        ("../other", 422, "InvalidLogin"),
        ("demo/users/bob", 422, "InvalidLogin"),
    ] {
        let answer = site.begin(login).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{login}");
    }
    let begun = site.begin("demo").await;
    assert!(begun.json()["public_key"].as_str().unwrap().starts_with("ssh-ed25519 "), "{begun:?}");
    let early = site.complete(&site.demo, &begun).await;
    assert_eq!((early.status, early.code().as_str()), (409, "KeyNotVisible"));
    site.upload(&site.demo, &begun).await;

    let impostor = Person::new("demo");
    let path = format!("/v2/account/enrollments/{}/complete", begun.json()["id"].as_str().unwrap());
    let attempts = [
        (site.ask("POST", &path), "NotSigned"),
        (site.ask("POST", &path).signed(&impostor, Form::Target), "InvalidCredentials"),
        (site.ask("POST", &path).signed(&site.other, Form::Target), "InvalidCredentials"),
        (site.ask("POST", &path).signed(&site.demo, Form::DateOnly), "TargetNotSigned"),
    ];
    for (asking, code) in attempts {
        let answer = asking.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code));
        assert_eq!(site.ask("GET", "/v2/groups").signed(&site.demo, Form::Target).send().await.status, 401);
    }
    assert_eq!(site.complete(&site.demo, &begun).await.status, 200);
    let twice = site.complete(&site.demo, &begun).await;
    assert_eq!(twice.status, 404, "an enrolment is completed once: {twice:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolments_that_are_only_begun_are_bounded() {
    let site = Site::start(|_| {}).await;
    let others = site.begin("other").await;
    let first = site.begin("demo").await;
    for _ in 0..40 {
        assert_eq!(site.begin("demo").await.status, 201, "whoever begins many does not keep the owner out");
    }
    let pushed_out = site.complete(&site.demo, &first).await;
    assert_eq!(pushed_out.status, 404, "{pushed_out:?}");
    assert_eq!(site.enrol(&site.demo).await.status, 200);
    site.upload(&site.other, &others).await;
    let answer = site.complete(&site.other, &others).await;
    assert_eq!(answer.status, 200, "one account's enrolments do not push out another's: {answer:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_keys_are_long_and_short_ones_cannot_be_asked_for() {
    let site = Site::start(|_| {}).await;
    let begin = async |body: &str| site.ask("POST", "/v2/account/enrollments").body(body).send().await;
    let rsa = begin(r#"{"login":"demo","key_type":"rsa3072"}"#).await;
    let key = tsg_cloudapi::signature::PublicKey::from_openssh(rsa.json()["public_key"].as_str().unwrap()).unwrap();
    assert_eq!(key.bits(), 3072);
    for body in [r#"{"login":"demo","key_type":"rsa1024"}"#, r#"{"login":"demo","bits":1024}"#, "{}", "null", "x"] {
        assert!([400, 422].contains(&begin(body).await.status), "{body}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_the_owners_is_refused_without_asking_cloudapi() {
    let site = Site::start(|_| {}).await;
    let begun = site.begin("demo").await;
    let path = format!("/v2/account/enrollments/{}/complete", begun.json()["id"].as_str().unwrap());
    let Site { sim, server, demo, other, folder } = site;
    sim.shutdown().await;
    let url = format!("http://{}", server.address());
    let ask = || crate::support::client::Asking::new("POST", &url, &path);
    let attempts = [
        (ask(), 401, "NotSigned"),
        (ask().signed(&other, Form::Target), 401, "InvalidCredentials"),
        (ask().signed(&demo, Form::DateOnly), 401, "TargetNotSigned"),
        (ask().signed(&demo, Form::Target), 503, "CloudUnavailable"),
    ];
    for (asking, status, code) in attempts {
        let answer = asking.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
    server.shutdown().await;
    drop(folder);
}
