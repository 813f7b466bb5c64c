//! Instances by number.
//!
//! Owns their columns: to which kind each belongs, and apart from that ids and names. Must never
//! know a node: where an instance stands, its kind knows.

use alloc::vec::Vec;
use core::ops::Range;

use super::InstanceFacts;
use super::lookup::Lookup;
use super::names::Names;
use crate::placement::rule::Pattern;

/// Where an instance is filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: u32,
    /// Its place among the members of the kind.
    pub(super) position: u32,
}

/// There is no instance, or it stands nowhere yet.
const VACANT: Place = Place { kind: u32::MAX, position: 0 };

/// All instances.
#[derive(Debug, Clone, Default)]
pub(super) struct Instances {
    places: Vec<Place>,
    ids: Vec<u128>,
    names: Names,
    lookup: Lookup,
    free: Vec<u32>,
}

impl Instances {
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// How many numbers are free.
    pub(super) fn vacancies(&self) -> usize {
        self.free.len()
    }

    pub(super) fn find(&self, id: u128) -> Option<u32> {
        self.lookup.get(id, &self.ids)
    }

    /// Where an instance is filed.
    #[inline]
    pub(super) fn place(&self, number: u32) -> Option<Place> {
        self.places.get(number as usize).copied().filter(|place| *place != VACANT)
    }

    #[inline]
    pub(super) fn set_place(&mut self, number: u32, place: Place) {
        self.places[number as usize] = place;
    }

    pub(super) fn name(&self, number: u32) -> &str {
        self.names.get(number)
    }

    pub(super) fn rename(&mut self, number: u32, name: &str) {
        if self.names.get(number) != name {
            self.names.set(number, name);
        }
    }

    /// Whether the written id matches.
    pub(super) fn is_id_match(&self, number: u32, pattern: &Pattern) -> bool {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let id = uuid::Uuid::from_u128(self.ids[number as usize]);
        pattern.is_match(id.as_hyphenated().encode_lower(&mut buffer))
    }

    /// A number for an id that is new, without a name; or the number that the id has.
    pub(super) fn admit(&mut self, id: u128) -> Result<u32, u32> {
        let number = self.free.last().copied().unwrap_or(self.places.len() as u32);
        self.lookup.add(id, number, &self.ids)?;
        match self.free.pop() {
            Some(free) => self.ids[free as usize] = id,
            None => {
                self.places.push(VACANT);
                self.ids.push(id);
                self.names.set(number, "");
            }
        }
        Ok(number)
    }

    /// Numbers for instances up to the first one whose id is known already.
    pub(super) fn admit_all(&mut self, all: &[InstanceFacts<'_>]) -> Range<u32> {
        let first = self.places.len();
        self.ids.extend(all.iter().map(|facts| facts.id.uuid().as_u128()));
        let new = &all[..self.lookup.add_all(first, &self.ids)];
        let end = first + new.len();
        self.ids.truncate(end);
        self.places.resize(end, VACANT);
        self.names.reserve(new.len(), new.iter().map(|facts| facts.name.len()).sum());
        (first as u32..).zip(new).for_each(|(number, facts)| self.names.set(number, facts.name));
        first as u32..end as u32
    }

    /// Forgets an instance that is filed nowhere any more.
    pub(super) fn dismiss(&mut self, number: u32) {
        self.places[number as usize] = VACANT;
        self.lookup.remove(self.ids[number as usize], &self.ids);
        self.names.set(number, "");
        self.free.push(number);
    }
}
