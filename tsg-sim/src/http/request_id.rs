//! Request identities.
//!
//! Owns their uniqueness within a server's life. They must never be used for anything but telling requests apart.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// A source of request ids: a counter, disguised as the random uuids clients expect.
#[derive(Debug)]
pub(crate) struct RequestIds {
    salt: u64,
    served: AtomicU64,
}

impl RequestIds {
    /// A source whose ids differ from those of any other salt.
    pub(crate) fn with_salt(salt: u64) -> Self {
        Self { salt, served: AtomicU64::new(0) }
    }

    /// A fresh id.
    pub(crate) fn next(&self) -> Uuid {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new().chain_update(self.salt.to_be_bytes()).chain_update(number.to_be_bytes()).finalize();
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::RequestIds;

    #[test]
    fn ids_differ_between_requests_and_between_servers() {
        let (one, other) = (RequestIds::with_salt(1), RequestIds::with_salt(2));
        let ids = [one.next(), one.next(), other.next(), other.next()];
        let distinct: std::collections::BTreeSet<_> = ids.into_iter().collect();
        assert_eq!(distinct.len(), 4);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
