//! Records as rows. Owns the statements and the written form of each column; must never decide
//! whether something may be written.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection};
use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::store::{Key, Kind, Record, Revision};
use uuid::Uuid;

use super::batch::Write;
use crate::lease::Lease;

/// How many rows one statement takes. A few sizes only, so that each is prepared once; 256 rows of
/// five columns stay far below the 32,766 parameters that SQLite allows.
const CHUNK_LENS: [usize; 9] = [256, 128, 64, 32, 16, 8, 4, 2, 1];

/// CROSS JOIN keeps SQLite from turning the order round and scanning the table.
pub(super) const VERSIONS: &str = "WITH wanted (kind, account, id) AS (VALUES {rows}) \
    SELECT records.kind, records.account, records.id, revision FROM wanted CROSS JOIN records \
    ON records.kind = wanted.kind AND records.account = wanted.account AND records.id = wanted.id";
pub(super) const REMOVE: &str = "DELETE FROM records WHERE (kind, account, id) IN (VALUES {rows})";
pub(super) const UNBURY: &str = "DELETE FROM tombstones WHERE (kind, account, id) IN (VALUES {rows})";

pub(super) type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Splits rows into chunks of the sizes that are prepared.
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let len = CHUNK_LENS.into_iter().find(|len| *len <= rows.len())?;
        let (chunk, rest) = rows.split_at(len);
        rows = rest;
        Some(chunk)
    })
}

/// A statement with `(?,?,?),(?,?,?)` in the place of `{rows}`. Only constants meet in its text.
fn many(sql: &'static str, columns: usize, rows: usize) -> Statement {
    let row = format!("({})", vec!["?"; columns].join(","));
    sqlx::query(AssertSqlSafe(sql.replace("{rows}", &vec![row; rows].join(","))))
}

pub(super) fn bind_key(statement: Statement, key: &Key) -> Statement {
    statement.bind(key.kind.as_str()).bind(account_bytes(key.account)).bind(key.id.clone())
}

pub(super) fn account_bytes(account: AccountId) -> Vec<u8> {
    account.uuid().as_bytes().to_vec()
}

/// SQLite's integers are signed; no store gets past their end.
pub(super) fn to_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn corrupt(what: String) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

fn to_u64(number: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(number).map_err(|_| corrupt(format!("{number} stands where a count must stand")))
}

pub(super) fn revision(row: &SqliteRow, column: &str) -> Result<Revision, sqlx::Error> {
    to_u64(row.try_get(column)?).map(Revision)
}

fn account(row: &SqliteRow) -> Result<AccountId, sqlx::Error> {
    let bytes: &[u8] = row.try_get("account")?;
    let uuid = Uuid::from_slice(bytes).map_err(|error| corrupt(format!("an account cannot be read: {error}")))?;
    Ok(AccountId::from_directory(uuid))
}

pub(super) fn key(row: &SqliteRow) -> Result<Key, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    let kind = Kind::parse(kind).ok_or_else(|| corrupt(format!("there is no kind {kind:?}")))?;
    Ok(Key { kind, account: account(row)?, id: row.try_get("id")? })
}

pub(super) fn record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    Ok(Record { key: key(row)?, version: revision(row, "revision")?, value: row.try_get("value")? })
}

/// What the file was called when it was made.
pub(super) async fn incarnation(connection: &mut SqliteConnection) -> Result<DeploymentId, sqlx::Error> {
    let row = sqlx::query("SELECT incarnation FROM meta").fetch_one(connection).await?;
    let bytes: Vec<u8> = row.try_get(0)?;
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| corrupt("the incarnation has not 16 bytes".to_owned()))?;
    Ok(DeploymentId::from_bits(u128::from_be_bytes(bytes)))
}

/// The newest revision, and how many deletes are remembered.
pub(super) async fn counters(connection: &mut SqliteConnection) -> Result<(Revision, u64), sqlx::Error> {
    let sql = "SELECT revision, (SELECT count(*) FROM tombstones) AS graves FROM meta";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    Ok((revision(&row, "revision")?, to_u64(row.try_get("graves")?)?))
}

/// The versions of those of the keys that have a record.
pub(super) async fn versions(
    connection: &mut SqliteConnection,
    keys: &[&Key],
) -> Result<BTreeMap<Key, Revision>, sqlx::Error> {
    let mut found = BTreeMap::new();
    for chunk in chunks(keys) {
        let statement = chunk.iter().fold(many(VERSIONS, 3, chunk.len()), |statement, key| bind_key(statement, key));
        for row in statement.fetch_all(&mut *connection).await? {
            found.insert(key(&row)?, revision(&row, "revision")?);
        }
    }
    Ok(found)
}

