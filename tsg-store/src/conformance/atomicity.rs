//! Rules of all-or-nothing. Owns that no half of a commit is ever seen; must never run two
//! commits at once.

use tsg_core::ports::store::CommitError;

use super::subject::{Draft, Outcome, Subject, holds, key, same};

/// A commit that is refused leaves nothing of itself; one that is taken leaves all.
///
/// # Errors
/// How the store breaks it.
pub async fn all_or_nothing(subject: &Subject) -> Outcome {
    let (kept, doomed, fresh) = (key("kept"), key("doomed"), key("fresh"));
    let before = Draft::new().put(&kept, "old").put(&doomed, "old").commit(subject).await?;

    let draft = Draft::new().put(&fresh, "new").put(&kept, "new").delete(&doomed);
    let refused = draft.clone().version(&doomed, before).absent(&kept).commit(subject).await;
    holds("a failed check refuses the commit", matches!(refused, Err(CommitError::Conflict { .. })))?;
    same("its inserts are not there", subject.read(&fresh).await?, None)?;
    same("its changes are not there", subject.read(&kept).await?, Some(("old".to_owned(), before)))?;
    same("its deletes have not happened", subject.read(&doomed).await?, Some(("old".to_owned(), before)))?;

    let twice = draft.clone().put(&fresh, "again").commit(subject).await;
    holds("a key may be written once by a commit", matches!(twice, Err(CommitError::Store(_))))?;
    same("nothing of that commit is there", subject.ids().await?, vec!["doomed".to_owned(), "kept".to_owned()])?;

    let after = draft.version(&doomed, before).commit(subject).await?;
    same("its inserts are there", subject.read(&fresh).await?, Some(("new".to_owned(), after)))?;
    same("its changes are there", subject.read(&kept).await?, Some(("new".to_owned(), after)))?;
    same("its deletes have happened", subject.read(&doomed).await?, None)
}
