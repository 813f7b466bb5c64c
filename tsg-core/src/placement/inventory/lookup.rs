//! Ids to numbers.
//!
//! Owns one table with open addressing: a look costs one cache line, an entry twelve bytes or so.
//! What is found depends on ids alone; nothing ever walks through the table, so that its order
//! cannot be seen. Must never keep the ids themselves: the caller has them in a column.

use alloc::vec;
use alloc::vec::Vec;

/// A slot with nothing in it.
const EMPTY: u64 = u64::MAX;

/// Numbers by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    /// A power of two of them, or none; at most two thirds are taken. Each has a number in its
    /// lower half, and in the upper one a part of the id by which most others can be told apart.
    slots: Vec<u64>,
    taken: usize,
}

impl Lookup {
    /// The number of an id.
    #[inline]
    pub(super) fn get(&self, id: u128, ids: &[u128]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.slot_of(id, ids)];
        (slot != EMPTY).then_some(slot as u32)
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, additional: usize) {
        let wanted = ((self.taken + additional) * 3 / 2 + 1).next_power_of_two().max(16);
        if wanted > self.slots.len() {
            let before = core::mem::replace(&mut self.slots, vec![EMPTY; wanted]);
            before.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.settle(slot));
        }
    }

    /// Adds a number for an id that is not here yet, or tells which number it has.
    #[inline]
    pub(super) fn add(&mut self, id: u128, number: u32, ids: &[u128]) -> Result<(), u32> {
        if (self.taken + 1) * 3 > self.slots.len() * 2 {
            self.reserve(1 + self.taken / 2);
        }
        let slot = self.slot_of(id, ids);
        if self.slots[slot] != EMPTY {
            return Err(self.slots[slot] as u32);
        }
        self.slots[slot] = mixed(id) << 32 | u64::from(number);
        self.taken += 1;
        Ok(())
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
            let home = (self.slots[next] >> 32) as usize & mask;
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = EMPTY;
        self.taken -= 1;
    }

    /// Puts a slot of a smaller table into this one.
    fn settle(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (slot >> 32) as usize & mask;
        while self.slots[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// Where an id is, or would be.
    #[inline]
    fn slot_of(&self, id: u128, ids: &[u128]) -> usize {
        let (mask, mixed) = (self.slots.len() - 1, mixed(id) & u64::from(u32::MAX));
        let mut at = mixed as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == EMPTY || slot >> 32 == mixed && ids[slot as u32 as usize] == id {
                return at;
            }
            at = (at + 1) & mask;
        }
    }
}

/// A part of an id, in the lower half. Ids are random for the most part; the product makes those
/// that are counted up so as well.
#[inline]
const fn mixed(id: u128) -> u64 {
    let folded = (id as u64) ^ ((id >> 64) as u64).rotate_left(32);
    folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
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
            if let Some(number) = tree.remove(&id) {
                assert_eq!(lookup.add(id, 0, &ids), Err(number));
                lookup.remove(id, &ids);
            } else {
                let number = u32::try_from(ids.len()).unwrap();
                assert_eq!(lookup.add(id, number, &ids), Ok(()));
                ids.push(id);
                tree.insert(id, number);
            }
        }
        for id in 0..1_100 {
            assert_eq!(lookup.get(id, &ids), tree.get(&id).copied(), "{id}");
        }
        assert_eq!(lookup.taken, tree.len());
    }
}
