//! Events from the command line: what happened as a table and in JSON, and what happens as it does.

use std::path::Path;

use serde_json::Value;

use crate::support::process::{Running, tsg};
use crate::support::site::Demo;

/// A group of three that is asked each second, and whose failures are replaced at once.
fn group(demo: &Demo) -> Vec<Value> {
    demo.group_that_is_asked();
    demo.tsg(&["group", "instances", "edge", "--json"]).ok().json().as_array().unwrap().clone()
}

fn follow(demo: &Demo, more: &[&str]) -> Running {
    let arguments = [&["events", "--follow", "--json"], more].concat();
    Running::start(tsg(Path::new(demo.place("home")), &arguments).envs(demo.environment()))
}

#[test]
fn a_hung_instance_is_followed_until_its_successor_is_made_and_is_in_the_table_afterwards() {
    let demo = Demo::start();
    let members = group(&demo);
    let (hung, name) = (members[0]["instance"].as_str().unwrap(), members[0]["name"].as_str().unwrap());
    let mut following = follow(&demo, &["--group", "edge"]);
    following.until_that("healthy", |event| event["kind"] == "verdict" && event["to"] == "healthy");

    demo.tsg(&["sim", "manner", "hangs", "--instance", hung]).ok();
    let sick = following.until_that("unhealthy", |event| event["kind"] == "verdict" && event["to"] == "unhealthy");
    assert_eq!((&sick["instance"], &sick["group_name"]), (&hung.into(), &"edge".into()));
    let repair = following.until_that("repair", |event| event["kind"] == "repair");
    assert_eq!((&repair["instance"], &repair["step"]), (&hung.into(), &"replace".into()));
    assert_eq!(following.terminate(), 0);

    let table = demo.tsg(&["events", "--group", "edge"]).ok().out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("AT ") && lines[0].contains("GROUP") && lines[0].ends_with("WHAT"), "{table}");
    let place = |words: &str| lines.iter().position(|line| line.contains(" edge ") && line.ends_with(words));
    let (healthy, replaced) =
        (format!("{name} is healthy (was starting)"), format!("{name} is replaced: another one is made for its place"));
    assert!(place(&healthy).is_some() && place(&healthy) < place(&replaced), "{table}");
    let listed = demo.tsg(&["events", "--json"]).ok().json();
    assert!(listed.as_array().unwrap().contains(&sick), "{listed:#}");
    let refused = demo.tsg(&["events", "--group", "nobody"]);
    assert_eq!((refused.code, refused.err.contains("nobody")), (3, true), "{refused:?}");
    assert_eq!(demo.process.terminate(), 0);
}
