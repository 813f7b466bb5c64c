//! A clock that is set by hand. Owns the time of a conformance run; must never advance by itself.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Clock;

/// Stands still until it is told to go on.
pub struct ManualClock {
    elapsed: watch::Sender<Duration>,
}

impl Default for ManualClock {
    /// A clock at 1970-01-01T00:00:00Z.
    fn default() -> Self {
        Self { elapsed: watch::Sender::new(Duration::ZERO) }
    }
}

impl ManualClock {
    /// Moves wall time and monotonic time on together.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed = elapsed.saturating_add(by));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.after(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        *self.elapsed.borrow()
    }

    async fn sleep_until(&self, deadline: Duration) {
        let mut elapsed = self.elapsed.subscribe();
        // The sender lives as long as this clock, which is borrowed here.
        let _closed = elapsed.wait_for(|elapsed| *elapsed >= deadline).await;
    }
}
