//! Reading and writing one record. Owns the JSON form; must never accept a record that it
//! cannot read whole.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::id::AccountId;
use crate::ports::Store;
use crate::ports::store::{Key, Kind, Range, Record, Revision, Scope, StoreError};

/// A type that is kept as a record.
pub trait Stored: Serialize + DeserializeOwned {
    /// Under which kind.
    const KIND: Kind;

    /// Under which id.
    fn id(&self) -> String;
}

/// A record's value with the version it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Whose it is.
    pub account: AccountId,
    /// The commit that wrote it.
    pub version: Revision,
    /// What it says.
    pub value: T,
}

impl<T: Stored> Versioned<T> {
    /// Where it stands.
    pub fn key(&self) -> Key {
        Key { kind: T::KIND, account: self.account, id: self.value.id() }
    }
}

pub(super) fn encode<T: Stored>(value: &T) -> Vec<u8> {
    // Model types have string keys only and no serialiser that fails; an empty value would be
    // refused by `decode` as corrupt.
    serde_json::to_vec(value).unwrap_or_default()
}

fn decode<T: Stored>(record: &Record) -> Result<Versioned<T>, StoreError> {
    let value = serde_json::from_slice(&record.value).map_err(|error| StoreError::Corrupt {
        reason: format!("{} {} cannot be read: {error}", record.key.kind.as_str(), record.key.id),
    })?;
    Ok(Versioned { account: record.key.account, version: record.version, value })
}

/// Reads one record.
///
/// ```
/// use async_trait::async_trait;
/// # use core::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use tsg_core::model::id::AccountId;
/// use tsg_core::ports::Store;
/// use tsg_core::ports::store::{
///     Change, Commit, CommitError, Key, LeaseAnswer, LeaseRequest, Range, Record, Revision, Scope, StoreError,
/// };
/// use tsg_core::records::codec::{Stored, all, get, page};
/// use tsg_core::records::kinds::TakenGroupName;
///
/// /// A store that answers every question with the record it holds.
/// struct One(Record);
///
/// #[async_trait]
/// impl Store for One {
///     async fn get(&self, _key: &Key) -> Result<Option<Record>, StoreError> {
///         Ok(Some(self.0.clone()))
///     }
///
///     async fn list(&self, _range: &Range) -> Result<Vec<Record>, StoreError> {
///         Ok(vec![self.0.clone()])
///     }
///     // and so on
/// #   async fn commit(&self, _commit: Commit) -> Result<Revision, CommitError> {
/// #       Ok(Revision(1))
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
/// let account = AccountId::from_directory(uuid::Uuid::from_u128(1));
/// let key = Key { kind: TakenGroupName::KIND, account, id: "web".into() };
/// let value = br#"{"name": "web", "group": "00000000-0000-0000-0000-000000000002"}"#.to_vec();
/// let store = One(Record { key, version: Revision(7), value });
///
/// let taken = wait(get::<TakenGroupName>(&store, account, "web"))?;
/// assert_eq!(taken.map(|taken| (taken.version, taken.value.name.to_string())), Some((Revision(7), "web".into())));
/// assert_eq!(wait(page::<TakenGroupName>(&store, account, "w", None, 100))?.len(), 1);
/// assert_eq!(wait(all::<TakenGroupName>(&store, Scope::Everyone, ""))?.len(), 1);
/// # Ok::<(), StoreError>(())
/// ```
///
/// # Errors
/// Those of [`Store::get`], and [`StoreError::Corrupt`] when it cannot be decoded.
pub async fn get<T: Stored>(
    store: &dyn Store,
    account: AccountId,
    id: &str,
) -> Result<Option<Versioned<T>>, StoreError> {
    let key = Key { kind: T::KIND, account, id: id.to_string() };
    store.get(&key).await?.as_ref().map(decode).transpose()
}

/// Reads one page of an account's records whose id begins with `prefix`.
///
/// # Errors
/// Those of [`Store::list`], and [`StoreError::Corrupt`] when one cannot be decoded.
pub async fn page<T: Stored>(
    store: &dyn Store,
    account: AccountId,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Versioned<T>>, StoreError> {
    let range = Range {
        kind: T::KIND,
        scope: Scope::Account(account),
        prefix: prefix.to_string(),
        after: after.map(|id| (account, id.to_string())),
        limit,
    };
    store.list(&range).await?.iter().map(decode).collect()
}

/// How many records [`all`] reads at a time.
const BATCH: u32 = 1000;

/// Reads every record of a scope whose id begins with `prefix`, page by page.
///
/// # Errors
/// Those of [`Store::list`], and [`StoreError::Corrupt`] when one cannot be decoded.
pub async fn all<T: Stored>(store: &dyn Store, scope: Scope, prefix: &str) -> Result<Vec<Versioned<T>>, StoreError> {
    let mut range = Range { kind: T::KIND, scope, prefix: prefix.to_string(), after: None, limit: BATCH };
    let mut found = Vec::new();
    loop {
        let records = store.list(&range).await?;
        for record in &records {
            found.push(decode(record)?);
        }
        match records.last() {
            Some(last) if records.len() == BATCH as usize => {
                range.after = Some((last.key.account, last.key.id.clone()));
            }
            _ => return Ok(found),
        }
    }
}
