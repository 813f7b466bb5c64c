//! What stands where: a live, dense index of compute nodes, racks, data centres and instances.
//!
//! Owns the numbers by which placements are made, and keeps them right as instances come, go and
//! move and as nodes change. An event costs the same however much there is besides. Must never
//! decide anything.
//!
//! Instances are filed under *kinds*: those with the same owner, labels and size. A hundred members
//! of a group are one kind, which counts them by node; a rule matches its pattern against the
//! distinct values of one account, never against instances. Counts for racks and data centres are
//! drawn from those of nodes when they are asked for, so that an event has one count to change. An
//! instance itself is a place among the members of its kind; ids and names stand apart.

mod amounts;
mod instances;
mod kinds;
mod lookup;
mod members;
mod names;
mod nodes;

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use thiserror::Error;

use super::rule::{Criterion, Pattern};
use crate::model::id::{AccountId, ComputeNodeId, InstanceId};

pub use amounts::Amounts;
pub use kinds::{KindNumber, Label};
pub use nodes::{DataCentreNumber, NodeFacts, NodeNumber, NodeState, RackNumber};

use instances::{Instances, Place};
use kinds::Kinds;
use members::Member;
pub(crate) use nodes::{Nodes, Standing};

/// So many stay at hand while they are filed.
const LOT: usize = 1 << 12;

/// The number of an instance within its inventory, until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceNumber(u32);

/// An instance that counts: not destroyed and not failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceFacts<'a> {
    /// Which one.
    pub id: InstanceId,
    /// Its name.
    pub name: &'a str,
    /// Whose it is, what it carries and how large it is.
    pub kind: KindNumber,
    /// Where it stands.
    pub node: NodeNumber,
}

/// Why an event does not fit the inventory. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfit {
    /// No such node.
    #[error("there is no compute node with this number")]
    NoNode(NodeNumber),
    /// No such kind.
    #[error("there is no kind with this number; it may have been forgotten while nothing was of it")]
    NoKind(KindNumber),
    /// No such instance.
    #[error("there is no instance with this number")]
    NoInstance(InstanceNumber),
    /// The node cannot go.
    #[error("{count} instances stand on the compute node; remove or move them first")]
    NotEmpty {
        /// How many instances stand there.
        count: u32,
    },
}

/// Compute nodes with the instances on them.
///
/// ```
/// use tsg_core::model::id::{AccountId, ComputeNodeId, InstanceId};
/// use tsg_core::placement::inventory::{Amounts, InstanceFacts, Inventory, Label, NodeFacts, NodeState, Unfit};
/// use tsg_core::placement::rule::Criterion;
/// use uuid::Uuid;
///
/// let mut inventory = Inventory::default();
/// let size = |gib: u32| Amounts { memory_mib: gib * 1024, disk_mib: gib * 10_240, cpu_percent: gib * 100 };
/// let node = inventory.put_node(NodeFacts {
///     id: ComputeNodeId::new(Uuid::from_u128(1)),
///     name: "RA10".into(),
///     tags: [("storage".into(), "ssd".into())].into(),
///     platform: "20260101T000000Z".into(),
///     capacity: size(64),
///     taken_otherwise: size(4),
///     state: NodeState::Up,
///     rack: Some("A10".into()),
///     data_centre: None,
/// });
/// let owner = AccountId::from_directory(Uuid::from_u128(2));
/// let web = inventory.kind(owner, &[Label { criterion: Criterion::Service, value: "web".into() }], size(8));
/// let id = InstanceId::new(Uuid::from_u128(3));
/// let instance = inventory.put_instance(InstanceFacts { id, name: "web-1", kind: web, node })?;
///
/// assert_eq!(inventory.room(node), Some(size(52)));
/// assert_eq!(inventory.find_instance(id), Some(instance));
/// assert_eq!(inventory.remove_node(node), Err(Unfit::NotEmpty { count: 1 }));
/// inventory.remove_instance(instance)?;
/// assert_eq!(inventory.room(node), Some(size(60)));
/// # Ok::<(), Unfit>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub(crate) nodes: Nodes,
    kinds: Kinds,
    instances: Instances,
}

/// Instances.
impl Inventory {
    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there are no instances.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of instances with an owner, labels in any order, and a size. It is worth keeping:
    /// with it, an instance is put without a look at a text.
    pub fn kind(&mut self, owner: AccountId, labels: &[Label], demand: Amounts) -> KindNumber {
        self.kinds.intern(owner, labels, demand)
    }

