//! The ids of new operations.
//!
//! Owns how a seed becomes ids. Must never give one id twice within a plan.

use crate::model::id::{GroupId, OperationId};

/// 2^128 divided by the golden ratio, made odd: its bits follow no pattern.
const GOLDEN: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
/// The fraction of the square root of 2 in 128 bits, made odd.
const ROOT_TWO: u128 = 0x6a09_e667_f3bc_c908_b2fb_1366_ea95_7d3f;

/// Scrambles 128 bits. A bijection, since each of its steps can be undone: a shift by half the
/// width or more is its own inverse under XOR, and an odd factor has an inverse modulo 2^128.
const fn scramble(bits: u128) -> u128 {
    let bits = (bits ^ bits >> 67).wrapping_mul(GOLDEN);
    let bits = (bits ^ bits >> 65).wrapping_mul(ROOT_TWO);
    bits ^ bits >> 64
}

/// The id of a plan's new operation number `index`.
///
/// Within a plan no two are equal, because all steps are bijections and the indices differ. The
/// seed is scrambled first, so that seeds close to one another do not give overlapping series.
pub(super) const fn operation(seed: u128, index: u32) -> OperationId {
    OperationId::from_bits(scramble(scramble(seed) ^ index as u128))
}

/// The lot that an operation draws among those of its group: the same each time, and without any
/// relation to when it was planned.
pub(super) const fn lot(group: GroupId, operation: OperationId) -> u32 {
    (scramble(group.uuid().as_u128() ^ operation.bits()) >> 96) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn no_id_recurs_within_a_plan_or_under_neighbouring_seeds() {
        let ids: BTreeSet<OperationId> =
            (0..64_u128).flat_map(|seed| (0..512).map(move |index| operation(seed, index))).collect();
        assert_eq!(ids.len(), 64 * 512);
    }

    #[test]
    fn one_bit_of_the_seed_changes_about_half_of_the_id() {
        for bit in 0..128 {
            let changed = (operation(0x5eed, 3).bits() ^ operation(0x5eed ^ 1 << bit, 3).bits()).count_ones();
            assert!((32..=96).contains(&changed), "bit {bit} changes {changed} bits");
        }
    }
}
