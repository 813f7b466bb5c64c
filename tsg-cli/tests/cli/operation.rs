//! Running a server: development mode, allow-list, enrolment, one round of work, the right profile.

use std::fs;

use reqwest::StatusCode;
use tsg_cloudapi::client::ClientOptions;
use tsg_cloudapi::signature::{KeyId, LocalSigner, NewKeyKind};
use tsg_sim::world::{Fault, FaultId};

use crate::support::client::Client;
use crate::support::process::{Running, run, tsg};
use crate::support::site::{Datacenter, ServerPlan, User, as_user, say};

const TEMPLATE: [&str; 8] = ["template", "create", "web", "--image", "base-64-lts", "--package", "sample-1G", "--json"];

#[tokio::test]
async fn development_mode_takes_unsigned_requests_and_nothing_but_loopback() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let start = |command: &str| {
        let arguments = [command, "--dev", "--json", "--port", "0", "--data-dir", data, "--log-level", "error"];
        let mut process = Running::start(&mut tsg(home.path(), &arguments));
        let url = process.until("ready")["url"].as_str().unwrap().to_owned();
        (process, url)
    };
    let (process, url) = start("agent");
    let answer = reqwest::get(format!("{url}/v1/tsg/groups")).await.unwrap();
    assert_eq!((answer.status(), answer.text().await.unwrap().as_str()), (StatusCode::OK, "[]"));
    assert_eq!(process.terminate(), 0);

    let refused = run(&mut tsg(home.path(), &["server", "--dev", "--bind", "0.0.0.0", "--data-dir", data]));
    assert_eq!((refused.code, refused.err.contains("loopback")), (2, true), "{refused:?}");
}

#[tokio::test]
async fn only_allowed_accounts_enrol_and_doing_it_again_replaces_the_key() {
    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &["auth.allow_all=false"]);
    let server = plan.start();
    let enroll = || say(&user, &datacenter.url, &server.url, &["account", "enroll", "--json"]);
    let folder = plan.folder();
    let local = |arguments: &[&str]| {
        run(&mut tsg(user.home(), &[arguments, &["--data-dir", folder.to_str().unwrap()]].concat()))
    };

    let refused = enroll();
    assert_eq!((refused.code, refused.err.contains("tsg account allow")), (6, true), "{refused:?}");
    local(&["account", "allow", "demo"]).ok();
    assert_eq!(local(&["account", "list", "--json"]).ok().json()["accounts"]["demo"], "tsg account allow");
    let first = enroll().ok().json();
    let second = enroll().ok().json();
    assert_ne!(first["key_fingerprint"], second["key_fingerprint"]);

    let signer = LocalSigner::new(KeyId::for_account("demo", user.key().public_key()), user.key()).unwrap();
    let cloud = tsg_cloudapi::client::Client::new(ClientOptions::new(&datacenter.url, "demo", signer.into())).unwrap();
    let keys = cloud.keys().await.unwrap();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(keys.len(), 2, "the user's key and the server's newest: {names:?}");
    assert!(names.contains(&second["key_name"].as_str().unwrap()), "{names:?}");

    local(&["account", "allow", "demo", "--remove"]).ok();
    assert_eq!(enroll().code, 6);
}

#[tokio::test]
async fn one_round_without_a_standing_server_brings_groups_where_they_should_be() {
    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &[]);
    let server = plan.start();
    let ask = |arguments: &[&str]| say(&user, &datacenter.url, &server.url, arguments).ok();
    ask(&["account", "enroll"]);
    ask(&TEMPLATE);
    let held = datacenter.admin.inject(&Fault::HoldProvision.into()).await.unwrap();
    ask(&["group", "create", "web", "-t", "web", "-c", "3"]);
    assert_eq!(server.process.terminate(), 0);

    let in_vain = reconcile(&plan, &datacenter, "2");
    assert_eq!((in_vain.code, &in_vain.json()["unsettled"][0]["group"]), (5, &"web".into()), "{in_vain:?}");
    release(&datacenter, held).await;
    let done = reconcile(&plan, &datacenter, "60").ok();
    assert_eq!(done.json()["settled"], 1, "{done:?}");
    assert_eq!(datacenter.admin.machines().await.unwrap().len(), 3);
}

async fn release(datacenter: &Datacenter, fault: FaultId) {
    assert!(datacenter.admin.clear(fault).await.unwrap(), "the fault was on");
}

fn reconcile(plan: &ServerPlan, datacenter: &Datacenter, deadline: &str) -> crate::support::process::Said {
    let mut arguments: Vec<&str> =
        vec!["reconcile", "--once", "--json", "--deadline", deadline, "--url", &datacenter.url];
    let folder = plan.folder();
    arguments.extend(["--data-dir", folder.to_str().unwrap()]);
    let settings = plan.arguments().iter().map(String::as_str).skip_while(|argument| *argument != "--set");
    arguments.extend(settings);
    run(&mut tsg(plan.data.path(), &arguments))
}

#[test]
fn a_wait_that_is_too_short_says_what_is_missing() {
    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, "1");
    let plan = ServerPlan::new(&datacenter, &[]);
    let server = plan.start();
    let ask = |arguments: &[&str]| say(&user, &datacenter.url, &server.url, arguments);
    ask(&["account", "enroll"]).ok();
    ask(&TEMPLATE).ok();
    let late = ask(&["group", "create", "web", "-t", "web", "-c", "1", "--wait", "--wait-timeout", "1"]);
    assert_eq!((late.code, late.err.contains("--wait-timeout")), (5, true), "{late:?}");
    assert_eq!(ask(&["group", "get", "web", "--json"]).ok().json()["capacity"], 1, "the change itself is accepted");
}

#[test]
fn profiles_of_node_triton_are_used_as_they_are() {
    let user = User::new(NewKeyKind::Rsa3072);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &[]);
    let server = plan.start();
    let folder = user.home().join(".triton/profiles.d");
    fs::create_dir_all(&folder).unwrap();
    let profile =
        serde_json::json!({ "name": "sim", "url": datacenter.url, "account": "demo", "keyId": user.key_id() });
    fs::write(folder.join("sim.json"), profile.to_string()).unwrap();
    fs::write(user.home().join(".triton/config.json"), r#"{"profile":"sim"}"#).unwrap();

    let mut enroll = tsg(user.home(), &["account", "enroll"]);
    run(enroll.env("TRITON_TSG_URL", &server.url)).ok();
    let mut other = as_user(&user, "http://127.0.0.1:9", &server.url, &["template", "list", "-p", "sim", "--json"]);
    assert_eq!(run(&mut other).ok().out, "[]\n");
}

#[tokio::test]
async fn a_wrong_method_is_answered_not_dropped() {
    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &[]);
    let server = plan.start();
    say(&user, &datacenter.url, &server.url, &["account", "enroll"]).ok();
    let answer = Client::new(&user).ask(&server.url, reqwest::Method::PUT, "/v2/groups", Some("{}")).await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{answer:?}");
}
