//! A store in memory. Owns nothing that outlives the process: it is for simulations, tests and
//! trying tsg out. Must never wait or spawn, so that a simulation stays deterministic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tsg_core::model::id::AccountId;
use tsg_core::ports::Clock;
use tsg_core::ports::store::{
    Change, Commit, CommitError, Expected, Key, Kind, LeaseAnswer, LeaseRequest, Range, Record, Revision, Scope, Store,
    StoreError,
};
use uuid::Uuid;

use crate::feed::{self, TOMBSTONES_KEPT};
use crate::lease::{self, Lease};
use crate::limits;

/// Keeps records in ordered maps behind one lock.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use tsg_core::model::id::AccountId;
/// use tsg_core::ports::Store;
/// use tsg_core::ports::store::{Commit, Key, Kind, Put};
/// use tsg_store::{MemoryStore, conformance::ManualClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(Arc::new(ManualClock::default()));
/// let account = AccountId::from_directory(uuid::Uuid::nil());
/// let key = Key { kind: Kind::Template, account, id: "web".to_owned() };
/// let put = Put { key: key.clone(), value: b"{}".to_vec() };
/// let revision = store.commit(Commit { puts: vec![put], ..Commit::default() }).await?;
/// assert_eq!(store.get(&key).await?.map(|record| record.version), Some(revision));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store whose leases run by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The state stays whole even if a holder of the lock panicked: nothing in here can fail
    /// between its first and its last change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        limits::check_key(key)?;
        Ok(self.state().records.get_key_value(key).map(to_record))
    }

    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        limits::check_range(range)?;
        Ok(self.state().list(range))
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        limits::check_commit(&commit)?;
        self.state().commit(commit)
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        limits::check_limit(limit)?;
        self.state().changes(after, limit as usize)
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
        limits::check_lease(request)?;
        let now = self.clock.now();
        let mut state = self.state();
        let (answer, kept) = lease::decide(state.leases.get(&request.name), request, now);
        if let Some(lease) = kept {
            state.leases.insert(request.name.clone(), lease);
        }
        Ok(answer)
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        if let Some(lease) = self.state().leases.get_mut(name)
            && lease.epoch == epoch
        {
            lease.holder = None;
        }
        Ok(())
    }
}

struct Entry {
    version: Revision,
    value: Vec<u8>,
}

/// Keys are shared between the maps, because there are as many of them as records.
#[derive(Default)]
struct State {
    revision: Revision,
    records: BTreeMap<Arc<Key>, Entry>,
    tombstones: BTreeMap<Arc<Key>, Revision>,
    /// Tombstones by age: the oldest is forgotten first.
    graves: BTreeSet<(Revision, Arc<Key>)>,
    /// Every key that is or was, at its newest revision.
    feed: BTreeSet<(Revision, Arc<Key>)>,
    /// The newest delete that is forgotten.
    forgotten: Revision,
    leases: BTreeMap<String, Lease>,
}

impl State {
    fn commit(&mut self, commit: Commit) -> Result<Revision, CommitError> {
        if let Some(check) = commit.checks.iter().find(|check| !self.holds(&check.key, check.expected)) {
            return Err(CommitError::Conflict { key: check.key.clone() });
        }
        let revision = Revision(self.revision.0 + 1);
        self.revision = revision;
        for put in commit.puts {
            self.put(put.key, put.value, revision);
        }
        for key in &commit.deletes {
            self.delete(key, revision);
        }
        self.forget_old_deletes();
        Ok(revision)
    }

    fn holds(&self, key: &Key, expected: Expected) -> bool {
        let version = self.records.get(key).map(|entry| entry.version);
        match expected {
            Expected::Absent => version.is_none(),
            Expected::Version(wanted) => version == Some(wanted),
        }
    }

    fn put(&mut self, key: Key, value: Vec<u8>, revision: Revision) {
        let entry = Entry { version: revision, value };
        let key = match self.records.remove_entry(&key) {
            Some((key, old)) => {
                self.feed.remove(&(old.version, Arc::clone(&key)));
                key
            }
            None => self.unbury(key),
        };
        self.feed.insert((revision, Arc::clone(&key)));
        self.records.insert(key, entry);
    }

    /// Takes a key's tombstone away, if it has one, and shares the key from now on.
    fn unbury(&mut self, key: Key) -> Arc<Key> {
        let Some((key, deleted)) = self.tombstones.remove_entry(&key) else {
            return Arc::new(key);
        };
        self.graves.remove(&(deleted, Arc::clone(&key)));
        self.feed.remove(&(deleted, Arc::clone(&key)));
        key
    }