    /// Forgets kinds that no instance is of, and labels of theirs. Their numbers may be given to
    /// others later. Takes a look at everything: for once a day, not for each event.
    pub fn forget_unused(&mut self) {
        self.kinds.forget_unused();
    }

    /// How many kinds and how many distinct labels there are.
    pub fn dictionary_size(&self) -> (usize, usize) {
        self.kinds.counts()
    }

    /// The instance with an id.
    pub fn find_instance(&self, id: InstanceId) -> Option<InstanceNumber> {
        self.instances.find(id.uuid().as_u128()).map(InstanceNumber)
    }

    /// Adds an instance, or replaces what is known of the one with the same id.
    pub fn put_instance(&mut self, facts: InstanceFacts<'_>) -> Result<InstanceNumber, Unfit> {
        self.check_facts(&facts)?;
        let id = facts.id.uuid().as_u128();
        let number = self.instances.admit(id, facts.name).unwrap_or_else(|known| {
            self.leave(known);
            self.instances.rename(known, facts.name);
            known
        });
        self.enter(number, facts.kind.0, facts.node.0);
        Ok(InstanceNumber(number))
    }

    /// Adds many instances at once, which for a million takes a fraction of the time; one after
    /// the other, they come to the same. When one does not fit, none is added.
    pub fn put_instances(&mut self, all: &[InstanceFacts<'_>]) -> Result<Vec<InstanceNumber>, Unfit> {
        // Numbers that are free are given out first.
        let (reusing, all) = all.split_at(self.instances.vacancies().min(all.len()));
        self.check_all(reusing)?;
        let counts = self.note(all)?;
        let mut numbers = Vec::with_capacity(reusing.len() + all.len());
        for facts in reusing {
            numbers.push(self.put_instance(*facts)?);
        }
        let admitted = self.instances.admit_noted();
        let (new, rest) = all.split_at(admitted.len());
        numbers.extend(admitted.clone().map(InstanceNumber));
        if counts.is_empty() {
            self.enter_few(admitted, new);
        } else {
            self.enter_many(admitted, new, &counts);
        }
        for facts in rest {
            numbers.push(self.put_instance(*facts)?);
        }
        Ok(numbers)
    }

    /// Moves an instance to another node.
    pub fn move_instance(&mut self, instance: InstanceNumber, node: NodeNumber) -> Result<(), Unfit> {
        self.check(node)?;
        let place = self.instances.place(instance.0).ok_or(Unfit::NoInstance(instance))?;
        let count = self.nodes.len();
        if let Some(kind) = self.kinds.get_mut(place.kind) {
            let before = kind.members.shift(place.position, node.0, count);
            self.nodes.give_back(before, kind.demand);
            self.nodes.take(node.0, kind.demand);
        }
        Ok(())
    }

    /// Removes an instance that is gone, or that failed.
    pub fn remove_instance(&mut self, instance: InstanceNumber) -> Result<(), Unfit> {
        self.instances.place(instance.0).ok_or(Unfit::NoInstance(instance))?;
        self.leave(instance.0);
        self.instances.dismiss(instance.0);
        Ok(())
    }

    /// Where an instance stands.
    pub fn node_of(&self, instance: InstanceNumber) -> Option<NodeNumber> {
        let place = self.instances.place(instance.0)?;
        Some(NodeNumber(self.kinds.get(place.kind)?.members.node(place.position)))
    }

    /// The name of an instance; nothing where there is none.
    pub fn instance_name(&self, instance: InstanceNumber) -> &str {
        self.instances.name(instance.0)
    }

    fn check_all(&self, all: &[InstanceFacts<'_>]) -> Result<(), Unfit> {
        all.iter().try_for_each(|facts| self.check_facts(facts))
    }

    fn check_facts(&self, facts: &InstanceFacts<'_>) -> Result<(), Unfit> {
        self.check(facts.node)?;
        self.kinds.get(facts.kind.0).map(|_| ()).ok_or(Unfit::NoKind(facts.kind))
    }

    /// Files an instance that stands nowhere yet.
    #[inline]
    fn enter(&mut self, instance: u32, kind: u32, node: u32) {
        let count = self.nodes.len();
        if let Some(filed) = self.kinds.get_mut(kind) {
            let position = filed.members.add(Member { node, instance }, count);
            self.instances.set_place(instance, Place { kind, position });
            self.nodes.take(node, filed.demand);
        }
    }

    /// Notes the ids of instances that all fit. Tells how many are of each kind, where they are so
    /// many that it is worth while.
    fn note(&mut self, all: &[InstanceFacts<'_>]) -> Result<Vec<usize>, Unfit> {
        if all.len() < self.kinds.len().max(self.nodes.len()) {
            self.check_all(all)?;
            self.instances.note(all, |_| ());
            return Ok(Vec::new());
        }
        let (mut counts, mut do_fit, nodes) = (vec![0; self.kinds.len()], true, &self.nodes);
        self.instances.note(all, |facts| match counts.get_mut(facts.kind.0 as usize) {
            Some(count) if nodes.facts(facts.node.0).is_some() => *count += 1,
            _ => do_fit = false,
        });
        let mut counted = (0..).zip(&counts).filter(|(_, count)| **count > 0);
        if do_fit && counted.all(|(kind, _)| self.kinds.get(kind).is_some()) {
            return Ok(counts);
        }
        self.instances.forget_noted();
        self.check_all(all).map(|()| counts)
    }

    /// Files some that stand nowhere yet.
    fn enter_few(&mut self, instances: Range<u32>, all: &[InstanceFacts<'_>]) {
        self.instances.name_next(all);
        instances.zip(all).for_each(|(instance, facts)| self.enter(instance, facts.kind.0, facts.node.0));
    }

    /// Files many that stand nowhere yet, `counts` by kind at most: first all among their kinds,
    /// then all on their nodes.
    fn enter_many(&mut self, instances: Range<u32>, all: &[InstanceFacts<'_>], counts: &[usize]) {
        let kinds = self.kinds.iter_mut().zip(counts);
        let mut lists: Vec<Vec<Member>> = kinds.map(|(kind, count)| kind.members.take_list(*count)).collect();
        let before: Vec<usize> = lists.iter().map(Vec::len).collect();
        for (first, lot) in instances.step_by(LOT).zip(all.chunks(LOT)) {
            self.instances.name_next(lot);
            for (instance, facts) in (first..).zip(lot) {
                let (kind, node) = (facts.kind.0, facts.node.0);
                let list = &mut lists[kind as usize];
                self.instances.set_place(instance, Place { kind, position: list.len() as u32 });
                list.push(Member { node, instance });
            }
        }
        let nodes = self.nodes.len();
        for ((kind, list), before) in self.kinds.iter_mut().zip(lists).zip(before) {
            self.nodes.take_many(list[before..].iter().map(|member| member.node), kind.demand);
            kind.members.put_back(list, nodes);
        }
        self.nodes.tell_rooms();
    }

    /// Takes an instance away from where it stands.
    #[inline]
    fn leave(&mut self, instance: u32) {
        let count = self.nodes.len();
        if let Some(place) = self.instances.place(instance)
            && let Some(kind) = self.kinds.get_mut(place.kind)
        {
            let node = kind.members.node(place.position);
            if let Some(moved) = kind.members.remove(place.position, count) {
                self.instances.set_place(moved, place);
            }
            self.nodes.give_back(node, kind.demand);
        }
    }
}

/// Compute nodes.
impl Inventory {
    /// Adds a node, or replaces what is known of the one with the same id. Its instances stay.
    pub fn put_node(&mut self, facts: NodeFacts) -> NodeNumber {
        NodeNumber(self.nodes.put(facts))
    }

    /// Changes whether a node takes new instances.
    pub fn set_state(&mut self, node: NodeNumber, state: NodeState) -> Result<(), Unfit> {
        self.check(node)?;
        self.nodes.set_state(node.0, state);
        Ok(())
    }

    /// Changes what a node has, and what of it is taken by others than the instances here.
    pub fn set_capacity(&mut self, node: NodeNumber, capacity: Amounts, taken_otherwise: Amounts) -> Result<(), Unfit> {
        self.check(node)?;
        self.nodes.set_capacity(node.0, capacity, taken_otherwise);
        Ok(())
    }

    /// Forgets a node on which nothing stands.
    pub fn remove_node(&mut self, node: NodeNumber) -> Result<(), Unfit> {
        self.check(node)?;
        match self.nodes.residents(node.0) {
            0 => {
                self.nodes.remove(node.0);
                Ok(())
            }
            count => Err(Unfit::NotEmpty { count }),
        }
    }

    /// The node with an id.
    pub fn find_node(&self, id: ComputeNodeId) -> Option<NodeNumber> {
        self.nodes.find(id.uuid().as_u128()).map(NodeNumber)
    }

    /// What is known of a node.
    pub fn node(&self, node: NodeNumber) -> Option<&NodeFacts> {
        self.nodes.facts(node.0)
    }

    /// All nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeNumber, &NodeFacts)> {
        (0..self.nodes.len() as u32).filter_map(|node| Some((NodeNumber(node), self.nodes.facts(node)?)))
    }

    /// What is left on a node; nothing where more is taken than there is.
    pub fn room(&self, node: NodeNumber) -> Option<Amounts> {
        self.node(node).map(|_| Amounts::of_row(self.nodes.standings[node.0 as usize].room))
    }

    /// How many instances stand on a node.
    pub fn residents(&self, node: NodeNumber) -> Option<u32> {
        self.node(node).map(|_| self.nodes.residents(node.0))
    }

    /// The rack of a node, unless it is unknown.
    pub fn rack_of(&self, node: NodeNumber) -> Option<RackNumber> {
        self.node(node)?;
        let rack = self.nodes.rack_of[node.0 as usize];
        self.nodes.racks[rack as usize].name().map(|_| RackNumber(rack))
    }

    /// The name of a rack.
    pub fn rack_name(&self, rack: RackNumber) -> Option<&str> {
        self.nodes.racks.get(rack.0 as usize)?.name()
    }

    /// The data centre of a node, unless it is unknown.
    pub fn data_centre_of(&self, node: NodeNumber) -> Option<DataCentreNumber> {
        self.node(node)?;
        let number = self.nodes.racks[self.nodes.rack_of[node.0 as usize] as usize].data_centre;
        self.nodes.data_centres[number as usize].name().map(|_| DataCentreNumber(number))
    }

    /// The name of a data centre.
    pub fn data_centre_name(&self, data_centre: DataCentreNumber) -> Option<&str> {
        self.nodes.data_centres.get(data_centre.0 as usize)?.name()
    }

    fn check(&self, node: NodeNumber) -> Result<(), Unfit> {
        self.nodes.facts(node.0).map(|_| ()).ok_or(Unfit::NoNode(node))
    }
}

/// What rules match.
impl Inventory {
    /// Calls for each node on which instances of an account match, with how many; a node may come
    /// several times.
    pub(crate) fn instances_matching(
        &self,
        owner: AccountId,
        criterion: &Criterion,
        pattern: &Pattern,
        mut on: impl FnMut(u32, u32),
    ) {
        if *criterion != Criterion::Instance {
            return self.kinds.matching(owner, criterion, pattern, |kind| kind.members.each_node(&mut on));
        }
        if let Pattern::Uuid(id) = pattern {
            let place = self.instances.find(id.as_u128()).and_then(|number| self.instances.place(number));
            let kind = place.and_then(|place| Some((self.kinds.get(place.kind)?, place)));
            if let Some((kind, place)) = kind.filter(|(kind, _)| kind.owner == owner) {
                on(kind.members.node(place.position), 1);
            }
            return;
        }
        let (by_id, beginning) = (may_match_id(pattern), beginning(pattern).as_bytes());
        for member in self.kinds.of_owner(owner).flat_map(|kind| kind.members.iter()) {
            let name = self.instances.name(member.instance);
            let is_match = name.as_bytes().starts_with(beginning) && pattern.is_match(name);
            if is_match || by_id && self.instances.is_id_match(member.instance, pattern) {
                on(member.node, 1);
            }
        }
    }
}

/// What every text that matches begins with: most names are told apart by it.
fn beginning(pattern: &Pattern) -> &str {
    match pattern {
        Pattern::Exact(exact) => exact,
        Pattern::Glob(glob) => glob.as_str().split('*').next().unwrap_or_default(),
        Pattern::Expression(_) | Pattern::Uuid(_) | Pattern::AtLeast(_) => "",
    }
}

/// Whether a pattern that is not an id could match one: it has to be made of what ids are made of.
fn may_match_id(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Glob(glob) => {
            glob.as_str().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-' | b'*'))
        }
        Pattern::Expression(_) => true,
        Pattern::Exact(_) | Pattern::Uuid(_) | Pattern::AtLeast(_) => false,
    }
}
