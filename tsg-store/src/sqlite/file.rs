//! The file and its lock, before SQLite touches them. Owns that one process at a time has the
//! store; must never open the database file while SQLite has it open, because closing it again
//! would drop SQLite's own locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::OpenError;

/// Read and written by the owner alone: the store holds (encrypted) keys and the plans of tenants.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// The right to have the store open. Given back when dropped, also by a crash.
pub(super) struct Claim {
    lock: File,
    pub(super) path: PathBuf,
}

impl Drop for Claim {
    /// To close the file is not enough: a process that is just being started from this one has it open too,
    /// and would keep the lock for that moment.
    fn drop(&mut self) {
        // What cannot be given back goes with the process.
        _ = self.lock.unlock();
    }
}

/// Takes the lock beside the file and makes the file, if there is none.
pub(super) fn claim(path: &Path) -> Result<Claim, OpenError> {
    let path = std::path::absolute(path).map_err(|error| unwritable(path, &error))?;
    check_place(&path)?;
    let lock = lock(&path)?;
    // Made here for its mode, which SQLite gives to its log as well; closed before SQLite opens it.
    drop(private().open(&path).map_err(|error| file_error(&path, &error))?);
    Ok(Claim { lock, path })
}

fn check_place(path: &Path) -> Result<(), OpenError> {
    if let Some(directory) = path.parent()
        && !directory.is_dir()
    {
        return Err(OpenError::MissingDirectory { directory: directory.to_owned() });
    }
    if path.is_dir() {
        return Err(OpenError::NotAStore { path: path.to_owned(), found: "it is a directory".to_owned() });
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = private().open(&lock).map_err(|error| file_error(&lock, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { lock }),
        Err(TryLockError::Error(error)) => Err(unwritable(&lock, &error)),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    options
}

/// Shuts others out of a file that was there before. By path, because an open file would have to
/// be closed again.
#[cfg(unix)]
pub(super) fn restrict(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    let set = || {
        let mut permissions = std::fs::metadata(path)?.permissions();
        if permissions.mode() & 0o777 == OWNER_ONLY {
            return Ok(());
        }
        permissions.set_mode(OWNER_ONLY);
        std::fs::set_permissions(path, permissions)
    };
    set().map_err(|error: io::Error| unwritable(path, &error))
}

#[cfg(not(unix))]
pub(super) fn restrict(_path: &Path) -> Result<(), OpenError> {
    Ok(())
}

fn file_error(path: &Path, error: &io::Error) -> OpenError {
    if error.kind() == io::ErrorKind::StorageFull {
        return OpenError::Full { path: path.to_owned() };
    }
    unwritable(path, error)
}

fn unwritable(path: &Path, error: &io::Error) -> OpenError {
    OpenError::Unwritable { path: path.to_owned(), reason: error.to_string() }
}
