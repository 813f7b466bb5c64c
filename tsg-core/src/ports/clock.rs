//! Time as a port. Owns the difference between wall time, which may jump, and monotonic time,
//! which may not; must never be read by the planner, which is told the time.

use alloc::boxed::Box;
use core::time::Duration;

use async_trait::async_trait;

use crate::model::time::Timestamp;

/// Tells the time and waits.
///
/// ```
/// use async_trait::async_trait;
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::ports::Clock;
///
/// /// Virtual time, in milliseconds: whoever waits turns it on.
/// struct Virtual(AtomicU64);
///
/// #[async_trait]
/// impl Clock for Virtual {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_millis(1_800_000_000_000).after(self.monotonic())
///     }
///
///     fn monotonic(&self) -> Duration {
///         Duration::from_millis(self.0.load(Ordering::SeqCst))
///     }
///
///     async fn sleep_until(&self, deadline: Duration) {
///         self.0.fetch_max(deadline.as_millis() as u64, Ordering::SeqCst);
///     }
/// }
///
/// # use core::{future::Future, pin::pin, task::{Context, Waker}};
/// let clock = Virtual(AtomicU64::new(0));
/// let waited = pin!(clock.sleep_until(Duration::from_secs(5))).poll(&mut Context::from_waker(Waker::noop()));
/// assert!(waited.is_ready());
/// assert_eq!(clock.now(), Timestamp::from_millis(1_800_000_005_000));
/// ```
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall time. It may jump either way.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, which never goes back and goes on while the machine sleeps
    /// (`CLOCK_BOOTTIME`), so that a paused sender notices.
    fn monotonic(&self) -> Duration;

    /// Returns when [`Clock::monotonic`] has reached `deadline`.
    async fn sleep_until(&self, deadline: Duration);
}
