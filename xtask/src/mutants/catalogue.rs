//! All mutants of the chosen files. Owns their numbers and their names; must never number them
//! differently for the same sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::constness::Constness;
use super::splice::{Form, Site};
use super::{failure, file_failure, find};
use crate::command::Failure;

/// One small bug that can be planted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mutant {
    /// Its number, from 1: how it is switched on.
    pub id: u32,
    /// The file, from the root.
    pub file: String,
    /// The line.
    pub line: usize,
    /// What is changed, where in the file: unlike the line, this lasts.
    pub name: String,
}

impl fmt::Display for Mutant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.name)
    }
}

/// A source file of the core, with what is planted in it.
#[derive(Debug)]
pub struct Planted {
    /// The file, from the root.
    pub path: String,
    /// What it says.
    pub text: String,
    /// Where mutants go, outer ones before those within them.
    pub sites: Vec<Site>,
}

/// All files of the core and all mutants in them.
#[derive(Debug)]
pub struct Catalogue {
    /// By path.
    pub files: Vec<Planted>,
}

/// Where the sources stand that mutants are planted in, and the tests that may need them constant.
const SOURCES: &str = "tsg-core/src";
const TESTS: &str = "tsg-core/tests";

impl Catalogue {
    /// Finds every mutant in the files and folders given.
    pub fn of(root: &Path, folders: &[String]) -> Result<Self, Failure> {
        let sources = read(root, SOURCES)?;
        let tests = read(root, TESTS)?;
        let parsed: Vec<syn::File> = sources.iter().map(parse).collect::<Result<_, _>>()?;
        let parsed_tests: Vec<syn::File> = tests.iter().map(parse).collect::<Result<_, _>>()?;
        let constness = Constness::of(&parsed, &parsed_tests);
        let mut files = Vec::new();
        for ((path, text), file) in sources.into_iter().zip(&parsed) {
            let is_chosen = folders.iter().any(|folder| Path::new(&path).starts_with(folder));
            let sites =
                if is_chosen { find::sites(&text, file, &constness) } else { constness.erasures(file).collect() };
            files.push(Planted { path, text, sites });
        }
        let mut catalogue = Self { files };
        catalogue.number();
        if catalogue.mutants().next().is_none() {
            return Err(failure(format!("there is nothing to plant in {}", folders.join(", "))));
        }
        Ok(catalogue)
    }

    /// All mutants, by number.
    pub fn mutants(&self) -> impl Iterator<Item = &Mutant> {
        self.files.iter().flat_map(|file| &file.sites).flat_map(|site| &site.arms).map(|arm| &arm.mutant)
    }

    /// Takes mutants out.
    pub fn remove(&mut self, ids: &BTreeSet<u32>) {
        for site in self.files.iter_mut().flat_map(|file| &mut file.sites) {
            site.arms.retain(|arm| !ids.contains(&arm.mutant.id));
        }
        for file in &mut self.files {
            file.sites.retain(|site| site.form == Form::Erased || !site.arms.is_empty());
        }
    }

    /// Gives numbers, and tells mutants of one file apart that have the same name.
    fn number(&mut self) {
        let mut id = 0;
        for file in &mut self.files {
            let mut seen: BTreeMap<String, u32> = BTreeMap::new();
            for arm in file.sites.iter_mut().flat_map(|site| &mut site.arms) {
                id += 1;
                let count = seen.entry(arm.mutant.name.clone()).or_default();
                *count += 1;
                if *count > 1 {
                    arm.mutant.name.push_str(&format!(" #{count}"));
                }
                (arm.mutant.id, arm.mutant.file) = (id, file.path.clone());
            }
        }
    }
}

fn parse((path, text): &(String, String)) -> Result<syn::File, Failure> {
    syn::parse_file(text).map_err(|error| failure(format!("{path}: {error}")))
}

/// The Rust files of a folder by path, with their texts.
fn read(root: &Path, folder: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let at = root.join(&folder);
        for entry in std::fs::read_dir(&at).map_err(|error| file_failure(&at, &error))? {
            let entry = entry.map_err(|error| file_failure(&at, &error))?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                let text =
                    std::fs::read_to_string(entry.path()).map_err(|error| file_failure(&entry.path(), &error))?;
                found.push((path, text));
            }
        }
    }
    found.sort();
    Ok(found)
}
