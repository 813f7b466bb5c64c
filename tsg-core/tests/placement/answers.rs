//! What a placement says: exact cases, and the screens that people see.

use std::num::NonZeroU32;

use crate::world::{Instance, World, label, owner, units};
use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::inventory::{Inventory, NodeFacts, NodeState};
use tsg_core::placement::place::{
    Answer, Cost, Filter, InWords, Loss, Matched, NearMiss, Packing, Part, Rejection, Request, RuleNumber, WayOut,
    Wish, place, place_batch,
};
use tsg_core::placement::rule::{Criterion, Preference, Scope, Spread};
use uuid::Uuid;

/// Four nodes in two racks: `cn0` and `cn1` in A, `cn2` and `cn3` in B, with 16 units of room each
/// but for `cn3`, which has 4 and an SSD.
fn world() -> World {
    let node = |number: usize| NodeFacts {
        id: ComputeNodeId::new(Uuid::from_u128(number as u128)),
        name: format!("cn{number}"),
        tags: [("ssd".to_string(), (number == 3).to_string())].into(),
        platform: "20260101T000000Z".into(),
        capacity: if number == 3 { units(4, 16, 16) } else { units(16, 16, 16) },
        taken_otherwise: units(0, 0, 0),
        state: NodeState::Up,
        rack: Some(if number < 2 { "A" } else { "B" }.into()),
        data_centre: None,
    };
    World { nodes: (0..4).map(node).collect(), instances: Vec::new() }
}

/// An instance of a service on a node, one unit large.
fn on(world: &mut World, node: usize, service: &str) {
    let number = world.instances.len() as u128;
    world.instances.push(Instance {
        id: Uuid::from_u128(100 + number),
        name: format!("{service}-{number}"),
        owner: owner(1),
        labels: vec![label(Criterion::Service, service)],
        demand: units(1, 1, 1),
        node,
    });
}

/// More of the service `web`, one unit large each.
fn web(rules: &[&str]) -> Request {
    let mut request = Request::new(owner(1), units(1, 1, 1));
    request.rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    request.group = Some(label(Criterion::Service, "web"));
    request
}

fn names(inventory: &Inventory, answer: &Answer) -> Vec<String> {
    answer.placements.iter().map(|one| inventory.node(one.node).unwrap().name.clone()).collect()
}

fn placed(world: &World, request: &Request, count: u32) -> Vec<String> {
    let inventory = world.inventory();
    names(&inventory, &place_batch(&inventory, request, count).unwrap())
}

#[test]
fn each_goes_where_nobody_of_the_group_is_and_then_where_the_most_memory_is_left() {
    let mut world = world();
    on(&mut world, 0, "web");
    assert_eq!(placed(&world, &web(&[]), 5), ["cn1", "cn2", "cn3", "cn0", "cn1"]);
    let tight = Request { packing: Packing::Tight, ..web(&[]) };
    assert_eq!(placed(&world, &tight, 5), ["cn3", "cn1", "cn2", "cn3", "cn0"]);
}

#[test]
fn rules_say_where_instances_go() {
    let mut world = world();
    on(&mut world, 0, "db");
    on(&mut world, 2, "cache");
    let cases: [(&[&str], &[&str]); 12] = [
        (&["service==db"], &["cn0", "cn0"]),
        (&["rack: service==db"], &["cn1", "cn0"]),
        (&["rack: service!=db"], &["cn2", "cn3"]),
        (&["service!=db", "service!=cache"], &["cn1", "cn3"]),
        (&["rack: service!=db", "rack: service!=cache"], &[]),
        (&["service==nothing"], &[]),
        (&["service!=nothing"], &["cn1", "cn0"]),
        (&["service==~nothing", "service==~cache"], &["cn2", "cn2"]),
        (&["cn:ssd==true"], &["cn3", "cn3"]),
        (&["rack: cn:ssd==true"], &["cn2", "cn3"]),
        (&["cn==cn1"], &["cn1", "cn1"]),
        (&["instance==db-0", "cn:platform>=20260102T000000Z"], &[]),
    ];
    for (rules, expected) in cases {
        assert_eq!(placed(&world, &web(rules), 2), expected, "{rules:?}");
    }
}