    fn delete(&mut self, key: &Key, revision: Revision) {
        let Some((key, old)) = self.records.remove_entry(key) else {
            return;
        };
        self.feed.remove(&(old.version, Arc::clone(&key)));
        self.feed.insert((revision, Arc::clone(&key)));
        self.graves.insert((revision, Arc::clone(&key)));
        self.tombstones.insert(key, revision);
    }

    fn forget_old_deletes(&mut self) {
        while self.graves.len() > TOMBSTONES_KEPT
            && let Some(oldest) = self.graves.pop_first()
        {
            self.feed.remove(&oldest);
            self.tombstones.remove(&oldest.1);
            self.forgotten = oldest.0;
        }
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        feed::check_reach(after, self.forgotten)?;
        let mut told: Vec<Change> = Vec::new();
        // No key is less than this one, so the range begins with the revision after `after`.
        let first = Key { kind: Kind::ALL[0], account: AccountId::from_directory(Uuid::nil()), id: String::new() };
        let start = (Revision(after.0.saturating_add(1)), Arc::new(first));
        for (revision, key) in self.feed.range(start..) {
            // A commit is told whole, or its rest would never be: readers go on from a revision.
            if told.len() >= limit && told.last().is_some_and(|last| last.revision != *revision) {
                break;
            }
            told.push(Change { revision: *revision, key: Key::clone(key) });
        }
        Ok(told)
    }

    fn list(&self, range: &Range) -> Vec<Record> {
        let mut found = Vec::new();
        let mut next = self.first_account(range);
        while let Some(account) = next
            && found.len() < range.limit as usize
        {
            self.list_account(account, range, &mut found);
            next = match range.scope {
                Scope::Account(_) => None,
                Scope::Everyone => self.account_from(range.kind, account.uuid().as_u128().checked_add(1)),
            };
        }
        found
    }

    fn first_account(&self, range: &Range) -> Option<AccountId> {
        let after = range.after.as_ref().map(|(account, _)| *account);
        match range.scope {
            Scope::Account(account) if after.is_some_and(|after| after > account) => None,
            Scope::Account(account) => Some(account),
            Scope::Everyone => self.account_from(range.kind, Some(after.map_or(0, |after| after.uuid().as_u128()))),
        }
    }

    /// The first account, from this number on, that has a record of the kind.
    fn account_from(&self, kind: Kind, lowest: Option<u128>) -> Option<AccountId> {
        let account = AccountId::from_directory(Uuid::from_u128(lowest?));
        let start = Key { kind, account, id: String::new() };
        let (key, _) = self.records.range::<Key, _>(&start..).next()?;
        (key.kind == kind).then_some(key.account)
    }

    fn list_account(&self, account: AccountId, range: &Range, found: &mut Vec<Record>) {
        let key = |id: &str| Key { kind: range.kind, account, id: id.to_owned() };
        let start = match &range.after {
            Some((after, id)) if *after == account && *id >= range.prefix => Bound::Excluded(key(id)),
            _ => Bound::Included(key(&range.prefix)),
        };
        let room = range.limit as usize - found.len();
        let page = self
            .records
            .range::<Key, _>((start.as_ref(), Bound::Unbounded))
            .take_while(|(key, _)| {
                key.kind == range.kind && key.account == account && key.id.starts_with(&range.prefix)
            })
            .take(room);
        found.extend(page.map(to_record));
    }
}

fn to_record((key, entry): (&Arc<Key>, &Entry)) -> Record {
    Record { key: Key::clone(key), version: entry.version, value: entry.value.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsg_core::ports::store::Put;

    fn key(number: usize) -> Key {
        Key { kind: Kind::Audit, account: AccountId::from_directory(Uuid::nil()), id: number.to_string() }
    }

    #[test]
    fn deletes_are_forgotten_in_the_end_and_late_readers_are_told_so() {
        let mut state = State::default();
        let count = TOMBSTONES_KEPT + 10;
        let puts = (0..=count).map(|number| Put { key: key(number), value: Vec::new() }).collect();
        let written = state.commit(Commit { puts, ..Commit::default() }).unwrap();
        for number in 0..count {
            state.commit(Commit { deletes: vec![key(number)], ..Commit::default() }).unwrap();
        }
        assert_eq!((state.tombstones.len(), state.graves.len()), (TOMBSTONES_KEPT, TOMBSTONES_KEPT));
        assert_eq!(state.feed.len(), TOMBSTONES_KEPT + 1);

        let forgotten = Revision(written.0 + 10);
        assert_eq!(state.forgotten, forgotten);
        assert!(state.changes(Revision(forgotten.0 - 1), 10).is_err());
        let told = state.changes(forgotten, 1).unwrap();
        assert_eq!(told, vec![Change { revision: Revision(forgotten.0 + 1), key: key(10) }]);
        assert_eq!(state.changes(Revision(0), 1).unwrap(), vec![Change { revision: written, key: key(count) }]);
    }
}
