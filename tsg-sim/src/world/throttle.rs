//! CloudAPI's request throttle: one token bucket for each account and resource group.
//! It never delays anything; a request is served or refused.

use std::collections::BTreeMap;

use super::ids::AccountId;
use super::operation::ResourceGroup;
use super::spec::Throttle;
use super::time::SimTime;

/// One request costs this many units; one token comes back in 1000 ms / rate, so a millisecond
/// brings `rate_per_second` units and no rounding is needed.
const UNITS_PER_REQUEST: u64 = 1_000;

/// A burst serves one request more than its size: measured, the 32nd request of a burst of 30 is
/// the first one refused.
const MEASURED_GRACE: u64 = 1;

/// All buckets of a world.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    throttle: Option<Throttle>,
    levels: BTreeMap<(AccountId, ResourceGroup), Level>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    units: u64,
    at: SimTime,
}

impl Buckets {
    pub(crate) const fn new(throttle: Option<Throttle>) -> Self {
        Self { throttle, levels: BTreeMap::new() }
    }

    /// Takes a token; false when there is none.
    pub(crate) fn take(&mut self, account: AccountId, group: ResourceGroup, now: SimTime) -> bool {
        let Some(throttle) = self.throttle else { return true };
        let full = (u64::from(throttle.burst) + MEASURED_GRACE) * UNITS_PER_REQUEST;
        let level = self.levels.entry((account, group)).or_insert(Level { units: full, at: now });
        let refill = now.ms_since(level.at).saturating_mul(u64::from(throttle.rate_per_second));
        level.units = level.units.saturating_add(refill).min(full);
        level.at = now;
        let is_enough = level.units >= UNITS_PER_REQUEST;
        if is_enough {
            level.units -= UNITS_PER_REQUEST;
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountId, Buckets, ResourceGroup, SimTime, Throttle};

    fn account(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn the_32nd_of_a_burst_is_refused_and_ten_come_back_each_second() {
        let mut buckets = Buckets::new(Some(Throttle::default()));
        let start = SimTime::WORLD_START;
        let mut served = |now| (0..40).filter(|_| buckets.take(account(1), ResourceGroup::Machines, now)).count();
        assert_eq!(served(start), 31);
        assert_eq!(served(start.plus_ms(99)), 0);
        assert_eq!(served(start.plus_ms(100)), 1);
        assert_eq!(served(start.plus_ms(1_100)), 10);
        assert_eq!(served(start.plus_ms(60_000)), 31);
    }

    #[test]
    fn groups_and_accounts_have_buckets_of_their_own() {
        let mut buckets = Buckets::new(Some(Throttle { rate_per_second: 1, burst: 0 }));
        let now = SimTime::WORLD_START;
        assert!(buckets.take(account(1), ResourceGroup::Machines, now));
        assert!(!buckets.take(account(1), ResourceGroup::Machines, now));
        assert!(buckets.take(account(1), ResourceGroup::Images, now));
        assert!(buckets.take(account(2), ResourceGroup::Machines, now));
    }
}
