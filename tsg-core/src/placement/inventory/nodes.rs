//! Compute nodes, racks and data centres.
//!
//! Owns one column for each thing that a placement reads of all nodes, and the tree of places: a
//! node stands in one rack, a rack in one data centre. Racks of the same name in two data centres
//! are two racks, and nodes whose rack is unknown stand together in one of no name for each data
//! centre. Must never let a name or a tag into a column.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::Amounts;
use super::lookup::Lookup;
use crate::model::id::ComputeNodeId;
use crate::placement::rule::{Criterion, Pattern};

/// The number of a node within its inventory, until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(pub(crate) u32);

/// The number of a rack within its inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RackNumber(pub(crate) u32);

/// The number of a data centre within its inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataCentreNumber(pub(crate) u32);

/// Whether a node takes new instances. What stands on it counts for rules either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum NodeState {
    /// It does; all others do not.
    #[default]
    Up,
    /// It is not in reach.
    Down,
    /// It is being emptied.
    Draining,
    /// It is kept free by its operator.
    Reserved,
    /// It is not set up yet.
    Unready,
}

/// A compute node as its operator or a configuration knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Which one.
    pub id: ComputeNodeId,
    /// Its name.
    pub name: String,
    /// Its tags, or traits.
    pub tags: BTreeMap<String, String>,
    /// The platform image that it booted; nothing where it is unknown.
    pub platform: String,
    /// What it has.
    pub capacity: Amounts,
    /// What is taken by others than the instances of the inventory.
    pub taken_otherwise: Amounts,
    /// Whether it takes new instances.
    pub state: NodeState,
    /// Its rack, where that is known.
    pub rack: Option<String>,
    /// Its data centre, where that is known.
    pub data_centre: Option<String>,
}

/// A rack, or the nodes of a data centre whose rack is unknown.
#[derive(Debug, Clone)]
pub(crate) struct Rack {
    name: Option<Box<str>>,
    pub(crate) data_centre: u32,
    pub(crate) nodes: Vec<u32>,
}

/// A data centre, or the nodes whose data centre is unknown.
#[derive(Debug, Clone)]
pub(crate) struct DataCentre {
    name: Option<Box<str>>,
    pub(crate) racks: Vec<u32>,
}

/// What every placement reads of a node: a quarter of a cache line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    /// Whether it takes new instances.
    pub(crate) state: NodeState,
    /// What is left: memory, disk, CPU.
    pub(crate) room: [u32; 3],
}

const _: () = assert!(core::mem::size_of::<Standing>() == 16, "a quarter of a cache line");

/// What every event reads of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// What there is less what is taken; below zero where more is taken than there is.
    balance: [i64; 3],
    /// How many instances stand there.
    residents: u32,
}

/// Nodes by a value that they have.
type ByValue = BTreeMap<String, Vec<u32>>;

/// All nodes, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes {
    ids: Vec<u128>,
    facts: Vec<Option<Box<NodeFacts>>>,
    loads: Vec<Load>,
    pub(crate) standings: Vec<Standing>,
    pub(crate) rack_of: Vec<u32>,
    free: Vec<u32>,
    lookup: Lookup,
    tags: BTreeMap<String, ByValue>,
    platforms: ByValue,
    pub(crate) racks: Vec<Rack>,
    pub(crate) data_centres: Vec<DataCentre>,
    rack_numbers: BTreeMap<(u32, Option<Box<str>>), u32>,
    data_centre_numbers: BTreeMap<Option<Box<str>>, u32>,
}

impl Nodes {
    /// How many numbers are given out or were.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    #[inline]
    pub(crate) fn id(&self, node: u32) -> u128 {
        self.ids[node as usize]
    }

    /// All ids, by number.
    #[inline]
    pub(crate) fn ids(&self) -> &[u128] {
        &self.ids
    }

    /// Numbers that are given to no node.
    pub(crate) fn vacant(&self) -> &[u32] {
        &self.free
    }

    /// The node with an id.
    pub(super) fn find(&self, id: u128) -> Option<u32> {
        self.lookup.get(id, &self.ids)
    }

