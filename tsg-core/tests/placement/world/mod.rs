//! Small clusters made up of plain records, for tests of placement.
//!
//! Owns the drawing of clusters and requests, and how they become an inventory. Must never share a
//! line with what is tested.

pub mod drawn;
pub mod oracle;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use tsg_core::model::id::{AccountId, ComputeNodeId, InstanceId};
use tsg_core::placement::inventory::{Amounts, InstanceFacts, Inventory, Label, NodeFacts, NodeState};
use tsg_core::placement::place::{Packing, Request};
use tsg_core::placement::rule::{
    Criterion, Direction, Glob, GroupKind, Operator, Pattern, Preference, Rule, Scope, Spread, Strength,
};
use uuid::Uuid;

use drawn::Drawn;

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub id: Uuid,
    pub name: String,
    pub owner: AccountId,
    pub labels: Vec<Label>,
    pub demand: Amounts,
    /// Its node, by place in [`World::nodes`].
    pub node: usize,
}

/// A cluster.
#[derive(Debug, Clone)]
pub struct World {
    pub nodes: Vec<NodeFacts>,
    pub instances: Vec<Instance>,
}

pub fn owner(number: u128) -> AccountId {
    AccountId::from_directory(Uuid::from_u128(number))
}

pub fn label(criterion: Criterion, value: &str) -> Label {
    Label { criterion, value: value.into() }
}

pub fn units(memory: usize, disk: usize, cpu: usize) -> Amounts {
    let [memory_mib, disk_mib, cpu_percent] = [memory * 1024, disk * 1024, cpu * 100].map(|amount| amount as u32);
    Amounts { memory_mib, disk_mib, cpu_percent }
}

impl World {
    /// At most so many nodes, and three instances for each two of them.
    pub fn draw(drawn: &mut Drawn, nodes_max: usize) -> Self {
        let nodes = 1 + drawn.below(nodes_max);
        let unknown = drawn.one_of(&[0, 0, 0, 25, 100]);
        let data_centres = 1 + drawn.below(2);
        let nodes: Vec<NodeFacts> = (0..nodes).map(|number| node(drawn, number, data_centres, unknown)).collect();
        let instances = drawn.below(nodes.len() * 3 / 2 + 2);
        let instances = (0..instances).map(|number| instance(drawn, number, nodes.len())).collect();
        Self { nodes, instances }
    }

    /// As an inventory, filled in the order in which things stand here.
    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        self.nodes.iter().for_each(|node| _ = inventory.put_node(node.clone()));
        self.instances.iter().for_each(|instance| self.put(&mut inventory, instance, instance.node));
        inventory
    }

    /// Puts an instance onto a node.
    pub fn put(&self, inventory: &mut Inventory, instance: &Instance, node: usize) {
        let kind = inventory.kind(instance.owner, &instance.labels, instance.demand);
        let node = inventory.find_node(self.nodes[node].id).expect("a node");
        let (id, name) = (InstanceId::new(instance.id), instance.name.as_str());
        inventory.put_instance(InstanceFacts { id, name, kind, node }).expect("it fits");
    }
}

fn node(drawn: &mut Drawn, number: usize, data_centres: usize, unknown: usize) -> NodeFacts {
    let pick = |drawn: &mut Drawn, names: &[&str]| (!drawn.is(unknown)).then(|| drawn.one_of(names).to_string());
    let (tag, value) = (drawn.one_of(&["ssd", "power"]), drawn.one_of(&["true", "green"]));
    NodeFacts {
        id: ComputeNodeId::new(Uuid::from_u128(drawn.below(1 << 20) as u128 * 100 + number as u128)),
        name: format!("cn{number}"),
        tags: BTreeMap::from([(tag.to_string(), value.to_string())]),
        platform: drawn.one_of(&["20250101T000000Z", "20260101T000000Z", ""]).to_string(),
        capacity: units(3 + drawn.below(7), 4 + drawn.below(5), 4 + drawn.below(5)),
        taken_otherwise: units(drawn.below(2), drawn.below(2), 0),
        state: drawn.one_of(&[
            NodeState::Up,
            NodeState::Up,
            NodeState::Up,
            NodeState::Up,
            NodeState::Up,
            NodeState::Up,
            NodeState::Up,
            NodeState::Down,
            NodeState::Draining,
            NodeState::Reserved,
        ]),
        rack: pick(drawn, &["A", "B", "C"]),
        data_centre: pick(drawn, &["east", "west"][..data_centres]),
    }
}

