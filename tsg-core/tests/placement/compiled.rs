//! What CloudAPI is told of placement rules: each kind, named.

use serde_json::{Value, json};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::cloudapi::AffinityRule;
use tsg_core::placement::compile::{
    AFFINITY_MAX, Block, Carrier, Compiled, InWords, Means, Newcomer, Note, Obstacle, Pace, Resident, Steering, View,
    compile,
};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::rule::{Criterion, Enforce, PlacementSpec};
use tsg_core::placement::topology::{Coverage, Site, Topology};
use tsg_core::placement::verify::{Breach, Remedy, Unknown, Verdict, remedy, verify};
use uuid::Uuid;

fn node(number: u128) -> ComputeNodeId {
    ComputeNodeId::new(Uuid::from_u128(number))
}

fn id(number: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(number))
}

fn named(operator: &str, number: u128) -> String {
    format!("instance{operator}{}", id(number))
}

fn service(name: &str) -> Label {
    Label { criterion: Criterion::Service, value: name.into() }
}

fn role(value: &str) -> Label {
    Label { criterion: Criterion::InstanceTag("role".into()), value: value.into() }
}

fn spec(form: Value) -> PlacementSpec {
    serde_json::from_value(form).unwrap()
}

/// A tenant's world.
#[derive(Default)]
struct Scene {
    topology: Topology,
    /// Id, node (0: not shown) and label.
    instances: Vec<(u128, u128, Label)>,
    carriers: Vec<Carrier>,
}

impl Scene {
    fn of(instances: &[(u128, u128, Label)]) -> Self {
        Self { instances: instances.to_vec(), ..Self::default() }
    }

    /// All nodes, each with its rack.
    fn in_racks(mut self, racks: &[(u128, &str)]) -> Self {
        let site = |rack: &str| Site { rack: Some(rack.into()), ..Site::default() };
        self.topology.nodes = racks.iter().map(|(number, rack)| (node(*number), site(rack))).collect();
        self.topology.coverage = Coverage::Whole;
        self
    }

    fn carried(mut self, name: &str) -> Self {
        self.carriers.push(Carrier { label: service(name), key: "tsggroup".into(), value: format!("g-{name}") });
        self
    }

    fn view(&self) -> View<'_> {
        let residents = self.instances.iter().map(|(number, on, label)| Resident {
            id: id(*number),
            name: "some-name",
            labels: std::slice::from_ref(label),
            node: (*on > 0).then(|| node(*on)),
        });
        View::new(&self.topology, residents.collect(), self.carriers.clone())
    }

    fn compile(&self, form: Value) -> Compiled {
        self.compile_for(form, &Newcomer::default())
    }

    fn compile_for(&self, form: Value, newcomer: &Newcomer<'_>) -> Compiled {
        let compiled = compile(&spec(form), &self.view(), newcomer);
        assert!(compiled.affinity.len() <= AFFINITY_MAX);
        compiled.affinity.iter().for_each(|rule| assert!(rule.parse::<AffinityRule>().is_ok(), "{rule}"));
        compiled
    }
}

fn why(compiled: &Compiled) -> Vec<Obstacle> {
    compiled.unenforceable.iter().map(|lost| lost.why).collect()
}

fn how(compiled: &Compiled) -> Vec<Means> {
    compiled.enforced.iter().map(|held| held.by).collect()
}

#[test]
fn nothing_is_said_for_nothing() {
    let web = service("web");
    let newcomer = Newcomer { group: Some(&web), ..Newcomer::default() };
    let compiled = Scene::of(&[(1, 1, service("web"))]).compile_for(json!({}), &newcomer);
    assert_eq!(compiled, Compiled::default(), "CloudAPI spreads by itself");
}

