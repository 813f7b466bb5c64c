//! Instances by number.
//!
//! Owns their columns: to which kind each belongs, and apart from that ids and names. Must never
//! know a node: where an instance stands, its kind knows.

use alloc::vec;
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
const VACANT: u64 = u64::MAX;

impl Place {
    #[inline]
    const fn word(self) -> u64 {
        (self.kind as u64) << 32 | self.position as u64
    }

    #[inline]
    const fn of_word(word: u64) -> Self {
        Self { kind: (word >> 32) as u32, position: word as u32 }
    }
}

/// All instances.
#[derive(Debug, Clone, Default)]
pub(super) struct Instances {
    /// Words, so that they serve as paper before anybody is filed.
    places: Vec<u64>,
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
        self.places.get(number as usize).filter(|place| **place != VACANT).map(|place| Place::of_word(*place))
    }

    #[inline]
    pub(super) fn set_place(&mut self, number: u32, place: Place) {
        self.places[number as usize] = place.word();
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

    /// A number for an id that is new, with a name; or the number that the id has.
    pub(super) fn admit(&mut self, id: u128, name: &str) -> Result<u32, u32> {
        let number = self.free.last().copied().unwrap_or(self.places.len() as u32);
        self.lookup.add(id, number, &self.ids)?;
        match self.free.pop() {
            Some(free) => self.ids[free as usize] = id,
            None => {
                self.places.push(VACANT);
                self.ids.push(id);
            }
        }
        self.names.set(number, name);
        Ok(number)
    }

    /// Notes the ids of instances that are to be admitted, and makes room for their names.
    pub(super) fn note<'f>(&mut self, all: &'f [InstanceFacts<'f>], mut look: impl FnMut(&'f InstanceFacts<'f>)) {
        let mut letters = 0;
        self.ids.extend(all.iter().map(|facts| {
            look(facts);
            letters += facts.name.len();
            facts.id.uuid().as_u128()
        }));
        self.names.reserve(all.len(), letters);
    }

    /// Forgets the ids that were noted.
    pub(super) fn forget_noted(&mut self) {
        self.ids.truncate(self.places.len());
    }

    /// Numbers for the instances whose ids were noted, up to the first one that is known already.
    /// They have neither a name nor a place.
    pub(super) fn admit_noted(&mut self) -> Range<u32> {
        let (first, noted) = (self.places.len(), self.ids.len());
        match first {
            0 => self.places = vec![0; noted],
            _ => self.places.resize(noted, 0),
        }
        let end = first + self.lookup.add_all(first, &self.ids, &mut self.places[first..]);
        self.ids.truncate(end);
        self.places.truncate(end);
        first as u32..end as u32
    }

    /// Names for the numbers that come next.
    pub(super) fn name_next(&mut self, all: &[InstanceFacts<'_>]) {
        self.names.extend(all.iter().map(|facts| facts.name));
    }

    /// Forgets an instance that is filed nowhere any more.
    pub(super) fn dismiss(&mut self, number: u32) {
        self.places[number as usize] = VACANT;
        self.lookup.remove(self.ids[number as usize], &self.ids);
        self.names.set(number, "");
        self.free.push(number);
    }
}
