//! `tsg-core/mutants.toml`: survivors that are right as they are, each with its reason. Owns reading
//! it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::failure;
use crate::command::Failure;

const PAGE: &str = "tsg-core/mutants.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    accepted: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    mutants: Vec<String>,
    reason: String,
}

/// The reason for each survivor, by file and name.
pub type Accepted = BTreeMap<(String, String), String>;

/// Reads the list.
pub fn read(root: &Path) -> Result<Accepted, Failure> {
    let text = std::fs::read_to_string(root.join(PAGE)).map_err(|error| failure(format!("{PAGE}: {error}")))?;
    parse(&text).map_err(|reason| failure(format!("{PAGE}: {reason}")))
}

fn parse(text: &str) -> Result<Accepted, String> {
    let page: Page = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut accepted = Accepted::new();
    for entry in page.accepted {
        if entry.reason.trim().is_empty() {
            return Err(format!("{}: {:?} have no reason", entry.file, entry.mutants));
        }
        for mutant in entry.mutants {
            let key = (entry.file.clone(), mutant);
            if accepted.insert(key.clone(), entry.reason.clone()).is_some() {
                return Err(format!("{}: {} is listed twice", key.0, key.1));
            }
        }
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_needs_a_reason_and_stands_there_once() {
        let entry =
            |reason: &str| format!("[[accepted]]\nfile = \"a.rs\"\nmutants = [\"f: x\"]\nreason = \"{reason}\"\n");
        assert_eq!(parse(&entry("the same")).unwrap().len(), 1);
        assert!(parse(&entry(" ")).is_err());
        assert!(parse(&format!("{}{}", entry("one"), entry("two"))).is_err());
        assert!(parse("").unwrap().is_empty());
    }
}