#[test]
fn apart_goes_as_it_is_where_it_means_the_same() {
    let scene = Scene::of(&[(1, 1, role("db")), (2, 2, role("d.b"))]);
    for (rule, sent) in [
        ("role!=db", "role!=db"),
        ("role!=d*", "role!=d*"),
        ("role!=/^(db|dc)$/", "role!=/^(db|dc)$/"),
        ("instance!=some-*", "instance!=some-*"),
        ("instance!=web", "instance!=web"),
    ] {
        let compiled = scene.compile(json!({ "cn": [rule] }));
        assert_eq!((compiled.affinity, compiled.pace), (vec![sent.to_string()], Pace::Together), "{rule}");
    }
    // A dot in a glob, sets, what looks like an id: they mean something else there.
    for (rule, sent) in
        [("role!=d.*", vec![named("!=", 2)]), ("role!=/^d[a-c]/", vec![named("!=", 1)]), ("instance!=abc", vec![])]
    {
        assert_eq!(scene.compile(json!({ "cn": [rule] })).affinity, sent, "{rule}");
    }
}

#[test]
fn a_service_is_told_by_the_tag_that_stands_for_it() {
    let web = service("web");
    let newcomer = Newcomer { group: Some(&web), ..Newcomer::default() };
    let scene = Scene::of(&[(1, 1, service("web"))]);
    let compiled = scene.compile_for(json!({"cn": ["service!=web"]}), &newcomer);
    assert_eq!((compiled.affinity, compiled.pace), (vec![named("!=", 1)], Pace::OneByOne), "it sees none in flight");
    let compiled = scene.carried("web").compile_for(json!({"cn": ["service!=web"]}), &newcomer);
    assert_eq!(compiled.affinity[0], "tsggroup!=g-web");
    assert_eq!(compiled.pace, Pace::Together);
}

#[test]
fn together_follows_one_instance_where_all_rules_hold() {
    let scene = Scene::of(&[(1, 1, role("db")), (2, 2, role("db")), (3, 1, role("noisy")), (4, 3, role("db"))]);
    let compiled = scene.compile(json!({"cn": ["role==db", "role!=noisy"]}));
    assert_eq!(compiled.affinity, [named("==", 2), "role!=noisy".into()]);
    assert_eq!(how(&compiled), [Means::Following { instance: id(2) }, Means::SameRule]);
    let avoid = [node(2)];
    let newcomer = Newcomer { avoid: &avoid, ..Newcomer::default() };
    let compiled = scene.compile_for(json!({"cn": ["role==db", "role!=noisy"]}), &newcomer);
    assert_eq!(compiled.affinity[0], named("==", 4), "a predecessor died on node 2");
    let compiled = scene.compile(json!({"cn": ["role==db"], "prefer": [{"rule": "role!=noisy"}]}));
    assert_eq!(compiled.affinity, [named("==", 2)], "wishes choose whom to follow");
}

#[test]
fn the_first_of_those_that_are_to_be_together_goes_anywhere() {
    let web = service("web");
    let newcomer = Newcomer { group: Some(&web), ..Newcomer::default() };
    let compiled = Scene::default().compile_for(json!({"cn": ["service==web"]}), &newcomer);
    assert_eq!((compiled.affinity.len(), compiled.pace), (0, Pace::OneByOne));
    assert_eq!(how(&compiled), [Means::First]);
    let compiled = Scene::of(&[(7, 2, service("web"))]).compile_for(json!({"cn": ["service==web"]}), &newcomer);
    assert_eq!((compiled.affinity, compiled.pace), (vec![named("==", 7)], Pace::Together));
}

#[test]
fn what_cannot_be_is_blocked() {
    let nothing = Scene::default().compile(json!({"cn": ["role==db"]}));
    assert!(matches!(nothing.to_send(), Err([Block::NothingMatches { .. }])));
    let unplaced = Scene::of(&[(1, 0, role("db"))]).compile(json!({"cn": ["role==db"]}));
    assert!(matches!(unplaced.to_send(), Err([Block::NotYetPlaced { .. }])));
    let apart = Scene::of(&[(1, 1, role("db")), (2, 2, role("web"))]).compile(json!({"cn": ["role==db", "role==web"]}));
    assert_eq!(apart.to_send(), Err(&[Block::NoNodeLeft { nodes: 2 }][..]));
    assert!(apart.affinity.is_empty());
}

