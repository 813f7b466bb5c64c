//! What holds for every placement, whatever the cluster.
//!
//! `TSG_CASES` sets how many clusters each property is tried on, and `TSG_SEED` which.

use std::collections::BTreeMap;

use crate::world::drawn::{Drawn, seeds};
use crate::world::{Instance, World, label, owner, request, units};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::inventory::{Inventory, NodeFacts, NodeNumber, NodeState, Unfit};
use tsg_core::placement::place::{Answer, Refusal, Rejection, Request, place, place_batch};
use tsg_core::placement::rule::{Criterion, Direction, Rule};
use uuid::Uuid;

/// An answer without numbers that depend on the order in which nodes came.
fn told(inventory: &Inventory, answer: Result<Answer, Rejection>) -> impl PartialEq + std::fmt::Debug + use<> {
    answer.map(|answer| {
        let id = |node: NodeNumber| inventory.node(node).unwrap().id;
        let placements: Vec<_> = answer
            .placements
            .iter()
            .map(|one| (id(one.node), one.cost, one.memory_left_mib, one.members, answer.parts(one).len()))
            .collect();
        let reasons: BTreeMap<ComputeNodeId, Vec<_>> = inventory
            .nodes()
            .map(|(node, facts)| (facts.id, answer.filters(answer.reasons(node).unwrap()).collect()))
            .collect();
        let refusal = answer.refusal.as_ref().map(|refusal: &Refusal| {
            let nearest = refusal.nearest.as_ref().map(|near| (id(near.node), near.filters.clone()));
            (refusal.missing, refusal.nodes, refusal.losses.clone(), refusal.way_out.clone(), nearest)
        });
        (placements, answer.cost, reasons, refusal, answer.matched)
    })
}

fn case(seed: u64, nodes: usize, count: usize) -> (Drawn, World, Request, u32) {
    let mut drawn = Drawn::new(seed);
    let world = World::draw(&mut drawn, nodes);
    let (request, count) = request(&mut drawn, &world, count);
    (drawn, world, request, count)
}

#[test]
fn the_order_in_which_things_come_does_not_show() {
    for seed in seeds(300, 20_000) {
        let (mut drawn, mut world, request, count) = case(seed, 30, 40);
        let inventory = world.inventory();
        let expected = told(&inventory, place_batch(&inventory, &request, count));
        let nodes: Vec<ComputeNodeId> = world.nodes.iter().map(|node| node.id).collect();
        drawn.shuffle(&mut world.nodes);
        for instance in &mut world.instances {
            instance.node = world.nodes.iter().position(|node| node.id == nodes[instance.node]).unwrap();
        }
        drawn.shuffle(&mut world.instances);
        let inventory = world.inventory();
        assert_eq!(told(&inventory, place_batch(&inventory, &request, count)), expected, "seed {seed}");
    }
}

/// An inventory that got where the world is by a number of events.
fn lived(drawn: &mut Drawn, world: &World) -> Inventory {
    let mut inventory = Inventory::default();
    let extra = NodeFacts { id: ComputeNodeId::new(Uuid::from_u128(7)), ..world.nodes[0].clone() };
    inventory.put_node(extra.clone());
    for node in &world.nodes {
        let first = NodeFacts {
            tags: [("ssd".to_string(), "maybe".to_string())].into(),
            state: NodeState::Down,
            rack: Some("elsewhere".into()),
            capacity: units(1, 1, 1),
            platform: "20240101T000000Z".into(),
            ..node.clone()
        };
        inventory.put_node(if drawn.is(50) { first } else { node.clone() });
    }
    let strange = |drawn: &mut Drawn, number: u128| Instance {
        id: Uuid::from_u128(5_000 + number),
        name: "web-strange".into(),
        owner: owner(1),
        labels: vec![label(Criterion::Service, "web")],
        demand: units(2, 1, 1),
        node: drawn.below(world.nodes.len()),
    };
    let strangers: Vec<Instance> = (0..150).map(|number| strange(drawn, number)).collect();
    strangers.iter().for_each(|instance| world.put(&mut inventory, instance, instance.node));
    for instance in &world.instances {
        let other = drawn.below(world.nodes.len());
        let first = Instance { name: "db-else".into(), demand: units(1, 2, 1), ..instance.clone() };
        world.put(&mut inventory, &first, other);
        let (node, number) = (inventory.find_node(world.nodes[instance.node].id), InstanceId::new(instance.id));
        let number = inventory.find_instance(number).unwrap();
        inventory.move_instance(number, node.unwrap()).unwrap();
        assert_eq!(inventory.node_of(number), node);
        if drawn.is(50) {
            inventory.remove_instance(number).unwrap();
            assert_eq!(inventory.remove_instance(number), Err(Unfit::NoInstance(number)));
        }
        world.put(&mut inventory, instance, instance.node);
    }
    for instance in &strangers {
        let number = inventory.find_instance(InstanceId::new(instance.id)).unwrap();
        inventory.remove_instance(number).unwrap();
    }
    world.nodes.iter().for_each(|node| _ = inventory.put_node(node.clone()));
    let node = inventory.find_node(extra.id).unwrap();
    inventory.set_capacity(node, units(90, 90, 90), units(0, 0, 0)).unwrap();
    inventory.set_state(node, NodeState::Up).unwrap();
    inventory.remove_node(node).unwrap();
    assert_eq!(inventory.set_state(node, NodeState::Up), Err(Unfit::NoNode(node)));
    if drawn.is(50) {
        inventory.forget_unused();
    }
    inventory
}

