//! What the rules leave of the compute nodes that a tenant knows, in small exact cases.
//!
//! `tsg-sim/tests/placement` draws more of them.

use serde_json::{Value, json};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::compile::{Newcomer, Obstacle, Resident, View};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::outlook::{Nearest, Outlook, RuleLoss, Unjudged, Waiver, outlook};
use tsg_core::placement::rule::{Criterion, PlacementSpec, Scope, SpecPlace};
use tsg_core::placement::topology::{Site, Topology};
use uuid::Uuid;

pub fn node(number: u128) -> ComputeNodeId {
    ComputeNodeId::new(Uuid::from_u128(number))
}

pub fn role(value: &str) -> Label {
    Label { criterion: Criterion::InstanceTag("role".into()), value: value.into() }
}

pub fn web() -> Label {
    Label { criterion: Criterion::Service, value: "web".into() }
}

pub const fn cn(index: usize) -> SpecPlace {
    SpecPlace::Rule { scope: Scope::Node, index }
}

const fn rack(index: usize) -> SpecPlace {
    SpecPlace::Rule { scope: Scope::Rack, index }
}

/// For one more of the service `web`, with instances on nodes (0: not shown), and racks by node.
fn seen(form: Value, instances: &[(u128, Label)], racks: &[(u128, Option<&str>)]) -> Outlook {
    let spec: PlacementSpec = serde_json::from_value(form).unwrap();
    let site = |rack: &Option<&str>| Site { name: None, rack: rack.map(Into::into) };
    let nodes = racks.iter().map(|(number, rack)| (node(*number), site(rack))).collect();
    let topology = Topology { nodes, ..Topology::default() };
    let residents = instances.iter().zip(100..).map(|((on, label), id)| Resident {
        id: InstanceId::new(Uuid::from_u128(id)),
        name: "some",
        labels: std::slice::from_ref(label),
        node: (*on > 0).then(|| node(*on)),
    });
    let view = View::new(&topology, residents.collect(), vec![]);
    outlook(&spec, &view, &Newcomer { group: Some(&web()), ..Newcomer::default() }).unwrap()
}

#[test]
fn nodes_lost_to_each_rule_are_counted_while_others_are_left() {
    let instances = [(1, web()), (2, web()), (2, role("db")), (3, role("db")), (4, role("x"))];
    let outlook = seen(json!({"cn": ["service!=web", "role!=db", "role!=none"]}), &instances, &[]);
    assert_eq!((outlook.known.len(), outlook.open.as_slice()), (4, &[node(4)][..]));
    let loss = |at, nodes, in_turn| RuleLoss { at, nodes, in_turn };
    assert_eq!(outlook.losses, [loss(cn(0), 2, 2), loss(cn(1), 2, 1)]);
    assert_eq!((outlook.way_out, outlook.nearest), (None, None), "one is left");
    assert_eq!(outlook.best.map(|best| best.node), Some(node(4)));
}

#[test]
fn where_none_is_left_the_least_to_drop_and_the_nearest_miss_are_told() {
    let instances = [(1, web()), (1, role("db")), (2, web()), (2, role("db")), (3, web()), (4, web())];
    let outlook = seen(json!({"cn": ["role!=db", "service!=web"]}), &instances, &[]);
    assert_eq!(outlook.open, []);
    assert_eq!(outlook.way_out, Some(Waiver { rules: vec![cn(1)], nodes: 2 }));
    assert_eq!(outlook.nearest, Some(Nearest { node: node(3), breaks: vec![cn(1)] }));
    assert_eq!(outlook.best, None);
    let both = seen(json!({"cn": ["role!=db", "service!=web"]}), &instances[..4], &[]);
    assert_eq!(both.way_out, Some(Waiver { rules: vec![cn(0), cn(1)], nodes: 2 }));
    assert_eq!(both.nearest, Some(Nearest { node: node(1), breaks: vec![cn(0), cn(1)] }));
}

#[test]
fn what_tenants_are_not_shown_is_not_judged() {
    let form = json!({
        "cn": ["cn:ssd==true", "role==db", "service!=web"], "rack": ["service!=web"],
        "prefer": [{"rule": "volume==data"}], "spread": [{"over": "rack"}],
    });
    let outlook = seen(form, &[(1, web()), (2, role("x")), (0, role("db"))], &[]);
    let unjudged = |at, why| Unjudged { at, why };
    let no_rack = Obstacle::NoTopology { scope: Scope::Rack };
    assert_eq!(
        outlook.unjudged,
        [
            unjudged(cn(0), Obstacle::NodeTagsUnseen),
            unjudged(cn(1), Obstacle::Unlocated { instances: 1 }),
            unjudged(rack(0), no_rack),
            unjudged(SpecPlace::Preference { index: 0 }, Obstacle::VolumesUnseen),
            unjudged(SpecPlace::Spread { index: 0 }, no_rack),
        ]
    );
    assert_eq!(outlook.open, [node(2)], "they take nothing away");
    let nothing = seen(json!({"cn": ["service!=web"]}), &[], &[]);
    assert_eq!(nothing, Outlook::default(), "nothing is known");
}

#[test]
fn racks_are_those_of_the_topology() {
    let racks = [(1, Some("A")), (2, Some("A")), (3, Some("B")), (4, None)];
    let outlook = seen(json!({"rack": ["service!=web"]}), &[(1, web())], &racks);
    assert_eq!(outlook.open, [node(3)], "of node 4 nobody knows whether it is elsewhere");
    assert_eq!(outlook.losses, [RuleLoss { at: rack(0), nodes: 3, in_turn: 3 }]);
}

#[test]
fn the_best_is_told_with_its_score() {
    let form =
        json!({"cn": ["role!=db"], "prefer": [{"rule": "role==~cache", "weight": 30}], "spread": [{"over": "cn"}]});
    let instances = [(1, role("db")), (2, role("cache")), (2, web()), (3, role("x"))];
    let best = seen(form.clone(), &instances, &[]).best.unwrap();
    let words: Vec<(Option<SpecPlace>, &str)> = best.parts.iter().map(|part| (part.at, part.words.as_str())).collect();
    let spread = Some(SpecPlace::Spread { index: 0 });
    assert_eq!(best.node, node(3), "it has no member, and rounds come before wishes");
    assert_eq!(
        words,
        [
            (spread, "0 members in its compute node, so its turn comes in round 1"),
            (spread, "0 members in its compute node cost 0"),
            (Some(SpecPlace::Preference { index: 0 }), "does not keep role==~cache, which costs 30"),
            (None, "no member of the group is on it"),
        ]
    );
    let best = seen(form, &[&instances[..2], &instances[3..]].concat(), &[]).best.unwrap();
    assert_eq!(best.node, node(2), "where nobody has a member the wish decides");
}
