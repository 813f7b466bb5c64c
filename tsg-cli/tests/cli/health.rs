//! Health from the command line: checks read and refused, and a hung instance that is replaced.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::process::{run, tsg};
use crate::support::site::Demo;

/// Far more than it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

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
    // As the demonstration proposes it.
    let (check, policy) = (format!("http:{port}/ping"), r#"{"restart": {"attempts": 0}}"#);
    let create = ["group", "create", "edge", "-t", "web", "-c", "3", "--check", &check, "--policy", policy, "--wait"];
    demo.tsg(&create).ok();
    let before = members(&demo);
    assert!(before.iter().all(|member| member["health"]["verdict"] == "healthy"), "{before:#?}");
    let shown = demo.tsg(&["group", "get", "edge"]).ok().out;
    assert!(
        shown.contains(&format!("check: http-{port} http:{port}/ping (every 10s, 3 failures in a row)")),
        "{shown}"
    );

    found_once(&demo, |found| before.iter().all(|member| found.contains(address(member))));
    members_once(&demo, |members| members.iter().all(|member| member["discovery"] == "listed"));

    let hung = before[0]["instance"].as_str().unwrap();
    demo.tsg(&["sim", "manner", "hangs", "--instance", hung]).ok();
    let sick = members_once(&demo, |members| members.iter().any(|member| member["class"] == "unhealthy"));
    let sick = sick.iter().find(|member| member["class"] == "unhealthy").unwrap();
    assert_eq!(
        (&sick["instance"], &sick["health"]["reason"]),
        (&before[0]["instance"], &"it did not answer in time".into())
    );

    let shown = demo.tsg(&["group", "instances", "edge", "--facts", hung]).ok().out;
    assert!(shown.lines().count() == 3 && shown.contains("CHECK"), "{shown}");
    assert!(shown.ends_with("failed: it did not answer in time\n"), "{shown}");
    let nobody = demo.tsg(&["group", "instances", "edge", "--facts", "nobody"]);
    assert_eq!((nobody.code, nobody.err.contains("cannot find the instance")), (3, true), "{nobody:?}");

    found_once(&demo, |found| !found.contains(address(&before[0])));
    let out = members(&demo).into_iter().find(|member| member["instance"] == hung);
    assert!(out.is_some_and(|hung| hung["discovery"] == "delisted"), "it is out before it is gone");

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

/// A group whose instances are asked every two seconds.
fn group(demo: &Demo, capacity: usize, policy: &str) -> Vec<Value> {
    let port = demo.machine_port();
    let health = format!(
        r#"{{"checks": [{{"type": "http", "port": {port}, "path": "/ping", "interval": "2s", "timeout": "2s",
            "start_window": "10s"}}],
            "discovery": {{"down_after": "8s"}}}}"#
    );
    let capacity = capacity.to_string();
    let create =
        ["group", "create", "edge", "-t", "web", "-c", &capacity, "--health", &health, "--policy", policy, "--wait"];
    demo.tsg(&create).ok();
    members_once(demo, |members| are(members, "healthy"))
}

fn are(members: &[Value], verdict: &str) -> bool {
    members.iter().all(|member| member["health"]["verdict"] == verdict)
}

fn ids(members: &[Value]) -> BTreeSet<&str> {
    members.iter().filter_map(|member| member["instance"].as_str()).collect()
}

fn is_healed(members: &[Value], capacity: usize, without: &BTreeSet<&str>) -> bool {
    let serving = members.iter().filter(|member| member["class"] == "serving").count();
    (members.len(), serving) == (capacity, capacity) && ids(members).is_disjoint(without)
}

