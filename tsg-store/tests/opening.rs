//! What stands in the way of opening a store, one by one. Owns that each is told apart, names the
//! file and leaves it as it is; must never need rights that a developer may lack.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking, also in its fixtures")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tsg_core::model::id::AccountId;
use tsg_core::ports::Store;
use tsg_core::ports::store::{Commit, Key, Kind, LeaseAnswer, LeaseRequest, Put, Revision};
use tsg_store::conformance::ManualClock;
use tsg_store::{OpenError, SqliteStore};
use uuid::Uuid;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tsg.db");
    (directory, path)
}

async fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Arc::new(ManualClock::default())).await
}

/// Why it cannot be opened. The message must name the file and go on after the cause.
async fn refusal(path: &Path) -> OpenError {
    let Err(error) = open(path).await else { panic!("{} was opened", path.display()) };
    let message = error.to_string();
    let named = path.file_name().unwrap().to_str().unwrap();
    let parent = path.parent().unwrap().to_str().unwrap();
    assert!(message.contains(named) || message.contains(parent), "{message}");
    assert!(message.contains(". "), "the message must say what to do next: {message}");
    error
}

fn key(number: u32) -> Key {
    Key { kind: Kind::Template, account: AccountId::from_directory(Uuid::nil()), id: number.to_string() }
}

/// A store of a few hundred pages.
async fn filled(path: &Path) {
    let store = open(path).await.unwrap();
    let put = |number| Put { key: key(number), value: vec![9; 1000] };
    store.commit(Commit { puts: (0..1000).map(put).collect(), ..Commit::default() }).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_store_in_use_is_refused_and_free_again_after_close() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    let error = refusal(&path).await;
    assert!(matches!(&error, OpenError::InUse { lock } if lock.ends_with("tsg.db.lock")), "{error:?}");
    store.close().await;
    open(&path).await.unwrap().close().await;
}

#[tokio::test]
async fn what_is_no_store_is_left_alone() {
    let (directory, path) = place();
    let garbage = b"this is not a database, however long it goes on".repeat(100);
    fs::write(&path, &garbage).unwrap();
    assert!(matches!(refusal(&path).await, OpenError::NotAStore { .. }));
    assert_eq!(fs::read(&path).unwrap(), garbage);

    let foreign = directory.path().join("foreign.db");
    let mut other = connect(&foreign).await;
    sqlx::raw_sql("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let before = fs::read(&foreign).unwrap();
    assert!(matches!(refusal(&foreign).await, OpenError::NotAStore { .. }));
    assert_eq!(fs::read(&foreign).unwrap(), before);

    let folder = directory.path().join("folder.db");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(refusal(&folder).await, OpenError::NotAStore { .. }));
}

/// Opens any SQLite file, as an administrator would.
async fn connect(path: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    SqliteConnection::connect(&url).await.unwrap()
}

#[tokio::test]
async fn damage_is_found_before_anything_is_decided_by_it() {
    let (directory, path) = place();
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    let page = 4096;
    let holed = {
        let mut bytes = whole.clone();
        bytes[10 * page..11 * page].fill(0xaa);
        bytes
    };
    for (name, bytes) in [("half", &whole[..whole.len() / 2]), ("torn", &whole[..page + 100]), ("holed", &holed)] {
        let broken = directory.path().join(name);
        fs::write(&broken, bytes).unwrap();
        let error = refusal(&broken).await;
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error:?}");
    }
    open(&path).await.unwrap().close().await;
}

#[tokio::test]
async fn a_missing_directory_is_not_made() {
    let (directory, _) = place();
    let missing = directory.path().join("not/there");
    let error = refusal(&missing.join("tsg.db")).await;
    assert!(matches!(&error, OpenError::MissingDirectory { directory } if *directory == missing), "{error:?}");
    assert!(!missing.exists());
}

/// Nobody, not even root, can make a file in /proc.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    let error = refusal(Path::new("/proc/tsg.db")).await;
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (_directory, path) = place();
    filled(&path).await;
    let mut other = connect(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 77").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, OpenError::NewerSchema { found: 77, known: 1, .. }), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_any_of_its_files() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = place();
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&path).await.unwrap();
    store.commit(Commit::default()).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["tsg.db", "tsg.db-shm", "tsg.db-wal", "tsg.db.lock"]);
}

#[tokio::test]
async fn a_reopened_store_has_forgotten_nothing() {
    let (directory, path) = place();
    let store = open(&path).await.unwrap();
    let incarnation = store.incarnation();
    let lease = LeaseRequest { name: "work".to_owned(), holder: "a".to_owned(), term: Duration::from_secs(9) };
    let put = |number| Put { key: key(number), value: vec![1] };
    store.commit(Commit { puts: vec![put(1), put(2)], ..Commit::default() }).await.unwrap();
    let last = store.commit(Commit { deletes: vec![key(2)], ..Commit::default() }).await.unwrap();
    let granted = store.acquire(&lease).await.unwrap();
    store.release("work", 1).await.unwrap();
    let changes = store.changes(Revision(0), 10).await.unwrap();
    store.close().await;

    let store = open(&path).await.unwrap();
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(store.changes(Revision(0), 10).await.unwrap(), changes);
    assert_eq!(changes.len(), 2);
    assert_eq!(store.commit(Commit::default()).await.unwrap(), Revision(last.0 + 1));
    let again = store.acquire(&lease).await.unwrap();
    assert!(matches!((granted, again), (LeaseAnswer::Granted { epoch: 1, .. }, LeaseAnswer::Granted { epoch: 2, .. })));

    let other = open(&directory.path().join("other.db")).await.unwrap();
    assert_ne!(other.incarnation(), incarnation);
}
