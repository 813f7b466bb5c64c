//! Ids to numbers.
//!
//! Owns one table with open addressing: a look costs one or two cache lines, an entry eight bytes
//! at most. What is found depends on ids alone; nothing ever walks through the table, so that its
//! order cannot be seen. Must never keep the ids themselves: the caller has them in a column.

use alloc::vec;
use alloc::vec::Vec;

/// A slot with nothing in it.
const EMPTY: u32 = u32::MAX;

/// Numbers by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    /// A power of two of them, or none; at most two thirds are taken.
    slots: Vec<u32>,
    taken: usize,
}

impl Lookup {
    /// The number of an id.
    #[inline]
    pub(super) fn get(&self, id: u128, ids: &[u128]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slot_of(id, ids);
        Some(self.slots[slot]).filter(|number| *number != EMPTY)
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, additional: usize, ids: &[u128]) {
        let wanted = ((self.taken + additional) * 3 / 2 + 1).next_power_of_two().max(16);
        if wanted > self.slots.len() {
            let numbers = core::mem::replace(&mut self.slots, vec![EMPTY; wanted]);
            for number in numbers.into_iter().filter(|number| *number != EMPTY) {
                let slot = self.slot_of(ids[number as usize], ids);
                self.slots[slot] = number;
            }
        }
    }

    /// Adds a number whose id stands in its column already, and is not here yet.
    #[inline]
    pub(super) fn add(&mut self, number: u32, ids: &[u128]) {
        if (self.taken + 1) * 3 > self.slots.len() * 2 {
            self.reserve(1 + self.taken / 2, ids);
        }
        let mut slot = self.home(ids[number as usize]);
        while self.slots[slot] != EMPTY {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = number;
        self.taken += 1;
    }

    /// Takes an id out, while it still stands in its column.
    pub(super) fn remove(&mut self, id: u128, ids: &[u128]) {
        if self.get(id, ids).is_none() {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut hole = self.slot_of(id, ids);
        let mut next = (hole + 1) & mask;
        // What was pushed on by the one that goes moves back, so that no look ends too early.
        while self.slots[next] != EMPTY {
            let home = self.home(ids[self.slots[next] as usize]);
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = EMPTY;
        self.taken -= 1;
    }

    /// Where an id is, or would be.
    #[inline]
    fn slot_of(&self, id: u128, ids: &[u128]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.home(id);
        while self.slots[slot] != EMPTY && ids[self.slots[slot] as usize] != id {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// Where the look for an id begins. Ids are random for the most part; the product makes those
    /// that are counted up so as well.
    #[inline]
    fn home(&self, id: u128) -> usize {
        let folded = (id as u64) ^ ((id >> 64) as u64).rotate_left(32);
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 20) as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_finds_what_a_tree_finds_whatever_comes_and_goes() {
        let (mut lookup, mut tree, mut ids) = (Lookup::default(), BTreeMap::new(), Vec::new());
        let mut drawn = 7_u64;
        for _ in 0..20_000 {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let id = u128::from(drawn >> 54);
            if tree.contains_key(&id) {
                lookup.remove(id, &ids);
                tree.remove(&id);
            } else {
                let number = u32::try_from(ids.len()).unwrap();
                ids.push(id);
                lookup.add(number, &ids);
                tree.insert(id, number);
            }
        }
        for id in 0..1_100 {
            assert_eq!(lookup.get(id, &ids), tree.get(&id).copied(), "{id}");
        }
        assert_eq!(lookup.taken, tree.len());
    }
}
