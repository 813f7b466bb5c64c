//! What earlier runs have caught, so that a run can go on where another was stopped. Owns
//! `target/mutants/caught.txt`; must never tell of a file that has changed since.
//!
//! A line is a file, a fingerprint of what it said, and the name of a mutant, with tabs between.
//! Whether the tests still catch it when another file has changed, only a new run can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, Mutant};
use super::file_failure;
use crate::command::Failure;

/// The notes, as far as they hold for the files as they are.
#[derive(Debug)]
pub struct Caught {
    path: PathBuf,
    /// By file.
    fingerprints: BTreeMap<String, String>,
    lines: BTreeSet<String>,
}

impl Caught {
    /// Reads the notes and forgets those on mutants that are tried anew.
    pub fn read(path: &Path, catalogue: &Catalogue, anew: &[&Mutant]) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| file_failure(path, &error))?,
        };
        let fingerprints = catalogue.files.iter().map(|file| (file.path.clone(), fingerprint(&file.text))).collect();
        let lines = text.lines().map(str::to_owned).collect();
        let mut caught = Self { path: path.to_owned(), fingerprints, lines };
        for mutant in anew {
            caught.lines.remove(&caught.line(mutant));
        }
        caught.write()?;
        Ok(caught)
    }

    /// Whether this one was caught before.
    pub fn holds(&self, mutant: &Mutant) -> bool {
        self.lines.contains(&self.line(mutant))
    }

    /// Notes that this one is caught, at once: the run may be stopped at any time.
    pub fn note(&self, mutant: &Mutant) -> Result<(), Failure> {
        let file = std::fs::OpenOptions::new().append(true).open(&self.path);
        let written = file.and_then(|mut file| writeln!(file, "{}", self.line(mutant)));
        written.map_err(|error| file_failure(&self.path, &error))
    }

    fn line(&self, mutant: &Mutant) -> String {
        let fingerprint = self.fingerprints.get(&mutant.file).map_or("", String::as_str);
        format!("{}\t{fingerprint}\t{}", mutant.file, mutant.name)
    }

    fn write(&self) -> Result<(), Failure> {
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&self.path, text).map_err(|error| file_failure(&self.path, &error))
    }
}

fn fingerprint(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Planted;
    use super::*;

    fn catalogue(text: &str) -> Catalogue {
        Catalogue { files: vec![Planted { path: "a.rs".into(), text: text.into(), sites: Vec::new() }] }
    }

    fn mutant(name: &str) -> Mutant {
        Mutant { id: 1, file: "a.rs".into(), line: 1, name: name.into() }
    }

    #[test]
    fn what_was_caught_is_known_until_its_file_changes_or_it_is_tried_anew() {
        let path = std::env::temp_dir().join(format!("tsg-caught-{}.txt", std::process::id()));
        let read = |text: &str, anew: &[&Mutant]| Caught::read(&path, &catalogue(text), anew).unwrap();
        let (first, second) = (mutant("first"), mutant("second"));
        let caught = read("before", &[]);
        caught.note(&first).unwrap();
        caught.note(&second).unwrap();
        assert!(!read("after", &[]).holds(&first));
        let caught = read("before", &[&second]);
        assert_eq!((caught.holds(&first), caught.holds(&second)), (true, false));
        assert!(!read("before", &[]).holds(&second), "what is forgotten comes back");
        std::fs::remove_file(&path).unwrap();
    }
}
