//! Which public keys an account has: read from CloudAPI with the server's own key, and cached.
//!
//! Owns how long an answer is believed. Must never be asked to vouch for a sub-user: what a
//! sub-user may do is not known here.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::Mutex;
use tsg_cloudapi::signature::{KeyId, PublicKey};

/// How long the keys of an account are believed: a key that its owner removes from Triton stops
/// working here this much later.
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// How long they are believed when CloudAPI does not answer, so that people can still look at
/// their groups while it is down.
const STALE_FOR: Duration = Duration::from_secs(20 * 60);

/// An unknown key makes the cache ask again, but not more often than this: whoever makes up key
/// ids cannot use up the account's requests.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// One of an account's keys.
#[derive(Debug, Clone)]
pub struct NamedKey {
    /// Its name in CloudAPI.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// Why an account's keys cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DirectoryError {
    /// CloudAPI does not accept the server's own key: its owner removed it, or the account is
    /// disabled.
    #[error("CloudAPI does not accept this server's key for the account")]
    KeyRefused,
    /// CloudAPI does not answer, or not in a way that can be used.
    #[error("CloudAPI does not answer: {reason}")]
    Unreachable {
        /// What it said, or the transport did.
        reason: String,
    },
}

/// Where an account's keys are read.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// All keys of the account that this server can use.
    async fn keys(&self) -> Result<Vec<NamedKey>, DirectoryError>;
}

/// The cached keys of one account.
#[derive(Debug, Default)]
pub struct KeyCache {
    // Held across the request, so that many callers ask once.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Vec<NamedKey>,
    read_at: Option<Duration>,
    asked_at: Option<Duration>,
}

impl KeyCache {
    /// The key that a key id names, `None` when the account has no such key. `now` is monotonic.
    ///
    /// # Errors
    /// CloudAPI's, when nothing recent enough is known.
    pub async fn find(
        &self,
        source: &dyn KeySource,
        key_id: &KeyId,
        now: Duration,
    ) -> Result<Option<PublicKey>, DirectoryError> {
        let mut known = self.known.lock().await;
        let found = known.find(key_id);
        let may_ask = known.asked_at.is_none_or(|at| now.saturating_sub(at) >= ASK_AGAIN_AFTER);
        let is_settled = match found {
            Some(_) => known.is_younger_than(FRESH_FOR, now),
            None => known.is_younger_than(ASK_AGAIN_AFTER, now),
        };
        if is_settled || (!may_ask && known.is_younger_than(STALE_FOR, now)) {
            return Ok(found);
        }
        known.asked_at = Some(now);
        match source.keys().await {
            Ok(keys) => {
                known.keys = keys;
                known.read_at = Some(now);
                Ok(known.find(key_id))
            }
            Err(error @ DirectoryError::Unreachable { .. })
                if found.is_some() && known.is_younger_than(STALE_FOR, now) =>
            {
                tracing::warn!(%error, "an account's keys could not be read again; those known are used");
                Ok(found)
            }
            Err(error) => Err(error),
        }
    }
}

impl Known {
    fn find(&self, key_id: &KeyId) -> Option<PublicKey> {
        self.keys.iter().find(|named| key_id.names(&named.key, &named.name)).map(|named| named.key.clone())
    }

    fn is_younger_than(&self, age: Duration, now: Duration) -> bool {
        self.read_at.is_some_and(|at| now.saturating_sub(at) < age)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as SyncMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tsg_cloudapi::signature::{NewKeyKind, PrivateKey};

    use super::*;

    #[derive(Default)]
    struct Source {
        keys: SyncMutex<Option<Vec<NamedKey>>>,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl KeySource for Source {
        async fn keys(&self) -> Result<Vec<NamedKey>, DirectoryError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.keys
                .lock()
                .unwrap()
                .clone()
                .ok_or_else(|| DirectoryError::Unreachable { reason: "refused".to_owned() })
        }
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(count * 60)
    }

    #[tokio::test]
    async fn keys_are_read_once_kept_while_fresh_and_bridged_while_cloudapi_is_down() {
        let key = PrivateKey::generate(NewKeyKind::Ed25519, "").unwrap().public_key().clone();
        let source = Source::default();
        let cache = KeyCache::default();
        let known = KeyId::for_account("demo", &key);
        let by_name = KeyId::parse("/demo/keys/laptop", Default::default()).unwrap();
        let unknown = KeyId::parse("/demo/keys/nobody", Default::default()).unwrap();
        assert!(cache.find(&source, &known, minutes(0)).await.is_err());

        *source.keys.lock().unwrap() = Some(vec![NamedKey { name: "laptop".to_owned(), key: key.clone() }]);
        assert_eq!(cache.find(&source, &known, minutes(1)).await.unwrap(), Some(key.clone()));
        assert_eq!(cache.find(&source, &by_name, minutes(2)).await.unwrap(), Some(key.clone()));
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);

        // Made-up key ids ask CloudAPI at most once in ten seconds.
        for _ in 0..50 {
            assert_eq!(cache.find(&source, &unknown, minutes(2)).await.unwrap(), None);
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 3);

        *source.keys.lock().unwrap() = None;
        assert_eq!(cache.find(&source, &known, minutes(10)).await.unwrap(), Some(key.clone()));
        assert!(cache.find(&source, &known, minutes(40)).await.is_err());

        *source.keys.lock().unwrap() = Some(Vec::new());
        assert_eq!(cache.find(&source, &known, minutes(41)).await.unwrap(), None);
    }
}
