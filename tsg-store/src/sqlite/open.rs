//! Opening the file. Owns the order: claim, connect, check, migrate; must never hand out a
//! connection before all of it went well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Row, SqliteConnection, SqlitePool};
use tsg_core::model::id::DeploymentId;

use super::error::{OpenError, open_error};
use super::schema::{self, SchemaError};
use super::writer::Writer;
use super::{file, library, rows};
use crate::feed::TOMBSTONES_KEPT;

/// How many reads go on at once: each has a thread, and more than a few only compete for the
/// same page cache.
const READERS: u32 = 4;

/// How long a statement waits for a lock. There is one writer, so only an administrator's own
/// `sqlite3` session can ever hold one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a read waits for one of the readers.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// How many rows the driver's thread may be ahead of us: most pages whole, so that threads are
/// not switched row by row.
const ROWS_AHEAD: usize = 1024;

/// The writer's page cache, in KiB when negative: 16 MB hold the upper levels of every tree and
/// the pages that a busy round touches, so that a commit does not wait for reads.
const WRITER_CACHE: &str = "-16384";

/// Bounds of a store.
pub(super) struct Limits {
    /// How many pages (of 4 KiB) the file may have; SQLite's own bound when there is none.
    pub(super) pages_max: Option<u32>,
    /// How many deletes the change feed remembers.
    pub(super) tombstones_kept: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pages_max: None, tombstones_kept: TOMBSTONES_KEPT as u64 }
    }
}

/// A store that is ready.
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
    pub(super) incarnation: DeploymentId,
}

pub(super) async fn open(path: &Path, limits: Limits) -> Result<Opened, OpenError> {
    let claim = file::claim(path)?;
    let path = claim.path.clone();
    let failed = |error: sqlx::Error| open_error(path.clone(), &error);

    let mut connection = writer_options(&path, &limits).connect().await.map_err(failed)?;
    check_library(&mut connection).await.map_err(failed)??;
    // Nothing is changed before it is known to be ours.
    schema::version(&mut connection).await.map_err(|error| schema_error(&path, error))?;
    file::restrict(&path)?;
    use_log(&mut connection, &path).await.map_err(failed)??;
    check_integrity(&mut connection, &path).await.map_err(failed)??;
    schema::migrate(&mut connection).await.map_err(|error| schema_error(&path, error))?;
    let incarnation = rows::incarnation(&mut connection).await.map_err(failed)?;

    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(reader_options(&path))
        .await
        .map_err(failed)?;
    let writer = Writer::new(connection, claim, limits.tombstones_kept).await.map_err(failed)?;
    Ok(Opened { writer, readers, incarnation })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging()
}

fn writer_options(path: &Path, limits: &Limits) -> SqliteConnectOptions {
    let options = options(path)
        .synchronous(SqliteSynchronous::Full)
        // The writer runs checkpoints itself: SQLite would swallow their errors.
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", WRITER_CACHE)
        // Also on machines where plain fsync stops short of the disk (macOS).
        .pragma("fullfsync", "1");
    match limits.pages_max {
        Some(pages) => options.pragma("max_page_count", pages.to_string()),
        None => options,
    }
}

fn reader_options(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true).pragma("query_only", "1")
}

type Checked = Result<Result<(), OpenError>, sqlx::Error>;

async fn check_library(connection: &mut SqliteConnection) -> Checked {
    let row = sqlx::query("SELECT sqlite_version()").fetch_one(connection).await?;
    let version: String = row.try_get(0)?;
    Ok(if library::is_trusted(&version) { Ok(()) } else { Err(OpenError::UnsafeLibrary { version }) })
}

/// Switches to WAL. A file system that cannot share memory makes SQLite fall back without an
/// error.
async fn use_log(connection: &mut SqliteConnection, path: &Path) -> Checked {
    let mode: String = sqlx::query("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await?.try_get(0)?;
    let sync: i64 = sqlx::query("PRAGMA synchronous").fetch_one(connection).await?.try_get(0)?;
    if mode == "wal" && sync == 2 {
        return Ok(Ok(()));
    }
    let reason = format!("its file system allows journal mode {mode} and synchronous {sync} only, not wal and 2");
    Ok(Err(OpenError::Unwritable { path: path.to_owned(), reason }))
}

/// Reads every page once: a store that is broken must be found before something is decided by it.
async fn check_integrity(connection: &mut SqliteConnection, path: &Path) -> Checked {
    let finding: String = sqlx::query("PRAGMA quick_check(1)").fetch_one(connection).await?.try_get(0)?;
    if finding == "ok" {
        return Ok(Ok(()));
    }
    Ok(Err(OpenError::Damaged { path: path.to_owned(), finding }))
}

fn schema_error(path: &Path, error: SchemaError) -> OpenError {
    let path: PathBuf = path.to_owned();
    match error {
        SchemaError::Foreign { application_id } => OpenError::NotAStore {
            path,
            found: format!("it is an SQLite file of another program (application id {application_id:#x})"),
        },
        SchemaError::Newer { found, known } => OpenError::NewerSchema { path, found, known },
        SchemaError::Database(error) => open_error(path, &error),
    }
}
