//! Building one commit out of typed records. Owns that a changed record is always checked at
//! the version it was read at; must never write blindly over a record.

use alloc::vec::Vec;

use super::codec::{Stored, Versioned, encode};
use crate::model::id::AccountId;
use crate::ports::store::{Check, Commit, Expected, Key, Put};

/// A commit in the making.
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
