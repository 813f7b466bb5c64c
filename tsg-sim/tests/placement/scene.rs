//! Small data centres with a tenant's instances in them, drawn at random: as the simulator has
//! them, as the tenant sees them, and as an omniscient evaluator does.
//!
//! Owns the drawing. Must never share a line with what is tested.

use std::collections::BTreeMap;

use tsg_core::model::id::{AccountId, ComputeNodeId, InstanceId};
use tsg_core::placement::compile::{Carrier, Resident, View};
use tsg_core::placement::inventory::{Amounts, InstanceFacts, Inventory, Label, NodeFacts, NodeState};
use tsg_core::placement::rule::{
    Criterion, Direction, Glob, GroupKind, Operator, Pattern, PlacementSpec, Preference, Rule, Scope, Soft, Spread,
    Strength,
};
use tsg_core::placement::topology::{Coverage, Site, Topology};
use tsg_sim::world::{MachineId, NewAccount, Scalar, ServerId, StagedMachine, World, WorldSpec};
use uuid::Uuid;

use super::drawn::Drawn;

/// An instance, all of it.
#[derive(Debug, Clone)]
pub struct Instance {
    pub id: Uuid,
    pub name: String,
    pub is_ours: bool,
    /// What the tenant knows of it.
    pub labels: Vec<Label>,
    /// What only the evaluator knows.
    pub hidden: Vec<Label>,
    pub tags: BTreeMap<String, Scalar>,
    pub node: usize,
    /// Whether CloudAPI shows where it stands.
    pub is_shown: bool,
}

/// A data centre, all of it.
pub struct Scene {
    pub sim: World,
    pub account: tsg_sim::world::AccountId,
    other: tsg_sim::world::AccountId,
    pub nodes: Vec<NodeFacts>,
    pub topology: Topology,
    pub instances: Vec<Instance>,
    pub carriers: Vec<Carrier>,
    pub is_anything_down: bool,
}

/// Who evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// One who knows everything.
    Truth,
    /// One who knows of the nodes what the tenant was told.
    Told,
}

pub fn owner() -> AccountId {
    AccountId::from_directory(Uuid::from_u128(1))
}

pub fn label(criterion: Criterion, value: &str) -> Label {
    Label { criterion, value: value.into() }
}

fn tag(key: &str) -> Criterion {
    Criterion::InstanceTag(key.into())
}

/// A simulated data centre with so many servers and two accounts.
pub fn stage(servers: u32) -> World {
    let mut sim =
        World::new(WorldSpec { racks: 1, servers_per_rack: servers, ..WorldSpec::with_seed(u64::from(servers)) });
    for login in ["demo", "other"] {
        sim.add_account(NewAccount { login: login.into(), ..NewAccount::default() });
    }
    sim
}

impl Scene {
    pub fn draw(drawn: &mut Drawn, stages: &[World]) -> Self {
        let mut sim = drawn.one_of(stages);
        let account = |login: &str| sim.accounts().find(|account| account.login == login).expect("an account").id;
        let [account, other] = ["demo", "other"].map(account);
        let ids: Vec<ServerId> = sim.servers().map(|server| server.id).collect();
        let is_anything_down = drawn.is(25) && ids.len() > 1;
        if is_anything_down {
            sim.stage_loss(drawn.one_of(&ids));
        }
        let nodes: Vec<NodeFacts> = ids.iter().enumerate().map(|(number, id)| node(drawn, number, id.0)).collect();
        let topology = topology(drawn, &nodes);
        let has_carriers = drawn.is(70);
        let mut scene = Self {
            sim,
            account,
            other,
            nodes,
            topology,
            instances: Vec::new(),
            carriers: if has_carriers { carriers() } else { Vec::new() },
            is_anything_down,
        };
        for number in 0..drawn.below(scene.nodes.len() * 2 + 1) {
            let instance = scene.instance(drawn, number);
            scene.put(instance);
        }
        scene
    }

    pub fn put(&mut self, instance: Instance) {
        self.sim.stage(StagedMachine {
            id: MachineId(instance.id),
            account: if instance.is_ours { self.account } else { self.other },
            name: instance.name.clone(),
            tags: instance.tags.clone(),
            server: ServerId(self.nodes[instance.node].id.uuid()),
        });
        self.instances.push(instance);
    }

    fn instance(&self, drawn: &mut Drawn, number: usize) -> Instance {
        let name = format!("{}{number}", drawn.one_of(&["web-", "db-", "db.x-", "abc", "c0ffee-"]));
        let node = drawn.below(self.nodes.len());
        let id = Uuid::from_u128(drawn.below(1 << 30) as u128 * 1_000 + number as u128);
        let mut instance = self.kind(drawn, id, name, node);
        instance.is_ours = drawn.is(85);
        instance.is_shown = drawn.is(93);
        instance
    }

