//! Rules of the change feed. Owns that a reader who follows it knows every key that changed;
//! must never ask for an order within one commit.

use tsg_core::ports::store::{Change, Key, Revision, StoreError};

use super::subject::{Draft, Outcome, Subject, key, same};

/// The feed tells each key once, at its newest revision, deletes too, and each commit whole.
///
/// # Errors
/// How the store breaks it.
pub async fn change_feed(subject: &Subject) -> Outcome {
    same("nothing has changed in an empty store", changes(subject, 0, 10).await?, Vec::new())?;
    newest_only(subject).await?;
    whole_commits(subject).await
}

async fn changes(subject: &Subject, after: u64, limit: u32) -> Result<Vec<Change>, StoreError> {
    let mut changes = subject.store.changes(Revision(after), limit).await?;
    changes.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
    Ok(changes)
}

fn at(revision: Revision, key: &Key) -> Change {
    Change { revision, key: key.clone() }
}

async fn newest_only(subject: &Subject) -> Outcome {
    let (one, two, three) = (key("1"), key("2"), key("3"));
    let first = Draft::new().put(&one, "a").put(&two, "a").commit(subject).await?;
    let second = Draft::new().put(&one, "b").commit(subject).await?;
    let both = vec![at(first, &two), at(second, &one)];
    same("a key is told at its newest revision only", changes(subject, 0, 10).await?, both)?;
    same("what was told is not told again", changes(subject, first.0, 10).await?, vec![at(second, &one)])?;
    same("nothing comes after the end", changes(subject, second.0, 10).await?, Vec::new())?;
    same("nor after any later revision", changes(subject, u64::MAX, 10).await?, Vec::new())?;

    let third = Draft::new().delete(&two).delete(&three).commit(subject).await?;
    let deleted = vec![at(third, &two)];
    same("a delete is a change, of what was there", changes(subject, second.0, 10).await?, deleted)?;
    let fourth = Draft::new().put(&two, "again").commit(subject).await?;
    let again = vec![at(second, &one), at(fourth, &two)];
    same("a record that is made again is told once", changes(subject, 0, 10).await?, again)
}

async fn whole_commits(subject: &Subject) -> Outcome {
    let start = Draft::new().commit(subject).await?;
    let keys: Vec<Key> = (0..5).map(|number| key(&format!("whole/{number}"))).collect();
    let first = keys.iter().fold(Draft::new(), |draft, key| draft.put(key, "a")).commit(subject).await?;
    let gone = keys[..2].iter().fold(Draft::new(), Draft::delete).commit(subject).await?;

    let kept: Vec<Change> = keys[2..].iter().map(|key| at(first, key)).collect();
    let mut told = changes(subject, start.0, 1).await?;
    same("a page ends between commits only", told.clone(), kept)?;
    told = changes(subject, told.last().map_or(0, |last| last.revision.0), 1).await?;
    let graves: Vec<Change> = keys[..2].iter().map(|key| at(gone, key)).collect();
    same("also between deletes", told, graves)
}
