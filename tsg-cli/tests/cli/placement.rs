//! Placement from the command line: rules read and refused, and what a demonstration's groups say
//! of where their instances stand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

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
    let outlook = &explained["outlook"];
    assert_eq!((&outlook["open"], &outlook["way_out"]), (&json!(known.len() - taken.len()), &Value::Null));
    let beside_web = taken.len() - nodes.len();
    let losses = json!([
        {"at": "placement.cn[0]", "rule": "service!=web", "compute_nodes": beside_web, "in_turn": beside_web},
        {"at": "placement.cn[1]", "rule": "service!=edge", "compute_nodes": 3, "in_turn": 3},
    ]);
    assert_eq!(outlook["losses"], losses, "{explained}");
    let why = "tenants are not shown the tags of compute nodes";
    assert_eq!(outlook["unjudged"], json!([{"at": "placement.cn[2]", "rule": "cn:ssd==true", "why": why}]));

    screen(demo.tsg(&["placement", "explain", "edge"]));
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
    assert_eq!(demo.process.terminate(), 0);
}

/// Text that fits one screen.
fn screen(said: Said) -> String {
    let text = said.ok().out;
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(text.lines().count() <= 24 && widest <= Some(100), "{text}");
    text
}

#[test]
fn a_group_without_rules_is_told_how_cloudapi_places_and_where_it_stands() {
    let demo = Demo::start();
    let told = screen(demo.tsg(&["placement", "explain", "web"]));
    for expected in [
        "No rule says where instances of web may go, neither its own nor its template's.",
        "CloudAPI is sent no affinity rule with the next instance",
        "5 instances stand on ",
        "Preferred for the next one, ",
        "--place 'service!=~web'",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let explained = demo.tsg(&["placement", "explain", "web", "--json"]).ok().json();
    assert_eq!((&explained["source"], &explained["placement"]), (&json!("none"), &Value::Null), "{explained}");
    assert_eq!((&explained["affinity"], &explained["is_spread_by_cloudapi"]), (&json!([]), &json!(true)));
    assert_eq!((&explained["outlook"], explained["summary"].as_str()), (&Value::Null, told.strip_suffix('\n')));
    let count = |node: &Value, of: &str| node[of].as_u64().unwrap();
    let nodes = explained["compute_nodes"].as_array().unwrap();
    let members: Vec<u64> = nodes.iter().map(|node| count(node, "members")).collect();
    assert!(members.is_sorted_by(|one, next| one >= next) && members.iter().sum::<u64>() == 5, "{explained}");
    assert_eq!(explained["instances"].as_array().unwrap().len(), 5, "{explained}");
    let fullest = nodes[0]["name"].as_str().unwrap();
    assert!(told.contains(&format!("   {}  {fullest} (rack ", members[0])), "{told}");
    let empty = nodes.iter().filter(|node| count(node, "instances") == 0).count();
    assert!(told.contains(&format!("Preferred for the next one, {empty} of {} known", nodes.len())), "{told}");
    assert_eq!(demo.process.terminate(), 0);
}

#[test]
fn a_group_that_can_go_nowhere_is_told_what_to_drop_and_the_nearest_miss() {
    let demo = Demo::start();
    let rules = ["--place", "service==web", "--place", "service!=web", "--place", "service!=nothing"];
    demo.tsg(&[&["group", "create", "pair", "--template", "web", "--capacity", "1"][..], &rules].concat()).ok();
    let deadline = Instant::now() + Duration::from_secs(60);
    let explained = loop {
        let said = demo.tsg(&["placement", "explain", "pair", "--json"]);
        if said.code == 0 {
            break said.json();
        }
        assert!(Instant::now() < deadline && said.err.contains("repeat the request"), "{said:?}");
    };
    let nodes = explained["compute_nodes"].as_array().unwrap();
    let of_web = demo.tsg(&["group", "instances", "web", "--json"]).ok().json();
    let of_web: BTreeSet<&str> =
        of_web.as_array().unwrap().iter().map(|one| one["compute_node"].as_str().unwrap()).collect();
    let outlook = &explained["outlook"];
    assert_eq!((&outlook["known"], &outlook["open"]), (&json!(nodes.len()), &json!(0)), "{explained}");
    let lost =
        |at: &str, rule: &str, nodes: usize| json!({"at": at, "rule": rule, "compute_nodes": nodes, "in_turn": nodes});
    let losses = [
        lost("placement.cn[0]", "service==web", nodes.len() - of_web.len()),
        lost("placement.cn[1]", "service!=web", of_web.len()),
    ];
    assert_eq!(outlook["losses"], json!(losses), "{explained}");
    let together = json!({"at": "placement.cn[0]", "rule": "service==web"});
    let way_out = json!({"without": [together], "compute_nodes": nodes.len() - of_web.len()});
    assert_eq!(outlook["way_out"], way_out, "{explained}");
    let nearest = outlook["nearest"]["compute_node"].as_str().unwrap();
    let breaks = if of_web.contains(nearest) { "service!=web" } else { "service==web" };
    assert_eq!(outlook["nearest"]["breaks"][0]["rule"], breaks, "{explained}");

    let told = screen(demo.tsg(&["placement", "explain", "pair"]));
    for expected in [
        "blocked: together, the hard rules leave none of ",
        "No instance is created until that changes.",
        "The rules leave none of ",
        &format!("{:>4} ruled out by service==web", nodes.len() - of_web.len()),
        "Least to drop: without service==web there would be ",
        &format!("Nearest miss: {}", outlook["nearest"]["name"].as_str().unwrap()),
        &format!("which breaks only {breaks}"),
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(demo.process.terminate(), 0);
}

#[test]
fn a_plan_tells_where_its_creates_would_go_and_which_have_no_place() {
    let demo = Demo::start();
    let free = demo.tsg(&["group", "plan", "web", "--capacity", "7"]).ok().out;
    assert!(free.contains("No rule says where the 2 creates would go: CloudAPI is sent no affinity rule"), "{free}");
    let idle = demo.tsg(&["group", "plan", "web"]).ok().out;
    assert!(!idle.contains("would go"), "nothing is created: {idle}");

    let rules = ["--place", "service!=web", "--place", "service!=edge"];
    let create = ["group", "create", "edge", "--template", "web", "--capacity", "1", "--wait"];
    demo.tsg(&[&create[..], &rules].concat()).ok();
    let explained = demo.tsg(&["placement", "explain", "edge", "--json"]).ok().json();
    let open: BTreeSet<&str> = explained["compute_nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["is_allowed"] == true)
        .map(|node| node["compute_node"].as_str().unwrap())
        .collect();
    let more = |capacity: usize| {
        let capacity = capacity.to_string();
        let plan = ["group", "plan", "edge", "--capacity", &capacity];
        (demo.tsg(&plan).ok().out, demo.tsg(&[&plan[..], &["--json"]].concat()).ok().json())
    };
    let (told, plan) = more(2);
    let share = &plan["creates"]["compute_nodes"][0];
    let name = share["name"].as_str().unwrap();
    assert!(open.contains(share["compute_node"].as_str().unwrap()), "{plan}");
    let expected = format!(
        "The create would go to {name} (rack {}), one of {} compute nodes that",
        share["rack"].as_str().unwrap(),
        open.len()
    );
    assert!(told.contains(&expected), "{expected}: {told}");

    let (told, plan) = more(1 + open.len() + 30);
    let creates = &plan["creates"];
    let nodes: BTreeSet<&str> =
        creates["compute_nodes"].as_array().unwrap().iter().map(|one| one["compute_node"].as_str().unwrap()).collect();
    assert_eq!((&nodes, &creates["unplaced"]["sequel"]), (&open, &json!("wait")), "{plan}");
    let words = told.replace("\n    ", " ");
    for expected in [
        format!("Creates 1 to {} would go to {0} compute nodes, 1 each: ", open.len()),
        format!(
            "Creates {} to {} have none of {} known compute nodes left: ",
            open.len() + 1,
            open.len() + 30,
            creates["known"]
        ),
        "Nothing is sent for them until that changes.".to_owned(),
        "within what it is told, CloudAPI chooses".to_owned(),
    ] {
        assert!(words.contains(&expected), "{expected}: {told}");
    }
    let lines: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("Rules of the group")).collect();
    assert!(lines.len() <= 24 && lines.iter().all(|line| line.chars().count() <= 100), "one screen: {told}");
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
