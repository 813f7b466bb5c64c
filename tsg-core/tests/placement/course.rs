//! Where creates would go one after the other: small exact cases, and drawn ones against one look
//! after the other.

use serde_json::{Value, json};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::compile::{Block, Newcomer, Resident, View, compile};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::outlook::{
    CREATES_MAX, Course, DRAWN_MAX, DeadEnd, RuleLoss, Sequel, Waiver, course, outlook,
};
use tsg_core::placement::rule::{PlacementSpec, Scope, SpecPlace, Strength};
use tsg_core::placement::topology::{Coverage, Site, Topology};
use tsg_core::placement::verify::{Verdict, verify};
use uuid::Uuid;

use crate::outlook::{cn, node, role, web};
use crate::world::drawn::{Drawn, seeds};

/// What a tenant sees, owned.
#[derive(Debug, Clone, Default)]
struct Seen {
    topology: Topology,
    /// The label of each instance and where it stands, if that is shown.
    instances: Vec<(Label, Option<ComputeNodeId>)>,
}

impl Seen {
    /// Instances on nodes (0: not shown).
    fn of(instances: &[(u128, Label)]) -> Self {
        let instance = |(on, label): &(u128, Label)| (label.clone(), (*on > 0).then(|| node(*on)));
        Self { instances: instances.iter().map(instance).collect(), ..Self::default() }
    }

    /// Nodes with their racks.
    fn with(mut self, coverage: Coverage, racks: &[(u128, Option<&str>)]) -> Self {
        let site = |rack: &Option<&str>| Site { name: None, rack: rack.map(Into::into) };
        self.topology.nodes = racks.iter().map(|(number, rack)| (node(*number), site(rack))).collect();
        self.topology.coverage = coverage;
        self
    }

    fn view(&self) -> View<'_> {
        let residents = self.instances.iter().zip(1..).map(|((label, node), id)| Resident {
            id: InstanceId::new(Uuid::from_u128(id)),
            name: "some",
            labels: std::slice::from_ref(label),
            node: *node,
        });
        View::new(&self.topology, residents.collect(), vec![])
    }

    /// So many more of the service `web`.
    fn course(&self, spec: &PlacementSpec, creates: u32) -> Course {
        course(spec, &self.view(), &Newcomer { group: Some(&web()), ..Newcomer::default() }, creates).unwrap()
    }
}

fn spec(form: Value) -> PlacementSpec {
    serde_json::from_value(form).unwrap()
}

#[test]
fn creates_take_the_nodes_that_are_left_and_the_rest_have_none() {
    let listed = [1, 2, 3, 4].map(|number| (number, None));
    for (coverage, sequel) in [(Coverage::Whole, Sequel::Wait), (Coverage::Part, Sequel::Elsewhere)] {
        let seen = Seen::default().with(coverage, &listed);
        let told = seen.course(&spec(json!({"cn": ["service!=web"]})), 17);
        let end = DeadEnd {
            blocked: if sequel == Sequel::Wait { vec![Block::NoNodeLeft { nodes: 4 }] } else { vec![] },
            creates: 13,
            losses: vec![RuleLoss { at: cn(0), nodes: 4, in_turn: 4 }],
            way_out: Some(Waiver { rules: vec![cn(0)], nodes: 4 }),
            sequel,
        };
        let places = vec![node(1), node(2), node(3), node(4)];
        let expected = Course { known: 4, open: 4, places, end: Some(end), unseen: 0 };
        assert_eq!(told, expected);
    }
}

#[test]
fn what_cloudapi_cannot_be_told_keeps_nobody_away() {
    // Racks can be told by an instance on each node, and on node 2 there is none.
    let racks = [(1, Some("A")), (2, Some("A"))];
    let seen = Seen::of(&[(1, web())]).with(Coverage::Part, &racks);
    let told = seen.course(&spec(json!({"rack": ["service!=web"]})), 2);
    assert_eq!((told.places.len(), told.end.map(|end| end.sequel)), (0, Some(Sequel::Against { nodes: 2 })));
}

