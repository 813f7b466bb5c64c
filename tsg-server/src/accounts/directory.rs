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
/// their groups while it is down. Nothing can be changed by them then.
const STALE_FOR: Duration = Duration::from_secs(20 * 60);

/// An unknown key makes the cache ask again, but not more often than this: whoever makes up key
/// ids cannot use up the account's requests.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How soon CloudAPI is asked again after it did not answer: the pace that it is asked at leaves
/// room for no more.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(2500);

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

/// What a key is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To show something.
    Look,
    /// To change something: a key that its owner may have removed long ago must not.
    Change,
}

impl Purpose {
    /// How old an answer may be when there is no newer one to be had.
    fn patience(self) -> Duration {
        match self {
            Self::Look => STALE_FOR,
            Self::Change => FRESH_FOR,
        }
    }
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
    failed: Option<DirectoryError>,
}

impl KeyCache {
    /// A cache that remembers keys without believing them: nobody is let in by them before
    /// CloudAPI was asked again.
    pub fn remembering(keys: Vec<NamedKey>) -> Self {
        Self { known: Mutex::new(Known { keys, ..Known::default() }) }
    }

    /// The key that a key id names, `None` when the account has no such key. `now` is monotonic.
    ///
    /// # Errors
    /// CloudAPI's, when nothing recent enough for the purpose is known.
    pub async fn find(
        &self,
        source: &dyn KeySource,
        key_id: &KeyId,
        purpose: Purpose,
        now: Duration,
    ) -> Result<Option<PublicKey>, DirectoryError> {
        let mut known = self.known.lock().await;
        let found = known.find(key_id);
        let is_settled = match found {
            Some(_) => known.is_younger_than(FRESH_FOR, now),
            None => known.is_younger_than(ASK_AGAIN_AFTER, now),
        };
        if is_settled {
            return Ok(found);
        }
        if known.may_ask(now) {
            known.ask(source, now).await;
        }
        let found = known.find(key_id);
        match &known.failed {
            None => Ok(found),
            Some(DirectoryError::Unreachable { .. })
                if found.is_some() && known.is_younger_than(purpose.patience(), now) =>
            {
                Ok(found)
            }
            Some(error) => Err(error.clone()),
        }
    }

    /// The key that a key id named when the keys were last read, however long ago: good for
    /// telling somebody why they are refused, not for letting them in.
    pub async fn remembered(&self, key_id: &KeyId) -> Option<PublicKey> {
        self.known.lock().await.find(key_id)
    }
}

impl Known {
    fn find(&self, key_id: &KeyId) -> Option<PublicKey> {
        self.keys.iter().find(|named| key_id.names(&named.key, &named.name)).map(|named| named.key.clone())
    }

    fn is_younger_than(&self, age: Duration, now: Duration) -> bool {
        self.read_at.is_some_and(|at| now.saturating_sub(at) < age)
    }

    fn may_ask(&self, now: Duration) -> bool {
        let pause = if self.failed.is_some() { TRY_AGAIN_AFTER } else { ASK_AGAIN_AFTER };
        self.asked_at.is_none_or(|at| now.saturating_sub(at) >= pause)
    }

    async fn ask(&mut self, source: &dyn KeySource, now: Duration) {
        self.asked_at = Some(now);
        match source.keys().await {
            Ok(keys) => {
                self.keys = keys;
                self.read_at = Some(now);
                self.failed = None;
            }
            Err(error) => {
                tracing::warn!(%error, "an account's keys could not be read");
                self.failed = Some(error);
            }
        }
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
    async fn keys_are_read_once_kept_while_fresh_and_bridged_for_looking_while_cloudapi_is_down() {
        let key = PrivateKey::generate(NewKeyKind::Ed25519, "").unwrap().public_key().clone();
        let source = Source::default();
        let cache = KeyCache::default();
        let known = KeyId::for_account("demo", &key);
        let by_name = KeyId::parse("/demo/keys/laptop", Default::default()).unwrap();
        let unknown = KeyId::parse("/demo/keys/nobody", Default::default()).unwrap();
        let find = async |key_id: &KeyId, purpose, at| cache.find(&source, key_id, purpose, at).await;
        let asked = || source.asked.load(Ordering::SeqCst);
        // A CloudAPI that does not answer is not asked for each request.
        for _ in 0..50 {
            assert!(find(&known, Purpose::Look, minutes(0)).await.is_err());
        }
        assert_eq!(asked(), 1);

        *source.keys.lock().unwrap() = Some(vec![NamedKey { name: "laptop".to_owned(), key: key.clone() }]);
        assert_eq!(find(&known, Purpose::Change, minutes(1)).await.unwrap(), Some(key.clone()));
        assert_eq!(find(&by_name, Purpose::Change, minutes(2)).await.unwrap(), Some(key.clone()));
        assert_eq!(asked(), 2);

        // Made-up key ids ask CloudAPI at most once in ten seconds.
        for _ in 0..50 {
            assert_eq!(find(&unknown, Purpose::Look, minutes(2)).await.unwrap(), None);
        }
        assert_eq!(asked(), 3);

        *source.keys.lock().unwrap() = None;
        assert_eq!(find(&known, Purpose::Change, minutes(6)).await.unwrap(), Some(key.clone()));
        for at in [minutes(10), minutes(10) + Duration::from_secs(1)] {
            assert_eq!(find(&known, Purpose::Look, at).await.unwrap(), Some(key.clone()));
            assert!(find(&known, Purpose::Change, at).await.is_err());
        }
        assert!(find(&known, Purpose::Look, minutes(40)).await.is_err());
        assert_eq!(cache.remembered(&known).await, Some(key));

        *source.keys.lock().unwrap() = Some(Vec::new());
        assert_eq!(find(&known, Purpose::Look, minutes(41)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_only_remembered_lets_nobody_in() {
        let key = PrivateKey::generate(NewKeyKind::Ed25519, "").unwrap().public_key().clone();
        let source = Source::default();
        let cache = KeyCache::remembering(vec![NamedKey { name: "laptop".to_owned(), key: key.clone() }]);
        let known = KeyId::for_account("demo", &key);
        assert!(cache.find(&source, &known, Purpose::Look, minutes(1)).await.is_err());
        assert_eq!(cache.remembered(&known).await, Some(key));
    }
}
