//! A token bucket that keeps the client under CloudAPI's throttle.
//!
//! Waiters are served in the order they came. Counts requests only; what they are is not its
//! business.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Hands out permissions to send.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again: it lies `interval` further ahead for each token taken.
    full_at: Mutex<Instant>,
}

impl TokenBucket {
    /// One token each `interval`.
    pub(crate) fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst: burst.max(1), full_at: Mutex::new(Instant::now()) }
    }

    /// Waits for a token. Dropping the future gives up the place but not the token.
    pub(crate) async fn take(&self) {
        sleep_until(self.reserve()).await;
    }

    /// Takes the next token and tells from when on it may be used.
    fn reserve(&self) -> Instant {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = (*full_at).max(Instant::now()) + self.interval;
        *full_at - self.interval * self.burst
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::TokenBucket;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let bucket = TokenBucket::new(Duration::from_millis(100), 30);
        let start = Instant::now();
        let mut passed = Vec::new();
        for _ in 0..50 {
            bucket.take().await;
            passed.push(start.elapsed());
        }
        assert!(passed[..30].iter().all(|at| *at == Duration::ZERO), "{passed:?}");
        assert!(passed[49] >= Duration::from_millis(1990), "{passed:?}");
        for second in 0..2 {
            let window = Duration::from_secs(second)..Duration::from_secs(second + 1);
            let count = passed[30..].iter().filter(|at| window.contains(at)).count();
            assert!(count <= 10, "{count} in second {second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_bucket_never_holds_more_than_its_burst() {
        let bucket = TokenBucket::new(Duration::from_millis(100), 3);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let start = Instant::now();
        for _ in 0..4 {
            bucket.take().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(100));
    }
}
