//! `tidy.toml`: what may be longer than the rule, each with its reason. Owns reading it; the
//! list may only shrink, so a figure that is higher than needed is a finding too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::command::Failure;

/// An exception from a size.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// How many lines it has, exactly.
    pub lines: usize,
    /// Why that is right.
    pub reason: String,
}

/// The exceptions by `path` for files and `path::function` for functions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// Long files.
    #[serde(default)]
    pub files: BTreeMap<String, Exception>,
    /// Long functions.
    #[serde(default)]
    pub functions: BTreeMap<String, Exception>,
}

/// Reads `tidy.toml`.
pub fn read(root: &Path) -> Result<Exceptions, Failure> {
    let path = root.join("tidy.toml");
    let failure = |reason: String| Failure::File { path: "tidy.toml".to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
    toml::from_str(&text).map_err(|error| failure(error.to_string()))
}
