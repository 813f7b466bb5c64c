//! The demonstration: what a newcomer sees first, and what other programs see of it.
//!
//! Needs triton 7.17.0 under `target/tools/triton`, which `cargo xtask tools` installs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::process::{run, tsg};
use crate::support::site::Demo;

/// npm's `triton`.
const TRITON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/triton/node_modules/.bin/triton");

#[test]
fn the_story_is_told_once_and_ends_well() {
    let home = tempfile::tempdir().unwrap();
    let said = run(&mut tsg(home.path(), &["demo", "--once", "--port", "0", "--json"])).ok();
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> = events
        .iter()
        .map(|event| match event["event"].as_str().unwrap() {
            "converged" => format!("{}/{}", event["serving"], event["capacity"]),
            name => name.to_owned(),
        })
        .collect();
    assert_eq!(told, ["template", "5/5", "killed", "replaced", "8/8", "5/5", "done"]);

    let (killed, replaced) = (&events[2], &events[3]);
    assert_eq!(killed["instance"], replaced["instance"]);
    assert_eq!(replaced["by"].as_array().unwrap().len(), 1, "one for one: {replaced}");
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "nothing is left in the user's home");
}

#[test]
fn triton_sees_the_same_instances_and_the_demonstration_ends_in_order() {
    let demo = Demo::start();
    let members = demo.tsg(&["group", "instances", "web", "--json"]).ok().json();
    let ours: BTreeSet<String> = members.as_array().unwrap().iter().map(|member| text(&member["instance"])).collect();
    assert_eq!(ours.len(), 5);

    assert!(Path::new(TRITON).exists(), "{TRITON} is missing: run `cargo xtask tools`");
    let mut triton = Command::new(TRITON);
    triton.args(["instance", "list", "--json", "tag.tsg.name=web"]);
    triton.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(demo.environment());
    let listed = run(&mut triton).ok();
    let theirs: BTreeSet<String> = listed
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .inspect(|machine| assert_eq!(machine["state"], "running"))
        .map(|machine| text(&machine["id"]))
        .collect();
    assert_eq!(ours, theirs);

    let folder = demo.place("home").to_owned();
    assert!(Path::new(&folder).exists());
    assert_eq!(demo.process.terminate(), 0);
    assert!(!Path::new(&folder).exists(), "the temporary folder is gone");
}

#[test]
fn a_group_is_scaled_planned_and_deleted_from_the_command_line() {
    let demo = Demo::start();
    let plan = demo.tsg(&["group", "plan", "web", "--capacity", "7", "--json"]).ok().json();
    assert_eq!(plan["actions"].as_array().unwrap().len(), 2, "{plan}");

    let scaled = demo.tsg(&["group", "scale", "web", "+2", "--wait", "--json"]).ok().json();
    assert_eq!((&scaled["capacity"], &scaled["report"]["counts"]["serving"]), (&7.into(), &7.into()));
    let shown = demo.tsg(&["group", "list"]).ok().out;
    assert!(shown.starts_with("ID") && shown.contains("web"), "{shown}");

    let refused = demo.tsg(&["group", "delete", "web"]);
    assert_eq!((refused.code, refused.err.contains("--force")), (2, true), "{refused:?}");
    let in_use = demo.tsg(&["template", "delete", "web"]);
    assert_eq!(in_use.code, 4, "{in_use:?}");

    demo.tsg(&["group", "delete", "web", "--force", "--wait"]).ok();
    demo.tsg(&["template", "delete", "web"]).ok();
    let gone = demo.tsg(&["group", "get", "web"]);
    assert_eq!(gone.code, 3, "{gone:?}");
}

#[test]
fn the_flags_of_the_old_scale_agent_set_a_capacity() {
    let demo = Demo::start();
    let template = demo.tsg(&["template", "get", "web", "--json"]).ok().json();
    let (id, package, image) = (text(&template["id"]), text(&template["package"]), text(&template["image"]));
    let flags =
        ["scale", "--tsg-name", "web", "--template-id", &id, "--count", "3", "--pkg-id", &package, "--wait", "--json"];
    assert_eq!(demo.tsg(&flags).ok().json()["capacity"], 3);

    let tagged = ["template", "create", "old", "--image", &image, "--package", &package];
    let more = ["--tag", "role=old", "--metadata", "a=b=c", "--userdata", "echo", "--json"];
    let old = text(&demo.tsg(&[&tagged[..], &more].concat()).ok().json()["id"]);
    // Base64 of "a=b=c" and "echo", as the agent was started.
    let agent = ["--tag", "role=old", "--metadata", "YT1iPWM=", "--userdata", "ZWNobw==", "--count", "1", "--json"];
    let flags = [&["scale", "--tsg-name", "made", "--template-id", &old], &agent[..]].concat();
    assert_eq!(demo.tsg(&flags).ok().json()["template_id"], old.as_str(), "a group is made when there is none");
    let flags = ["scale", "--tsg-name", "made", "--template-id", &old, "--count", "1", "--tag", "role=new"];
    assert_eq!(demo.tsg(&flags).code, 4);

    let contradiction = ["scale", "--tsg-name", "web", "--template-id", &id, "--count", "3", "--img-id", &package];
    let refused = demo.tsg(&contradiction);
    assert_eq!((refused.code, refused.err.contains("contradicts")), (4, true), "{refused:?}");
}

#[test]
fn faults_of_a_running_data_centre_are_switched_from_the_command_line() {
    let demo = Demo::start();
    let id =
        demo.tsg(&["sim", "fault", "add", "quota-reached", "--times", "3", "--json"]).ok().json()["id"].to_string();
    let on = || demo.tsg(&["sim", "fault", "list", "--json"]).ok().json();
    let is_on =
        || on().as_array().unwrap().iter().any(|fault| fault["fault"] == "quota_reached" && fault["limit"] == 3);
    assert!(is_on());
    demo.tsg(&["sim", "fault", "clear", &id]).ok();
    assert_eq!(demo.tsg(&["sim", "fault", "clear", &id]).code, 3);
    assert!(!is_on());
    demo.tsg(&["sim", "fault", "clear"]).ok();
    assert_eq!(on().as_array().unwrap().len(), 0);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
