//! What no store accepts. Owns the sizes and shapes of questions, alike for every adapter; must
//! never look at what is stored.

use std::collections::BTreeSet;

use tsg_core::ports::store::{Commit, Key, LeaseRequest, Range, StoreError};

/// The longest id, lease name or holder in bytes: what the port promises of an id, so that every
/// database can index it.
pub(crate) const ID_BYTES_MAX: usize = 255;

/// The longest page in records, as the port says: at a few hundred bytes for a record it stays
/// within some megabytes.
pub(crate) const PAGE_MAX: u32 = 10_000;

fn invalid(reason: String) -> StoreError {
    StoreError::Invalid { reason }
}

fn check_length(what: &str, text: &str) -> Result<(), StoreError> {
    if text.len() <= ID_BYTES_MAX {
        return Ok(());
    }
    Err(invalid(format!("{what} has {} bytes, at most {ID_BYTES_MAX} are possible", text.len())))
}

pub(crate) fn check_key(key: &Key) -> Result<(), StoreError> {
    check_length("an id", &key.id)
}

pub(crate) fn check_limit(limit: u32) -> Result<(), StoreError> {
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(());
    }
    Err(invalid(format!("a page of {limit} was asked for, 1 to {PAGE_MAX} are possible")))
}

pub(crate) fn check_range(range: &Range) -> Result<(), StoreError> {
    check_limit(range.limit)?;
    check_length("a prefix", &range.prefix)?;
    range.after.as_ref().map_or(Ok(()), |(_, id)| check_length("an id", id))
}

pub(crate) fn check_commit(commit: &Commit) -> Result<(), StoreError> {
    commit.checks.iter().try_for_each(|check| check_key(&check.key))?;
    let mut written = BTreeSet::new();
    for key in commit.puts.iter().map(|put| &put.key).chain(&commit.deletes) {
        check_key(key)?;
        if !written.insert(key) {
            return Err(invalid(format!("{} {} is written twice by one commit", key.kind.as_str(), key.id)));
        }
    }
    Ok(())
}

pub(crate) fn check_lease(request: &LeaseRequest) -> Result<(), StoreError> {
    check_length("a lease name", &request.name)?;
    check_length("a lease holder", &request.holder)
}
