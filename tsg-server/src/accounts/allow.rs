//! Who may enrol: logins from the configuration and from a file that may change at any time.
//!
//! Owns the file's form and re-reading. Must never let anybody in because a file could not be
//! read.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::AuthSettings;

/// Why the allow-file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AllowFileError {
    /// The system refused.
    #[error("the allow-list {} cannot be {attempt}: {reason}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        attempt: &'static str,
        /// What the system said.
        reason: String,
    },
    /// Others could add logins to it.
    #[error("the allow-list {} can be written by others (mode {mode:04o}); run: chmod go-w {}", path.display(), path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A text that cannot be a login.
    #[error("{0:?} cannot be a login: use 3 to 32 letters, digits, '_', '.', '@' and '-', beginning with a letter")]
    NotALogin(String),
}

/// The file with further allowed logins, one on each line; `#` begins a comment.
#[derive(Debug, Clone)]
pub struct AllowFile {
    path: PathBuf,
}

impl AllowFile {
    /// The file at `path`, which need not exist.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// use tsg_server::accounts::AllowFile;
    ///
    /// let file = AllowFile::new(folder.path().join("allowed-accounts"));
    /// file.allow("ann-marie")?;
    /// assert!(file.list()?.contains("ann-marie"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The logins in it; none when there is no file.
    ///
    /// # Errors
    /// [`AllowFileError`] when it cannot be read or others can write it.
    pub fn list(&self) -> Result<BTreeSet<String>, AllowFileError> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(self.failed("examined", &error)),
        };
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(AllowFileError::Exposed { path: self.path.clone(), mode });
        }
        let text = fs::read_to_string(&self.path).map_err(|error| self.failed("read", &error))?;
        let logins = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        Ok(logins.filter(|login| !login.is_empty()).map(str::to_owned).collect())
    }

    /// Adds a login. A running server sees it with the next request.
    ///
    /// # Errors
    /// [`AllowFileError`] when the text is no login or the file cannot be replaced.
    pub fn allow(&self, login: &str) -> Result<(), AllowFileError> {
        if !is_login(login) {
            return Err(AllowFileError::NotALogin(login.chars().take(64).collect()));
        }
        let mut logins = self.list()?;
        logins.insert(login.to_owned());
        self.replace(&logins)
    }

    /// Removes a login. The requests of an account that is enrolled already are refused from then
    /// on, while its engine goes on keeping its groups: that ends when the server's key is removed
    /// from the account in Triton.
    ///
    /// # Errors
    /// [`AllowFileError`] when the file cannot be replaced.
    pub fn disallow(&self, login: &str) -> Result<(), AllowFileError> {
        let mut logins = self.list()?;
        logins.remove(login);
        self.replace(&logins)
    }

    /// Writes beside the file and renames, so that a reader never sees half of it.
    fn replace(&self, logins: &BTreeSet<String>) -> Result<(), AllowFileError> {
        let mut text = String::from("# Logins that may enrol, one on each line.\n");
        for login in logins {
            text.push_str(login);
            text.push('\n');
        }
        let beside = self.path.with_extension("new");
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                // Whoever edits the list is often not the user the server runs as, and logins are
                // no secret; the mask of the editor's shell must not lock the server out.
                file.set_permissions(fs::Permissions::from_mode(0o644))?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| self.failed("written", &error))
    }

    fn failed(&self, attempt: &'static str, error: &std::io::Error) -> AllowFileError {
        AllowFileError::Io { path: self.path.clone(), attempt, reason: error.to_string() }
    }
}

/// Whether a text can be a login of Triton's directory, hyphens included.
pub fn is_login(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-');
    (3..=32).contains(&text.len())
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(is_inner)
}

/// The allow-list as a whole.
#[derive(Debug)]
pub struct AllowList {
    logins: BTreeSet<String>,
    everybody: bool,
    file: AllowFile,
}

impl AllowList {
    /// From the settings.
    pub fn new(settings: &AuthSettings) -> Self {
        Self {
            logins: settings.allow.clone(),
            everybody: settings.allow_all,
            file: AllowFile::new(&settings.allow_file),
        }
    }

    /// Whether a login may enrol and be served. The file is read each time: it is short, and an
    /// operator who removes a login must not wait.
    pub fn is_allowed(&self, login: &str) -> bool {
        if self.everybody || self.logins.contains(login) {
            return true;
        }
        match self.file.list() {
            Ok(logins) => logins.contains(login),
            Err(error) => {
                tracing::error!(%error, "the allow-list is not used");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_may_have_hyphens_and_nothing_that_a_path_or_a_line_would_mind() {
        for login in ["demo", "ann-marie", "a.b_c@d", "Abc"] {
            assert!(is_login(login), "{login}");
        }
        for login in ["", "ab", "1abc", "-abc", "a/b", "a b", "abc\n", "abc#", "äbc", &"x".repeat(33)] {
            assert!(!is_login(login), "{login:?}");
        }
    }

    #[test]
    fn a_list_that_others_can_write_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = AllowFile::new(folder.path().join("allowed"));
        file.allow("demo").unwrap();
        file.allow("other").unwrap();
        file.disallow("other").unwrap();
        assert_eq!(file.list().unwrap(), BTreeSet::from(["demo".to_owned()]));
        assert_eq!(
            fs::metadata(file.path()).unwrap().permissions().mode() & 0o7777,
            0o644,
            "the server may be another"
        );
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(file.list(), Err(AllowFileError::Exposed { mode: 0o666, .. })));
        let list = AllowList { logins: BTreeSet::new(), everybody: false, file };
        assert!(!list.is_allowed("demo"));
    }
}