#[test]
fn racks_are_kept_out_of_where_each_node_has_one_of_ours() {
    let instances = [(1, 1, role("db")), (2, 2, role("x")), (3, 3, role("x"))];
    let racks = [(1, "A"), (2, "A"), (3, "B"), (4, "B")];
    let compiled = Scene::of(&instances).in_racks(&racks).compile(json!({"rack": ["role!=db"]}));
    assert_eq!(compiled.affinity, [named("!=", 1), named("!=", 2)]);
    assert_eq!(how(&compiled), [Means::Named { instances: 2 }]);

    let compiled = Scene::of(&instances[..1]).in_racks(&racks).compile(json!({"rack": ["role!=db"]}));
    assert_eq!(compiled.affinity, [named("!=", 1)], "what can be done is done");
    assert_eq!(why(&compiled), [Obstacle::NoInstanceThere { nodes: 1 }]);

    let mut part = Scene::of(&instances).in_racks(&racks);
    part.topology.coverage = Coverage::Part;
    assert_eq!(why(&part.compile(json!({"rack": ["role!=db"]}))), [Obstacle::NodesUnlisted]);

    let compiled = Scene::of(&instances).in_racks(&racks).compile(json!({"rack": ["role==db"]}));
    assert_eq!(compiled.affinity, [named("==", 1)], "there is a node in rack B without one of ours");
    let compiled = Scene::of(&instances).in_racks(&racks[..3]).compile(json!({"rack": ["role==db"]}));
    assert_eq!(compiled.affinity, [named("!=", 3)], "there is none");
    assert_eq!(why(&Scene::of(&instances).compile(json!({"rack": ["role!=db"]}))).len(), 1, "nobody said where");
}

#[test]
fn nodes_are_meant_by_an_instance_on_them() {
    let scene = Scene::of(&[(5, 1, role("x"))]);
    let on = |number: u128| Uuid::from_u128(number);
    assert_eq!(scene.compile(json!({"cn": [format!("cn!={}", on(1))]})).affinity, [named("!=", 5)]);
    assert_eq!(scene.compile(json!({"cn": [format!("cn=={}", on(1))]})).affinity, [named("==", 5)]);
    let compiled = scene.compile(json!({"cn": [format!("cn!={}", on(2)), format!("cn:{}", on(3))]}));
    assert_eq!(why(&compiled), [Obstacle::NoInstanceThere { nodes: 1 }; 2]);
    let hidden = scene.compile(json!({"cn": ["cn:ssd==true", "cn:platform>=20260101T000000Z", "volume==data"]}));
    assert_eq!(why(&hidden), [Obstacle::NodeTagsUnseen, Obstacle::PlatformsUnseen, Obstacle::VolumesUnseen]);
}

#[test]
fn hard_and_soft_are_never_mixed() {
    let web = service("web");
    let group = Newcomer { group: Some(&web), ..Newcomer::default() };
    let scene = Scene::of(&[(1, 1, role("db")), (2, 2, role("noisy")), (3, 3, service("web")), (4, 4, role("x"))]);
    let soft = scene.compile_for(json!({"cn": ["role!=~db", "role==~x"]}), &group);
    assert_eq!(soft.affinity, ["role!=~db".to_string(), "role==~x".into(), named("!=~", 3)]);
    assert_eq!(soft.notes, [Note::Spread { nodes: 1 }]);
    let tried = scene.compile_for(json!({"cn": ["role!=db", "role!=~noisy"]}), &group);
    assert_eq!(
        (tried.affinity, tried.notes),
        (vec!["role!=db".into()], vec![Note::SpreadLost { why: Obstacle::HardRulesSent }])
    );
    let form = json!({"cn": ["role!=db", "role!=~noisy"], "soft": "steer"});
    let steered = scene.compile_for(form.clone(), &group);
    assert_eq!(steered.affinity, ["role!=db".to_string(), "role!=noisy".into(), named("!=", 3)]);
    assert!(steered.notes.contains(&Note::Steered { parts: 2 }));
    let again = scene.compile_for(form, &Newcomer { steering: Steering::Off, ..group });
    assert_eq!(again.affinity, ["role!=db"]);
}

