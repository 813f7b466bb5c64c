//! How fast requests may leave: a token bucket that gives way when the cloud says "too many".
//!
//! Owns the figures of one account's rate. Pure: time is an argument, on the monotonic clock.
//! Must never delay a request by itself; it says whether and when.

use core::time::Duration;

/// After a throttled reply the rate is multiplied by this...
const BACK_OFF: f64 = 0.5;
/// ...but never below one request in two seconds, so that the account stays alive.
const RATE_MIN: f64 = 0.5;
/// It grows again by this share of the ceiling for each second without a throttled reply: back
/// at the ceiling after a minute at most.
const RECOVERY: f64 = 1.0 / 60.0;
/// Throttled replies within this time of one another are one event: requests already under way.
const SAME_EVENT: Duration = Duration::from_secs(2);
/// Wait after a throttled reply that names no time.
const PAUSE: Duration = Duration::from_secs(1);
/// Share of the burst there is at the start: a program that crashed just now may have used the
/// rest of what the cloud keeps count of.
const START_SHARE: f64 = 1.0 / 3.0;

/// One account's token bucket.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    ceiling: f64,
    rate: f64,
    burst: f64,
    tokens: f64,
    refilled_at: Duration,
    paused_until: Duration,
    throttled_at: Option<Duration>,
}

impl Pace {
    /// A bucket that fills at `rate` tokens each second up to `burst`.
    pub(crate) fn new(rate: f64, burst: u32, now: Duration) -> Self {
        let burst = f64::from(burst.max(1));
        Self {
            ceiling: rate.max(RATE_MIN),
            rate: rate.max(RATE_MIN),
            burst,
            tokens: (burst * START_SHARE).max(1.0),
            refilled_at: now,
            paused_until: Duration::ZERO,
            throttled_at: None,
        }
    }

    /// Requests for each second at present.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// How many requests may leave now.
    pub(crate) fn available(&mut self, now: Duration) -> u32 {
        self.refill(now);
        if now < self.paused_until {
            return 0;
        }
        // Truncation is meant: a part of a token sends nothing, and a debt sends nothing either.
        self.tokens as u32
    }

    /// Takes one token; false when there is none.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let has_token = self.available(now) > 0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }

    /// Takes tokens that need not be there yet: what comes next waits the longer.
    pub(crate) fn owe(&mut self, count: u32) {
        self.tokens -= f64::from(count);
    }

    /// Gives a token back that was not used.
    pub(crate) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.burst);
    }

    /// When the next token is there.
    pub(crate) fn ready_at(&self, now: Duration) -> Duration {
        let missing = (1.0 - self.tokens).max(0.0);
        // One millisecond more than computed, so that rounding never wakes a caller in vain.
        let wait = Duration::from_secs_f64(missing / self.rate) + Duration::from_millis(1);
        let filled = if missing > 0.0 { self.refilled_at + wait } else { now };
        filled.max(self.paused_until).max(now)
    }

    /// The cloud refused a request for its rate. `jitter` of 0 to 1 spreads the engines of many
    /// accounts behind one address.
    pub(crate) fn note_throttled(&mut self, now: Duration, retry_after: Option<Duration>, jitter: f64) {
        self.refill(now);
        let pause = retry_after.unwrap_or(PAUSE);
        self.paused_until = self.paused_until.max(now + pause.mul_f64(1.0 + 0.25 * jitter.clamp(0.0, 1.0)));
        self.tokens = 0.0;
        let is_same = self.throttled_at.is_some_and(|at| now.saturating_sub(at) < SAME_EVENT);
        if !is_same {
            self.rate = (self.rate * BACK_OFF).max(RATE_MIN);
            self.throttled_at = Some(now);
        }
    }

    fn refill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.refilled_at).as_secs_f64();
        self.refilled_at = self.refilled_at.max(now);
        self.rate = (self.rate + elapsed * RECOVERY * self.ceiling).min(self.ceiling);
        self.tokens = (self.tokens + elapsed * self.rate).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// CloudAPI's own bucket, as measured: it must never refuse what ours lets through, together
    /// with the one for requests beside the engine (0.4 each second, taken for a little more).
    #[test]
    fn a_stricter_bucket_is_never_overrun() {
        let mut ours = [Pace::new(9.5, 26, Duration::ZERO), Pace::new(RATE_MIN, 3, Duration::ZERO)];
        let (mut theirs, mut last) = (30.0_f64, 0_u64);
        let (mut now, mut sent) = (0, 0);
        while now < 600_000 {
            theirs = (theirs + (now - last) as f64 * 0.01).min(30.0);
            last = now;
            for bucket in &mut ours {
                while bucket.take(at(now)) {
                    theirs -= 1.0;
                    sent += 1;
                    assert!(theirs >= 0.0, "refused at {now} ms");
                }
            }
            let ready_at = ours.iter().map(|bucket| bucket.ready_at(at(now))).min().unwrap();
            now = u64::try_from(ready_at.as_millis()).unwrap().max(now + 1);
        }
        assert!((5_950..=6_020).contains(&sent), "{sent} requests in 600 s");
    }

    #[test]
    fn throttling_halves_the_rate_once_and_it_recovers() {
        let mut pace = Pace::new(8.0, 20, Duration::ZERO);
        pace.note_throttled(at(1_000), Some(Duration::from_secs(3)), 0.0);
        pace.note_throttled(at(1_100), None, 1.0);
        assert!((pace.rate() - 4.0).abs() < 0.1, "{}", pace.rate());
        assert_eq!(pace.available(at(3_999)), 0);
        assert!(pace.available(at(4_100)) > 0);
        pace.available(at(61_000));
        assert!((pace.rate() - 8.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_clock_that_stands_still_gives_nothing_for_free() {
        let mut pace = Pace::new(5.0, 3, at(500));
        assert!(pace.take(at(500)));
        assert!(!pace.take(at(500)));
        assert!(!pace.take(at(400)));
        let ready = pace.ready_at(at(500));
        assert!(pace.take(ready));
    }
}
