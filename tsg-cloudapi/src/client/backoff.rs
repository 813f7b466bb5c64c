//! Waiting between repeated reads: exponential with full jitter.
//!
//! Only idempotent reads are ever repeated, and only on 429 and 503.

use std::time::Duration;

use rand_core::{OsRng, RngCore};

/// How reads are repeated when the cloud is throttling or briefly unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRetries {
    /// How often a read is tried in all; 1 means never repeated.
    pub attempts: u32,
    /// The first wait is a random part of this; it doubles with each attempt.
    pub first_wait: Duration,
    /// No wait is longer, unless the cloud asks for it.
    pub longest_wait: Duration,
}

impl Default for ReadRetries {
    /// Five attempts within about fifteen seconds: longer than a throttle's refill, shorter than
    /// a person's patience.
    fn default() -> Self {
        Self { attempts: 5, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(8) }
    }
}

impl ReadRetries {
    /// Never repeat anything.
    pub const NEVER: Self = Self { attempts: 1, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

    /// The wait after attempt number `attempt` (from 1); at least what the cloud asked for.
    pub(crate) fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let ceiling = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        let jittered = fraction_of(ceiling, OsRng.next_u32());
        jittered.max(asked.unwrap_or_default())
    }
}

/// `draw / 2^32` of `ceiling`.
fn fraction_of(ceiling: Duration, draw: u32) -> Duration {
    let nanos = ceiling.as_nanos().saturating_mul(u128::from(draw)) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ReadRetries, fraction_of};

    #[test]
    fn waits_stay_under_the_doubling_ceiling_and_over_what_was_asked() {
        let retries = ReadRetries::default();
        for attempt in 1..40 {
            let ceiling = Duration::from_millis(500 << (attempt - 1).min(4));
            assert!(retries.wait(attempt, None) <= ceiling.min(Duration::from_secs(8)));
            let asked = Duration::from_secs(30);
            assert_eq!(retries.wait(attempt, Some(asked)), asked);
        }
    }

    #[test]
    fn jitter_is_full() {
        let ceiling = Duration::from_secs(4);
        assert_eq!(fraction_of(ceiling, 0), Duration::ZERO);
        assert_eq!(fraction_of(ceiling, 1 << 31), Duration::from_secs(2));
        assert!(fraction_of(ceiling, u32::MAX) < ceiling);
    }
}
