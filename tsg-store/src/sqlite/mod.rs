//! A store in one SQLite file. Owns the file, its one writer and its readers; must never be
//! opened by two processes, nor say that something is durable before the disk has said so.

mod batch;
mod error;
mod file;
mod library;
mod open;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tsg_core::model::id::DeploymentId;
use tsg_core::ports::Clock;
use tsg_core::ports::store::{
    Change, Commit, CommitError, Key, LeaseAnswer, LeaseRequest, Range, Record, Revision, Store, StoreError,
};

pub use self::error::OpenError;
use self::open::Limits;
use self::writer::Job;
use crate::limits;

/// How many callers may wait for the writer before the next one waits to be let in: a few full
/// batches, so that the writer never runs dry and memory stays bounded.
const QUEUE_LEN: usize = 1024;

/// Keeps records in an SQLite file (WAL, `synchronous=FULL`).
///
/// Commits of concurrent callers share one transaction and one sync of the disk; reads never
/// wait for them. Must be opened and used within a Tokio runtime.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use tsg_core::model::id::AccountId;
/// use tsg_core::ports::Store;
/// use tsg_core::ports::store::{Commit, Key, Kind, Put};
/// use tsg_store::{SqliteStore, conformance::ManualClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("tsg.db");
/// let key = Key { kind: Kind::Template, account: AccountId::from_directory(uuid::Uuid::nil()), id: "web".to_owned() };
///
/// let store = SqliteStore::open(&path, Arc::new(ManualClock::default())).await?;
/// store.commit(Commit { puts: vec![Put { key: key.clone(), value: b"{}".to_vec() }], ..Commit::default() }).await?;
/// store.close().await;
///
/// let store = SqliteStore::open(&path, Arc::new(ManualClock::default())).await?;
/// assert!(store.get(&key).await?.is_some());
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    readers: SqlitePool,
    jobs: mpsc::Sender<Job>,
    stopped: watch::Receiver<Option<String>>,
    writer: JoinHandle<()>,
    incarnation: DeploymentId,
}

impl SqliteStore {
    /// Opens the file, or makes it (mode 0600) when there is none, and brings its schema up to
    /// date. Leases run by `clock`.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way and what to do about it.
    pub async fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_within(path.as_ref(), clock, Limits::default()).await
    }

    async fn open_within(path: &Path, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, OpenError> {
        let opened = open::open(path, limits).await?;
        let (jobs, queue) = mpsc::channel(QUEUE_LEN);
        let (report, stopped) = watch::channel(None);
        let writer = tokio::spawn(opened.writer.run(queue, clock, report));
        Ok(Self { readers: opened.readers, jobs, stopped, writer, incarnation: opened.incarnation })
    }

    /// What this file was called when it was made: a store that was made anew has another.
    pub fn incarnation(&self) -> DeploymentId {
        self.incarnation
    }

    /// Returns, with the reason, when the store has stopped writing for good: the file system has
    /// failed a write, and nobody knows what of it is on the disk. The process should end, so
    /// that the next one reads back what really is there.
    pub async fn stopped(&self) -> String {
        let mut stopped = self.stopped.clone();
        match stopped.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the writer of the store has ended".to_owned(),
        }
    }

    /// Finishes what was asked for, closes the file and gives its lock back. A store that is only
    /// dropped does the same in its own time.
    pub async fn close(self) {
        let Self { readers, jobs, writer, .. } = self;
        readers.close().await;
        drop(jobs);
        if let Err(error) = writer.await {
            tracing::error!(%error, "the writer of the store did not end well");
        }
    }

    /// Hands a job to the writer and waits for its answer. The first error means that the job
    /// was never begun, the second that nobody knows.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unanswered> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| Unanswered::NotBegun)?;
        answered.await.map_err(|_| Unanswered::Unknown)
    }
}

/// Why the writer gave no answer: it has ended.
enum Unanswered {
    NotBegun,
    Unknown,
}

impl From<Unanswered> for StoreError {
    fn from(_: Unanswered) -> Self {
        Self::Unavailable { reason: "its writer has ended".to_owned() }
    }
}

impl From<Unanswered> for CommitError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotBegun => Self::Store(unanswered.into()),
            Unanswered::Unknown => Self::Ambiguous { reason: "its writer ended before it answered".to_owned() },
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        limits::check_key(key)?;
        reader::get(&self.readers, key).await
    }

    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        limits::check_range(range)?;
        reader::list(&self.readers, range).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        limits::check_commit(&commit)?;
        self.ask(|answer| Job::Commit { commit, answer }).await?
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        limits::check_limit(limit)?;
        reader::changes(&self.readers, after, limit).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
        limits::check_lease(request)?;
        let request = request.clone();
        self.ask(|answer| Job::Acquire { request, answer }).await?
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.ask(|answer| Job::Release { name, epoch, answer }).await?
    }
}
