//! Ids to numbers.
//!
//! Owns one table with open addressing: a look costs one cache line, an entry twelve bytes or so.
//! What is found depends on ids alone; nothing ever walks through the table, so that its order
//! cannot be seen. Must never keep the ids themselves: the caller has them in a column.

use alloc::vec;
use alloc::vec::Vec;

/// A slot with nothing in it.
const EMPTY: u64 = u64::MAX;
/// So many slots stay at hand while they are filled.
const REGION: usize = 1 << 14;
/// So many ids are sorted at a time: all of a million would take up half the memory of the table.
const LOT: usize = 1 << 17;

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
        let slot = self.slots[self.slot_of(mixed(id), |number| ids[number as usize] == id)];
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
        self.fill(mixed(id) << 32 | u64::from(number), |known| ids[known as usize] == id)
    }

    /// Adds ids from a place in their column on, which are their numbers: up to the first one that
    /// is here already. Tells how many.
    pub(super) fn add_all(&mut self, first: usize, ids: &[u128]) -> usize {
        self.reserve(ids.len() - first);
        let mut end = ids.len();
        for start in (first..end).step_by(LOT) {
            let lot = &ids[start..ids.len().min(start + LOT)];
            for slot in self.by_region(start, lot) {
                let number = slot as u32 as usize;
                // Of two that are the same, the one that comes first is here first.
                if self.fill(slot, |known| ids[known as usize] == ids[number]).is_err() {
                    end = end.min(number);
                }
            }
        }
        // Whoever comes after the first one that was here already is not added.
        for number in end..ids.len() {
            if self.get(ids[number], ids) == Some(number as u32) {
                self.remove(ids[number], ids);
            }
        }
        end - first
    }

    /// The slots for ids whose numbers are those from `start` on. Many of them would wait for memory
    /// one by one in their own order: they are sorted by the region of the table that they belong to.
    fn by_region(&self, start: usize, lot: &[u128]) -> Vec<u64> {
        let slots = (start as u64..).zip(lot).map(|(number, id)| mixed(*id) << 32 | number);
        if lot.len() < LOT {
            return slots.collect();
        }
        let (mask, regions) = (self.slots.len() - 1, self.slots.len().div_ceil(REGION));
        let region = |slot: u64| ((slot >> 32) as usize & mask) / REGION;
        let mut places = vec![0_usize; regions + 1];
        slots.clone().for_each(|slot| places[region(slot) + 1] += 1);
        (0..regions).for_each(|region| places[region + 1] += places[region]);
        let mut sorted = vec![EMPTY; lot.len()];
        for slot in slots {
            let place = &mut places[region(slot)];
            sorted[*place] = slot;
            *place += 1;
        }
        sorted
    }

    /// Fills the slot for a number that is not here yet, or tells which number is.
    #[inline]
    fn fill(&mut self, slot: u64, is_same: impl Fn(u32) -> bool) -> Result<(), u32> {
        let at = self.slot_of(slot >> 32, is_same);
        if self.slots[at] != EMPTY {
            return Err(self.slots[at] as u32);
        }
        self.slots[at] = slot;
        self.taken += 1;
        Ok(())
    }

    /// Takes an id out, while it still stands in its column.
    pub(super) fn remove(&mut self, id: u128, ids: &[u128]) {
        if self.get(id, ids).is_none() {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut hole = self.slot_of(mixed(id), |number| ids[number as usize] == id);
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

    /// Where an id is, or would be, of which this is a part.
    #[inline]
    fn slot_of(&self, mixed: u64, is_same: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mixed as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == EMPTY || slot >> 32 == mixed && is_same(slot as u32) {
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
    fn many_are_added_up_to_the_first_one_that_is_here_already() {
        for (count, again) in [(10, 7), (LOT / 2, LOT / 3), (2 * LOT + 10, LOT + 99)] {
            let mut ids: Vec<u128> = (0..count as u128).map(|number| number * 0x9e37_79b9_7f4a_7c15).collect();
            (ids[again], ids[count - 2], ids[count - 1]) = (ids[5], ids[0], ids[again + 1]);
            let mut lookup = Lookup::default();
            (0..2).for_each(|number| assert_eq!(lookup.add(ids[number], number as u32, &ids), Ok(())));
            assert_eq!(lookup.add_all(2, &ids), again - 2);
            let numbers = (0..count).map(|number| lookup.get(ids[number], &ids));
            let first = |number: usize| match number {
                _ if number < again => Some(number as u32),
                _ if number == again => Some(5),
                _ => (number == count - 2).then_some(0),
            };
            assert!(numbers.eq((0..count).map(first)), "{count} with {again}");
            assert_eq!(lookup.taken, again);
        }
    }

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
