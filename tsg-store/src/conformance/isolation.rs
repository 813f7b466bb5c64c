//! Rules of tenants. Owns that accounts cannot meet in the store; must never grow a way round.

use tsg_core::ports::store::{Key, Kind, Range, Scope};

use super::subject::{Draft, Outcome, Subject, account, same};

/// The same id under two accounts, or two kinds, is two records.
///
/// # Errors
/// How the store breaks it.
pub async fn accounts_apart(subject: &Subject) -> Outcome {
    let mine = Key { kind: Kind::Group, account: account(1), id: "web".to_owned() };
    let theirs = Key { account: account(2), ..mine.clone() };
    let other = Key { kind: Kind::Template, ..mine.clone() };
    let first = Draft::new().absent(&mine).put(&mine, "mine").commit(subject).await?;
    let second = Draft::new().absent(&theirs).put(&theirs, "theirs").commit(subject).await?;
    Draft::new().absent(&other).put(&other, "other").commit(subject).await?;
    same("each account has its own record", subject.read(&mine).await?, Some(("mine".to_owned(), first)))?;

    let range =
        Range { kind: Kind::Group, scope: Scope::Account(account(1)), prefix: String::new(), after: None, limit: 10 };
    let keys = |records: Vec<tsg_core::ports::store::Record>| records.into_iter().map(|r| r.key).collect::<Vec<_>>();
    same("an account lists its own", keys(subject.store.list(&range).await?), vec![mine.clone()])?;
    let foreign = Range { after: Some((account(0), "zzz".to_owned())), ..range.clone() };
    same("whatever it goes on from", keys(subject.store.list(&foreign).await?), vec![mine.clone()])?;
    let beyond = Range { after: Some((account(2), String::new())), ..range };
    same("and never another's", keys(subject.store.list(&beyond).await?), Vec::new())?;

    Draft::new().delete(&mine).commit(subject).await?;
    same("a delete reaches one account only", subject.read(&theirs).await?, Some(("theirs".to_owned(), second)))?;
    same("and one kind only", subject.read(&other).await?.map(|(value, _)| value), Some("other".to_owned()))
}
