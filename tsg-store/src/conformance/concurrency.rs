//! Rules of callers at once. Owns that compare-and-set loses no update; must never rely on the
//! order in which they come.

use std::sync::Arc;

use tokio::task::JoinSet;
use tsg_core::ports::Store;
use tsg_core::ports::store::{Check, Commit, CommitError, Expected, Key, Put, Revision};

use super::subject::{Draft, Outcome, Subject, Violation, key, same};

/// How many callers there are at once.
const CALLERS: u64 = 50;

/// How many increments each of them makes.
const ROUNDS: u64 = 4;

/// Fifty callers that read, add one and write, again and again, add up; and what each of them was
/// told is durable is there for it to read.
///
/// Must run within a Tokio runtime.
///
/// # Errors
/// How the store breaks it.
pub async fn no_lost_increments(subject: &Subject) -> Outcome {
    let counter = key("counter");
    Draft::new().put(&counter, "0").commit(subject).await?;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(count(Arc::clone(&subject.store), counter.clone()));
    }
    let mut revisions = Vec::new();
    while let Some(ended) = callers.join_next().await {
        revisions.extend(ended.map_err(|error| Violation::Task(error.to_string()))??);
    }
    let total = subject.read(&counter).await?.map(|(value, _)| value);
    same("no increment is lost", total, Some((CALLERS * ROUNDS).to_string()))?;
    revisions.sort_unstable();
    revisions.dedup();
    same("no two commits share a revision", revisions.len() as u64, CALLERS * ROUNDS)
}

async fn count(store: Arc<dyn Store>, counter: Key) -> Result<Vec<Revision>, Violation> {
    let mut revisions = Vec::new();
    while (revisions.len() as u64) < ROUNDS {
        if let Some(revision) = increment(&*store, &counter).await? {
            let seen = store.get(&counter).await?.map(|record| record.version);
            same("what is acknowledged can be read", seen >= Some(revision), true)?;
            revisions.push(revision);
        }
    }
    Ok(revisions)
}

/// Adds one, unless somebody else was first.
async fn increment(store: &dyn Store, counter: &Key) -> Result<Option<Revision>, Violation> {
    let Some(record) = store.get(counter).await? else {
        return Err(Violation::Broken { rule: "a record stays", detail: "the counter is gone".to_owned() });
    };
    let value: u64 = String::from_utf8_lossy(&record.value).parse().unwrap_or(u64::MAX - 1);
    let commit = Commit {
        checks: vec![Check { key: counter.clone(), expected: Expected::Version(record.version) }],
        puts: vec![Put { key: counter.clone(), value: (value + 1).to_string().into_bytes() }],
        deletes: Vec::new(),
    };
    match store.commit(commit).await {
        Ok(revision) => Ok(Some(revision)),
        Err(CommitError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
