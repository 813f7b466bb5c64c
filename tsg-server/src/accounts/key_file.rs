//! The key-encryption key (KEK): 32 random bytes in a file that only the owner can read.
//!
//! Owns the file's form and the refusal to use one that others can read. Must never print,
//! serialise or replace a key that exists.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// AES-256's key.
pub const KEK_BYTES: usize = 32;

/// Why the key file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// Other people can read or write it.
    #[error("the key file {} has mode {mode:04o}: others can get at it; run: chmod 400 {}", path.display(), path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("the key file {} belongs to user {owner}, not to the server's user {user}; run: chown {user} {}", path.display(), path.display())]
    ForeignOwner {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who the server runs as.
        user: u32,
    },
    /// It does not hold 32 bytes of base64.
    #[error("the key file {} is damaged: expected 32 bytes as one line of base64; restore it from its backup", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("the key file {} cannot be {attempt}: {reason}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        attempt: &'static str,
        /// What the system said.
        reason: String,
    },
}

/// The key-encryption key. Wiped on drop; has no `Debug`.
pub struct KeyEncryptionKey {
    bytes: Zeroizing<[u8; KEK_BYTES]>,
}

impl KeyEncryptionKey {
    /// Reads an existing file; `None` when there is none.
    ///
    /// # Errors
    /// [`KeyFileError`] when it is exposed, somebody else's, damaged or unreadable.
    pub fn read(path: &Path) -> Result<Option<Self>, KeyFileError> {
        let failed =
            |attempt, error: std::io::Error| KeyFileError::Io { path: path.into(), attempt, reason: error.to_string() };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("opened", error)),
        };
        // The open file is examined, not the path: nobody can swap it in between.
        let metadata = file.metadata().map_err(|error| failed("examined", error))?;
        check_access(path, &metadata)?;
        let mut text = Zeroizing::new(String::new());
        // Longer than any key file; a huge one is refused as damaged instead of being read.
        file.take(1024).read_to_string(&mut text).map_err(|error| failed("read", error))?;
        let decoded = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
        let bytes =
            <[u8; KEK_BYTES]>::try_from(decoded.as_slice()).map_err(|_| KeyFileError::Damaged { path: path.into() })?;
        Ok(Some(Self { bytes: Zeroizing::new(bytes) }))
    }

    /// Draws a new key and writes it to a file that must not exist yet, mode 0400.
    ///
    /// # Errors
    /// [`KeyFileError::Io`] when it exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |attempt, reason: String| KeyFileError::Io { path: path.into(), attempt, reason };
        let mut bytes = Zeroizing::new([0; KEK_BYTES]);
        OsRng.try_fill_bytes(bytes.as_mut()).map_err(|error| failed("filled", error.to_string()))?;
        let line = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_ref())));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| failed("created", error.to_string()))?;
        // The name itself must survive a power failure: what it encrypts will.
        File::open(folder_of(path))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed("synced", error.to_string()))?;
        Ok(Self { bytes })
    }

    /// Names the key without giving anything of it away: the first 8 bytes of a hash of its 256
    /// random bits, in hexadecimal.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"tsg key-encryption key\0");
        hash.update(self.bytes.as_ref());
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn bytes(&self) -> &[u8; KEK_BYTES] {
        &self.bytes
    }
}

/// The folder of a file; the current one of a bare name.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn check_access(path: &Path, metadata: &std::fs::Metadata) -> Result<(), KeyFileError> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.into(), mode });
    }
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(KeyFileError::ForeignOwner { path: path.into(), owner, user });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_stands_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("tsg.kek")), Path::new("."));
        assert_eq!(folder_of(Path::new("data/tsg.kek")), Path::new("data"));
        assert!(File::open(folder_of(Path::new("tsg.kek"))).is_ok());
    }
}
