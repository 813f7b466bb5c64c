//! The tables and how they came to be. Owns the numbered migrations; must never change one that
//! has been released, nor touch a file that is somebody else's.

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};

/// Marks a file as tsg's in its header, where `file` and other programs see it: "TSGs" in ASCII.
const APPLICATION_ID: i64 = 0x5453_4773;

/// Each brings the schema from its index to the next number, which `user_version` holds.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_records.sql")];

/// What is in the way of a schema that can be used.
pub(super) enum SchemaError {
    /// The file belongs to another program.
    Foreign { application_id: i64 },
    /// A newer tsg wrote it.
    Newer { found: u32, known: u32 },
    /// SQLite did not do it.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Brings the schema up to date, each migration whole or not at all.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), SchemaError> {
    let found = version(connection).await?;
    for (number, migration) in (1_u32..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
        transaction.commit().await?;
        tracing::info!(number, "migrated the store");
    }
    Ok(())
}

/// The schema that the file has: 0 for a new one. Changes nothing.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<u32, SchemaError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let application_id = pragma(connection, "PRAGMA application_id").await?;
    let found = pragma(connection, "PRAGMA user_version").await?;
    let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema").await?;
    let is_new = application_id == 0 && found == 0 && tables == 0;
    if application_id != APPLICATION_ID && !is_new {
        return Err(SchemaError::Foreign { application_id });
    }
    match u32::try_from(found) {
        Ok(found) if found <= known => Ok(found),
        other => Err(SchemaError::Newer { found: other.unwrap_or(u32::MAX), known }),
    }
}

async fn pragma(connection: &mut SqliteConnection, question: &'static str) -> Result<i64, sqlx::Error> {
    let row: SqliteRow = sqlx::query(question).fetch_one(connection).await?;
    row.try_get(0)
}