    pub(super) fn facts(&self, node: u32) -> Option<&NodeFacts> {
        self.facts.get(node as usize)?.as_deref()
    }

    pub(super) fn residents(&self, node: u32) -> u32 {
        self.loads[node as usize].residents
    }

    /// Adds a node, or replaces what is known of the one with the same id.
    pub(super) fn put(&mut self, facts: NodeFacts) -> u32 {
        let id = facts.id.uuid().as_u128();
        let node = self.find(id).unwrap_or_else(|| self.admit(id));
        self.rebalance(node, facts.capacity, facts.taken_otherwise);
        self.detach(node);
        let rack = self.rack(facts.data_centre.as_deref(), facts.rack.as_deref());
        self.rack_of[node as usize] = rack;
        self.racks[rack as usize].nodes.push(node);
        for (tag, value) in &facts.tags {
            self.tags.entry(tag.clone()).or_default().entry(value.clone()).or_default().push(node);
        }
        self.platforms.entry(facts.platform.clone()).or_default().push(node);
        self.standings[node as usize].state = facts.state;
        self.facts[node as usize] = Some(Box::new(facts));
        node
    }

    /// A number for a node that is new.
    fn admit(&mut self, id: u128) -> u32 {
        let node = self.free.pop().unwrap_or_else(|| {
            self.facts.push(None);
            self.standings.push(Standing { state: NodeState::Unready, room: [0; 3] });
            self.loads.push(Load::default());
            self.rack_of.push(0);
            self.ids.push(id);
            self.ids.len() as u32 - 1
        });
        self.ids[node as usize] = id;
        // It is new: whoever calls has looked for it.
        _ = self.lookup.add(id, node, &self.ids);
        node
    }

    /// Forgets a node on which nothing stands.
    pub(super) fn remove(&mut self, node: u32) {
        self.detach(node);
        self.lookup.remove(self.ids[node as usize], &self.ids);
        self.facts[node as usize] = None;
        self.loads[node as usize] = Load::default();
        self.standings[node as usize] = Standing { state: NodeState::Unready, room: [0; 3] };
        self.free.push(node);
    }

    /// Takes a node out of its rack and away from its tags.
    fn detach(&mut self, node: u32) {
        let Some(facts) = self.facts[node as usize].take() else { return };
        self.racks[self.rack_of[node as usize] as usize].nodes.retain(|one| *one != node);
        for (tag, value) in &facts.tags {
            if let Some(values) = self.tags.get_mut(tag) {
                strike(values, value, node);
            }
        }
        self.tags.retain(|_, values| !values.is_empty());
        strike(&mut self.platforms, &facts.platform, node);
    }

    pub(super) fn set_state(&mut self, node: u32, state: NodeState) {
        if let Some(facts) = &mut self.facts[node as usize] {
            facts.state = state;
            self.standings[node as usize].state = state;
        }
    }

    pub(super) fn set_capacity(&mut self, node: u32, capacity: Amounts, taken_otherwise: Amounts) {
        self.rebalance(node, capacity, taken_otherwise);
        if let Some(facts) = &mut self.facts[node as usize] {
            (facts.capacity, facts.taken_otherwise) = (capacity, taken_otherwise);
        }
    }

    /// An instance of some size comes.
    #[inline]
    pub(super) fn take(&mut self, node: u32, demand: Amounts) {
        let load = &mut self.loads[node as usize];
        load.take(demand.row().map(i64::from));
        self.standings[node as usize].room = load.room();
    }

    /// Instances of one size come to nodes whose rooms are told later.
    pub(super) fn take_many(&mut self, nodes: impl Iterator<Item = u32>, demand: Amounts) {
        let demand = demand.row().map(i64::from);
        nodes.for_each(|node| self.loads[node as usize].take(demand));
    }

    /// Tells what is left on every node.
    pub(super) fn tell_rooms(&mut self) {
        self.standings.iter_mut().zip(&self.loads).for_each(|(standing, load)| standing.room = load.room());
    }

    /// An instance of some size goes.
    #[inline]
    pub(super) fn give_back(&mut self, node: u32, demand: Amounts) {
        self.loads[node as usize].residents -= 1;
        self.shift(node, demand.row().map(i64::from));
    }