#[test]
fn nothing_goes_anywhere_while_nothing_is_sent() {
    let seen = Seen::of(&[(1, role("x")), (0, role("db"))]);
    let not_yet = seen.course(&spec(json!({"cn": ["role==db"]})), 3);
    let at = SpecPlace::Rule { scope: Scope::Node, index: 0 };
    let blocked = vec![Block::NotYetPlaced { at }];
    let end = DeadEnd { creates: 3, blocked, losses: vec![], way_out: None, sequel: Sequel::Wait };
    assert_eq!((not_yet.open, not_yet.end), (1, Some(end.clone())), "nobody knows yet where role==db is");
    // Another rule that takes a node away is not what they wait for.
    let seen = Seen::of(&[(1, role("x")), (2, role("cache")), (0, role("db"))]);
    let not_yet = seen.course(&spec(json!({"cn": ["role==db", "role!=cache"]})), 3);
    assert_eq!((not_yet.known, not_yet.open, not_yet.end), (2, 1, Some(end)));
    let told = seen.course(&spec(json!({"cn": ["role==none"]})), 3);
    let end = told.end.unwrap();
    assert_eq!((told.places, end.creates, end.losses.len(), end.sequel), (vec![], 3, 1, Sequel::Wait));
}

#[test]
fn one_on_its_way_hides_no_rule_from_those_after_it() {
    // While the only match stands nowhere, the rule takes nothing away from the first.
    let seen = Seen::of(&[(0, web()), (1, role("x")), (2, role("x"))]);
    let told = seen.course(&spec(json!({"cn": ["service!=web"]})), 3);
    assert_eq!((told.places, told.end.map(|end| end.creates)), (vec![node(1), node(2)], Some(1)));
}

#[test]
fn nothing_is_said_of_nodes_where_none_is_known() {
    let told = Seen::default().course(&spec(json!({"cn": ["service!=web"]})), 2);
    let end = DeadEnd { creates: 2, blocked: vec![], losses: vec![], way_out: None, sequel: Sequel::Elsewhere };
    assert_eq!(told, Course { end: Some(end), ..Course::default() });
    let none = Seen::of(&[(1, web())]).course(&spec(json!({"cn": ["service!=web"]})), 0);
    assert_eq!((none.places.len(), none.end), (0, None));
}

#[test]
fn no_more_than_so_many_creates_are_looked_at() {
    let racks: Vec<String> = (0..50).map(|rack| format!("r{rack}")).collect();
    let nodes: Vec<(u128, Option<&str>)> =
        (1..=1_000_u128).map(|number| (number, Some(racks[number as usize % 50].as_str()))).collect();
    let instances: Vec<(u128, Label)> = (1..=5_000_u128).map(|number| (number % 1_000 + 1, role("x"))).collect();
    let seen = Seen::of(&instances).with(Coverage::Whole, &nodes);
    let near = json!([{"rule": "service==~web"}]);
    for (form, places, unseen) in [
        (json!({"cn": ["role!=db"], "spread": [{"over": "rack"}]}), CREATES_MAX, 40_000),
        (json!({"cn": ["service!=web"]}), 1_000, 40_000),
        (json!({"rack": ["service==web"], "prefer": near}), DRAWN_MAX, 50_000 - DRAWN_MAX),
        (json!({"rack": ["service!=~web"], "prefer": near}), DRAWN_MAX, 50_000 - DRAWN_MAX),
    ] {
        let spec = spec(form);
        let told = seen.course(&spec, 50_000);
        assert_eq!((told.places.len() as u32, told.unseen), (places, unseen), "{spec:?}");
    }
}

/// A tenant's view and a block, of some that are about themselves and some that are not.
fn drawn(drawn: &mut Drawn) -> (Seen, PlacementSpec) {
    let nodes = 1 + drawn.below(6) as u128;
    let labels = [web(), role("db"), role("cache")];
    let count = drawn.below(8);
    let instances: Vec<(u128, Label)> = (0..count)
        .map(|_| {
            let on = if drawn.is(10) { 0 } else { 1 + drawn.below(nodes as usize) as u128 };
            (on, drawn.one_of(&labels))
        })
        .collect();
    let listed: Vec<u128> = (1..=nodes).filter(|_| drawn.is(80)).collect();
    let racks: Vec<(u128, Option<&str>)> =
        listed.iter().map(|number| (*number, drawn.one_of(&[Some("A"), Some("B"), Some("C"), None]))).collect();
    let coverage = if racks.len() as u128 == nodes && drawn.is(60) { Coverage::Whole } else { Coverage::Part };
    let subjects = ["service!=web", "service!=~web", "service==web", "service==~web", "role!=db", "role==db"];
    let rules = |drawn: &mut Drawn, most: usize| -> Vec<&str> {
        (0..drawn.below(most + 1)).map(|_| drawn.one_of(&subjects)).collect()
    };
    let mut form = json!({"cn": rules(drawn, 2), "rack": rules(drawn, 1)});
    if drawn.is(40) {
        form["prefer"] = json!([{"rule": drawn.one_of(&["role==~cache", "role!=~db", "service!=~web"]), "weight": 70}]);
    }
    if drawn.is(40) {
        form["spread"] = json!([{"over": drawn.one_of(&["cn", "rack"])}]);
    }
    (Seen::of(&instances).with(coverage, &racks), spec(form))
}