#[test]
fn an_inventory_that_lived_through_events_is_as_one_that_is_new() {
    for seed in seeds(300, 20_000) {
        let (mut drawn, world, request, count) = case(seed, 12, 12);
        let (new, lived) = (world.inventory(), lived(&mut drawn, &world));
        assert_eq!(lived.len(), new.len());
        for (_, facts) in new.nodes() {
            let of = |inventory: &Inventory| {
                let node = inventory.find_node(facts.id).unwrap();
                let rack = inventory.rack_of(node).and_then(|rack| inventory.rack_name(rack));
                let data_centre = inventory.data_centre_of(node).and_then(|one| inventory.data_centre_name(one));
                let named = (rack.map(str::to_owned), data_centre.map(str::to_owned));
                (inventory.node(node).cloned(), inventory.room(node), inventory.residents(node), named)
            };
            assert_eq!(of(&lived), of(&new), "seed {seed}");
        }
        for instance in &world.instances {
            let number = lived.find_instance(InstanceId::new(instance.id)).unwrap();
            assert_eq!(lived.instance_name(number), instance.name);
        }
        let expected = told(&new, place_batch(&new, &request, count));
        assert_eq!(told(&lived, place_batch(&lived, &request, count)), expected, "seed {seed}");
    }
}

#[test]
fn many_instances_at_once_are_put_as_one_after_the_other() {
    for seed in seeds(100, 2_000) {
        let (mut drawn, world, request, count) = case(seed, 12, 12);
        let (one_by_one, mut at_once) =
            (world.inventory(), lived(&mut drawn, &World { instances: Vec::new(), ..world.clone() }));
        let mut instances = world.instances.clone();
        instances.extend(world.instances.first().cloned());
        let kinds: Vec<_> = instances.iter().map(|one| at_once.kind(one.owner, &one.labels, one.demand)).collect();
        let facts = |(one, kind): (&'_ Instance, _)| {
            let node = at_once.find_node(world.nodes[one.node].id).unwrap();
            (InstanceId::new(one.id), kind, node)
        };
        let facts: Vec<_> = instances.iter().zip(kinds).map(facts).collect();
        let named = facts.iter().zip(&instances);
        let all: Vec<_> = named
            .map(|((id, kind, node), one)| tsg_core::placement::inventory::InstanceFacts {
                id: *id,
                name: &one.name,
                kind: *kind,
                node: *node,
            })
            .collect();
        assert_eq!(at_once.put_instances(&all).unwrap().len(), instances.len());
        assert_eq!(at_once.len(), one_by_one.len());
        let expected = told(&one_by_one, place_batch(&one_by_one, &request, count));
        assert_eq!(told(&at_once, place_batch(&at_once, &request, count)), expected, "seed {seed}");
    }
}

#[test]
fn a_batch_of_one_is_a_single_placement_and_a_batch_begins_like_a_shorter_one() {
    for seed in seeds(300, 20_000) {
        let (_, world, request, count) = case(seed, 20, 20);
        let inventory = world.inventory();
        assert_eq!(place_batch(&inventory, &request, 1), place(&inventory, &request), "seed {seed}");
        let (Ok(longer), Ok(shorter)) =
            (place_batch(&inventory, &request, count), place_batch(&inventory, &request, count / 2))
        else {
            continue;
        };
        assert!(shorter.placements.len() <= longer.placements.len(), "seed {seed}");
        let is_incomplete = shorter.refusal.is_some();
        assert!(!is_incomplete || shorter.placements.len() == longer.placements.len(), "seed {seed}");
    }
}

#[test]
fn a_single_placement_is_the_first_of_a_batch_unless_something_draws_its_members_together() {
    let draws = |rule: &Rule| rule.operator.direction == Direction::Near && !rule.criterion.is_about_nodes();
    for seed in seeds(300, 20_000) {
        let (_, world, mut request, _) = case(seed, 400, 1);
        request.rules.retain(|rule| !draws(rule));
        request.preferences.retain(|preference| !draws(&preference.rule));
        let inventory = world.inventory();
        let (Ok(one), Ok(two)) = (place(&inventory, &request), place_batch(&inventory, &request, 2)) else { continue };
        assert_eq!(one.placements.first(), two.placements.first(), "seed {seed}");
        let reasons = |answer: &Answer| inventory.nodes().map(|(node, _)| answer.reasons(node)).collect::<Vec<_>>();
        assert_eq!(reasons(&one), reasons(&two), "seed {seed}");
    }
}

#[test]
fn without_a_rule_nothing_is_lost_and_the_way_out_is_the_shortest() {
    for seed in seeds(300, 20_000) {
        let (_, world, request, _) = case(seed, 8, 1);
        let inventory = world.inventory();
        let Ok(answer) = place(&inventory, &request) else { continue };
        let without = |rules: u32| {
            let kept = request.rules.iter().enumerate().filter(|(number, _)| rules >> number & 1 == 0);
            let rules = kept.map(|(_, rule)| rule.clone()).collect();
            place(&inventory, &Request { rules, ..request.clone() }).unwrap().refusal.is_none()
        };
        let ways: Vec<u32> = (0..1 << request.rules.len()).filter(|rules| without(*rules)).collect();
        if answer.refusal.is_none() {
            assert_eq!(ways.len(), 1 << request.rules.len(), "seed {seed}: a rule less, and no place any more");
        }
        let Some(refusal) = answer.refusal else { continue };
        let shortest = ways.iter().map(|rules| rules.count_ones()).min();
        assert_eq!(refusal.way_out.as_ref().map(|way| way.rules.len() as u32), shortest, "seed {seed}");
        if let Some(way_out) = refusal.way_out {
            let rules = way_out.rules.iter().fold(0, |rules, rule| rules | 1_u32 << rule);
            assert!(ways.contains(&rules), "seed {seed}: {:?}", way_out.rules);
        }
        assert_eq!(refusal.losses.iter().map(|loss| loss.in_turn).sum::<u32>(), refusal.nodes, "seed {seed}");
    }
}
