//! Token buckets. Owns their arithmetic: integers that saturate, time as an argument. Must never
//! know who spends.

use serde::{Deserialize, Serialize};

use super::ramp::{WHOLE_PERMILLE, share_permille};
use super::rates::Rate;
use crate::model::time::Timestamp;

/// When a bucket is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// When the slow start began, for what it slows.
    pub ramp_from: Option<Timestamp>,
}

impl Moment {
    /// The share of the rate that holds at a time, in thousandths.
    fn share_at(self, at: Timestamp) -> u64 {
        self.ramp_from.map_or(WHOLE_PERMILLE, |start| share_permille(start, at))
    }
}

/// A token bucket.
///
/// Counts in thousandths of (token x millisecond), so that a rate needs no division: each
/// millisecond brings as much as the rate has tokens, each token costs its period. Looking often
/// loses nothing.
///
/// ```
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::storm::buckets::{Bucket, Moment};
/// use tsg_core::storm::rates::Rate;
///
/// let rate = Rate::each_minute(2, 6);
/// let at = |second: i64| Moment { now: Timestamp::from_millis(second * 1000), ramp_from: None };
/// let mut bucket = Bucket::full(rate, at(0));
/// bucket.take(rate, 2);
/// assert_eq!(bucket.filled(rate, at(9)).tokens(rate), 0);
/// assert_eq!(bucket.filled(rate, at(10)).tokens(rate), 1);
/// assert_eq!(bucket.filled(rate, at(3600)).tokens(rate), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    level: u64,
    filled_at: Timestamp,
}

impl Bucket {
    /// A full one; while repair is slowed it holds less.
    pub fn full(rate: Rate, moment: Moment) -> Self {
        Self { level: brim(rate, moment), filled_at: moment.now }
    }

