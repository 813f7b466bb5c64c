//! Time as a port. Owns the difference between wall time, which may jump, and monotonic time,
//! which may not; must never be read by the planner, which is told the time.

use alloc::boxed::Box;
use core::time::Duration;

use async_trait::async_trait;

use crate::model::time::Timestamp;

/// Tells the time and waits.
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
