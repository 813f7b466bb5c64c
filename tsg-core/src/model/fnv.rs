//! A hash that is cheap to compute for a million machines (FNV-1a).
//!
//! Owns its constants. Must never stand for an identity that a stranger could forge.

/// The hash of some bytes.
pub(super) fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.into_iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