#[test]
fn rules_of_a_group_about_itself_see_those_that_were_just_placed() {
    let world = world();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["service!=web"], &["cn0", "cn1", "cn2", "cn3"]),
        (&["rack: service!=web"], &["cn0", "cn2"]),
        // The first goes where the most of the others can follow it.
        (&["service==web", "cn:ssd==true"], &["cn3", "cn3", "cn3", "cn3"]),
        (&["rack: service==web", "service!=web"], &["cn0", "cn1"]),
        (&["rack: service==web"], &["cn0", "cn1", "cn0", "cn1", "cn0"]),
        (&["service==~web"], &["cn0", "cn0", "cn0", "cn0", "cn0"]),
    ];
    for (rules, expected) in cases {
        assert_eq!(placed(&world, &web(rules), 5), expected, "{rules:?}");
    }
}

#[test]
fn the_first_of_those_that_stay_together_goes_where_it_can_be_followed() {
    let mut world = world();
    (0..15).for_each(|_| on(&mut world, 0, "other"));
    (0..16).for_each(|_| on(&mut world, 1, "other"));
    (0..3).for_each(|_| on(&mut world, 3, "other"));
    // By memory alone it would be cn2 every time.
    let request = web(&["service==web", "cn!=cn2"]);
    assert_eq!(placed(&world, &request, 1), ["cn0"], "none can be followed: the lower id");
    world.instances.pop();
    assert_eq!(placed(&world, &request, 1), ["cn3"], "it can be followed");
}

#[test]
fn a_spread_fills_places_in_rounds() {
    let mut world = world();
    on(&mut world, 0, "web");
    let spread = |max_skew, weight| Spread { over: Scope::Rack, max_skew: NonZeroU32::new(max_skew), weight };
    let with = |spread: Spread| evenly(spread, web(&[]));
    assert_eq!(placed(&world, &with(spread(1, 0)), 4), ["cn2", "cn1", "cn3", "cn0"]);
    assert_eq!(placed(&world, &with(spread(2, 0)), 4), ["cn1", "cn2", "cn3", "cn0"]);
    assert_eq!(placed(&world, &with(spread(0, 50)), 2), ["cn2", "cn1"]);
}

#[test]
fn what_is_unknown_is_turned_down_or_comes_last() {
    let mut world = world();
    assert_eq!(
        place(&world.inventory(), &web(&["dc: service!=web"])),
        Err(Rejection::RuleWithoutTopology { rule: RuleNumber::Rule(0), scope: Scope::DataCentre })
    );
    world.nodes.iter_mut().skip(1).for_each(|node| node.rack = None);
    on(&mut world, 3, "db");
    let inventory = world.inventory();
    let answer = place(&inventory, &web(&["rack: service!=db"])).unwrap();
    assert_eq!(names(&inventory, &answer), ["cn0"], "of all others it is not known to be far from anything");
    let matched = Matched { rule: RuleNumber::Rule(0), count: 1, unlocated: 1, is_own: false };
    assert_eq!(answer.matched, [matched]);
    let spread = Spread { over: Scope::Rack, max_skew: NonZeroU32::new(1), weight: 0 };
    assert_eq!(placed(&world, &evenly(spread, web(&[])), 2), ["cn0", "cn0"]);
    world.nodes[0].rack = None;
    let request = evenly(spread, web(&[]));
    let rejection = Rejection::SpreadWithoutTopology { scope: Scope::Rack };
    assert_eq!(place(&world.inventory(), &request), Err(rejection));
}

#[test]
fn too_much_is_turned_down() {
    let spread = Spread { over: Scope::Node, max_skew: None, weight: 1 };
    let inventory = world().inventory();
    let rejected = |request: &Request| place(&inventory, request).unwrap_err().to_string();
    assert_eq!(
        rejected(&Request { spread: vec![spread, spread], ..web(&[]) }),
        "members are to be spread over each cn twice: leave one out"
    );
    assert_eq!(
        rejected(&web(&["cn!=cn1"; 29])),
        "there are 29 hard rules and 0 soft ones: at most 28 and 32 are taken"
    );
    let heavy = Preference { rule: "cn==~cn1".parse().unwrap(), weight: 1_001 };
    assert_eq!(rejected(&Request { preferences: vec![heavy], ..web(&[]) }), "a weight is 1001: at most 1000");
    assert!(place(&inventory, &web(&["cn!=cn1"; 28])).is_ok());
    assert!(place(&inventory, &web(&["cn!=~cn1"; 32])).is_ok());
}

