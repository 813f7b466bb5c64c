//! Where an instance has its seat.
//!
//! Owns the search, which is made for every fact: a table with open addressing, whose order
//! follows from the ids alone. Must never hold an id itself; the seats do.

use alloc::vec;
use alloc::vec::Vec;

use crate::model::id::InstanceId;

/// No seat.
pub(super) const NOBODY: u32 = u32::MAX;

/// Seats by instance. At most half of it is used, so that a search is over soon.
#[derive(Debug, Clone, Default)]
pub(super) struct Roll {
    seats: Vec<u32>,
    used: usize,
}

impl Roll {
    /// The seat of an instance; `id_of` says whose a seat is.
    pub(super) fn find(&self, id: InstanceId, id_of: impl Fn(u32) -> Option<InstanceId>) -> Option<u32> {
        let mut place = self.first(id);
        loop {
            let seat = *self.seats.get(place)?;
            if seat == NOBODY {
                return None;
            }
            if id_of(seat) == Some(id) {
                return Some(seat);
            }
            place = self.after(place);
        }
    }

    /// Enters an instance that has no seat yet.
    pub(super) fn enter(&mut self, id: InstanceId, seat: u32, id_of: impl Fn(u32) -> Option<InstanceId>) {
        if 2 * (self.used + 1) > self.seats.len() {
            self.grow(id_of);
        }
        self.put(id, seat);
        self.used += 1;
    }

    /// Strikes an instance out. Those behind it move up, so that they are still found.
    pub(super) fn strike(&mut self, id: InstanceId, id_of: impl Fn(u32) -> Option<InstanceId>) {
        let mut place = self.first(id);
        while let Some(seat) = self.seats.get(place).filter(|seat| **seat != NOBODY) {
            if id_of(*seat) == Some(id) {
                self.used -= 1;
                return self.close(place, id_of);
            }
            place = self.after(place);
        }
    }

    fn close(&mut self, mut hole: usize, id_of: impl Fn(u32) -> Option<InstanceId>) {
        let mut place = self.after(hole);
        while let Some(seat) = self.seats.get(place).copied().filter(|seat| *seat != NOBODY) {
            let first = id_of(seat).map_or(place, |id| self.first(id));
            // Whether the hole lies on its way from where its search begins.
            let mask = self.seats.len() - 1;
            if place.wrapping_sub(first) & mask >= place.wrapping_sub(hole) & mask {
                self.write(hole, seat);
                hole = place;
            }
            place = self.after(place);
        }
        self.write(hole, NOBODY);
    }

    fn grow(&mut self, id_of: impl Fn(u32) -> Option<InstanceId>) {
        let size = (2 * self.seats.len()).max(16);
        let before = core::mem::replace(&mut self.seats, vec![NOBODY; size]);
        for seat in before {
            if let Some(id) = id_of(seat).filter(|_| seat != NOBODY) {
                self.put(id, seat);
            }
        }
    }

    fn put(&mut self, id: InstanceId, seat: u32) {
        let mut place = self.first(id);
        while self.seats.get(place).is_some_and(|taken| *taken != NOBODY) {
            place = self.after(place);
        }
        self.write(place, seat);
    }

    fn write(&mut self, place: usize, seat: u32) {
        if let Some(known) = self.seats.get_mut(place) {
            *known = seat;
        }
    }

    /// Where the search for an id begins. Drawn ids could be taken as they are, others not.
    const fn first(&self, id: InstanceId) -> usize {
        let (high, low) = id.uuid().as_u64_pair();
        let mixed = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize & self.seats.len().wrapping_sub(1)
    }

    const fn after(&self, place: usize) -> usize {
        (place + 1) & self.seats.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn those_who_are_entered_are_found_and_nobody_else() {
        // Ids whose searches begin at a few places only, and ids that are drawn.
        for spread in [1, 1 << 96, 0x9e37_79b9_7f4a_7c15_f39c_0c8e_d6b1_a2f3_u128] {
            let id = |number: u32| InstanceId::new(Uuid::from_u128(u128::from(number).wrapping_mul(spread)));
            let ids: Vec<InstanceId> = (0..500).map(id).collect();
            let id_of = |seat: u32| ids.get(seat as usize).copied();
            let (mut roll, mut model) = (Roll::default(), BTreeMap::new());
            for step in 0_u32..4000 {
                let seat = step.wrapping_mul(2_654_435_761) % 500;
                if model.remove(&ids[seat as usize]).is_some() {
                    roll.strike(ids[seat as usize], id_of);
                } else {
                    model.insert(ids[seat as usize], seat);
                    roll.enter(ids[seat as usize], seat, id_of);
                }
                let asked = ids[(step.wrapping_mul(7919) % 500) as usize];
                assert_eq!(roll.find(asked, id_of), model.get(&asked).copied());
            }
            for asked in &ids {
                assert_eq!(roll.find(*asked, id_of), model.get(asked).copied());
            }
        }
    }

    #[test]
    fn an_empty_roll_has_nobody() {
        let nobody = InstanceId::new(Uuid::nil());
        let mut roll = Roll::default();
        roll.strike(nobody, |_| None);
        assert_eq!(roll.find(nobody, |_| None), None);
    }
}
