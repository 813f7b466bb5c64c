//! Tests that need a look inside: bounds of the file, and how SQLite goes about a question.

use std::sync::Arc;

use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;
use tsg_core::model::id::AccountId;
use tsg_core::ports::Store;
use tsg_core::ports::store::{Change, Commit, CommitError, Key, Kind, Put, Revision, StoreError};
use uuid::Uuid;

use super::open::Limits;
use super::{SqliteStore, reader, rows};
use crate::conformance::ManualClock;

async fn store(limits: Limits) -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tsg.db");
    let store = SqliteStore::open_within(&path, Arc::new(ManualClock::default()), limits).await.unwrap();
    (store, directory)
}

fn key(number: usize) -> Key {
    Key { kind: Kind::Audit, account: AccountId::from_directory(Uuid::nil()), id: format!("{number:06}") }
}

fn puts(numbers: std::ops::Range<usize>, bytes: usize) -> Commit {
    let put = |number| Put { key: key(number), value: vec![7; bytes] };
    Commit { puts: numbers.map(put).collect(), ..Commit::default() }
}

fn deletes(numbers: std::ops::Range<usize>) -> Commit {
    Commit { deletes: numbers.map(key).collect(), ..Commit::default() }
}

/// A commit of three pages each, until one does not fit; how many were acknowledged.
async fn fill(store: &SqliteStore) -> (usize, CommitError) {
    for number in 0.. {
        if let Err(error) = store.commit(puts(number * 3..number * 3 + 3, 4000)).await {
            return (number, error);
        }
    }
    unreachable!("every disk is full at some time")
}

#[tokio::test]
async fn a_full_store_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let (store, _directory) = store(Limits { pages_max: Some(100), ..Limits::default() }).await;
    let (taken, error) = fill(&store).await;
    assert!(taken > 3, "{taken} commits fit");
    assert!(matches!(error, CommitError::Store(StoreError::Unwritable { .. })), "{error:?}");

    let before = store.changes(Revision(0), 10_000).await.unwrap();
    assert_eq!(before.len(), taken * 3, "the acknowledged commits and nothing of the refused one");
    store.commit(deletes(0..6)).await.unwrap();
    store.commit(puts(900..903, 4000)).await.unwrap();
    assert!(store.get(&key(900)).await.unwrap().is_some());
}

#[tokio::test]
async fn deletes_are_forgotten_in_the_end_and_late_readers_are_told_so() {
    let (store, _directory) = store(Limits { tombstones_kept: 100, ..Limits::default() }).await;
    let (batch, count) = (10, 150);
    store.commit(puts(0..count, 0)).await.unwrap();
    let written = store.commit(puts(999..1000, 0)).await.unwrap();
    for start in (0..count).step_by(batch) {
        store.commit(deletes(start..start + batch)).await.unwrap();
    }

    let late = store.changes(written, 10).await;
    assert!(matches!(late, Err(StoreError::Invalid { .. })), "{late:?}");
    let anew = store.changes(Revision(0), 1).await.unwrap();
    assert_eq!(anew, vec![Change { revision: written, key: key(999) }]);
    let newest = Revision(written.0 + (count / batch) as u64);
    let told = store.changes(Revision(newest.0 - 10), 10_000).await.unwrap();
    assert_eq!(told.len(), 100, "the last deletes are remembered");
    let kept = rows::counters(&mut store.readers.acquire().await.unwrap()).await.unwrap().1;
    assert!((100..=110).contains(&kept), "{kept} tombstones are kept");
}

/// How SQLite would do it, line by line.
async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

#[tokio::test]
async fn no_question_scans_or_sorts_the_records() {
    let (store, directory) = store(Limits::default()).await;
    let path = directory.path().join("tsg.db");
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    let questions = [reader::GET, reader::ONE_ACCOUNT, reader::EVERYONE, reader::PAGE, reader::ONE_REVISION];
    let writes = [rows::VERSIONS, rows::REMOVE, rows::UNBURY].map(|sql| sql.replace("{rows}", "(?,?,?),(?,?,?)"));
    for sql in questions.into_iter().chain(writes.iter().map(String::as_str)) {
        for line in plan(&mut connection, sql).await {
            let is_scan = line.starts_with("SCAN records") || line.starts_with("SCAN tombstones");
            assert!(!is_scan && !line.contains("TEMP B-TREE"), "{sql}\n{line}");
        }
    }
    drop(store);
}
