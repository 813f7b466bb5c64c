//! Reads. Owns the questions on the read-only connections; must never wait for the writer. Each
//! sees the store as it was at one moment.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use tsg_core::ports::store::{Change, Key, Range, Record, Revision, Scope, StoreError};

use super::error::store_error;
use super::rows::{self, account_bytes, bind_key, to_integer};
use crate::feed;
use crate::limits::ID_BYTES_MAX;

pub(super) const GET: &str = "SELECT revision, value FROM records WHERE kind = ? AND account = ? AND id = ?";
pub(super) const ONE_ACCOUNT: &str = "SELECT kind, account, id, revision, value FROM records \
    WHERE kind = ?1 AND account = ?2 AND id >= ?3 AND id >= ?4 AND id < ?5 ORDER BY id LIMIT ?6";
pub(super) const EVERYONE: &str = "SELECT kind, account, id, revision, value FROM records \
    WHERE kind = ?1 AND (account, id) >= (?2, ?3) AND id >= ?4 AND id < ?5 ORDER BY account, id LIMIT ?6";
pub(super) const PAGE: &str = "SELECT revision, kind, account, id FROM records WHERE revision > ?1 \
    UNION ALL SELECT revision, kind, account, id FROM tombstones WHERE revision > ?1 \
    ORDER BY revision LIMIT ?2";
pub(super) const ONE_REVISION: &str = "SELECT revision, kind, account, id FROM records WHERE revision = ?1 \
    UNION ALL SELECT revision, kind, account, id FROM tombstones WHERE revision = ?1";

pub(super) async fn get(readers: &SqlitePool, key: &Key) -> Result<Option<Record>, StoreError> {
    let found = bind_key(sqlx::query(GET), key).fetch_optional(readers).await;
    let record = |row: SqliteRow| {
        let version = rows::revision(&row, "revision")?;
        Ok(Record { key: key.clone(), version, value: row.try_get("value")? })
    };
    found.and_then(|row| row.map(record).transpose()).map_err(|error| store_error(&error))
}

pub(super) async fn list(readers: &SqlitePool, range: &Range) -> Result<Vec<Record>, StoreError> {
    let (sql, account, from) = match (range.scope, &range.after) {
        (Scope::Account(account), Some((after, _))) if *after > account => return Ok(Vec::new()),
        (Scope::Account(account), Some((after, id))) if *after == account => {
            (ONE_ACCOUNT, account_bytes(account), successor(id))
        }
        (Scope::Account(account), _) => (ONE_ACCOUNT, account_bytes(account), String::new()),
        (Scope::Everyone, Some((after, id))) => (EVERYONE, account_bytes(*after), successor(id)),
        (Scope::Everyone, None) => (EVERYONE, Vec::new(), String::new()),
    };
    let found = sqlx::query(sql)
        .bind(range.kind.as_str())
        .bind(account)
        .bind(from)
        .bind(range.prefix.as_str())
        .bind(prefix_end(&range.prefix))
        .bind(i64::from(range.limit))
        .fetch_all(readers)
        .await;
    found.and_then(|rows| rows.iter().map(rows::record).collect()).map_err(|error| store_error(&error))
}

/// The least text that is greater.
fn successor(text: &str) -> String {
    format!("{text}\0")
}

/// The least text that is greater than every one that begins so. Counting a character up counts
/// its bytes up, because UTF-8 sorts as its characters do.
fn prefix_end(prefix: &str) -> String {
    let mut end: Vec<char> = prefix.chars().collect();
    while let Some(last) = end.pop() {
        // A range of characters leaves the surrogates out by itself.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return end.into_iter().collect();
        }
    }
    // Greater than every id: it has more bytes than an id may have, and no byte sorts higher.
    String::from(char::MAX).repeat(ID_BYTES_MAX / char::MAX.len_utf8() + 1)
}

pub(super) async fn changes(readers: &SqlitePool, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
    let found = read_changes(readers, after, limit).await;
    let (told, forgotten) = found.map_err(|error| store_error(&error))?;
    feed::check_reach(after, forgotten)?;
    Ok(told)
}

/// Changes and how far back the feed reaches, as of one moment.
async fn read_changes(
    readers: &SqlitePool,
    after: Revision,
    limit: u32,
) -> Result<(Vec<Change>, Revision), sqlx::Error> {
    let mut moment = readers.begin().await?;
    let reach = sqlx::query("SELECT forgotten FROM meta").fetch_one(&mut *moment).await?;
    let page = sqlx::query(PAGE).bind(to_integer(after.0)).bind(i64::from(limit)).fetch_all(&mut *moment).await?;
    let mut told = page.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    // A commit is told whole, or its rest would never be: readers go on from a revision.
    if let Some(last) = told.last().map(|change| change.revision)
        && told.len() == limit as usize
    {
        told.retain(|change| change.revision != last);
        for row in sqlx::query(ONE_REVISION).bind(to_integer(last.0)).fetch_all(&mut *moment).await? {
            told.push(change(&row)?);
        }
    }
    moment.commit().await?;
    Ok((told, rows::revision(&reach, "forgotten")?))
}

fn change(row: &SqliteRow) -> Result<Change, sqlx::Error> {
    Ok(Change { revision: rows::revision(row, "revision")?, key: rows::key(row)? })
}

#[cfg(test)]
mod tests {
    use super::{prefix_end, successor};

    #[test]
    fn a_prefix_ends_where_no_text_begins_with_it() {
        let last = '\u{10ffff}'.to_string();
        for prefix in ["", "a", "a/", "\u{d7ff}", "z\u{10ffff}", last.as_str(), "\u{7f}", "a\0"] {
            let end = prefix_end(prefix);
            for rest in ["", "\0", "z", last.as_str(), "\u{10ffff}\u{10ffff}zzz"] {
                assert!(format!("{prefix}{rest}") < end, "{prefix:?} {rest:?}");
            }
        }
        assert_eq!(prefix_end("a/"), "a0");
        assert_eq!(prefix_end("\u{d7ff}"), "\u{e000}");
        assert!(prefix_end("").len() > 255);
    }

    #[test]
    fn nothing_lies_between_a_text_and_its_successor() {
        assert!(
            "a" < successor("a").as_str() && successor("a").as_str() < "a\0\0" && successor("a").as_str() < "a\u{1}"
        );
    }
}
