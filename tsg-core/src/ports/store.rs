//! The store as a port: a narrow waist of versioned records.
//!
//! Owns what every store must do alike: reads, keyset pages, one all-or-nothing commit with
//! compare-and-set, a change feed and leases. Must never know what a record means; typed
//! repositories are written once, in `records`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::id::AccountId;
use crate::model::time::Timestamp;

/// Keeps versioned records.
///
/// ```
/// use async_trait::async_trait;
/// # use core::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use std::collections::BTreeMap;
/// use std::sync::{Mutex, MutexGuard, PoisonError};
/// use tsg_core::model::id::AccountId;
/// use tsg_core::ports::Store;
/// use tsg_core::ports::store::{
///     Change, Check, Commit, CommitError, Expected, Key, Kind, LeaseAnswer, LeaseRequest, Put, Range, Record,
///     Revision, StoreError,
/// };
///
/// /// Records in memory, in the order that [`Store::list`] asks for.
/// #[derive(Default)]
/// struct Memory(Mutex<(Revision, BTreeMap<Key, Record>)>);
///
/// impl Memory {
///     fn open(&self) -> MutexGuard<'_, (Revision, BTreeMap<Key, Record>)> {
///         self.0.lock().unwrap_or_else(PoisonError::into_inner)
///     }
/// }
///
/// #[async_trait]
/// impl Store for Memory {
///     async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
///         Ok(self.open().1.get(key).cloned())
///     }
///
///     async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
///         let mut kept = self.open();
///         for Check { key, expected } in commit.checks {
///             let is_so = match (expected, kept.1.get(&key)) {
///                 (Expected::Absent, found) => found.is_none(),
///                 (Expected::Version(version), found) => found.is_some_and(|found| found.version == version),
///             };
///             if !is_so {
///                 return Err(CommitError::Conflict { key });
///             }
///         }
///         kept.0.0 += 1;
///         let version = kept.0;
///         for Put { key, value } in commit.puts {
///             kept.1.insert(key.clone(), Record { key, version, value });
///         }
///         commit.deletes.iter().for_each(|key| _ = kept.1.remove(key));
///         Ok(version)
///     }
///     // and so on
/// #   async fn list(&self, _range: &Range) -> Result<Vec<Record>, StoreError> {
/// #       Ok(self.open().1.values().cloned().collect())
/// #   }
/// #   async fn changes(&self, _after: Revision, _limit: u32) -> Result<Vec<Change>, StoreError> {
/// #       Ok(vec![])
/// #   }
/// #   async fn acquire(&self, _request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
/// #       Err(StoreError::Invalid { reason: "no leases here".into() })
/// #   }
/// #   async fn release(&self, _name: &str, _epoch: u64) -> Result<(), StoreError> {
/// #       Ok(())
/// #   }
/// }
///
/// # fn wait<T>(future: impl Future<Output = T>) -> T {
/// #     match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
/// #         Poll::Ready(answer) => answer,
/// #         Poll::Pending => unreachable!(),
/// #     }
/// # }
/// let store = Memory::default();
/// let account = AccountId::from_directory(uuid::Uuid::from_u128(1));
/// let key = Key { kind: Kind::Group, account, id: "web".into() };
/// let insert = Commit {
///     checks: vec![Check { key: key.clone(), expected: Expected::Absent }],
///     puts: vec![Put { key: key.clone(), value: b"{}".to_vec() }],
///     deletes: vec![],
/// };
/// assert_eq!(wait(store.commit(insert.clone())), Ok(Revision(1)));
/// assert_eq!(wait(store.commit(insert)), Err(CommitError::Conflict { key: key.clone() }), "it is there");
/// assert_eq!(wait(store.get(&key))?.map(|record| record.version), Some(Revision(1)));
/// # Ok::<(), StoreError>(())
/// ```
#[async_trait]
pub trait Store: Send + Sync {
    /// The record under `key`, if there is one.
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError>;

    /// One page of a range, ordered by account and then by id, bytewise.
    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError>;

    /// Checks, then writes, all or nothing. `Ok` means durable.
    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError>;

    /// What was written after `revision`, oldest first, each key once at its newest revision.
    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// Takes or renews a lease by the store's own clock.
    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError>;

    /// Gives a lease back; nothing happens when it is not held under that epoch.
    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError>;
}

