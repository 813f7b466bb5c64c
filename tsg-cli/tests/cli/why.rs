//! Why from the command line: of a group, of an instance, of one that is gone, and of nobody.

use std::time::{Duration, Instant};

use crate::support::process::Said;
use crate::support::site::Demo;

/// Far more than it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

fn once(ask: impl Fn() -> Said, is_wanted: impl Fn(&Said) -> bool) -> Said {
    let begun = Instant::now();
    loop {
        let said = ask();
        if is_wanted(&said) {
            return said;
        }
        assert!(begun.elapsed() < PATIENCE, "still {said:?}");
    }
}

#[test]
fn a_group_and_its_instances_say_why_and_one_that_is_gone_why_it_went() {
    let demo = Demo::start();
    demo.group_that_is_asked();
    let why = |more: &[&str]| demo.tsg(&[&["group", "why", "edge"], more].concat());
    let group = once(|| why(&[]).ok(), |said| said.out.starts_with("converged: 3 of 3 serving\n")).out;
    assert!(group.contains("\nrevision 1 is "), "{group}");
    let members = demo.tsg(&["group", "instances", "edge", "--json"]).ok().json();
    let [machine, name] = ["instance", "name"].map(|field| members[0][field].as_str().unwrap());
    let well = why(&[machine]).ok().out;
    let lines: Vec<&str> = well.lines().collect();
    assert_eq!(
        (lines[0], lines[2]),
        (format!("{name}, machine {machine}").as_str(), "it is as it should be"),
        "{well}"
    );

    demo.tsg(&["sim", "manner", "hangs", "--instance", machine]).ok();
    let gone = once(|| why(&[name]).ok(), |said| said.out.contains("gone since")).out;
    assert!(
        gone.contains(": repair: it was not well, or its compute node was not; gone since")
            && gone.contains(" was made to take its place\n"),
        "{gone}"
    );
    assert!(gone.contains(": it did not answer in time\n"), "{gone}");
    let data = why(&[machine, "--json"]).ok().json();
    assert_eq!((&data["record"]["phase"], &data["record"]["name"]), (&"gone".into(), &name.into()), "{data:#}");
    assert_eq!(data["words"].as_array().unwrap().len(), gone.lines().count(), "{data:#}");

    let nobody = why(&["nobody"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (3, ""), "{nobody:?}");
    assert!(nobody.err.contains("cannot explain the instance \"nobody\" of \"edge\""), "{nobody:?}");
    assert!(nobody.err.contains("/audit"), "where else to look: {nobody:?}");
    let nowhere = demo.tsg(&["group", "why", "nowhere"]);
    assert_eq!((nowhere.code, nowhere.err.contains("tsg group list")), (3, true), "{nowhere:?}");
    assert_eq!(demo.process.terminate(), 0);
}