    /// An instance of ours with labels and their tags.
    pub fn kind(&self, drawn: &mut Drawn, id: Uuid, name: String, node: usize) -> Instance {
        let service = drawn.one_of(&["web", "web", "db", "cache"]);
        let mut labels = vec![label(Criterion::Service, service)];
        let mut tags = BTreeMap::new();
        let mut add = |labels: &mut Vec<Label>, key: &str, value: Scalar| {
            labels.push(label(tag(key), &value.to_string()));
            tags.insert(key.to_owned(), value);
        };
        // Now and then somebody writes the tag of a service onto something else.
        let told = if !id.is_nil() && drawn.is(3) { "web" } else { service };
        if !self.carriers.is_empty() {
            add(&mut labels, "tsggroup", format!("g-{told}").as_str().into());
        }
        if drawn.is(50) {
            add(&mut labels, "role", drawn.one_of(&["a", "b", "a.b", "a*", "/a/", "a b", "é"]).into());
        }
        if drawn.is(10) {
            add(&mut labels, "docker:label:role", drawn.one_of(&["a", "b"]).into());
        }
        if drawn.is(20) {
            add(&mut labels, "port", Scalar::Integer(drawn.one_of(&[80, 443])));
        }
        if drawn.is(30) {
            labels.push(label(Criterion::Group(GroupKind::deployment()), drawn.one_of(&["shop", "shop2"])));
        }
        let hidden = if drawn.is(20) { vec![label(Criterion::Volume, "data")] } else { Vec::new() };
        Instance { id, name, is_ours: true, labels, hidden, tags, node, is_shown: true }
    }

    /// What the tenant sees.
    pub fn view(&self) -> View<'_> {
        let ours = self.instances.iter().filter(|instance| instance.is_ours);
        let residents = ours.map(|instance| Resident {
            id: InstanceId::new(instance.id),
            name: &instance.name,
            labels: &instance.labels,
            node: instance.is_shown.then(|| self.nodes[instance.node].id),
        });
        View::new(&self.topology, residents.collect(), self.carriers.clone())
    }

    /// What the evaluator sees.
    pub fn inventory(&self, knowledge: Knowledge) -> Inventory {
        let mut inventory = Inventory::default();
        for node in &self.nodes {
            let site = self.topology.nodes.get(&node.id).cloned().unwrap_or_default();
            inventory.put_node(match knowledge {
                Knowledge::Truth => node.clone(),
                Knowledge::Told => NodeFacts {
                    name: site.name.unwrap_or_default(),
                    rack: site.rack,
                    data_centre: self.topology.data_centre.clone(),
                    ..node.clone()
                },
            });
        }
        for instance in &self.instances {
            let owner = if instance.is_ours { owner() } else { AccountId::from_directory(Uuid::from_u128(2)) };
            let labels: Vec<Label> = instance.labels.iter().chain(&instance.hidden).cloned().collect();
            let kind = inventory.kind(owner, &labels, Amounts::default());
            let node = inventory.find_node(self.nodes[instance.node].id).expect("a node");
            let (id, name) = (InstanceId::new(instance.id), instance.name.as_str());
            inventory.put_instance(InstanceFacts { id, name, kind, node }).expect("it fits");
        }
        inventory
    }
}

fn node(drawn: &mut Drawn, number: usize, id: Uuid) -> NodeFacts {
    let ssd = drawn.one_of(&["true", "false"]);
    NodeFacts {
        id: ComputeNodeId::new(id),
        name: format!("cn{number}"),
        tags: BTreeMap::from([("ssd".to_owned(), ssd.to_owned())]),
        platform: drawn.one_of(&["20250101T000000Z", "20260101T000000Z"]).to_owned(),
        capacity: Amounts { memory_mib: 1 << 20, disk_mib: 1 << 20, cpu_percent: 1 << 20 },
        taken_otherwise: Amounts::default(),
        state: NodeState::Up,
        rack: Some(drawn.one_of(&["A", "B", "C"]).to_owned()),
        data_centre: Some("east".to_owned()),
    }
}

fn topology(drawn: &mut Drawn, nodes: &[NodeFacts]) -> Topology {
    let mut topology = Topology::default();
    if drawn.is(30) {
        return topology;
    }
    let (unlisted, unknown, unnamed) =
        (drawn.one_of(&[0, 0, 0, 30]), drawn.one_of(&[0, 0, 0, 25]), drawn.one_of(&[0, 0, 50]));
    for node in nodes {
        if !drawn.is(unlisted) {
            let rack = node.rack.clone().filter(|_| !drawn.is(unknown));
            let name = Some(node.name.clone()).filter(|_| !drawn.is(unnamed));
            topology.nodes.insert(node.id, Site { name, rack });
        }
    }
    topology.data_centre = Some("east".to_owned()).filter(|_| drawn.is(80));
    if topology.nodes.len() == nodes.len() && drawn.is(80) {
        topology.coverage = Coverage::Whole;
    }
    topology
}

