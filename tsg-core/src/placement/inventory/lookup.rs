//! Ids to numbers.
//!
//! Owns one table with open addressing: a look costs one cache line, an entry twelve bytes. Slots
//! stand in the order of what is made of ids, so that a table becomes a larger one in one pass.
//! What is found depends on ids alone; nothing ever walks through the table, so that its order
//! cannot be seen. Must never keep the ids themselves: the caller has them in a column.

use alloc::vec;
use alloc::vec::Vec;

/// A slot with nothing in it: memory that nobody wrote to.
const EMPTY: u64 = 0;
/// So many slots stay at hand while they are filled.
const REGION: usize = 1 << 14;
/// Fewer ids are added in the order in which they come.
const SORTED_MIN: usize = 1 << 14;

/// Numbers by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    /// At most three quarters are taken. Each has a number in its lower half, counted from one, and
    /// in the upper one a part of the id by which most others can be told apart.
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
        (slot != EMPTY).then(|| number_of(slot))
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, additional: usize) {
        let wanted = self.taken + additional;
        if wanted * 4 > self.slots.len() * 3 {
            let count = (wanted * 2).max(self.slots.len() * 3 / 2) + 4;
            let before = core::mem::replace(&mut self.slots, vec![EMPTY; count]);
            before.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.settle(slot));
        }
    }

    /// Adds a number for an id that is not here yet, or tells which number it has.
    #[inline]
    pub(super) fn add(&mut self, id: u128, number: u32, ids: &[u128]) -> Result<(), u32> {
        self.reserve(1);
        self.fill(slot_for(id, number), |known| ids[known as usize] == id)
    }

    /// Adds ids from a place in their column on, which are their numbers: up to the first one that
    /// is here already. Tells how many. Needs a word of paper for each.
    pub(super) fn add_all(&mut self, first: usize, ids: &[u128], paper: &mut [u64]) -> usize {
        self.reserve(ids.len() - first);
        self.sort_by_region(first, &ids[first..], paper);
        let mut end = ids.len();
        for slot in paper {
            let number = number_of(*slot) as usize;
            // Of two that are the same, the one that comes first is here first.
            if self.fill(*slot, |known| ids[known as usize] == ids[number]).is_err() {
                end = end.min(number);
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

    /// The slots for ids whose numbers are those from `first` on. Many of them would wait for memory
    /// one by one in their own order: they are sorted by the region of the table that they belong to.
    fn sort_by_region(&self, first: usize, ids: &[u128], sorted: &mut [u64]) {
        let slots = (first as u32..).zip(ids).map(|(number, id)| slot_for(*id, number));
        if ids.len() < SORTED_MIN {
            return sorted.iter_mut().zip(slots).for_each(|(place, slot)| *place = slot);
        }
        let (count, regions) = (self.slots.len(), self.slots.len().div_ceil(REGION));
        let mut places = vec![0_usize; regions + 1];
        slots.clone().for_each(|slot| places[home(slot >> 32, count) / REGION + 1] += 1);
        (0..regions).for_each(|region| places[region + 1] += places[region]);
        for slot in slots {
            let place = &mut places[home(slot >> 32, count) / REGION];
            sorted[*place] = slot;
            *place += 1;
        }
    }

    /// Fills the slot for a number that is not here yet, or tells which number is.
    #[inline]
    fn fill(&mut self, slot: u64, is_same: impl Fn(u32) -> bool) -> Result<(), u32> {
        let at = self.slot_of(slot >> 32, is_same);
        if self.slots[at] != EMPTY {
            return Err(number_of(self.slots[at]));
        }
        self.slots[at] = slot;
        self.taken += 1;
        Ok(())
    }

    /// Takes an id out, while it still stands in its column.
    pub(super) fn remove(&mut self, id: u128, ids: &[u128]) {
        let count = self.slots.len();
        // How far one is behind another, all the way round.
        let behind = |at: usize, other: usize| if at >= other { at - other } else { at + count - other };
        let mut hole = self.slot_of(mixed(id), |number| ids[number as usize] == id);
        if self.slots[hole] == EMPTY {
            return;
        }
        let mut next = self.after(hole);
        // What was pushed on by the one that goes moves back, so that no look ends too early.
        while self.slots[next] != EMPTY {
            if behind(next, home(self.slots[next] >> 32, count)) >= behind(next, hole) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = self.after(next);
        }
        self.slots[hole] = EMPTY;
        self.taken -= 1;
    }

    /// Puts a slot of a smaller table into this one.
    fn settle(&mut self, slot: u64) {
        let at = self.slot_of(slot >> 32, |_| false);
        self.slots[at] = slot;
    }

    /// Where an id is, or would be, of which this is a part.
    #[inline]
    fn slot_of(&self, mixed: u64, is_same: impl Fn(u32) -> bool) -> usize {
        let mut at = home(mixed, self.slots.len());
        loop {
            let slot = self.slots[at];
            if slot == EMPTY || slot >> 32 == mixed && is_same(number_of(slot)) {
                return at;
            }
            at = self.after(at);
        }
    }

    /// The next slot; after the last one comes the first.
    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

/// What stands in a slot for an id with a number.
#[inline]
const fn slot_for(id: u128, number: u32) -> u64 {
    mixed(id) << 32 | (number as u64 + 1)
}

#[inline]
const fn number_of(slot: u64) -> u32 {
    (slot as u32).wrapping_sub(1)
}

/// The first slot of so many that an id may be in. There are fewer slots than numbers.
#[inline]
const fn home(mixed: u64, count: usize) -> usize {
    ((mixed * count as u64) >> 32) as usize
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
        for (count, again) in [(10, 7), (SORTED_MIN / 2, SORTED_MIN / 3), (9 * SORTED_MIN + 10, SORTED_MIN + 99)] {
            let mut ids: Vec<u128> = (0..count as u128).map(|number| number * 0x9e37_79b9_7f4a_7c15).collect();
            (ids[again], ids[count - 2], ids[count - 1]) = (ids[5], ids[0], ids[again + 1]);
            let mut lookup = Lookup::default();
            (0..2).for_each(|number| assert_eq!(lookup.add(ids[number], number as u32, &ids), Ok(())));
            assert_eq!(lookup.add_all(2, &ids, &mut vec![0; count - 2]), again - 2);
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
