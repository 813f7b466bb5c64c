//! Where a machine stands among many that are in the order of their ids.
//!
//! Owns the search that a join is made of. Ids are random, so that their first bits tell nearly
//! where they stand. Must never rely on it: those of ids that are not random are only found more
//! slowly.

use alloc::vec::Vec;
use core::ops::Range;

use crate::count;
use crate::model::id::InstanceId;

/// So few machines are all looked at.
const FEW: usize = 8;

/// Where the machines whose ids have the same first bits begin.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// How far the first bits are from the last ones.
    shift: u32,
    /// By first bits, one more than there are.
    starts: Vec<u32>,
}

impl Places {
    /// Of machines in the order of their ids, each of which stands there once.
    pub(super) fn of<T>(machines: &[T], id_of: impl Fn(&T) -> InstanceId) -> Self {
        // Twice as many beginnings as machines: mostly the first one that is looked at is the one.
        let bits = machines.len().checked_ilog2().map_or(1, |log| (log + 1).min(31));
        let mut places = Self { shift: u128::BITS - bits, starts: Vec::with_capacity((1 << bits) + 1) };
        for (place, machine) in (0_u32..).zip(machines) {
            let first = places.first_bits(id_of(machine));
            if first >= places.starts.len() {
                places.starts.resize(first + 1, place);
            }
        }
        places.starts.resize((1 << bits) + 1, count::of(machines.len()));
        places
    }

    /// Where a machine stands among those that this was made of.
    pub(super) fn find<T>(&self, machines: &[T], id_of: impl Fn(&T) -> InstanceId, id: InstanceId) -> Option<usize> {
        find_among(machines, self.around(id), id_of, id)
    }

    /// Where those stand whose ids begin like this one.
    #[inline]
    pub(super) fn around(&self, id: InstanceId) -> Range<u32> {
        let first = self.first_bits(id);
        match self.starts.get(first..first + 2) {
            Some([from, to]) => *from..*to,
            _ => 0..0,
        }
    }

    fn first_bits(&self, id: InstanceId) -> usize {
        // At most 31 bits are left.
        id.uuid().as_u128().checked_shr(self.shift).map_or(0, |bits| bits as usize)
    }
}

/// Where a machine stands, when it is known around where.
#[inline]
pub(super) fn find_among<T>(
    machines: &[T],
    around: Range<u32>,
    id_of: impl Fn(&T) -> InstanceId,
    id: InstanceId,
) -> Option<usize> {
    let start = around.start as usize;
    let alike = machines.get(start..around.end as usize)?;
    let is_before = |machine: &T| id_of(machine).uuid().as_u128() < id.uuid().as_u128();
    // Those before it are counted, so that no branch waits for a machine to come out of memory, and
    // the next search begins meanwhile.
    let before = match alike.len() {
        ..=FEW => alike.iter().map(|machine| usize::from(is_before(machine))).sum(),
        _ => alike.partition_point(is_before),
    };
    alike.get(before).filter(|machine| id_of(machine) == id).map(|_| start + before)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use uuid::Uuid;

    use super::Places;
    use crate::model::id::InstanceId;

    fn id(number: u128) -> InstanceId {
        InstanceId::new(Uuid::from_u128(number))
    }

    /// Ids spread over the whole space, and ids that all begin alike or end alike.
    fn spreads() -> [fn(u128) -> u128; 4] {
        [
            |number| number << 117,
            |number| number,
            |number| u128::MAX - number,
            |number| number.wrapping_mul(number) << 90,
        ]
    }

    #[test]
    fn what_is_there_is_found_and_nothing_else() {
        for spread in spreads() {
            for count in [0, 1, 2, 3, 8, 9, 100, 1000] {
                let mut ids: Vec<InstanceId> = (0..count).map(|number| id(spread(2 * number + 1))).collect();
                ids.sort_unstable();
                ids.dedup();
                let places = Places::of(&ids, |id| *id);
                for number in (0..2 * count + 2).map(spread).chain([0, u128::MAX]) {
                    assert_eq!(
                        places.find(&ids, |id| *id, id(number)),
                        ids.binary_search(&id(number)).ok(),
                        "{number} of {count}"
                    );
                }
            }
        }
        assert_eq!(Places::default().find(&[], |id| *id, id(0)), None);
    }
}
