//! `tsg prober` as processes beside a server: one whose control target is gone has no voice.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::process::{Running, run, tsg};
use crate::support::site::Demo;

/// Far more than it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Looks at a listing until it is as it should be.
fn once(demo: &Demo, arguments: &[&str], is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let seen = demo.tsg(&[arguments, &["--json"]].concat()).ok().json().as_array().unwrap().clone();
        if is_so(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "still {seen:#?}");
    }
}

const MEMBERS: [&str; 3] = ["group", "instances", "edge"];

/// A group of three that is asked each second, and whose failures are replaced at once.
fn group(demo: &Demo) -> Vec<Value> {
    demo.group_that_is_asked();
    once(demo, &MEMBERS, |members| are(members, "healthy"))
}

fn are(members: &[Value], verdict: &str) -> bool {
    members.len() == 3 && members.iter().all(|member| member["health"]["verdict"] == verdict)
}

/// A prober beside the server, once it asks.
fn prober(demo: &Demo, name: &str, more: &[&str]) -> Running {
    let arguments = [&["prober", "--json", "--loopback", "--name", name], more].concat();
    let mut process = Running::start(tsg(Path::new(demo.place("home")), &arguments).envs(demo.environment()));
    process.until("ready");
    process
}

/// Waits until the probers of these names stand like this.
fn probers_stand(demo: &Demo, wanted: &[(&str, &str)]) {
    once(demo, &["probers"], |probers| {
        let stands = |(name, standing): &(&str, &str)| {
            probers.iter().any(|one| one["name"] == *name && one["standing"] == *standing)
        };
        probers.len() == wanted.len() && wanted.iter().all(stands)
    });
}

fn instances(members: &[Value]) -> Vec<&str> {
    let mut ids: Vec<&str> = members.iter().map(|member| member["instance"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn one_of_three_probers_without_its_control_target_has_no_voice_and_a_hung_instance_is_replaced() {
    let demo = Demo::start();
    let before = group(&demo);

    // Whatever it finds, it cannot tell whose fault it is.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("tcp:{}", nobody.local_addr().unwrap());
    drop(nobody);
    let near = prober(&demo, "near", &[]);
    let far = prober(&demo, "far", &["--control", &gone]);
    probers_stand(&demo, &[("server", "able"), ("near", "able"), ("far", "unable")]);
    let now = once(&demo, &MEMBERS, |members| are(members, "healthy"));
    assert_eq!(instances(&now), instances(&before));

    let hung = before[0]["instance"].as_str().unwrap();
    demo.tsg(&["sim", "manner", "hangs", "--instance", hung]).ok();
    let after = once(&demo, &MEMBERS, |members| {
        are(members, "healthy") && members.iter().all(|member| member["instance"] != hung)
    });
    let kept = instances(&after).iter().filter(|id| instances(&before).contains(id)).count();
    assert_eq!(kept, 2, "nobody else was touched: {after:#?}");

    assert_eq!((near.terminate(), far.terminate()), (0, 0));
    probers_stand(&demo, &[("server", "able")]);
    assert_eq!(demo.process.terminate(), 0);
}

#[test]
fn a_bad_flag_or_an_unknown_key_ends_a_prober_with_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    for (flags, expected) in [
        (["--name", "Fabric", "--loopback", "--json"], "cannot be a prober's name"),
        (["--name", "a", "--control", "http://example.com/"], "is no control target"),
        (["--name", "a", "--refuse", "10.0.0.0/33"], "is no network"),
    ] {
        let refused = run(&mut tsg(home.path(), &[&["prober"], &flags[..]].concat()));
        assert_eq!((refused.code, refused.err.contains(expected)), (2, true), "{refused:?}");
    }
}