fn carriers() -> Vec<Carrier> {
    let carrier = |service: &&str| Carrier {
        label: label(Criterion::Service, service),
        key: "tsggroup".into(),
        value: format!("g-{service}"),
    };
    ["web", "db", "cache", "none"].iter().map(carrier).collect()
}

/// A block about a scene.
pub fn spec(drawn: &mut Drawn, scene: &Scene) -> PlacementSpec {
    let strengths: &[Strength] = drawn.one_of(&[
        &[Strength::Hard][..],
        &[Strength::Soft][..],
        &[Strength::Hard, Strength::Soft][..],
        &[Strength::Hard, Strength::Soft][..],
    ]);
    let mut rules: Vec<Rule> =
        (0..drawn.one_of(&[0, 1, 1, 1, 2, 2, 3, 4])).map(|_| rule(drawn, scene, strengths)).collect();
    rules.sort_by_key(|rule| rule.scope);
    let prefer = (0..drawn.one_of(&[0, 0, 0, 1, 2]))
        .map(|_| Preference::new(rule(drawn, scene, strengths), drawn.one_of(&[1, 100, 300])))
        .collect();
    let spread = (drawn.is(25)).then(|| Spread::over(drawn.one_of(&Scope::ALL)));
    let soft = drawn.one_of(&[Soft::Try, Soft::Steer]);
    PlacementSpec { rules, prefer, spread: spread.into_iter().collect(), soft, ..PlacementSpec::default() }
}

fn rule(drawn: &mut Drawn, scene: &Scene, strengths: &[Strength]) -> Rule {
    let (criterion, pattern) = looked_at(drawn, scene);
    let scope = drawn.one_of(&[Scope::Node, Scope::Node, Scope::Node, Scope::Rack, Scope::Rack, Scope::DataCentre]);
    let direction = drawn.one_of(&[Direction::Far, Direction::Far, Direction::Near]);
    Rule { scope, criterion, operator: Operator { direction, strength: drawn.one_of(strengths) }, pattern }
}

fn looked_at(drawn: &mut Drawn, scene: &Scene) -> (Criterion, Pattern) {
    let exact = |text: &str| Pattern::Exact(text.into());
    let glob = |text: &str| Pattern::Glob(Glob::new(text));
    let regex = |text: &str| Pattern::Expression(text.parse().expect("an expression"));
    match drawn.below(20) {
        0..=4 => (Criterion::Service, exact(drawn.one_of(&["web", "web", "db", "none"]))),
        5 => (Criterion::Service, glob(drawn.one_of(&["w*", "*b", "*"]))),
        6 | 7 => (tag("role"), exact(drawn.one_of(&["a", "b", "a.b", "a*", "/a/", "a b", "é"]))),
        8 => (tag("role"), glob(drawn.one_of(&["a*", "*.b", "*", "/*/"]))),
        9 => (tag("role"), regex(drawn.one_of(&["^(a|b)$", "^.$", "a", "^[ab]$", "(?i)A"]))),
        10 => (tag("port"), exact(drawn.one_of(&["80", "443"]))),
        11 => (Criterion::Group(GroupKind::deployment()), glob("shop*")),
        12 => (Criterion::Instance, glob(drawn.one_of(&["web-*", "db.*", "abc*", "*"]))),
        13 => (Criterion::Instance, regex(drawn.one_of(&["^web", "db", "abc|c0", "0", "^db.x-[0-9]$"]))),
        14 if !scene.instances.is_empty() => {
            let one = &scene.instances[drawn.below(scene.instances.len())];
            (Criterion::Instance, if drawn.is(50) { Pattern::Uuid(one.id) } else { exact(&one.name) })
        }
        14 | 15 => (tag("role"), exact("none")),
        16 => (Criterion::Node, Pattern::Uuid(scene.nodes[drawn.below(scene.nodes.len())].id.uuid())),
        17 => (Criterion::Node, drawn.one_of(&[exact("cn1"), glob("cn*"), regex("^[0-7]"), exact("cn0")])),
        18 => match drawn.is(50) {
            true => (Criterion::NodeTag("ssd".into()), exact("true")),
            false => (Criterion::Platform, Pattern::AtLeast("20251231T235959Z".parse().expect("an image"))),
        },
        _ => (Criterion::Volume, exact("data")),
    }
}