/// What a record is about. The written form is fixed for ever.
///
/// ```
/// use tsg_core::ports::store::Kind;
/// assert_eq!(Kind::GroupName.as_str(), "group_name");
/// assert_eq!(Kind::parse("group_name"), Some(Kind::GroupName));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account that tsg works for.
    Account,
    /// A server key for an account, encrypted.
    AccountKey,
    /// A template.
    Template,
    /// Template name to id: what makes names unique.
    TemplateName,
    /// A group's intent.
    Group,
    /// Group name to id: what makes names unique.
    GroupName,
    /// A group's ledger head.
    Ledger,
    /// An operation.
    Operation,
    /// An audit entry.
    Audit,
    /// Machine to operation: what makes a machine belong to one group only.
    Instance,
    /// An answered request, by idempotency key.
    Idempotency,
    /// Facts about this deployment as a whole.
    Deployment,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Account,
        Self::AccountKey,
        Self::Template,
        Self::TemplateName,
        Self::Group,
        Self::GroupName,
        Self::Ledger,
        Self::Operation,
        Self::Audit,
        Self::Instance,
        Self::Idempotency,
        Self::Deployment,
    ];

    /// The written form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AccountKey => "account_key",
            Self::Template => "template",
            Self::TemplateName => "template_name",
            Self::Group => "group",
            Self::GroupName => "group_name",
            Self::Ledger => "ledger",
            Self::Operation => "operation",
            Self::Audit => "audit",
            Self::Instance => "instance",
            Self::Idempotency => "idempotency",
            Self::Deployment => "deployment",
        }
    }

    /// Reads the written form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a record stands. Every key carries its account, so no query can forget it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is about.
    pub kind: Kind,
    /// Whose it is.
    pub account: AccountId,
    /// Which one; at most 255 bytes.
    pub id: String,
}

/// The store's one growing number: each commit takes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub key: Key,
    /// The revision of the commit that wrote it.
    pub version: Revision,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Whose records a range spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One account's.
    Account(AccountId),
    /// Every account's: for the server itself, never for a caller.
    Everyone,
}

/// A page to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Of which kind.
    pub kind: Kind,
    /// Of whom.
    pub scope: Scope,
    /// Only ids that begin so. Empty: all.
    pub prefix: String,
    /// Begin after this key (exclusive).
    pub after: Option<(AccountId, String)>,
    /// How many at most; 1 to 10,000.
    pub limit: u32,
}

/// What must hold for a commit to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No record under the key.
    Absent,
    /// A record written by exactly this revision.
    Version(Revision),
}

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which key.
    pub key: Key,
    /// What must hold.
    pub expected: Expected,
}

/// A write of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where.
    pub key: Key,
    /// The new bytes.
    pub value: Vec<u8>,
}

/// Checks and writes that happen together or not at all. A key is named at most once among the
/// puts and deletes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// What must hold.
    pub checks: Vec<Check>,
    /// What to write.
    pub puts: Vec<Put>,
    /// What to remove.
    pub deletes: Vec<Key>,
}

/// One step of the change feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit that made it.
    pub revision: Revision,
    /// Which key.
    pub key: Key,
}

/// Asks for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Which piece of work.
    pub name: String,
    /// Who asks.
    pub holder: String,
    /// For how long.
    pub term: Duration,
}

/// The answer to a [`LeaseRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Held by the asker until then; the epoch goes up with each change of holder.
    Granted {
        /// The fencing epoch.
        epoch: u64,
        /// Until when, by the store's clock.
        expires_at: Timestamp,
    },
    /// Somebody else holds it.
    HeldBy {
        /// Who.
        holder: String,
        /// Until when, by the store's clock.
        expires_at: Timestamp,
    },
}

/// Why a store could not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It is busy or out of reach; nothing was read or written.
    #[error("the store does not answer: {reason}")]
    Unavailable {
        /// What it said.
        reason: String,
    },
    /// It cannot take any more: the disk is full or may not be written.
    #[error("the store cannot be written: {reason}")]
    Unwritable {
        /// What it said.
        reason: String,
    },
    /// What it holds cannot be trusted.
    #[error("the store is damaged: {reason}")]
    Corrupt {
        /// What was found.
        reason: String,
    },
    /// The question itself is wrong.
    #[error("the store was asked something it does not do: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
}

/// Why a commit did not happen, or may have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// A check did not hold; nothing was written.
    #[error("somebody else changed {} {} first", key.kind.as_str(), key.id)]
    Conflict {
        /// The first key whose check failed.
        key: Key,
    },
    /// Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It may have been written: read it back by the ids it used.
    #[error("nobody knows whether the commit happened: {reason}")]
    Ambiguous {
        /// What the store said.
        reason: String,
    },
}
