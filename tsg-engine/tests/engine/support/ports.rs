//! The engine's ports for tests: a store that journals every commit and can fail, seeded entropy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use tsg_core::ports::store::{
    Change, Commit, CommitError, Key, Kind, LeaseAnswer, LeaseRequest, Range, Record, Revision, Scope, StoreError,
};
use tsg_core::ports::{Entropy, Store};
use tsg_sim::executor::yield_now;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::Rng;
use tsg_store::MemoryStore;

use super::journal::{Author, Journal, Note, What};

/// Entropy from a seed.
pub struct SeededEntropy(Mutex<Rng>);

impl SeededEntropy {
    pub fn new(seed: u64, purpose: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Rng::for_purpose(seed, purpose))))
    }
}

impl Entropy for SeededEntropy {
    fn draw(&self) -> u128 {
        u128::from_be_bytes(self.0.lock().unwrap().bytes16())
    }
}

/// How often the store fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreFaults {
    /// Nothing was read or written.
    pub unavailable: f64,
    /// Nobody knows; half of them happened.
    pub ambiguous: f64,
}

/// Rules of the store that can be left out, to show that the oracle notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreMutant {
    #[default]
    None,
    /// Does not compare the version of ledger heads and what hangs on them.
    NoLedgerCheck,
    /// Acknowledges commits before they are durable: a crash loses the newest.
    LosesUnflushed,
}

/// A memory store behind awaits, faults and a journal of everything it took.
pub struct LoggedStore {
    time: VirtualTime,
    inner: Mutex<Arc<MemoryStore>>,
    pub journal: Journal,
    faults: Mutex<StoreFaults>,
    rng: Mutex<Rng>,
    mutant: StoreMutant,
}

/// A commit takes up to this many milliseconds.
const COMMIT_MS: u64 = 12;

/// Commits that are not durable yet, at most, with [`StoreMutant::LosesUnflushed`].
const UNFLUSHED: u64 = 4;

/// Records read at a time when all of them are.
const PAGE: u32 = 10_000;

impl LoggedStore {
    pub fn new(time: &VirtualTime, seed: u64, mutant: StoreMutant) -> Arc<Self> {
        Arc::new(Self {
            time: time.clone(),
            inner: Mutex::new(Arc::new(MemoryStore::new(Arc::new(time.clone())))),
            journal: Journal::new(time),
            faults: Mutex::default(),
            rng: Mutex::new(Rng::for_purpose(seed, "store")),
            mutant,
        })
    }

    pub fn set_faults(&self, faults: StoreFaults) {
        *self.faults.lock().unwrap() = faults;
    }

    /// What happened since the first `known` notes of the journal, in order.
    pub fn news(&self, known: usize) -> Vec<Note> {
        self.journal.after(known)
    }

    /// The power goes, and with [`StoreMutant::LosesUnflushed`] the newest commits with it.
    pub fn crash(&self) {
        if self.mutant != StoreMutant::LosesUnflushed {
            return;
        }
        let lost = self.rng.lock().unwrap().below(UNFLUSHED + 1) as usize;
        let commits = self.journal.after(0).into_iter().filter_map(|note| match note.what {
            What::Committed(commit) => Some(commit),
            _ => None,
        });
        let commits: Vec<_> = commits.collect();
        let fresh = MemoryStore::new(Arc::new(self.time.clone()));
        for commit in &commits[..commits.len().saturating_sub(lost)] {
            let replay = Commit { checks: Vec::new(), ..commit.clone() };
            assert!(fresh.commit(replay).now_or_never().unwrap().is_ok());
        }
        *self.inner.lock().unwrap() = Arc::new(fresh);
    }

    /// Everything that is really there.
    pub fn contents(&self) -> BTreeMap<Key, Vec<u8>> {
        let inner = self.inner();
        let mut contents = BTreeMap::new();
        for kind in Kind::ALL {
            let mut range = Range { kind, scope: Scope::Everyone, prefix: String::new(), after: None, limit: PAGE };
            loop {
                let page = inner.list(&range).now_or_never().unwrap().unwrap();
                let last = page.last().map(|record| (record.key.account, record.key.id.clone()));
                let is_full = page.len() == PAGE as usize;
                contents.extend(page.into_iter().map(|record| (record.key, record.value)));
                if !is_full {
                    break;
                }
                range.after = last;
            }
        }
        contents
    }

    /// Writes past the journal: the disk itself did it.
    pub async fn commit_unlogged(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.inner().commit(commit).await
    }

    fn inner(&self) -> Arc<MemoryStore> {
        self.inner.lock().unwrap().clone()
    }

    fn draw(&self, chance: impl Fn(&StoreFaults) -> f64) -> bool {
        let chance = chance(&self.faults.lock().unwrap());
        self.rng.lock().unwrap().chance(chance)
    }

    fn check_available(&self) -> Result<(), StoreError> {
        if self.draw(|faults| faults.unavailable) {
            return Err(StoreError::Unavailable { reason: "as the seed wants it".to_owned() });
        }
        Ok(())
    }

    fn weaken(&self, mut commit: Commit) -> Commit {
        if self.mutant == StoreMutant::NoLedgerCheck {
            commit.checks.retain(|check| !matches!(check.key.kind, Kind::Ledger | Kind::Operation | Kind::Audit));
        }
        commit
    }
}

/// The store as one author has it.
pub struct AuthoredStore {
    pub shared: Arc<LoggedStore>,
    pub by: Author,
}

impl LoggedStore {
    /// The store as one engine has it, or a user without a number.
    pub fn of(self: &Arc<Self>, by: Author) -> Arc<AuthoredStore> {
        Arc::new(AuthoredStore { shared: self.clone(), by })
    }
}

impl LoggedStore {
    async fn commit_by(&self, by: Author, commit: Commit) -> Result<Revision, CommitError> {
        yield_now().await;
        self.check_available()?;
        let is_ambiguous = self.draw(|faults| faults.ambiguous);
        if is_ambiguous && self.rng.lock().unwrap().chance(0.5) {
            return Err(CommitError::Ambiguous { reason: "lost on the way there".to_owned() });
        }
        let result = self.inner().commit(self.weaken(commit.clone())).await;
        if result.is_ok() {
            self.journal.note(by, What::Committed(commit));
        }
        // A crash or a pause here: it happened, and nobody has heard of it yet.
        let wait = Duration::from_millis(self.rng.lock().unwrap().below(COMMIT_MS));
        self.time.sleep_until_elapsed(self.time.elapsed() + wait).await;
        match result {
            Ok(_) if is_ambiguous => Err(CommitError::Ambiguous { reason: "lost on the way back".to_owned() }),
            other => other,
        }
    }
}

#[async_trait]
impl Store for AuthoredStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.shared.get(key).await
    }

    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        self.shared.list(range).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.shared.commit_by(self.by, commit).await
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.shared.changes(after, limit).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
        self.shared.acquire(request).await
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        self.shared.release(name, epoch).await
    }
}

#[async_trait]
impl Store for LoggedStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        yield_now().await;
        self.check_available()?;
        self.inner().get(key).await
    }

    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        yield_now().await;
        self.check_available()?;
        self.inner().list(range).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.commit_by(None, commit).await
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner().changes(after, limit).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
        self.inner().acquire(request).await
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        self.inner().release(name, epoch).await
    }
}