#[test]
fn slow_ones_are_well_a_third_is_replaced_and_if_all_hang_nobody_is_touched() {
    let demo = Demo::start();
    let policy =
        r#"{"restart": {"attempts": 1}, "replace": {"delay": "10s", "in_flight": "40%"}, "max_unhealthy": "40%"}"#;
    let before = group(&demo, 9, policy);

    // All answer at nine tenths of the timeout, three of them not at all.
    demo.tsg(&["sim", "manner", "slow", "--ms", "1800", "--all"]).ok();
    let dead: BTreeSet<&str> = ids(&before[..3]);
    let mut refuse = vec!["sim", "manner", "refuses"];
    dead.iter().for_each(|id| refuse.extend(["--instance", id]));
    demo.tsg(&refuse).ok();
    let after = members_once(&demo, |members| is_healed(members, 9, &dead));
    assert!(ids(&after).is_superset(&ids(&before[3..])), "the slow ones were left alone: {after:#?}");
    // An address that was given back may be somebody else's by now.
    let listed: BTreeSet<&str> = after.iter().map(address).collect();
    let gone: BTreeSet<&str> = before[..3].iter().map(address).filter(|old| !listed.contains(old)).collect();
    found_once(&demo, |found| {
        listed.iter().all(|new| found.contains(*new)) && gone.iter().all(|old| !found.contains(*old))
    });

    // They are not seen to fail all at once: the first may be restarted, and counts all the same.
    demo.tsg(&["sim", "manner", "hangs", "--all"]).ok();
    let is_failing =
        |member: &Value| ["unhealthy", "recovering"].iter().any(|known| member["health"]["verdict"] == *known);
    members_once(&demo, |members| members.len() == 9 && members.iter().all(is_failing));
    until(|| demo.tsg(&["group", "get", "edge"]).ok().out.contains("discovery: 9 of 9 are not ready"));
    found_once(&demo, |found| after.iter().all(|member| found.contains(address(member))));
    demo.tsg(&["sim", "manner", "prompt", "--all"]).ok();
    let again = members_once(&demo, |members| are(members, "healthy"));
    assert_eq!(ids(&again), ids(&after), "nobody was touched");
    assert_eq!(demo.process.terminate(), 0);
}

#[test]
fn a_node_that_comes_back_loses_nothing_and_one_that_does_not_is_given_up() {
    let demo = Demo::start();
    let policy = r#"{"restart": {"attempts": 0}, "replace": {"delay": "3m"}, "cn_loss": {"grace": "80s"}}"#;
    let before = group(&demo, 12, policy);
    let node = fullest_node(&before);
    let (away, there): (Vec<Value>, Vec<Value>) =
        before.iter().cloned().partition(|member| member["compute_node"] == node);
    assert!(away.len() > 1 && there.len() > 2, "{before:#?}");

    let waits = |demo: &Demo| demo.tsg(&["group", "get", "edge"]).ok().out.contains("compute node");
    demo.tsg(&["sim", "fault", "add", "server-down", "--target", &node]).ok();
    until(|| waits(&demo));
    demo.tsg(&["sim", "fault", "add", "server-up", "--target", &node]).ok();
    let back = members_once(&demo, |members| are(members, "healthy"));
    assert_eq!(ids(&back), ids(&before), "it came back in time");

    demo.tsg(&["sim", "fault", "add", "server-down", "--target", &node]).ok();
    let healed = members_once(&demo, |members| {
        members.iter().filter(|member| member["class"] == "serving").count() == 12
            && members.iter().any(|member| !ids(&before).contains(member["instance"].as_str().unwrap_or_default()))
    });
    assert!(ids(&healed).is_superset(&ids(&there)), "the others were left alone: {healed:#?}");
    let new: Vec<&Value> =
        healed.iter().filter(|member| !ids(&before).contains(member["instance"].as_str().unwrap())).collect();
    assert_eq!(new.len(), away.len(), "each has a successor");
    found_once(&demo, |found| new.iter().all(|member| found.contains(address(member))));
    assert_eq!(demo.process.terminate(), 0);
}

fn fullest_node(members: &[Value]) -> String {
    let of = |node: &Value| members.iter().filter(|member| member["compute_node"] == *node).count();
    let fullest = members.iter().map(|member| &member["compute_node"]).max_by_key(|node| of(node)).unwrap();
    fullest.as_str().unwrap().to_owned()
}

fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to it");
    }
}