fn instance(drawn: &mut Drawn, number: usize, nodes: usize) -> Instance {
    let owner = owner(if drawn.is(85) { 1 } else { 2 });
    let mut labels = labels(drawn);
    if drawn.is(20) {
        labels.push(label(Criterion::Volume, drawn.one_of(&["data", "logs"])));
    }
    let (id, name) = (Uuid::from_u128(900 + number as u128), format!("{}-{number}", drawn.one_of(&["web", "db"])));
    Instance { id, name, owner, labels, demand: units(1, 1, drawn.below(2)), node: drawn.below(nodes) }
}

fn labels(drawn: &mut Drawn) -> Vec<Label> {
    let mut labels = vec![label(Criterion::Service, drawn.one_of(&["web", "web", "db", "cache"]))];
    if drawn.is(60) {
        labels.push(label(Criterion::InstanceTag("role".into()), drawn.one_of(&["a", "b"])));
    }
    if drawn.is(40) {
        labels.push(label(Criterion::Group(GroupKind("deployment".into())), drawn.one_of(&["shop", "shop2"])));
    }
    labels
}

/// A request, and for how many.
pub fn request(drawn: &mut Drawn, world: &World, count_max: usize) -> (Request, u32) {
    let mut request = Request::new(owner(1), units(1 + drawn.below(2), drawn.below(3), drawn.below(3)));
    request.rules = (0..drawn.one_of(&[0, 1, 1, 2, 2, 3, 4])).map(|_| rule(drawn, world)).collect();
    request.preferences = (0..drawn.one_of(&[0, 0, 1, 2]))
        .map(|_| Preference { rule: rule(drawn, world), weight: drawn.one_of(&[1, 50, 100, 300, 1_000]) })
        .collect();
    request.labels = labels(drawn);
    if drawn.is(70) {
        request.group = request.labels.first().cloned();
    }
    let mut scopes = vec![Scope::Node, Scope::Rack, Scope::DataCentre];
    drawn.shuffle(&mut scopes);
    scopes.truncate(drawn.one_of(&[0, 0, 1, 1, 2]));
    request.spread = scopes.into_iter().map(|over| spread(drawn, over)).collect();
    request.packing = drawn.one_of(&[Packing::Loose, Packing::Tight]);
    (request, 1 + drawn.below(count_max) as u32)
}

fn spread(drawn: &mut Drawn, over: Scope) -> Spread {
    Spread { over, max_skew: NonZeroU32::new(drawn.one_of(&[0, 1, 1, 1, 2])), weight: drawn.one_of(&[0, 0, 20, 150]) }
}

fn rule(drawn: &mut Drawn, world: &World) -> Rule {
    let (criterion, pattern) = looked_at(drawn, world);
    let scope = drawn.one_of(&[Scope::Node, Scope::Node, Scope::Rack, Scope::DataCentre]);
    let direction = drawn.one_of(&[Direction::Far, Direction::Far, Direction::Near]);
    let strength = drawn.one_of(&[Strength::Hard, Strength::Soft]);
    Rule { scope, criterion, operator: Operator { direction, strength }, pattern }
}

fn looked_at(drawn: &mut Drawn, world: &World) -> (Criterion, Pattern) {
    let exact = |text: &str| Pattern::Exact(text.into());
    let role = Criterion::InstanceTag("role".into());
    match drawn.below(14) {
        0..=3 => (Criterion::Service, exact(drawn.one_of(&["web", "db", "none"]))),
        4 => (Criterion::Service, Pattern::Glob(Glob::new(drawn.one_of(&["w*", "*b", "*"])))),
        5 | 6 => (role, exact(drawn.one_of(&["a", "b"]))),
        7 => (role, Pattern::Expression("^[ab]$".parse().expect("an expression"))),
        8 => (Criterion::Group(GroupKind("deployment".into())), Pattern::Glob(Glob::new("shop*"))),
        9 => (Criterion::Volume, exact("data")),
        10 => match world.instances.is_empty() {
            false if drawn.is(50) => (Criterion::Instance, Pattern::Uuid(drawn.one_of(&world.instances).id)),
            _ => (Criterion::Instance, Pattern::Glob(Glob::new("db-*"))),
        },
        11 => match drawn.is(50) {
            true => (Criterion::Node, Pattern::Uuid(drawn.one_of(&world.nodes).id.uuid())),
            false => (Criterion::Node, exact("cn1")),
        },
        12 => (Criterion::NodeTag("ssd".into()), exact("true")),
        _ => (Criterion::Platform, Pattern::AtLeast("20251231T235959Z".parse().expect("an image"))),
    }
}
