//! What a rule is about, place by place.
//!
//! Owns that one instance can be left out of it at no cost: a rule never speaks of the instance that
//! it is asked for. Must never look at all instances for one of them.

use alloc::vec;
use alloc::vec::Vec;

use crate::model::id::InstanceId;
use crate::placement::compile::{Ground, Meaning, numbers};
use crate::placement::rule::Scope;

/// Instances, of which one more than is to be left out is known by its id.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crowd {
    pub(super) count: u32,
    /// The lowest ids.
    first: [Option<InstanceId>; 2],
}

/// What of a rule's matches is in one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Matches {
    pub(super) instances: Crowd,
    /// The first compute node that matches itself.
    pub(super) node: Option<usize>,
}

/// What a rule is about.
#[derive(Debug)]
pub(super) struct Crowds {
    /// Wherever they stand, and if that is not known.
    pub(super) everywhere: Matches,
    by_place: Vec<Matches>,
}

impl Crowd {
    /// Ids come in their order.
    fn add(&mut self, id: InstanceId) {
        self.count += 1;
        if let Some(free) = self.first.iter_mut().find(|known| known.is_none()) {
            *free = Some(id);
        }
    }

    /// The same without one that is among them.
    pub(super) fn without(mut self, one: Option<InstanceId>) -> Self {
        let Some(one) = one else { return self };
        self.count -= 1;
        if self.first[0] == Some(one) {
            self.first.swap(0, 1);
        }
        self
    }

    /// The lowest id.
    pub(super) fn first(&self) -> Option<InstanceId> {
        self.first[0].filter(|_| self.count > 0)
    }
}

impl Crowds {
    pub(super) fn of(ground: &Ground<'_>, scope: Scope, meaning: &Meaning<'_>) -> Self {
        let mut crowds =
            Self { everywhere: Matches::default(), by_place: vec![Matches::default(); ground.place_count(scope)] };
        for resident in &meaning.matches {
            crowds.everywhere.instances.add(resident.id);
            let place = match scope {
                // There is one, whatever node it is on.
                Scope::DataCentre => Some(0),
                _ => ground.node_of(resident).and_then(|node| ground.place_of(scope, node)),
            };
            if let Some(matches) = place.and_then(|place| crowds.by_place.get_mut(place)) {
                matches.instances.add(resident.id);
            }
        }
        if meaning.matches.is_empty() {
            crowds.add_nodes(ground, scope, &meaning.nodes);
        }
        crowds
    }

    /// Nodes are marked for the instances on them as well, and those were counted.
    fn add_nodes(&mut self, ground: &Ground<'_>, scope: Scope, nodes: &[bool]) {
        for node in numbers(nodes) {
            self.everywhere.node.get_or_insert(node);
            if let Some(matches) = ground.place_of(scope, node).and_then(|place| self.by_place.get_mut(place)) {
                matches.node.get_or_insert(node);
            }
        }
    }

    pub(super) fn at(&self, place: usize) -> Matches {
        self.by_place.get(place).copied().unwrap_or_default()
    }
}
