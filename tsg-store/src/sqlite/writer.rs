//! The one writer. Owns the only connection that writes, and group commit: what callers asked
//! for while the disk was busy shares the next sync. Must never answer before that sync, nor
//! write again after the file system has failed one.

use sqlx::{Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Clock;
use tsg_core::ports::store::{Commit, CommitError, LeaseAnswer, LeaseRequest, Revision, StoreError};

use std::sync::Arc;

use super::batch::{self, Batch};
use super::error::{Cause, cause, store_error};
use super::file::Claim;
use super::rows;
use crate::lease;

/// How many jobs share a transaction at most: enough for every caller that can be waiting in
/// practice, and few enough that the first does not wait long for the last.
const ROUND_MAX: usize = 512;

/// Deletes are forgotten when there are this part more than are kept, so that many go at once.
const TOMBSTONES_SLACK_PART: u64 = 10;

/// After about how many written pages the log is copied into the file: 32 MB of log, which is
/// read back in well under a second after a crash. A busy page is copied once for all its changes,
/// so that fewer copies are cheaper; each makes the round behind it wait for two more syncs.
const CHECKPOINT_PAGES: u64 = 8_000;

/// A page of the file in bytes: SQLite's default.
const PAGE_BYTES: u64 = 4_096;

/// Something to write.
pub(super) enum Job {
    Commit { commit: Commit, answer: oneshot::Sender<Result<Revision, CommitError>> },
    Acquire { request: LeaseRequest, answer: oneshot::Sender<Result<LeaseAnswer, StoreError>> },
    Release { name: String, epoch: u64, answer: oneshot::Sender<Result<(), StoreError>> },
}

/// Why a round came to nothing.
enum Failure {
    /// Nothing of it was written.
    Undone(StoreError),
    /// The file system failed while it was being made durable. Nothing may be written any more:
    /// what is in the cache and what is on the disk are no longer known to be the same.
    Unknown(String),
}

pub(super) struct Writer {
    connection: SqliteConnection,
    /// Held as long as the connection is.
    _claim: Claim,
    revision: Revision,
    tombstones: u64,
    tombstones_kept: u64,
    pages_logged: u64,
    stopped: Option<String>,
}

impl Writer {
    pub(super) async fn new(
        mut connection: SqliteConnection,
        claim: Claim,
        tombstones_kept: u64,
    ) -> Result<Self, sqlx::Error> {
        let (revision, tombstones) = rows::counters(&mut connection).await?;
        Ok(Self { connection, _claim: claim, revision, tombstones, tombstones_kept, pages_logged: 0, stopped: None })
    }

    /// Serves the queue until it is closed.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Job>,
        clock: Arc<dyn Clock>,
        report: watch::Sender<Option<String>>,
    ) {
        while let Some(round) = Round::gather(&mut queue).await {
            match &self.stopped {
                Some(reason) => round.fail(&Failure::Undone(refusal(reason))),
                None => self.serve(round, clock.now()).await,
            }
            if self.stopped.is_some() {
                report.send_if_modified(|told| {
                    let is_news = told.is_none();
                    told.clone_from(&self.stopped);
                    is_news
                });
            }
        }
        self.close().await;
    }

    async fn close(self) {
        use sqlx::Connection as _;
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the store was not closed cleanly; its log will be read at the next start");
        }
    }

    async fn serve(&mut self, mut round: Round, now: Timestamp) {
        match self.transact(&mut round, now).await {
            Ok(done) => round.answer(done),
            Err(failure) => {
                if let Failure::Unknown(reason) = &failure {
                    self.stop(reason);
                }
                round.fail(&failure);
            }
        }
        if self.pages_logged >= CHECKPOINT_PAGES && self.stopped.is_none() {
            self.checkpoint().await;
        }
    }

    fn stop(&mut self, reason: &str) {
        tracing::error!(reason, "the store stops writing: the file system failed a write");
        self.stopped = Some(reason.to_owned());
    }

    async fn transact(&mut self, round: &mut Round, now: Timestamp) -> Result<Done, Failure> {
        if let Err(error) = self.execute("BEGIN IMMEDIATE").await {
            return Err(self.undo(&error).await);
        }
        match self.write(round, now).await {
            Ok(done) if done.is_changed => {
                self.make_durable().await?;
                self.revision = done.revision;
                self.tombstones = done.tombstones;
                self.pages_logged += done.pages;
                Ok(done)
            }
            Ok(done) => {
                self.roll_back().await;
                Ok(done)
            }
            Err(error) => Err(self.undo(&error).await),
        }
    }

    /// Takes back a transaction that failed before it became durable.
    async fn undo(&mut self, error: &sqlx::Error) -> Failure {
        self.roll_back().await;
        if cause(error) == Cause::Full {
            // A log that has been copied is written over: that may be all the room there is.
            self.pages_logged = CHECKPOINT_PAGES;
        }
        Failure::Undone(store_error(error))
    }

    async fn write(&mut self, round: &mut Round, now: Timestamp) -> Result<Done, sqlx::Error> {
        let versions = rows::versions(&mut self.connection, &batch::keys_to_read(&round.commits)).await?;
        let mut batch = Batch::new(self.revision, versions);
        let commits: Vec<_> = round.commits.drain(..).map(|commit| batch.admit(commit)).collect();

        let mut tombstones = rows::write(&mut self.connection, batch.writes(), self.tombstones).await?;
        if tombstones > self.tombstones_kept + self.tombstones_kept / TOMBSTONES_SLACK_PART {
            tombstones -= rows::forget(&mut self.connection, self.tombstones_kept).await?;
        }
        let mut is_changed = batch.revision() != self.revision;
        if is_changed {
            rows::set_revision(&mut self.connection, batch.revision()).await?;
        }
        let mut leases = Vec::with_capacity(round.requests.len());
        for request in &round.requests {
            let (answer, is_granted) = self.acquire(request, now).await?;
            is_changed |= is_granted;
            leases.push(answer);
        }
        for (name, epoch) in &round.releases {
            is_changed |= rows::release(&mut self.connection, name, *epoch).await? > 0;
        }
        Ok(Done { commits, leases, is_changed, revision: batch.revision(), tombstones, pages: pages(&batch) })
    }

    async fn acquire(&mut self, request: &LeaseRequest, now: Timestamp) -> Result<(LeaseAnswer, bool), sqlx::Error> {
        let held = rows::lease(&mut self.connection, &request.name).await?;
        let (answer, kept) = lease::decide(held.as_ref(), request, now);
        if let Some(lease) = &kept {
            rows::put_lease(&mut self.connection, &request.name, lease).await?;
        }
        Ok((answer, kept.is_some()))
    }

    /// Ends the transaction: after this it is on the disk, or not in the store, or nobody knows.
    async fn make_durable(&mut self) -> Result<(), Failure> {
        let Err(error) = self.execute("COMMIT").await else {
            return Ok(());
        };
        match cause(&error) {
            Cause::Busy | Cause::Full | Cause::Denied => Err(self.undo(&error).await),
            _ => Err(Failure::Unknown(error.to_string())),
        }
    }

    /// SQLite may have rolled back already, when the disk was full; then there is nothing to do.
    async fn roll_back(&mut self) {
        if let Err(error) = self.execute("ROLLBACK").await {
            tracing::debug!(%error, "there was nothing to roll back");
        }
    }

    /// Copies the log into the file. A failed sync here is as bad as one in a commit.
    async fn checkpoint(&mut self) {
        self.pages_logged = 0;
        let copied = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut self.connection).await;
        match copied.and_then(|row| Ok((row.try_get::<i64, _>(1)?, row.try_get::<i64, _>(2)?))) {
            Ok((logged, copied)) => tracing::trace!(logged, copied, "copied the log into the store"),
            Err(error) if cause(&error) == Cause::Disk => self.stop(&error.to_string()),
            Err(error) => tracing::warn!(%error, "the log of the store could not be copied; it keeps growing"),
        }
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(statement).execute(&mut self.connection).await.map(drop)
    }
}