#[test]
fn nodes_to_avoid_are_a_wish() {
    let scene = Scene::of(&[(1, 1, role("x"))]);
    let avoid = [node(1), node(2)];
    let newcomer = Newcomer { avoid: &avoid, ..Newcomer::default() };
    let compiled = scene.compile_for(json!({}), &newcomer);
    assert_eq!(compiled.affinity, [named("!=~", 1)]);
    let lost = Note::NotAvoided { node: node(2), why: Obstacle::NoInstanceThere { nodes: 1 } };
    assert_eq!(compiled.notes, [lost, Note::Avoided { node: node(1) }]);
    let hard = scene.compile_for(json!({"cn": ["role!=db"]}), &newcomer);
    assert_eq!(hard.affinity, ["role!=db"], "it may be the only node");
}

#[test]
fn more_than_can_be_sent_is_said() {
    let instances: Vec<(u128, u128, Label)> = (1..=100).map(|number| (number, number, role("a.b"))).collect();
    let compiled = Scene::of(&instances).compile(json!({"cn": ["role!=a.*", "role!=c"]}));
    assert_eq!(compiled.affinity, ["role!=c"]);
    assert_eq!(why(&compiled), [Obstacle::TooManyRules { needed: 100 }]);
}

#[test]
fn the_order_in_which_instances_are_seen_does_not_matter() {
    let mut instances = vec![(4, 2, role("db")), (2, 1, role("db")), (9, 3, role("x")), (7, 1, role("y"))];
    let form = json!({"cn": ["role==db", "role!=x"], "prefer": [{"rule": "role!=y"}]});
    let first = Scene::of(&instances).compile(form.clone());
    for _ in 0..instances.len() {
        instances.rotate_left(1);
        assert_eq!(Scene::of(&instances).compile(form.clone()), first);
    }
}

#[test]
fn where_it_landed_is_looked_at() {
    let instances = [(1, 1, role("db")), (2, 1, role("web")), (3, 2, role("web")), (4, 0, role("web"))];
    let scene = Scene::of(&instances).in_racks(&[(1, "A"), (2, "A")]);
    let form = json!({"cn": ["role!=db", "cn:ssd==true"], "rack": ["role==db"], "enforce": "replace", "attempts": 1});
    let spec = spec(form);
    assert_eq!(spec.enforce, Enforce::Replace);
    let verdicts = |number: u128| -> Vec<Verdict> {
        let verified = verify(&spec, &scene.view(), &Newcomer::default(), id(number));
        verified.into_iter().map(|verified| verified.verdict).collect()
    };
    let hidden = Verdict::Unknown(Unknown::Hidden(Obstacle::NodeTagsUnseen));
    assert_eq!(verdicts(2), [Verdict::Broken(Breach::Beside { instance: id(1) }), hidden, Verdict::Kept]);
    assert_eq!(verdicts(3), [Verdict::Kept, hidden, Verdict::Kept]);
    assert_eq!(verdicts(4)[0], Verdict::Unknown(Unknown::NotPlaced));
    let broken = verify(&spec, &scene.view(), &Newcomer::default(), id(2));
    let course = [0, 1].map(|made| remedy(&spec, &broken, made));
    assert_eq!(course, [Remedy::Replace { attempts_left: 0 }, Remedy::GivenUp { attempts: 1 }]);
}

#[test]
fn it_is_told_in_words() {
    let scene = Scene::of(&[(1, 1, role("db"))]);
    let form = json!({"cn": ["role!=db", "role!=~x"], "rack": ["role!=db"]});
    let words = InWords::new(&scene.compile(form.clone()), &spec(form)).to_string();
    assert_eq!(
        words,
        "enforced: role!=db, which CloudAPI is told as it is\n\
         not enforced: role!=~x, since CloudAPI drops wishes beside hard rules (`soft: steer` makes them hard)\n\
         not enforced: rack: role!=db, since the topology has no rack"
    );
}
