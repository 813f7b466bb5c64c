//! Signed writes that were used already.
//!
//! Owns their hashes for as long as a signature can be valid. Must never keep the signature
//! itself, never tell writes apart by it (one signature can be written in several ways), and never
//! forget one early to make room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::AccountId;

/// A date may lie 300 s in the past or in the future: a signature can be used over 600 s.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Most writes remembered of one account: 16 each second for ten minutes, about 1 MB. What one
/// account fills is not taken from another.
const REMEMBERED_MAX: usize = 10_000;

/// What the cache says to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Never seen.
    New,
    /// Seen before.
    Seen,
    /// No room to remember it.
    Full,
}

/// The cache.
#[derive(Debug, Default)]
pub struct ReplayCache {
    accounts: Mutex<BTreeMap<AccountId, Remembered>>,
}

#[derive(Debug, Default)]
struct Remembered {
    hashes: BTreeSet<Fingerprint>,
    by_age: VecDeque<(Duration, Fingerprint)>,
}

impl ReplayCache {
    /// Looks a verified write of an account up and remembers it. `signed` is
    /// [`what was signed`](super::signature::signed_by), `now` is monotonic.
    pub fn note(&self, account: AccountId, signed: Fingerprint, now: Duration) -> Freshness {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = accounts.entry(account).or_default();
        remembered.forget_before(now.saturating_sub(REMEMBERED_FOR));
        if remembered.hashes.contains(&signed) {
            return Freshness::Seen;
        }
        if remembered.hashes.len() >= REMEMBERED_MAX {
            return Freshness::Full;
        }
        remembered.hashes.insert(signed);
        remembered.by_age.push_back((now, signed));
        Freshness::New
    }
}

impl Remembered {
    fn forget_before(&mut self, limit: Duration) {
        while let Some((at, hash)) = self.by_age.front().copied() {
            if at >= limit {
                return;
            }
            self.by_age.pop_front();
            self.hashes.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: AccountId = AccountId::from_directory(Uuid::from_u128(1));
    const OTHER: AccountId = AccountId::from_directory(Uuid::from_u128(2));

    fn signed(text: &str) -> Fingerprint {
        Fingerprint::of_bytes(text.as_bytes())
    }

    #[test]
    fn a_write_is_new_once_in_its_life() {
        let cache = ReplayCache::default();
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(cache.note(ONE, signed("a"), at(0)), Freshness::New);
        assert_eq!(cache.note(ONE, signed("a"), at(599)), Freshness::Seen);
        assert_eq!(cache.note(ONE, signed("b"), at(600)), Freshness::New);
        assert_eq!(cache.note(ONE, signed("a"), at(601)), Freshness::New);
        assert_eq!(cache.accounts.lock().unwrap()[&ONE].hashes.len(), 2);
    }

    #[test]
    fn a_full_account_is_refused_instead_of_forgotten_and_leaves_others_their_room() {
        let cache = ReplayCache::default();
        for n in 0..REMEMBERED_MAX {
            assert_eq!(cache.note(ONE, signed(&n.to_string()), Duration::ZERO), Freshness::New);
        }
        assert_eq!(cache.note(ONE, signed("one more"), Duration::ZERO), Freshness::Full);
        assert_eq!(cache.note(ONE, signed("0"), Duration::ZERO), Freshness::Seen);
        assert_eq!(cache.note(OTHER, signed("one more"), Duration::ZERO), Freshness::New);
    }
}