/// A wish that nobody can keep, one that can be kept, and a member in each rack already.
fn at_a_cost() -> (World, Request) {
    let mut world = world();
    on(&mut world, 0, "web");
    on(&mut world, 2, "web");
    let spread = Spread { over: Scope::Rack, max_skew: NonZeroU32::new(1), weight: 7 };
    (world, evenly(spread, web(&["service==~db", "cn!=~cn0"])))
}

fn evenly(spread: Spread, request: Request) -> Request {
    Request { spread: vec![spread], ..request }
}

#[test]
fn the_parts_of_a_placement_add_up() {
    let (world, mut request) = at_a_cost();
    request.preferences = vec![Preference { rule: "cn:ssd==~true".parse().unwrap(), weight: 30 }];
    let answer = place(&world.inventory(), &request).unwrap();
    let wish = |rule, weight| Wish { rule, weight };
    let expected = [
        Part::Round { over: Scope::Rack, members: 1, round: 1 },
        Part::Evenness { over: Scope::Rack, members: 1, cost: 7 },
        Part::NotKept(wish(RuleNumber::Rule(0), 100)),
        Part::Kept(wish(RuleNumber::Rule(1), 100)),
        Part::Kept(wish(RuleNumber::Preference(0), 30)),
        Part::Crowding { members: 0 },
        Part::Memory { left_mib: 4 * 1024 },
    ];
    assert_eq!(answer.parts(&answer.placements[0]), expected);
    assert_eq!(answer.cost, Cost { rounds: 1, wishes: 107, crowding: 0 });
}

/// Nothing fits: `cn0` is down, `cn1` full, `cn2` and `cn3` have what rules keep away from.
fn hopeless() -> (World, Request) {
    let mut world = world();
    world.nodes[0].state = NodeState::Down;
    (0..16).for_each(|_| on(&mut world, 1, "other"));
    on(&mut world, 2, "db");
    on(&mut world, 3, "db");
    on(&mut world, 3, "cache");
    (world, web(&["service!=cache", "service!=db", "service!=db*", "rack: service!=other"]))
}

#[test]
fn a_refusal_counts_what_was_lost_and_names_the_least_that_has_to_go() {
    let (world, request) = hopeless();
    let inventory = world.inventory();
    let answer = place(&inventory, &request).unwrap();
    let refusal = answer.refusal.as_ref().unwrap();
    let loss = |filter, in_turn, alone| Loss { filter, in_turn, alone };
    let expected = [
        loss(Filter::State, 1, 1),
        loss(Filter::Memory, 1, 1),
        loss(Filter::Disk, 0, 1),
        loss(Filter::Cpu, 0, 1),
        loss(Filter::Rule(0), 1, 1),
        loss(Filter::Rule(1), 1, 2),
        loss(Filter::Rule(2), 0, 2),
        loss(Filter::Rule(3), 0, 2),
    ];
    assert_eq!((refusal.losses.as_slice(), refusal.nodes, refusal.missing), (expected.as_slice(), 4, 1));
    assert_eq!(refusal.way_out, Some(WayOut { rules: vec![1, 2], nodes: 1 }));
    let nearest = NearMiss {
        node: inventory.find_node(world.nodes[0].id).unwrap(),
        filters: vec![Filter::State, Filter::Rule(3)],
    };
    assert_eq!(refusal.nearest, Some(nearest), "cn2 breaks two as well, and has the higher id");
    let reasons = answer.reasons(inventory.find_node(world.nodes[3].id).unwrap()).unwrap();
    let filters: Vec<Filter> = answer.filters(reasons).collect();
    assert_eq!(filters, [Filter::Rule(0), Filter::Rule(1), Filter::Rule(2)]);
}

