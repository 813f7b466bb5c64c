//! A data centre made up for one run.
//!
//! Owns the input of the placement benches: compute nodes in racks, groups of a hundred instances
//! spread over them at random, and what is asked for. Must never give two runs with different
//! seeds the same order.

use std::num::NonZeroU32;

use tsg_core::model::id::{AccountId, ComputeNodeId, InstanceId};
use tsg_core::placement::inventory::{
    Amounts, InstanceFacts, Inventory, KindNumber, Label, NodeFacts, NodeNumber, NodeState,
};
use tsg_core::placement::place::Request;
use tsg_core::placement::rule::{Criterion, GroupKind, Preference, Rule, Scope, Spread};
use uuid::Uuid;

use crate::seeded::Seeded;

const DATA_CENTRES: u32 = 4;
const RACK_SIZE: u32 = 20;
/// Instances of a group.
pub const GROUP_SIZE: u32 = 100;
/// Groups of an account.
const OF_ACCOUNT: u32 = 50;
/// Sizes of instances in GiB.
const SIZES: [u32; 4] = [1, 2, 4, 8];

/// How large a cluster is.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Compute nodes, a multiple of a rack in each data centre.
    pub nodes: u32,
    /// Instances on each of them, on average.
    pub on_each: u32,
}

/// A cluster as facts.
#[derive(Debug)]
pub struct Cluster {
    /// The compute nodes.
    pub nodes: Vec<NodeFacts>,
    /// The instances: group and node, by place in `nodes`.
    pub instances: Vec<(u32, u32)>,
    /// Ids and names of the instances.
    pub names: Vec<(InstanceId, String)>,
    /// What each group's instances ask for.
    pub demands: Vec<Amounts>,
}

/// How much is asked of a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing but room.
    Room,
    /// No two on one node, and as many in each rack.
    Apart,
    /// A rule of each kind, wishes with weights and two spreads.
    Everything,
}

impl Cluster {
    /// A cluster in random order.
    pub fn new(seed: u64, extent: Extent) -> Self {
        let mut seeded = Seeded::new(seed);
        let mut nodes: Vec<NodeFacts> = (0..extent.nodes).map(|number| node(&mut seeded, number)).collect();
        seeded.shuffle(&mut nodes);
        let count = extent.nodes * extent.on_each;
        let groups = count / GROUP_SIZE;
        let demands = (0..groups).map(|_| size(SIZES[seeded.below(4) as usize])).collect();
        let mut instances: Vec<(u32, u32)> =
            (0..count).map(|number| (number / GROUP_SIZE, seeded.below(extent.nodes))).collect();
        seeded.shuffle(&mut instances);
        let named = |(number, place): (usize, &(u32, u32))| {
            (InstanceId::new(Uuid::from_u128(seeded.draw_wide())), format!("web-{}-{number}", place.0))
        };
        let names = instances.iter().enumerate().map(named).collect();
        Self { nodes, instances, names, demands }
    }

    /// The account of a group.
    pub const fn owner(group: u32) -> AccountId {
        AccountId::from_directory(Uuid::from_u128(1 + (group / OF_ACCOUNT) as u128))
    }

    /// What the instances of a group carry.
    pub fn labels(group: u32) -> Vec<Label> {
        let label = |criterion, value: String| Label { criterion, value };
        vec![
            label(Criterion::Service, format!("service-{group}")),
            label(Criterion::Group(GroupKind::deployment()), format!("shop-{}", group / 5)),
            label(Criterion::InstanceTag("role".into()), format!("role-{}", group % 4)),
        ]
    }

    /// The nodes alone, and the kinds of the groups.
    pub fn empty(&self) -> (Inventory, Vec<NodeNumber>, Vec<KindNumber>) {
        let mut inventory = Inventory::default();
        let nodes = self.nodes.iter().map(|node| inventory.put_node(node.clone())).collect();
        let kind = |(group, demand): (u32, &Amounts)| inventory.kind(Self::owner(group), &Self::labels(group), *demand);
        let kinds = (0..).zip(&self.demands).map(kind).collect();
        (inventory, nodes, kinds)
    }