    /// With what came in since it was filled last. A clock that went back brings nothing.
    #[must_use]
    pub fn filled(self, rate: Rate, moment: Moment) -> Self {
        // The share grows and then stays, so the mean of both ends is never more than the truth.
        let share = (moment.share_at(self.filled_at) + moment.share_at(moment.now)) / 2;
        let elapsed = u64::try_from(moment.now.since(self.filled_at).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(u64::from(rate.tokens)).saturating_mul(share);
        let level = self.level.saturating_add(gained).min(brim(rate, moment));
        Self { level, filled_at: moment.now }
    }

    /// Whole tokens in it.
    pub fn tokens(self, rate: Rate) -> u32 {
        u32::try_from(self.level / cost(rate)).unwrap_or(u32::MAX)
    }

    /// Takes tokens out; what is not there is not taken.
    pub fn take(&mut self, rate: Rate, tokens: u32) {
        self.level = self.level.saturating_sub(cost(rate).saturating_mul(tokens.into()));
    }

    /// Puts tokens back that were taken since it was filled.
    pub fn put_back(&mut self, rate: Rate, tokens: u32) {
        self.level = self.level.saturating_add(cost(rate).saturating_mul(tokens.into()));
    }

    /// Whether it is as full as it can ever be.
    pub(super) fn is_full(self, rate: Rate) -> bool {
        self.level >= brim(rate, Moment { now: self.filled_at, ramp_from: None })
    }

    /// When it holds a token; `None` if it does already or never will.
    pub(super) fn next_token_at(self, rate: Rate, moment: Moment) -> Option<Timestamp> {
        let missing = cost(rate).checked_sub(self.level).filter(|missing| *missing > 0)?;
        let each_milli = u64::from(rate.tokens).saturating_mul(moment.share_at(moment.now));
        if each_milli == 0 || rate.burst == 0 {
            return None;
        }
        Some(moment.now.after(core::time::Duration::from_millis(missing.div_ceil(each_milli))))
    }
}

/// What a token costs.
fn cost(rate: Rate) -> u64 {
    let period_ms = u64::try_from(rate.period.as_millis()).unwrap_or(u64::MAX).max(1);
    period_ms.saturating_mul(WHOLE_PERMILLE)
}

/// What a full bucket holds. While repair is slowed, its share of the tokens rounded up: a group
/// that may only ever take one step at once would otherwise take none.
fn brim(rate: Rate, moment: Moment) -> u64 {
    let share = moment.share_at(moment.now);
    let tokens = (u64::from(rate.burst) * share).div_ceil(WHOLE_PERMILLE);
    cost(rate).saturating_mul(tokens)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(milli: i64) -> Moment {
        Moment { now: Timestamp::from_millis(milli), ramp_from: None }
    }

    #[test]
    fn looking_every_millisecond_loses_nothing() {
        let rate = Rate { burst: 1, tokens: 1, period: Duration::from_secs(10) };
        let ramped = |milli| Moment { ramp_from: Some(Timestamp::EPOCH), ..at(milli) };
        let mut bucket = Bucket::full(rate, ramped(0));
        bucket.take(rate, 1);
        let reached = (1..200_000).find(|milli| {
            bucket = bucket.filled(rate, ramped(*milli));
            bucket.tokens(rate) == 1
        });
        // At 10 % a token takes 100 s; the share grows meanwhile.
        assert!(reached.is_some_and(|milli| (50_000..70_000).contains(&milli)), "{reached:?}");
    }

    #[test]
    fn a_clock_that_jumps_brings_no_more_than_a_full_bucket() {
        let rate = Rate::each_minute(5, 15);
        let mut bucket = Bucket::full(rate, at(0));
        bucket.take(rate, 5);
        assert_eq!(bucket.filled(rate, at(i64::MIN)).tokens(rate), 0);
        assert_eq!(bucket.filled(rate, at(i64::MAX)).tokens(rate), 5);
        assert_eq!(bucket.filled(rate, at(3999)).next_token_at(rate, at(3999)), Some(at(4000).now));
        assert_eq!(bucket.filled(rate, at(4000)).next_token_at(rate, at(4000)), None);
    }

    #[test]
    fn a_bucket_is_full_when_nothing_more_goes_into_it() {
        let rate = Rate::each_second(2, 1);
        let mut bucket = Bucket::full(rate, at(0));
        assert!(bucket.is_full(rate));
        bucket.take(rate, 1);
        assert!(!bucket.is_full(rate) && !bucket.filled(rate, at(999)).is_full(rate));
        assert!(bucket.filled(rate, at(1000)).is_full(rate));
        let slowed = Moment { ramp_from: Some(Timestamp::EPOCH), ..at(0) };
        assert!(!Bucket::full(rate, slowed).is_full(rate), "not as full as it can ever be");
    }

    #[test]
    fn the_last_bit_of_a_token_is_waited_for() {
        let rate = Rate { burst: 1, tokens: 1, period: Duration::from_millis(1) };
        // Just before the end of the slow start, when a millisecond brings 999 parts of 1000.
        let slowed = |milli| Moment { ramp_from: Some(Timestamp::EPOCH), ..at(milli) };
        let mut bucket = Bucket::full(rate, slowed(299_700));
        bucket.take(rate, 1);
        let bucket = bucket.filled(rate, slowed(299_701));
        assert_eq!(bucket.tokens(rate), 0);
        assert_eq!(bucket.next_token_at(rate, slowed(299_701)), Some(at(299_702).now));
    }

    #[test]
    fn rates_without_sense_are_still_counted() {
        for rate in [
            Rate { burst: 0, tokens: 5, period: Duration::ZERO },
            Rate { burst: 7, tokens: 0, period: Duration::MAX },
            Rate { burst: u32::MAX - 1, tokens: u32::MAX, period: Duration::MAX },
        ] {
            let mut bucket = Bucket::full(rate, at(0));
            assert!(bucket.tokens(rate) <= rate.burst);
            bucket.take(rate, u32::MAX);
            let later = bucket.filled(rate, at(i64::MAX));
            assert!(later.tokens(rate) <= rate.burst);
            assert!(bucket.next_token_at(rate, at(0)).is_none_or(|next| next > at(0).now));
        }
    }
}
