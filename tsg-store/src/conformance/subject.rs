//! What a rule is given and what it answers. Owns the words that rules are written in; must
//! never hold a rule.

use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;
use tsg_core::model::id::AccountId;
use tsg_core::ports::Store;
use tsg_core::ports::store::{
    Check, Commit, CommitError, Expected, Key, Kind, Put, Range, Revision, Scope, StoreError,
};
use uuid::Uuid;

use super::clock::ManualClock;

/// A store to be judged. It must be empty.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock that its leases run by.
    pub clock: Arc<ManualClock>,
}

/// What a rule answers.
pub type Outcome = Result<(), Violation>;

/// How a store broke a rule.
#[derive(Debug, Error)]
pub enum Violation {
    /// It did something else than the rule says.
    #[error("broken: {rule}: {detail}")]
    Broken {
        /// The rule.
        rule: &'static str,
        /// What it did.
        detail: String,
    },
    /// It did not answer where it has to.
    #[error("the store failed where it must answer")]
    Store(#[from] StoreError),
    /// It refused a commit that it has to take.
    #[error("the store refused a commit that it must take")]
    Commit(#[from] CommitError),
    /// A task of the suite did not end.
    #[error("a task of the suite was lost: {0}")]
    Task(String),
}

/// Demands that two values are the same.
pub(super) fn same<T: PartialEq + Debug>(rule: &'static str, found: T, wanted: T) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    Err(Violation::Broken { rule, detail: format!("found {found:?}, wanted {wanted:?}") })
}

/// Demands that something holds.
pub(super) fn holds(rule: &'static str, holds: bool) -> Outcome {
    same(rule, holds, true)
}

/// An account of the suite.
pub(super) fn account(number: u128) -> AccountId {
    AccountId::from_directory(Uuid::from_u128(number))
}

/// A key of the suite's first account.
pub(super) fn key(id: &str) -> Key {
    Key { kind: Kind::Group, account: account(1), id: id.to_owned() }
}

/// A commit in words.
#[derive(Default, Clone)]
pub(super) struct Draft(Commit);

impl Draft {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn put(mut self, key: &Key, value: &str) -> Self {
        self.0.puts.push(Put { key: key.clone(), value: value.as_bytes().to_vec() });
        self
    }

    pub(super) fn delete(mut self, key: &Key) -> Self {
        self.0.deletes.push(key.clone());
        self
    }

    pub(super) fn absent(mut self, key: &Key) -> Self {
        self.0.checks.push(Check { key: key.clone(), expected: Expected::Absent });
        self
    }

    pub(super) fn version(mut self, key: &Key, version: Revision) -> Self {
        self.0.checks.push(Check { key: key.clone(), expected: Expected::Version(version) });
        self
    }

    pub(super) async fn commit(self, subject: &Subject) -> Result<Revision, CommitError> {
        subject.store.commit(self.0).await
    }
}

impl Subject {
    /// The value and version under a key.
    pub(super) async fn read(&self, key: &Key) -> Result<Option<(String, Revision)>, StoreError> {
        let record = self.store.get(key).await?;
        Ok(record.map(|record| (String::from_utf8_lossy(&record.value).into_owned(), record.version)))
    }

    /// The ids of the first account's groups.
    pub(super) async fn ids(&self) -> Result<Vec<String>, StoreError> {
        let range = Range {
            kind: Kind::Group,
            scope: Scope::Account(account(1)),
            prefix: String::new(),
            after: None,
            limit: 10_000,
        };
        Ok(self.store.list(&range).await?.into_iter().map(|record| record.key.id).collect())
    }
}