    /// A node has another size from now on, or others take another part of it.
    fn rebalance(&mut self, node: u32, capacity: Amounts, taken_otherwise: Amounts) {
        let known = self.facts[node as usize].as_deref();
        let before = known.map_or([0; 3], |facts| usable(facts.capacity, facts.taken_otherwise));
        let after = usable(capacity, taken_otherwise);
        self.shift(node, core::array::from_fn(|index| after[index] - before[index]));
    }

    #[inline]
    fn shift(&mut self, node: u32, by: [i64; 3]) {
        let load = &mut self.loads[node as usize];
        load.balance.iter_mut().zip(by).for_each(|(balance, by)| *balance += by);
        self.standings[node as usize].room = load.room();
    }

    fn rack(&mut self, data_centre: Option<&str>, rack: Option<&str>) -> u32 {
        let name = data_centre.map(Box::from);
        let data_centre = *self.data_centre_numbers.entry(name.clone()).or_insert_with(|| {
            self.data_centres.push(DataCentre { name, racks: Vec::new() });
            self.data_centres.len() as u32 - 1
        });
        let name: Option<Box<str>> = rack.map(Box::from);
        *self.rack_numbers.entry((data_centre, name.clone())).or_insert_with(|| {
            let number = self.racks.len() as u32;
            self.racks.push(Rack { name, data_centre, nodes: Vec::new() });
            self.data_centres[data_centre as usize].racks.push(number);
            number
        })
    }

    /// Calls for all nodes that match, some at a time; each comes once.
    pub(crate) fn matching(&self, criterion: &Criterion, pattern: &Pattern, mut on: impl FnMut(&[u32])) {
        match (criterion, pattern) {
            (Criterion::NodeTag(tag), _) => {
                if let Some(values) = self.tags.get(tag) {
                    having(values, pattern, on);
                }
            }
            (Criterion::Node, Pattern::Uuid(id)) => self.find(id.as_u128()).into_iter().for_each(|node| on(&[node])),
            (Criterion::Node, _) => {
                let named =
                    |facts: &Option<Box<NodeFacts>>| facts.as_ref().is_some_and(|facts| is_named(facts, pattern));
                (0..).zip(&self.facts).filter(|(_, facts)| named(facts)).for_each(|(node, _)| on(&[node]));
            }
            (Criterion::Platform, _) => having(&self.platforms, pattern, on),
            _ => {}
        }
    }
}

impl Load {
    #[inline]
    fn take(&mut self, demand: [i64; 3]) {
        self.residents += 1;
        self.balance.iter_mut().zip(demand).for_each(|(balance, amount)| *balance -= amount);
    }

    /// What is left.
    #[inline]
    fn room(&self) -> [u32; 3] {
        self.balance.map(|balance| balance.clamp(0, i64::from(u32::MAX)) as u32)
    }
}

/// A node has a value no more.
fn strike(values: &mut ByValue, value: &str, node: u32) {
    let Some(nodes) = values.get_mut(value) else { return };
    nodes.retain(|one| *one != node);
    if nodes.is_empty() {
        values.remove(value);
    }
}

/// Calls for the nodes of each value that matches.
fn having(values: &ByValue, pattern: &Pattern, mut on: impl FnMut(&[u32])) {
    values.iter().filter(|(value, _)| pattern.is_match(value)).for_each(|(_, nodes)| on(nodes));
}

/// What the instances of the inventory may take.
fn usable(capacity: Amounts, taken_otherwise: Amounts) -> [i64; 3] {
    let (capacity, taken) = (capacity.row(), taken_otherwise.row());
    core::array::from_fn(|index| i64::from(capacity[index]) - i64::from(taken[index]))
}

/// By its name, or by its id.
fn is_named(facts: &NodeFacts, pattern: &Pattern) -> bool {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    pattern.is_match(&facts.name) || pattern.is_match(facts.id.uuid().as_hyphenated().encode_lower(&mut buffer))
}

impl Rack {
    /// Its name; `None` for the nodes whose rack is unknown.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl DataCentre {
    /// Its name; `None` for the nodes whose data centre is unknown.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