fn refusal(reason: &str) -> StoreError {
    StoreError::Unwritable {
        reason: format!(
            "the file system failed a write ({reason}), so nothing more is written by this process; check the disk \
             and start tsg again"
        ),
    }
}

/// About how many pages a batch put into the log: two for each key (table and index) and those
/// of its value.
fn pages(batch: &Batch) -> u64 {
    let value_pages = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, |value| value.len() as u64 / PAGE_BYTES);
    batch.writes().values().map(|write| 2 + value_pages(&write.value)).sum::<u64>() + 1
}

/// What a round came to.
struct Done {
    commits: Vec<Result<Revision, CommitError>>,
    leases: Vec<LeaseAnswer>,
    is_changed: bool,
    revision: Revision,
    tombstones: u64,
    pages: u64,
}

/// Jobs that share a transaction, each list beside those who wait for its answers.
#[derive(Default)]
struct Round {
    commits: Vec<Commit>,
    committed: Vec<oneshot::Sender<Result<Revision, CommitError>>>,
    requests: Vec<LeaseRequest>,
    acquired: Vec<oneshot::Sender<Result<LeaseAnswer, StoreError>>>,
    releases: Vec<(String, u64)>,
    released: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Round {
    /// Waits for a job and takes what else is there. Callers that the last round has answered
    /// are let run first: a sync of the disk is a thousand times dearer than a turn of theirs.
    async fn gather(queue: &mut mpsc::Receiver<Job>) -> Option<Self> {
        let mut round = Self::default();
        round.add(queue.recv().await?);
        let mut len = 0;
        while len < round.len() && round.len() < ROUND_MAX {
            len = round.len();
            tokio::task::yield_now().await;
            while round.len() < ROUND_MAX
                && let Ok(job) = queue.try_recv()
            {
                round.add(job);
            }
        }
        Some(round)
    }

    fn len(&self) -> usize {
        self.committed.len() + self.acquired.len() + self.released.len()
    }

    fn add(&mut self, job: Job) {
        match job {
            Job::Commit { commit, answer } => {
                self.commits.push(commit);
                self.committed.push(answer);
            }
            Job::Acquire { request, answer } => {
                self.requests.push(request);
                self.acquired.push(answer);
            }
            Job::Release { name, epoch, answer } => {
                self.releases.push((name, epoch));
                self.released.push(answer);
            }
        }
    }

    fn answer(self, done: Done) {
        self.committed.into_iter().zip(done.commits).for_each(|(caller, outcome)| tell(caller, outcome));
        self.acquired.into_iter().zip(done.leases).for_each(|(caller, outcome)| tell(caller, Ok(outcome)));
        self.released.into_iter().for_each(|caller| tell(caller, Ok(())));
    }

    /// Tells everybody alike: also a commit that was refused may have been refused because of one
    /// that now has not happened.
    fn fail(self, failure: &Failure) {
        let (commit_error, error) = match failure {
            Failure::Undone(error) => (CommitError::Store(error.clone()), error.clone()),
            Failure::Unknown(reason) => (CommitError::Ambiguous { reason: reason.clone() }, refusal(reason)),
        };
        self.committed.into_iter().for_each(|caller| tell(caller, Err(commit_error.clone())));
        self.acquired.into_iter().for_each(|caller| tell(caller, Err(error.clone())));
        self.released.into_iter().for_each(|caller| tell(caller, Err(error.clone())));
    }
}

/// A caller who has gone away does not want the answer; the write stands all the same.
fn tell<T>(caller: oneshot::Sender<T>, outcome: T) {
    drop(caller.send(outcome));
}
