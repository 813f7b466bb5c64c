//! A server whose disk gets full: writes are refused with what to do, and nothing that was acknowledged is lost.
//!
//! Needs `unshare` (util-linux), which gives the server a small disk of its own.

use std::process::Command;

use reqwest::Method;
use serde_json::json;
use tsg_cloudapi::signature::NewKeyKind;

use crate::support::client::Client;
use crate::support::process::Running;
use crate::support::site::{Datacenter, ServerPlan, User, say};

/// A disk of one megabyte, where the system gives us one; elsewhere files of at most as much.
fn small_disk(plan: &ServerPlan) -> Command {
    let folder = plan.folder();
    let disk = r#"mount -t tmpfs -o size=1m,mode=0700 tmpfs "$0" && exec "$@""#;
    let own = ["-U", "-r", "-m", "sh", "-c"];
    let probe = Command::new("unshare").args(own).args([disk, folder.to_str().unwrap(), "true"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return plan.command_behind("unshare", &[&own[..], &[disk, folder.to_str().unwrap()]].concat());
    }
    // 512-byte blocks; without the signal, a write that is too long fails as on a full disk.
    plan.command_behind("sh", &["-c", r#"trap "" XFSZ; ulimit -f 2048; exec "$@""#, "sh"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_keeps_what_was_acknowledged() {
    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &[]);
    let mut process = Running::start(&mut small_disk(&plan));
    let url = process.until("ready")["url"].as_str().unwrap().to_owned();
    say(&user, &datacenter.url, &url, &["account", "enroll"]).ok();

    let client = Client::new(&user);
    let (package, image) = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002");
    let mut kept = Vec::new();
    let refused = loop {
        let name = format!("t{}", kept.len());
        let userdata = "x".repeat(60_000);
        let body = json!({ "name": name, "package": package, "image": image, "userdata": userdata }).to_string();
        let answer = client.ask(&url, Method::POST, "/v2/templates", Some(&body)).await.unwrap();
        match answer.status.as_u16() {
            201 => kept.push(name),
            _ => break answer,
        }
        assert!(kept.len() < 100, "the disk never gets full");
    };
    assert!(matches!(refused.status.as_u16(), 503 | 507), "{refused:?}");
    let refused = refused.json();
    assert!(!refused["hint"].as_str().unwrap().is_empty(), "{refused}");
    assert!(kept.len() > 2, "{kept:?}");

    let listed = say(&user, &datacenter.url, &url, &["template", "list", "--json"]).ok().json();
    let mut names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|template| template["name"].as_str().unwrap()).collect();
    names.sort_by_key(|name| name[1..].parse::<usize>().unwrap());
    assert_eq!(names, kept, "what was acknowledged, and nothing else");
    assert_eq!(process.terminate(), 0);
}
