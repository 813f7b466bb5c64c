//! Randomness as a port. Owns the one question; must never be asked by the planner, which is
//! given a seed.

/// Draws random bits: for ids and for jitter.
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use tsg_core::ports::Entropy;
///
/// /// For a test: the same draws each time.
/// struct Counted(AtomicU64);
///
/// impl Entropy for Counted {
///     fn draw(&self) -> u128 {
///         self.0.fetch_add(1, Ordering::SeqCst).into()
///     }
/// }
///
/// let entropy = Counted(AtomicU64::new(7));
/// assert_eq!([entropy.draw(), entropy.draw()], [7, 8]);
/// ```
pub trait Entropy: Send + Sync {
    /// 128 bits that nobody can guess or has drawn before.
    fn draw(&self) -> u128;
}
