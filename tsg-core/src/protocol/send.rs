//! The send guard: a request that was held up is not sent any more.
//!
//! Owns the one comparison. Must never be given wall time: a clock that is set back would let a
//! paused sender through.

use core::time::Duration;

use super::timing::ProtocolTiming;

/// Whether a request may still leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendGuard {
    /// It is fresh.
    Send,
    /// It was held up; drop it unsent. The attempt is known to be unsent.
    Drop,
}

/// Asked right before the first byte leaves. Both times are [`Clock::monotonic`]; `began` was
/// read before the dispatch was committed, so that the commit's own duration counts.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::protocol::{send::{SendGuard, send_guard}, timing::ProtocolTiming};
///
/// let timing = ProtocolTiming::default();
/// let began = Duration::from_secs(100);
/// assert_eq!(send_guard(began, Duration::from_secs(110), &timing), SendGuard::Send);
/// assert_eq!(send_guard(began, Duration::from_millis(110_001), &timing), SendGuard::Drop);
/// ```
///
/// [`Clock::monotonic`]: crate::ports::clock::Clock::monotonic
pub fn send_guard(began: Duration, now: Duration, timing: &ProtocolTiming) -> SendGuard {
    if now.saturating_sub(began) > timing.send_guard { SendGuard::Drop } else { SendGuard::Send }
}