/// Inserts or replaces records.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    puts: &[(&Key, Revision, &[u8])],
) -> Result<(), sqlx::Error> {
    const SQL: &str = "INSERT INTO records (kind, account, id, revision, value) VALUES {rows} \
        ON CONFLICT (kind, account, id) DO UPDATE SET revision = excluded.revision, value = excluded.value";
    for chunk in chunks(puts) {
        let statement = chunk.iter().fold(many(SQL, 5, chunk.len()), |statement, (key, revision, value)| {
            bind_key(statement, key).bind(to_integer(revision.0)).bind(value.to_vec())
        });
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Removes records.
pub(super) async fn remove(connection: &mut SqliteConnection, keys: &[&Key]) -> Result<(), sqlx::Error> {
    remove_from(connection, REMOVE, keys).await.map(drop)
}

/// Takes the tombstones of keys away; says how many there were.
pub(super) async fn unbury(connection: &mut SqliteConnection, keys: &[&Key]) -> Result<u64, sqlx::Error> {
    remove_from(connection, UNBURY, keys).await
}

async fn remove_from(connection: &mut SqliteConnection, sql: &'static str, keys: &[&Key]) -> Result<u64, sqlx::Error> {
    let mut removed = 0;
    for chunk in chunks(keys) {
        let statement = chunk.iter().fold(many(sql, 3, chunk.len()), |statement, key| bind_key(statement, key));
        removed += statement.execute(&mut *connection).await?.rows_affected();
    }
    Ok(removed)
}

/// Remembers that keys are gone.
pub(super) async fn bury(connection: &mut SqliteConnection, graves: &[(&Key, Revision)]) -> Result<(), sqlx::Error> {
    const SQL: &str = "INSERT INTO tombstones (kind, account, id, revision) VALUES {rows}";
    for chunk in chunks(graves) {
        let statement = chunk.iter().fold(many(SQL, 4, chunk.len()), |statement, (key, revision)| {
            bind_key(statement, key).bind(to_integer(revision.0))
        });
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Forgets all but the newest deletes; says how many it forgot.
pub(super) async fn forget(connection: &mut SqliteConnection, kept: u64) -> Result<u64, sqlx::Error> {
    let newest = "SELECT revision FROM tombstones ORDER BY revision DESC LIMIT 1 OFFSET ?";
    let row = sqlx::query(newest).bind(to_integer(kept)).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(0) };
    let last: i64 = row.try_get(0)?;
    let gone = sqlx::query("DELETE FROM tombstones WHERE revision <= ?").bind(last).execute(&mut *connection).await?;
    sqlx::query("UPDATE meta SET forgotten = ?").bind(last).execute(connection).await?;
    Ok(gone.rows_affected())
}

/// Writes what a batch comes to: each key once.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    writes: &BTreeMap<Key, Write>,
    graves: u64,
) -> Result<u64, sqlx::Error> {
    let mut puts = Vec::new();
    let mut deletes = Vec::new();
    for (key, write) in writes {
        match &write.value {
            Some(value) => puts.push((key, write.revision, value.as_slice())),
            None => deletes.push((key, write.revision)),
        }
    }
    let gone: Vec<&Key> = deletes.iter().map(|(key, _)| *key).collect();
    let unburied = if graves == 0 { 0 } else { unbury(connection, &writes.keys().collect::<Vec<_>>()).await? };
    put(connection, &puts).await?;
    remove(connection, &gone).await?;
    bury(connection, &deletes).await?;
    Ok((graves - unburied.min(graves)) + deletes.len() as u64)
}

pub(super) async fn set_revision(connection: &mut SqliteConnection, revision: Revision) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE meta SET revision = ?").bind(to_integer(revision.0)).execute(connection).await.map(drop)
}

pub(super) async fn lease(connection: &mut SqliteConnection, name: &str) -> Result<Option<Lease>, sqlx::Error> {
    let sql = "SELECT holder, epoch, expires_at_ms, term_ms FROM leases WHERE name = ?";
    let row = sqlx::query(sql).bind(name).fetch_optional(connection).await?;
    let read = |row: SqliteRow| {
        Ok(Lease {
            holder: row.try_get("holder")?,
            epoch: to_u64(row.try_get("epoch")?)?,
            expires_at: Timestamp::from_millis(row.try_get("expires_at_ms")?),
            term: Duration::from_millis(to_u64(row.try_get("term_ms")?)?),
        })
    };
    row.map(read).transpose()
}

pub(super) async fn put_lease(connection: &mut SqliteConnection, name: &str, lease: &Lease) -> Result<(), sqlx::Error> {
    let sql = "INSERT OR REPLACE INTO leases (name, holder, epoch, expires_at_ms, term_ms) VALUES (?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(name)
        .bind(lease.holder.as_deref())
        .bind(to_integer(lease.epoch))
        .bind(lease.expires_at.as_millis())
        .bind(i64::try_from(lease.term.as_millis()).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map(drop)
}

/// Lets go of a lease that is held under this epoch; says whether it was.
pub(super) async fn release(connection: &mut SqliteConnection, name: &str, epoch: u64) -> Result<u64, sqlx::Error> {
    let sql = "UPDATE leases SET holder = NULL WHERE name = ? AND epoch = ? AND holder IS NOT NULL";
    let done = sqlx::query(sql).bind(name).bind(to_integer(epoch)).execute(connection).await?;
    Ok(done.rows_affected())
}
