//! The engine's ports for tests: a store that logs every commit and can fail, seeded entropy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use tsg_core::ports::store::{
    Change, Commit, CommitError, Key, Kind, LeaseAnswer, LeaseRequest, Range, Record, Revision, StoreError,
};
use tsg_core::ports::{Entropy, Store};
use tsg_sim::executor::yield_now;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::Rng;
use tsg_store::MemoryStore;

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

/// A memory store behind awaits, faults and a log of everything it acknowledged.
pub struct LoggedStore {
    time: VirtualTime,
    inner: Mutex<Arc<MemoryStore>>,
    log: Mutex<Vec<Commit>>,
    faults: Mutex<StoreFaults>,
    rng: Mutex<Rng>,
    mutant: StoreMutant,
}

/// A commit takes up to this many milliseconds.
const COMMIT_MS: u64 = 12;

/// Commits that are not durable yet, at most, with [`StoreMutant::LosesUnflushed`].
const UNFLUSHED: u64 = 4;

impl LoggedStore {
    pub fn new(time: &VirtualTime, seed: u64, mutant: StoreMutant) -> Arc<Self> {
        Arc::new(Self {
            time: time.clone(),
            inner: Mutex::new(Arc::new(MemoryStore::new(Arc::new(time.clone())))),
            log: Mutex::default(),
            faults: Mutex::default(),
            rng: Mutex::new(Rng::for_purpose(seed, "store")),
            mutant,
        })
    }

    pub fn set_faults(&self, faults: StoreFaults) {
        *self.faults.lock().unwrap() = faults;
    }

    /// What was committed since the first `known` commits, in order.
    pub fn commits_after(&self, known: usize) -> Vec<Commit> {
        self.log.lock().unwrap()[known..].to_vec()
    }

    /// The power goes: true when commits that were acknowledged are lost.
    pub fn crash(&self) -> bool {
        if self.mutant != StoreMutant::LosesUnflushed {
            return false;
        }
        let lost = self.rng.lock().unwrap().below(UNFLUSHED + 1) as usize;
        let mut log = self.log.lock().unwrap();
        let kept = log.len().saturating_sub(lost);
        log.truncate(kept);
        let fresh = MemoryStore::new(Arc::new(self.time.clone()));
        for commit in log.iter() {
            let replay = Commit { checks: Vec::new(), ..commit.clone() };
            assert!(futures_util::FutureExt::now_or_never(fresh.commit(replay)).unwrap().is_ok());
        }
        *self.inner.lock().unwrap() = Arc::new(fresh);
        lost > 0
    }

    /// Writes behind everybody's back.
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
        yield_now().await;
        self.check_available()?;
        let is_ambiguous = self.draw(|faults| faults.ambiguous);
        if is_ambiguous && self.rng.lock().unwrap().chance(0.5) {
            return Err(CommitError::Ambiguous { reason: "lost on the way there".to_owned() });
        }
        let result = self.inner().commit(self.weaken(commit.clone())).await;
        if result.is_ok() {
            self.log.lock().unwrap().push(commit);
        }
        // A crash or a pause here: it happened, and nobody has heard of it yet.
        let wait = Duration::from_millis(self.rng.lock().unwrap().below(COMMIT_MS));
        self.time.sleep_until_elapsed(self.time.elapsed() + wait).await;
        match result {
            Ok(_) if is_ambiguous => Err(CommitError::Ambiguous { reason: "lost on the way back".to_owned() }),
            other => other,
        }
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
