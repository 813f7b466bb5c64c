//! What SQLite's errors mean. Owns the one translation of its result codes; must never let a
//! driver's error out of this folder.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use tsg_core::ports::store::StoreError;

/// Why a store could not be opened. Each says what happened, why, and what to do next.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The directory of the file does not exist.
    #[error(
        "the store cannot be made in {}: there is no such directory. Make it (mkdir -p -m 0700) or name another path",
        directory.display()
    )]
    MissingDirectory {
        /// Which.
        directory: PathBuf,
    },
    /// Another process has it open.
    #[error(
        "the store is in use: another process holds the lock on {}. Stop it (fuser {} names it) or name another path",
        lock.display(), lock.display()
    )]
    InUse {
        /// The lock file.
        lock: PathBuf,
    },
    /// The file, or its directory, may not be read or written.
    #[error(
        "the store {} cannot be read and written ({reason}). Check owner, mode and mount of the file and its directory",
        path.display()
    )]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is something else under the path.
    #[error(
        "{} is not a store of tsg: {found}. Name another path; tsg leaves this file as it is",
        path.display()
    )]
    NotAStore {
        /// Which file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// It is a store, but a broken one.
    #[error(
        "the store {} is damaged: {finding}. Keep a copy of it and of its -wal file, and restore the last backup",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        finding: String,
    },
    /// It was written by a newer tsg.
    #[error(
        "the store {} has schema {found}, this tsg knows up to {known}. Run the newer tsg, or restore a backup made \
         before it was started",
        path.display()
    )]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// No room is left.
    #[error("the disk of the store {} is full. Free some space on it and start again", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// This SQLite is known to lose data.
    #[error(
        "SQLite {version} may corrupt a store. Build tsg with the SQLite that it brings, or with 3.51.3 or newer \
         (not 3.52.0)"
    )]
    UnsafeLibrary {
        /// Which version.
        version: String,
    },
    /// It did not work for another reason.
    #[error("the store {} cannot be opened ({reason}). Nothing was changed; try again", path.display())]
    Unavailable {
        /// Which file.
        path: PathBuf,
        /// What was said.
        reason: String,
    },
}

/// The kinds of failure that tsg tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody else has it, for now.
    Busy,
    /// The disk has no room, or the file has reached its limit.
    Full,
    /// It may not be written.
    Denied,
    /// The file system failed.
    Disk,
    /// The file does not hold together.
    Corrupt,
    /// It is no SQLite file.
    NotADatabase,
    /// None of these.
    Other,
}

/// Sorts a driver's error. The numbers are SQLite's primary result codes
/// (<https://www.sqlite.org/rescode.html>): the low byte of what it answers.
pub(super) fn cause(error: &sqlx::Error) -> Cause {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(1);
            match code & 0xff {
                5 | 6 => Cause::Busy,
                3 | 8 | 14 | 23 => Cause::Denied,
                10 => Cause::Disk,
                11 => Cause::Corrupt,
                13 => Cause::Full,
                26 => Cause::NotADatabase,
                _ => Cause::Other,
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Cause::Corrupt,
        sqlx::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => Cause::Full,
        _ => Cause::Other,
    }
}

/// What a failed question or write, which has left nothing behind, means to the caller.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    let reason = error.to_string();
    match cause(error) {
        Cause::Full => StoreError::Unwritable {
            reason: format!("its disk is full ({reason}); free some space, nothing else has to be done"),
        },
        Cause::Denied => StoreError::Unwritable { reason },
        Cause::Corrupt | Cause::NotADatabase => StoreError::Corrupt { reason },
        Cause::Busy | Cause::Disk | Cause::Other => StoreError::Unavailable { reason },
    }
}

/// What an error while opening means.
pub(super) fn open_error(path: PathBuf, error: &sqlx::Error) -> OpenError {
    let reason = error.to_string();
    match cause(error) {
        Cause::Full => OpenError::Full { path },
        Cause::Denied => OpenError::Unwritable { path, reason },
        Cause::Corrupt => OpenError::Damaged { path, finding: reason },
        Cause::NotADatabase => OpenError::NotAStore { path, found: "no SQLite file".to_owned() },
        Cause::Busy | Cause::Disk | Cause::Other => OpenError::Unavailable { path, reason },
    }
}
