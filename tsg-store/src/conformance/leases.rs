//! Rules of leases. Owns that time alone, and only the store's, moves one to another holder;
//! must never let the machine's clock in.

use std::time::Duration;

use tsg_core::model::time::Timestamp;
use tsg_core::ports::Clock;
use tsg_core::ports::store::{LeaseAnswer, LeaseRequest};

use super::subject::{Outcome, Subject, Violation, holds, same};

const TERM: Duration = Duration::from_secs(30);

/// Longer than a lease can be kept from others without being renewed.
const PAST_EXPIRY: Duration = Duration::from_secs(60);

/// One holder at a time; renewed by asking again; taken over only after it ran out; fenced by an
/// epoch that grows with each change of holder.
///
/// # Errors
/// How the store breaks it.
pub async fn leases(subject: &Subject) -> Outcome {
    let (first, until) = granted(subject, "a").await?;
    same("a lease runs for its term", until, subject.clock.now().after(TERM))?;
    let (renewed, later) = renewal(subject, until).await?;
    same("the holder keeps its epoch", renewed, first)?;
    let second = takeover(subject, later, first).await?;
    release(subject, first, second).await
}

async fn ask(subject: &Subject, holder: &str) -> Result<LeaseAnswer, Violation> {
    let request = LeaseRequest { name: "work".to_owned(), holder: holder.to_owned(), term: TERM };
    Ok(subject.store.acquire(&request).await?)
}

async fn granted(subject: &Subject, holder: &str) -> Result<(u64, Timestamp), Violation> {
    match ask(subject, holder).await? {
        LeaseAnswer::Granted { epoch, expires_at } => Ok((epoch, expires_at)),
        LeaseAnswer::HeldBy { holder, .. } => {
            Err(Violation::Broken { rule: "a free lease is granted", detail: format!("{holder} still holds it") })
        }
    }
}

async fn is_held_by(subject: &Subject, asker: &str, wanted: &str) -> Result<Timestamp, Violation> {
    match ask(subject, asker).await? {
        LeaseAnswer::HeldBy { holder, expires_at } if holder == wanted => Ok(expires_at),
        answer => Err(Violation::Broken { rule: "a held lease is refused to others", detail: format!("{answer:?}") }),
    }
}

async fn renewal(subject: &Subject, until: Timestamp) -> Result<(u64, Timestamp), Violation> {
    subject.clock.advance(TERM / 2);
    is_held_by(subject, "b", "a").await?;
    let (epoch, later) = granted(subject, "a").await?;
    same("a renewal runs from now", later, until.after(TERM / 2))?;
    Ok((epoch, later))
}

async fn takeover(subject: &Subject, until: Timestamp, first: u64) -> Result<u64, Violation> {
    subject.clock.advance(until.since(subject.clock.now()).saturating_sub(Duration::from_millis(1)));
    let free_at = is_held_by(subject, "b", "a").await?;
    holds("nobody is let in before the term ends", free_at >= until)?;
    subject.clock.advance(free_at.since(subject.clock.now()).saturating_sub(Duration::from_millis(1)));
    is_held_by(subject, "b", "a").await?;
    subject.clock.advance(Duration::from_millis(1));
    let (second, _) = granted(subject, "b").await?;
    holds("the epoch grows with a new holder", second > first)?;
    is_held_by(subject, "a", "b").await?;
    Ok(second)
}

async fn release(subject: &Subject, first: u64, second: u64) -> Outcome {
    subject.store.release("work", first).await?;
    is_held_by(subject, "a", "b").await?;
    subject.store.release("work", second).await?;
    let (third, _) = granted(subject, "a").await?;
    holds("a released lease is free at once, under a new epoch", third > second)?;
    subject.store.release("unknown", third).await?;

    subject.clock.advance(PAST_EXPIRY);
    let (fourth, _) = granted(subject, "b").await?;
    subject.store.release("work", fourth).await?;
    let (fifth, _) = granted(subject, "b").await?;
    holds("epochs never come back", fourth > third && fifth > fourth)
}
