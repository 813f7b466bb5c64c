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
