//! Placement from the command line: rules read and refused, and what a demonstration's groups say
//! of where their instances stand.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::process::{Said, run, tsg};
use crate::support::site::Demo;

fn check(rules: &[&str]) -> Said {
    let home = tempfile::tempdir().unwrap();
    run(&mut tsg(home.path(), &[&["placement", "check"], rules].concat()))
}

#[test]
fn a_rule_is_told_in_words_without_a_server() {
    let said = check(&["rack: role!==~db-*", "cn:service==x"]).ok().out;
    assert_eq!(
        said,
        "rack: role!=~db-*\n  \
         An instance should rather stand in a rack without an instance whose tag \"role\" matches db-*.\n  \
         hint: `!==~` is read as `!=~`; write `!=~`\n\
         cn:service==x\n  \
         An instance must stand on a compute node whose tag \"service\" is \"x\".\n  \
         hint: `cn:service` is read as the tag `service` of compute nodes; write `cn: service` for the scope `cn` and \
         the criterion `service`\n"
    );
    let told = check(&["service!=web", "--json"]).ok().json();
    assert_eq!(
        told,
        json!([{
            "rule": "service!=web", "scope": "cn", "hints": [],
            "meaning": "must stand on a compute node without an instance of a service that is \"web\"",
        }])
    );
}

#[test]
fn a_bad_rule_is_drawn_with_its_place_and_a_fix() {
    let refused = check(&["service!=web", "service=web"]);
    assert_eq!(refused.code, 2);
    assert_eq!(
        refused.err,
        "tsg: the rule cannot be read\n\n  service=web\n         ^\n\n  \
         why:  at position 8 '=' was found where one of the operators ==, !=, ==~ and !=~ was expected\n  \
         next: write 'service==web'\n"
    );
    let hopeless = check(&["role==/(a+/"]);
    assert_eq!((hopeless.code, hopeless.err.contains("next: see `tsg placement check --help`")), (2, true));
}

/// The paths of the rules in one of the lists of an explanation.
fn paths(explained: &Value, list: &str) -> Vec<String> {
    explained[list].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_demonstration_explains_where_instances_stand_and_can_go() {
    let demo = Demo::start();
    let rules = ["--place", "service!=web", "--place", "service!=edge", "--place", "cn:ssd==true"];
    let create = ["group", "create", "edge", "--template", "web", "--capacity", "3", "--wait"];
    demo.tsg(&[&create[..], &rules].concat()).ok();

    let plan = demo.tsg(&["group", "plan", "edge", "--json"]).ok().json();
    let explained = demo.tsg(&["placement", "explain", "edge", "--json"]).ok().json();
    for told in [&plan["placement"], &explained] {
        assert_eq!(paths(told, "enforced"), ["placement.cn[0]", "placement.cn[1]"]);
        assert_eq!(paths(told, "unenforceable"), ["placement.cn[2]"]);
        assert_eq!(told["affinity"].as_array().unwrap().len(), 2, "{told}");
    }
    let instances = explained["instances"].as_array().unwrap();
    let nodes: BTreeSet<&str> = instances.iter().map(|one| one["compute_node"].as_str().unwrap()).collect();
    assert_eq!((instances.len(), nodes.len()), (3, 3), "each on a node of its own: {explained}");
    let web = demo.tsg(&["group", "instances", "web", "--json"]).ok().json();
    let of_web = web.as_array().unwrap().iter().map(|one| one["compute_node"].as_str().unwrap());
    assert!(of_web.clone().all(|node| !nodes.contains(node)), "and none beside web: {explained}");
    let taken: BTreeSet<&str> = nodes.iter().copied().chain(of_web).collect();
    let allowed = |node: &&Value| node["is_allowed"] == true;
    let known = explained["compute_nodes"].as_array().unwrap();
    assert_eq!(known.iter().filter(allowed).count(), known.len() - taken.len(), "{explained}");

    let told = demo.tsg(&["group", "plan", "edge"]).ok().out;
    for expected in [
        "enforced: service!=web, which CloudAPI is told as it is",
        "not enforced: cn:ssd==true, since tenants are not shown the tags of compute nodes",
        "(rack r",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let more = demo.tsg(&["group", "plan", "edge", "--capacity", "4"]).ok().out;
    assert!(more.contains("create ") && more.contains("enforced: service!=web"), "{more}");
    let shown = more.lines().last().and_then(|line| line.strip_prefix("plan ")).unwrap();
    let other = demo.tsg(&["group", "scale", "edge", "5", "--plan", shown]);
    assert!(other.code != 0 && other.err.contains("nothing was changed"), "{other:?}");
    demo.tsg(&["group", "scale", "edge", "4", "--plan", shown]).ok();
    let none = demo.tsg(&["placement", "explain", "web"]);
    assert_eq!((none.code, none.err.contains("CloudAPI chooses")), (3, true), "{none:?}");
    assert_eq!(demo.process.terminate(), 0);
}

#[test]
fn a_placement_is_shown_changed_and_taken_away() {
    let demo = Demo::start();
    let block = r#"{"rack": ["role!=~db"], "spread": [{"over": "cn"}]}"#;
    demo.tsg(&["group", "update", "web", "--placement", block]).ok();
    let shown = demo.tsg(&["group", "get", "web"]).ok().out;
    assert!(shown.contains("placement: rack: role!=~db\nplacement: spread over cn, 1 apart at most"), "{shown}");
    assert!(shown.contains("(revision 1)"), "nothing is rolled out for it: {shown}");
    demo.tsg(&["group", "update", "web", "--no-placement"]).ok();
    assert!(!demo.tsg(&["group", "get", "web"]).ok().out.contains("placement:"));

    let refused = demo.tsg(&["group", "update", "web", "--placement", r#"{"cn": ["service=web"]}"#]);
    assert_eq!((refused.code, refused.err.contains("`placement.cn[0]`: the rule cannot be read")), (2, true));
    let twice = demo.tsg(&["group", "update", "web", "--place", "service!=web", "--no-placement"]);
    assert_eq!(twice.code, 2, "{twice:?}");
    assert_eq!(demo.process.terminate(), 0);
}
