//! Building one commit out of typed records. Owns that a changed record is always checked at
//! the version it was read at; must never write blindly over a record.

use alloc::vec::Vec;

use super::codec::{Stored, Versioned, encode};
use crate::model::id::AccountId;
use crate::ports::store::{Check, Commit, Expected, Key, Put};

/// A commit in the making.
///
/// ```
/// use tsg_core::model::id::{AccountId, GroupId};
/// use tsg_core::ports::store::{Expected, Revision};
/// use tsg_core::records::kinds::TakenGroupName;
/// use tsg_core::records::{Transaction, Versioned};
/// use uuid::Uuid;
///
/// let account = AccountId::from_directory(Uuid::from_u128(1));
/// let taken = TakenGroupName { name: "web".parse()?, group: GroupId::new(Uuid::from_u128(2)) };
/// let read = Versioned { account, version: Revision(7), value: taken };
///
/// // One name is given back and another one taken, or neither.
/// let mut transaction = Transaction::new();
/// transaction.remove(&read);
/// transaction.insert(account, &TakenGroupName { name: "shop".parse()?, ..read.value.clone() });
/// assert_eq!(transaction.writes(), 2);
///
/// let commit = transaction.into_commit();
/// assert_eq!(commit.checks[0].expected, Expected::Version(Revision(7)));
/// assert_eq!(commit.checks[1].expected, Expected::Absent);
/// assert_eq!((commit.deletes[0].id.as_str(), commit.puts[0].key.id.as_str()), ("web", "shop"));
/// # Ok::<(), tsg_core::model::name::InvalidName>(())
/// ```
#[derive(Debug, Default)]
pub struct Transaction {
    commit: Commit,
}

impl Transaction {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a record that must not exist yet.
    pub fn insert<T: Stored>(&mut self, account: AccountId, value: &T) {
        let key = Key { kind: T::KIND, account, id: value.id() };
        self.commit.checks.push(Check { key: key.clone(), expected: Expected::Absent });
        self.commit.puts.push(Put { key, value: encode(value) });
    }

    /// Replaces a record that must still be as it was read. `value` must have the same id.
    pub fn replace<T: Stored>(&mut self, read: &Versioned<T>, value: &T) {
        self.require(read);
        self.commit.puts.push(Put { key: read.key(), value: encode(value) });
    }

    /// Removes a record that must still be as it was read.
    pub fn remove<T: Stored>(&mut self, read: &Versioned<T>) {
        self.require(read);
        self.commit.deletes.push(read.key());
    }

    /// Demands that a record is still as it was read, without changing it.
    pub fn require<T: Stored>(&mut self, read: &Versioned<T>) {
        self.commit.checks.push(Check { key: read.key(), expected: Expected::Version(read.version) });
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.commit.puts.is_empty() && self.commit.deletes.is_empty()
    }

    /// How many records would be written or removed.
    pub fn writes(&self) -> usize {
        self.commit.puts.len() + self.commit.deletes.len()
    }

    /// The commit to hand to the store.
    pub fn into_commit(self) -> Commit {
        self.commit
    }

    /// The ids written, for reading an ambiguous commit back.
    pub fn written_keys(&self) -> Vec<Key> {
        self.commit.puts.iter().map(|put| put.key.clone()).collect()
    }
}
