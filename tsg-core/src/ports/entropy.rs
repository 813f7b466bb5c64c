//! Randomness as a port. Owns the one question; must never be asked by the planner, which is
//! given a seed.

/// Draws random bits: for ids and for jitter.
pub trait Entropy: Send + Sync {
    /// 128 bits that nobody can guess or has drawn before.
    fn draw(&self) -> u128;
}
