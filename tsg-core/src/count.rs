//! How many there are, in the width that plans count in.
//!
//! Owns the one conversion. Must never fail: what plans take in is bounded far below the width.

/// So many.
pub(crate) fn of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
