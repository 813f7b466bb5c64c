//! Signatures of writes that were used already.
//!
//! Owns their hashes for as long as a signature can be valid. Must never keep the signature
//! itself, and never forget one early to make room.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tsg_core::model::fingerprint::Fingerprint;

/// A date may lie 300 s in the past or in the future: a signature can be used over 600 s.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Most signatures remembered: 160 writes each second for ten minutes, about 10 MB.
const REMEMBERED_MAX: usize = 100_000;

/// What the cache says to a signature.
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
    inner: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    hashes: BTreeSet<Fingerprint>,
    by_age: VecDeque<(Duration, Fingerprint)>,
}

impl ReplayCache {
    /// Looks a signature up and remembers it. `now` is monotonic.
    pub fn note(&self, signature: &str, now: Duration) -> Freshness {
        let hash = Fingerprint::of_bytes(signature.as_bytes());
        let mut remembered = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget_before(now.saturating_sub(REMEMBERED_FOR));
        if remembered.hashes.contains(&hash) {
            return Freshness::Seen;
        }
        if remembered.hashes.len() >= REMEMBERED_MAX {
            return Freshness::Full;
        }
        remembered.hashes.insert(hash);
        remembered.by_age.push_back((now, hash));
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
    use super::*;

    #[test]
    fn a_signature_is_new_once_in_its_life() {
        let cache = ReplayCache::default();
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(cache.note("a", at(0)), Freshness::New);
        assert_eq!(cache.note("a", at(599)), Freshness::Seen);
        assert_eq!(cache.note("b", at(600)), Freshness::New);
        assert_eq!(cache.note("a", at(601)), Freshness::New);
        assert_eq!(cache.inner.lock().unwrap().hashes.len(), 2);
    }

    #[test]
    fn a_full_cache_refuses_instead_of_forgetting() {
        let cache = ReplayCache::default();
        for n in 0..REMEMBERED_MAX {
            assert_eq!(cache.note(&n.to_string(), Duration::ZERO), Freshness::New);
        }
        assert_eq!(cache.note("one more", Duration::ZERO), Freshness::Full);
        assert_eq!(cache.note("0", Duration::ZERO), Freshness::Seen);
    }
}
