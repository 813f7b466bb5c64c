//! Rules of what is refused. Owns the edges: the last thing that works beside the first that
//! does not; must never leave a refusal untested on one side.

use tsg_core::ports::store::{CommitError, Key, Kind, LeaseRequest, Range, Revision, Scope, StoreError};

use super::subject::{Draft, Outcome, Subject, holds, key, same};

/// Ids end at 255 bytes and pages at 10,000 records; beyond is refused, never cut.
///
/// # Errors
/// How the store breaks it.
pub async fn refusals(subject: &Subject) -> Outcome {
    ids(subject).await?;
    values(subject).await?;
    pages(subject).await?;
    leases(subject).await
}

fn is_refused<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Invalid { .. }))
}

fn is_commit_refused(answer: &Result<Revision, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Store(StoreError::Invalid { .. })))
}

async fn ids(subject: &Subject) -> Outcome {
    let longest = key(&"\u{e9}".repeat(127).replacen('\u{e9}', "\u{20ac}", 1));
    same("the id has 255 bytes", longest.id.len(), 255)?;
    let version = Draft::new().absent(&longest).put(&longest, "x").commit(subject).await?;
    same("an id may have 255 bytes", subject.read(&longest).await?, Some(("x".to_owned(), version)))?;

    let long = Key { id: format!("{}x", longest.id), ..longest.clone() };
    holds("an id of 256 bytes cannot be read", is_refused(&subject.store.get(&long).await))?;
    holds("nor written", is_commit_refused(&Draft::new().put(&long, "x").commit(subject).await))?;
    holds("nor deleted", is_commit_refused(&Draft::new().delete(&long).commit(subject).await))?;
    holds("nor checked", is_commit_refused(&Draft::new().absent(&long).commit(subject).await))?;
    Draft::new().delete(&longest).commit(subject).await?;
    Ok(())
}

async fn values(subject: &Subject) -> Outcome {
    let empty = key("empty");
    let large = key("large");
    let megabyte = "m".repeat(1 << 20);
    let version = Draft::new().put(&empty, "").put(&large, &megabyte).commit(subject).await?;
    same("a value may be empty", subject.read(&empty).await?, Some((String::new(), version)))?;
    same("a value may have a megabyte", subject.read(&large).await?, Some((megabyte, version)))
}

async fn pages(subject: &Subject) -> Outcome {
    for (limit, is_possible) in [(0, false), (1, true), (10_000, true), (10_001, false), (u32::MAX, false)] {
        let range = Range { kind: Kind::Group, scope: Scope::Everyone, prefix: String::new(), after: None, limit };
        same("a page has 1 to 10,000 records", !is_refused(&subject.store.list(&range).await), is_possible)?;
        let changes = subject.store.changes(Revision(0), limit).await;
        same("and so has one of changes", !is_refused(&changes), is_possible)?;
    }
    Ok(())
}

async fn leases(subject: &Subject) -> Outcome {
    let long = "l".repeat(256);
    for (name, holder) in [("n", long.as_str()), (long.as_str(), "h")] {
        let request =
            LeaseRequest { name: name.to_owned(), holder: holder.to_owned(), term: std::time::Duration::from_secs(1) };
        holds("a lease has short names", is_refused(&subject.store.acquire(&request).await))?;
    }
    Ok(())
}
