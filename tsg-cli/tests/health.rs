//! Health from the command line: checks read and refused, and a hung instance that is replaced.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use support::process::{run, tsg};
use support::site::Demo;

/// Far more than it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_check_that_cannot_be_made_is_refused_before_anything_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let create = ["group", "create", "edge", "--template", "web", "--capacity", "1"];
    for (flags, expected) in [
        (vec!["--check", "http:70000/ping"], "\"70000\" is no port; write a number from 1 to 65535"),
        (vec!["--check", "http://example.com/ping"], "a check names no host"),
        (vec!["--check", "cloud", "--check", "cloud"], "two checks are called \"cloud\""),
        (vec!["--health", r#"{"checks": [{"type": "tcp"}]}"#], "needs `port`"),
    ] {
        let refused = run(&mut tsg(home.path(), &[&create[..], &flags].concat()));
        assert_eq!((refused.code, refused.err.contains(expected)), (2, true), "{refused:?}");
    }
}

/// The members of a group: each with its machine, where it stands, and its health.
fn members(demo: &Demo) -> Vec<Value> {
    demo.tsg(&["group", "instances", "edge", "--json"]).ok().json().as_array().unwrap().clone()
}

/// Looks at the members until they are as they should be.
fn members_once(demo: &Demo, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let seen = members(demo);
        if is_so(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "still {seen:#?}");
    }
}

fn address(member: &Value) -> &str {
    member["address"].as_str().unwrap()
}

/// Asks the name service for the service until the answer is as it should be.
fn found_once(demo: &Demo, is_so: impl Fn(&BTreeSet<String>) -> bool) -> BTreeSet<String> {
    let (server, suffix) = demo.names();
    let (at, port) = server.trim_start_matches('@').split_once(" -p ").unwrap();
    let begun = Instant::now();
    loop {
        let name = format!("web.svc.{suffix}");
        let asked = Command::new("dig").args([&format!("@{at}"), "-p", port, "+short", &name]).output().unwrap();
        assert!(asked.status.success(), "{asked:?}");
        let found = String::from_utf8(asked.stdout).unwrap().lines().map(str::to_owned).collect();
        if is_so(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "still {found:?}");
    }
}

#[test]
fn a_hung_instance_leaves_discovery_is_replaced_and_its_successor_enters() {
    let demo = Demo::start();
    let port = demo.machine_port();
    let health = format!(
        r#"{{"checks": [{{"type": "http", "port": {port}, "path": "/ping", "interval": "1s", "timeout": "500ms"}}],
            "discovery": {{"down_after": "1s"}}}}"#
    );
    let policy = r#"{"restart": {"attempts": 0}, "replace": {"delay": 0}}"#;
    let create = ["group", "create", "edge", "-t", "web", "-c", "3", "--health", &health, "--policy", policy, "--wait"];
    demo.tsg(&create).ok();
    let before = members(&demo);
    assert!(before.iter().all(|member| member["health"]["verdict"] == "healthy"), "{before:#?}");
    let shown = demo.tsg(&["group", "get", "edge"]).ok().out;
    assert!(shown.contains(&format!("check: http-{port} http:{port}/ping (every 1s, 3 failures in a row)")), "{shown}");

    let listed = found_once(&demo, |found| before.iter().all(|member| found.contains(address(member))));
    assert_eq!(before[0]["discovery"], "listed", "{listed:?}");

    let hung = before[0]["instance"].as_str().unwrap();
    demo.tsg(&["sim", "manner", "hangs", "--instance", hung]).ok();
    let sick = members_once(&demo, |members| members.iter().any(|member| member["class"] == "unhealthy"));
    let sick = sick.iter().find(|member| member["class"] == "unhealthy").unwrap();
    assert_eq!(
        (&sick["instance"], &sick["health"]["reason"]),
        (&before[0]["instance"], &"it did not answer in time".into())
    );

    found_once(&demo, |found| !found.contains(address(&before[0])));
    let out = members(&demo).into_iter().find(|member| member["instance"] == hung);
    assert!(out.is_some_and(|hung| hung["discovery"] == "delisted"), "it is out before anybody takes its place");

    let is_healed = |members: &[Value]| {
        let serving = members.iter().filter(|member| member["class"] == "serving").count();
        members.len() == 3 && serving == 3 && members.iter().all(|member| member["instance"] != hung)
    };
    let after = members_once(&demo, is_healed);
    let kept = before[1..].iter().filter(|old| after.iter().any(|new| new["instance"] == old["instance"]));
    assert_eq!(kept.count(), 2, "nobody else was touched: {after:#?}");
    found_once(&demo, |found| after.iter().all(|member| found.contains(address(member))));

    demo.tsg(&["group", "update", "edge", "--no-health"]).ok();
    assert!(!demo.tsg(&["group", "get", "edge"]).ok().out.contains("check:"));
    assert_eq!(demo.process.terminate(), 0);
}