/// What came up, counted.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    ends: u64,
    long: u64,
    wait: u64,
    elsewhere: u64,
    against: u64,
}

/// Each create has the best that one look shows, keeps what that look judged, and has none only where
/// that look shows none.
fn check(seen: &Seen, spec: &PlacementSpec, creates: u32, told: &Course) {
    let (group, mut so_far) = (web(), seen.clone());
    let newcomer = Newcomer { group: Some(&group), ..Newcomer::default() };
    for (number, place) in told.places.iter().enumerate() {
        let look = outlook(spec, &so_far.view(), &newcomer).unwrap();
        assert_eq!(look.best.map(|best| best.node), Some(*place), "create {number}\n{told:?}");
        if number == 0 {
            assert_eq!((told.known, told.open), (look.known.len() as u32, look.open.len() as u32));
        }
        so_far.instances.push((web(), Some(*place)));
        let id = InstanceId::new(Uuid::from_u128(so_far.instances.len() as u128));
        for one in verify(spec, &so_far.view(), &newcomer, id) {
            let is_judged = look.unjudged.iter().all(|unjudged| unjudged.at != one.at);
            let is_broken = one.strength == Strength::Hard && matches!(one.verdict, Verdict::Broken(_));
            assert!(!is_judged || !is_broken, "create {number} breaks {one:?}\n{told:?}");
        }
    }
    let left = creates - told.places.len() as u32;
    assert_eq!(told.end.as_ref().map_or(0, |end| end.creates), left, "{told:?}");
    if let Some(end) = &told.end {
        let look = outlook(spec, &so_far.view(), &newcomer).unwrap();
        let blocked = compile(spec, &so_far.view(), &newcomer).blocked;
        let is_blocked = !blocked.is_empty();
        assert_eq!(end.blocked, blocked, "{told:?}");
        // While the rules leave a node they are not what keeps anything from it.
        let (losses, way_out) = if look.open.is_empty() { (look.losses, look.way_out) } else { (vec![], None) };
        assert_eq!((losses, way_out), (end.losses.clone(), end.way_out.clone()), "{told:?}");
        assert_eq!(end.sequel == Sequel::Wait, is_blocked, "{told:?}");
        assert!(look.open.is_empty() || is_blocked && told.places.is_empty(), "{told:?}");
    }
}

#[test]
fn each_goes_where_one_look_after_those_before_it_would_send_it() {
    let mut tally = Tally::default();
    for seed in seeds(3_000, 100_000) {
        let mut draw = Drawn::new(seed);
        let (seen, spec) = drawn(&mut draw);
        let creates = 1 + draw.below(9) as u32;
        let told = seen.course(&spec, creates);
        println!("seed {seed} {creates} creates\n{}\n{seen:?}", serde_json::to_string(&spec).unwrap());
        check(&seen, &spec, creates, &told);
        tally.cases += 1;
        tally.long += u64::from(told.places.len() > 4);
        tally.ends += u64::from(told.end.is_some() && !told.places.is_empty());
        match told.end.map(|end| end.sequel) {
            None => {}
            Some(Sequel::Wait) => tally.wait += 1,
            Some(Sequel::Elsewhere) => tally.elsewhere += 1,
            Some(Sequel::Against { .. }) => tally.against += 1,
        }
    }
    let seldom = [tally.ends, tally.long, tally.wait, tally.elsewhere, tally.against];
    assert!(seldom.iter().all(|count| count * 100 >= tally.cases), "{tally:?}");
}
