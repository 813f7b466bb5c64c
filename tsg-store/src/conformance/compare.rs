//! Rules of compare-and-set. Owns what a check means; must never run two commits at once.

use tsg_core::ports::store::{CommitError, Key, Revision};

use super::subject::{Draft, Outcome, Subject, holds, key, same};

/// A commit happens if, and only if, all its checks hold; revisions grow and are versions.
///
/// # Errors
/// How the store breaks it.
pub async fn compare_and_set(subject: &Subject) -> Outcome {
    absence(subject).await?;
    versions(subject).await?;
    checks_alone(subject).await?;
    first_conflict(subject).await
}

fn conflict(key: &Key) -> Result<Revision, CommitError> {
    Err(CommitError::Conflict { key: key.clone() })
}

async fn absence(subject: &Subject) -> Outcome {
    let key = key("absence");
    let first = Draft::new().absent(&key).put(&key, "1").commit(subject).await?;
    let second = Draft::new().absent(&key).put(&key, "2").commit(subject).await;
    same("an insert over a record is a conflict", second, conflict(&key))?;
    same("a refused commit writes nothing", subject.read(&key).await?, Some(("1".to_owned(), first)))?;

    Draft::new().delete(&key).commit(subject).await?;
    same("a deleted record is gone", subject.read(&key).await?, None)?;
    let again = Draft::new().absent(&key).put(&key, "3").commit(subject).await?;
    holds("revisions grow", again > first)?;
    let stale = Draft::new().version(&key, first).put(&key, "4").commit(subject).await;
    same("a record that was deleted and made again is another one", stale, conflict(&key))
}

async fn versions(subject: &Subject) -> Outcome {
    let (one, two) = (key("versions/1"), key("versions/2"));
    let first = Draft::new().put(&one, "a").put(&two, "a").commit(subject).await?;
    same("a record has its commit's revision", subject.read(&one).await?, Some(("a".to_owned(), first)))?;
    same("and so has every other of the commit", subject.read(&two).await?, Some(("a".to_owned(), first)))?;

    let second = Draft::new().version(&one, first).put(&one, "b").commit(subject).await?;
    holds("revisions grow", second > first)?;
    let stale = Draft::new().version(&one, first).put(&one, "c").commit(subject).await;
    same("a stale version is a conflict", stale, conflict(&one))?;
    same("and changes nothing", subject.read(&one).await?, Some(("b".to_owned(), second)))?;
    let future = Draft::new().version(&one, Revision(u64::MAX)).put(&one, "c").commit(subject).await;
    same("a version that never was is a conflict", future, conflict(&one))?;

    let missing = key("versions/none");
    let missed = Draft::new().version(&missing, first).put(&missing, "c").commit(subject).await;
    same("a version of nothing is a conflict", missed, conflict(&missing))
}

async fn checks_alone(subject: &Subject) -> Outcome {
    let key = key("checks");
    let first = Draft::new().put(&key, "a").commit(subject).await?;
    let empty = Draft::new().commit(subject).await?;
    holds("an empty commit takes a revision", empty > first)?;
    let checked = Draft::new().version(&key, first).commit(subject).await?;
    holds("a commit of checks takes a revision", checked > empty)?;
    same("and leaves the record", subject.read(&key).await?, Some(("a".to_owned(), first)))?;
    let refused = Draft::new().absent(&key).commit(subject).await;
    same("a commit of checks may be refused", refused, conflict(&key))
}

async fn first_conflict(subject: &Subject) -> Outcome {
    let (good, bad, worse) = (key("first/1"), key("first/2"), key("first/0"));
    let version = Draft::new().put(&good, "a").put(&bad, "a").put(&worse, "a").commit(subject).await?;
    let refused = Draft::new().version(&good, version).absent(&bad).absent(&worse).commit(subject).await;
    same("the first check that fails is named", refused, conflict(&bad))
}