    /// All instances, as they are put into an inventory.
    pub fn facts(&self, nodes: &[NodeNumber], kinds: &[KindNumber]) -> Vec<InstanceFacts<'_>> {
        let mut facts = Vec::with_capacity(self.instances.len());
        for ((group, node), (id, name)) in self.instances.iter().zip(&self.names) {
            let (kind, node) = (kinds[*group as usize], nodes[*node as usize]);
            facts.push(InstanceFacts { id: *id, name, kind, node });
        }
        facts
    }

    /// Everything.
    pub fn inventory(&self) -> Inventory {
        let (mut inventory, nodes, kinds) = self.empty();
        _ = inventory.put_instances(&self.facts(&nodes, &kinds));
        inventory
    }

    /// More instances of the first group.
    pub fn request(wanted: Wanted) -> Request {
        Self::request_of(wanted, 0)
    }

    /// More instances of a group.
    pub fn request_of(wanted: Wanted, group: u32) -> Request {
        let mut request = Request::new(Self::owner(group), size(4));
        request.labels = Self::labels(group);
        request.group = request.labels.first().cloned();
        let apart = format!("service!=service-{group}");
        let rules: &[&str] = match wanted {
            Wanted::Room => &[],
            Wanted::Apart => &[&apart],
            Wanted::Everything => &[
                &apart,
                "service!=service-1*",
                "group:deployment!=/^shop-(7|8)$/",
                "instance!=00000000-0000-0000-0000-000000000001",
                "volume!=scratch",
                "cn:ssd==true",
                "cn:platform>=20250601T000000Z",
                "rack: service==service-2",
                "role!=~role-3",
                "group:deployment==~shop-1",
            ],
        };
        request.rules = rules.iter().map(|text| rule(text)).collect();
        let spread = |over, weight| Spread { over, max_skew: NonZeroU32::new(1), weight };
        if wanted != Wanted::Room {
            request.spread = vec![spread(Scope::Rack, 0)];
        }
        if wanted == Wanted::Everything {
            request.spread.push(spread(Scope::DataCentre, 20));
            request.preferences = [("cn:green==true", 300), ("rack: service!=service-9", 50)]
                .map(|(text, weight)| preference(text, weight))
                .into();
        }
        request
    }
}

#[allow(clippy::expect_used, reason = "the rules stand above")]
fn rule(text: &str) -> Rule {
    text.parse().expect("a rule")
}

fn preference(text: &str, weight: u16) -> Preference {
    Preference { rule: rule(text), weight }
}

/// In proportion to memory.
pub const fn size(gib: u32) -> Amounts {
    Amounts { memory_mib: gib * 1024, disk_mib: gib * 25_600, cpu_percent: gib * 25 }
}

fn node(seeded: &mut Seeded, number: u32) -> NodeFacts {
    let mut tag = |name: &str, percent: u32| (name.to_string(), (seeded.below(100) < percent).to_string());
    let tags = [tag("ssd", 70), tag("green", 30)].into();
    let state = match seeded.below(50) {
        0 => NodeState::Down,
        1 => NodeState::Reserved,
        _ => NodeState::Up,
    };
    NodeFacts {
        id: ComputeNodeId::new(Uuid::from_u128(seeded.draw_wide())),
        name: format!("cn{number}"),
        tags,
        platform: ["20250101T000000Z", "20260101T000000Z"][usize::from(seeded.below(10) > 0)].into(),
        capacity: size(440 + 16 * seeded.below(8)),
        taken_otherwise: size(16),
        state,
        rack: Some(format!("R{}", number / RACK_SIZE)),
        data_centre: Some(format!("dc{}", number / RACK_SIZE % DATA_CENTRES)),
    }
}
