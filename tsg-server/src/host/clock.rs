//! The operating system's clocks and randomness, behind the ports.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rand_core::{OsRng, RngCore};
use rustix::time::{ClockId, clock_gettime};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::{Clock, Entropy};

/// The system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp::from_millis(millis)
    }

    fn monotonic(&self) -> Duration {
        // Unlike `Instant`, this clock goes on while the machine sleeps: a request that was held
        // up by a suspended laptop or a paused virtual machine must look old.
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
    }

    async fn sleep_until(&self, deadline: Duration) {
        // The runtime's timer stops while the machine sleeps, so it may wake too late, never too
        // early; one long sleep is cut so that such a delay stays short.
        loop {
            let left = deadline.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(Duration::from_secs(30))).await;
        }
    }
}

/// The system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn draw(&self) -> u128 {
        // A system without randomness cannot sign or encrypt either; the server has drawn from
        // the same source, with the error checked, before anything else can ask here.
        u128::from(OsRng.next_u64()) << 64 | u128::from(OsRng.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_reaches_the_deadline() {
        let clock = SystemClock;
        let deadline = clock.monotonic() + Duration::from_millis(20);
        clock.sleep_until(deadline).await;
        assert!(clock.monotonic() >= deadline);
        assert_ne!(OsEntropy.draw(), OsEntropy.draw());
    }
}