#[test]
fn what_has_to_go_opens_the_most_nodes_and_then_comes_first() {
    let mut world = world();
    for node in 0..4 {
        on(&mut world, node, if node == 0 { "a" } else { "b" });
    }
    let way_out = |world: &World, rules: &[&str]| {
        place(&world.inventory(), &web(rules)).unwrap().refusal.unwrap().way_out.unwrap()
    };
    assert_eq!(way_out(&world, &["service!=a", "service!=b"]), WayOut { rules: vec![1], nodes: 3 });
    world.instances.truncate(2);
    let rules = ["service!=a", "service!=b", "cn!=cn2", "cn!=cn3"];
    assert_eq!(way_out(&world, &rules), WayOut { rules: vec![0], nodes: 1 });
    (0..4).for_each(|node| world.nodes[node].state = NodeState::Reserved);
    let refusal = place(&world.inventory(), &web(&rules)).unwrap().refusal.unwrap();
    assert_eq!(refusal.way_out, None, "no rule is to blame");
}

#[test]
fn a_batch_that_does_not_fit_says_what_stands_in_the_way_of_the_next_one() {
    let inventory = world().inventory();
    let answer = place_batch(&inventory, &web(&["rack: service!=web"]), 3).unwrap();
    let refusal = answer.refusal.as_ref().unwrap();
    assert_eq!((answer.placements.len(), refusal.missing), (2, 1));
    assert_eq!(refusal.losses, [Loss { filter: Filter::Rule(0), in_turn: 4, alone: 4 }]);
    let node = inventory.find_node(ComputeNodeId::new(Uuid::from_u128(0))).unwrap();
    assert!(answer.reasons(node).unwrap().is_empty(), "before the first was placed it was open");
    let answer = place_batch(&inventory, &web(&["service==web"]), 17).unwrap();
    let refusal = answer.refusal.unwrap();
    let loss = |filter, alone| Loss { filter, in_turn: alone, alone };
    assert_eq!(refusal.losses[0], loss(Filter::Memory, 1));
    assert_eq!(refusal.losses.last(), Some(&loss(Filter::Rule(0), 3)));
}

#[test]
fn a_placement_is_one_screen() {
    let (world, request) = at_a_cost();
    let inventory = world.inventory();
    let answer = place_batch(&inventory, &request, 2).unwrap();
    let expected = "\
2 instances have a place:
  cn1
  cn3
why cn1:
  1 member in its rack, so its turn comes in round 2
  1 member in its rack cost 7
  does not keep service==~db, which costs 100
  keeps cn!=~cn0
  no member of the group is on it
  16384 MiB of memory were left";
    assert_eq!(InWords::new(&answer, &request, &inventory).to_string(), expected);
}

#[test]
fn a_refusal_is_one_screen() {
    let (world, request) = hopeless();
    let inventory = world.inventory();
    let answer = place_batch(&inventory, &request, 3).unwrap();
    let expected = "\
3 of 3 instances have no place: 4 compute nodes are not open
      1 takes no new instances
      1 has too little memory left
      0 has too little disk left (1 by this alone)
      0 has too little CPU left (1 by this alone)
      1 breaks service!=cache
      1 breaks service!=db (2 by this alone)
      0 breaks service!=db* (2 by this alone)
      0 breaks rack: service!=other (2 by this alone)
nearest: cn0, but takes no new instances, breaks rack: service!=other
without service!=db and service!=db* 1 node would be open";
    assert_eq!(InWords::new(&answer, &request, &inventory).to_string(), expected);
}

#[test]
fn a_batch_that_fits_in_part_says_both() {
    let inventory = world().inventory();
    let request = web(&["service!=web", "service==nothing"]);
    let answer = place(&inventory, &request).unwrap();
    let expected = "\
1 of 1 instances has no place: 4 compute nodes are not open
      4 breaks service==nothing, which nothing matches
nearest: cn0, but breaks service==nothing, which nothing matches
without service==nothing 4 nodes would be open";
    assert_eq!(InWords::new(&answer, &request, &inventory).to_string(), expected);
    let request = web(&["rack: service!=web"]);
    let answer = place_batch(&inventory, &request, 3).unwrap();
    let expected = "\
2 instances have a place:
  cn0
  cn2
why cn0:
  no member of the group is on it
  16384 MiB of memory were left
1 of 3 instances has no place: 4 compute nodes are not open
      4 breaks rack: service!=web
nearest: cn0, but breaks rack: service!=web
without rack: service!=web 4 nodes would be open";
    assert_eq!(InWords::new(&answer, &request, &inventory).to_string(), expected);
}
