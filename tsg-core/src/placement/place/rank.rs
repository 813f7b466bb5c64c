//! Costs as numbers that can be added and compared.
//!
//! Owns how the levels of a cost stand in one integer, the weightiest on the left: rounds, wishes,
//! crowding, memory. Each level has more bits than it can ever fill, so that sums never spill into
//! the next one. Must never know what a cost is for.

use alloc::vec::Vec;

/// The cost of a choice; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u128);

const ORDER_BITS: u32 = 32;
const CROWD_BITS: u32 = 26;
const WISH_BITS: u32 = 40;

/// Counts above this are taken as this.
const COUNT_MAX: u32 = (1 << 24) - 1;
/// Comes after every round of a place that is known.
const UNKNOWN_PLACE: u64 = 1 << 26;

impl Rank {
    /// Not to be chosen. Whatever is added, it stays so.
    pub(super) const NONE: Self = Self(u128::MAX);
    /// No cost.
    pub(super) const FREE: Self = Self(0);

    /// What wishes cost.
    #[inline]
    pub(super) const fn of_wishes(weight: u64) -> Self {
        Self((weight as u128) << (CROWD_BITS + ORDER_BITS))
    }

    /// What `members` of the same group on the same node cost, and the memory there.
    #[inline]
    pub(super) fn of_node(members: u32, order: u32) -> Self {
        Self((u128::from(members.min(COUNT_MAX)) << ORDER_BITS) | u128::from(order))
    }

    /// What it costs to be spread to a place with `members`, in a round.
    #[inline]
    pub(super) fn of_round(round: u32) -> Self {
        Self(u128::from(round.min(COUNT_MAX)) << (WISH_BITS + CROWD_BITS + ORDER_BITS))
    }

    /// What it costs to be spread to nobody knows where.
    pub(super) const fn of_unknown_place() -> Self {
        Self((UNKNOWN_PLACE as u128) << (WISH_BITS + CROWD_BITS + ORDER_BITS))
    }

    /// What each member counts by weight.
    #[inline]
    pub(super) fn of_weighed(members: u32, weight: u16) -> Self {
        Self::of_wishes(u64::from(members.min(COUNT_MAX)) * u64::from(weight))
    }

    /// Both.
    #[inline]
    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As one number: less is better.
    #[inline]
    pub(super) const fn number(self) -> u128 {
        self.0
    }

    /// Rounds, wishes and crowding.
    pub(super) const fn levels(self) -> [u64; 3] {
        let above = self.0 >> ORDER_BITS;
        let crowding = above & ((1 << CROWD_BITS) - 1);
        let wishes = (above >> CROWD_BITS) & ((1 << WISH_BITS) - 1);
        [(above >> (CROWD_BITS + WISH_BITS)) as u64, wishes as u64, crowding as u64]
    }
}

/// The weights of the wishes that a mask names, added up.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// For each eight wishes the sum of each of their subsets.
    sums: Vec<[u32; 256]>,
}

impl Weights {
    /// By number of the wish.
    pub(super) fn new(weights: impl IntoIterator<Item = u16>) -> Self {
        let weights: Vec<u32> = weights.into_iter().map(u32::from).collect();
        let sums = weights.chunks(8).map(|eight| {
            let mut sums = [0; 256];
            for subset in 1..256_usize {
                let lowest = subset.trailing_zeros() as usize;
                sums[subset] = sums[subset & (subset - 1)] + eight.get(lowest).copied().unwrap_or(0);
            }
            sums
        });
        Self { sums: sums.collect() }
    }

    /// The sum for a set of wishes.
    #[inline]
    pub(super) fn sum(&self, wishes: u32) -> u64 {
        let add = |(sum, left): (u64, u32), sums: &[u32; 256]| (sum + u64::from(sums[left as usize & 255]), left >> 8);
        self.sums.iter().fold((0, wishes), add).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_each_level_stays_below_the_lowest_of_the_next() {
        let heaviest = Rank::of_weighed(u32::MAX, 1_000);
        let wishes = [heaviest, heaviest, heaviest, Rank::of_wishes(32 * 1_000)];
        let wishes = wishes.into_iter().fold(Rank::of_node(u32::MAX, u32::MAX), Rank::plus);
        assert!(wishes < Rank::of_round(1) && Rank::of_node(0, u32::MAX) < Rank::of_node(1, 0));
        assert!(Rank::of_node(u32::MAX, u32::MAX) < Rank::of_wishes(1));
        assert!(Rank::of_round(u32::MAX).plus(Rank::of_round(u32::MAX)) < Rank::of_unknown_place());
        let unknown = (0..3).fold(wishes, |sum, _| sum.plus(Rank::of_unknown_place()).plus(Rank::of_round(u32::MAX)));
        assert!(unknown < Rank::NONE && unknown.plus(Rank::NONE) == Rank::NONE);
        let cost = Rank::of_round(3).plus(Rank::of_wishes(250)).plus(Rank::of_node(7, 99));
        assert_eq!(cost.levels(), [3, 250, 7]);
    }

    #[test]
    fn weights_are_added_up_whichever_wishes_are_named() {
        let weights: Vec<u16> = (0..20).map(|number| 1 + number * 3).collect();
        let table = Weights::new(weights.iter().copied());
        for mask in [0_u32, 1, 0b1010_0000_0001, 0xf_ffff, 0x8_0101] {
            let expected: u64 = (0..20).filter(|bit| mask >> bit & 1 == 1).map(|bit| u64::from(weights[bit])).sum();
            assert_eq!(table.sum(mask), expected, "{mask:b}");
        }
    }
}
