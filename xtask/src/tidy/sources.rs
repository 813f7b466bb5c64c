//! The project's Rust files. Owns finding and reading them; must never look into `target`.

use std::path::Path;

use crate::command::{Failure, capture};

/// One Rust file.
pub struct Source {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Whether it is compiled into what users run, not only into tests and benches.
    pub fn is_production(&self) -> bool {
        let is_in = |folder: &str| self.path.contains(folder);
        !is_in("/tests/") && !is_in("benches/") && !self.path.ends_with("tests.rs")
    }
}

/// Reads every Rust file that git tracks or would track.
pub fn read(root: &Path) -> Result<Vec<Source>, Failure> {
    let listed = capture(root, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"])?;
    String::from_utf8_lossy(&listed)
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).exists())
        .map(|path| {
            let text = std::fs::read_to_string(root.join(path))
                .map_err(|error| Failure::File { path: path.to_owned(), reason: error.to_string() })?;
            Ok(Source { path: path.to_owned(), text })
        })
        .collect()
}
