//! The copy that mutants are planted in. Owns `target/mutants`; must never write anywhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{failure, file_failure};
use crate::command::Failure;

/// What the tests of the core read.
const COPIED: [&str; 4] = ["tsg-core", "docs", "Cargo.lock", "Cargo.toml"];
/// The switch that is compiled into the copy.
const SWITCH: &str = include_str!("switch.rs");

/// The copy.
#[derive(Debug)]
pub struct Tree {
    /// Its root.
    pub root: PathBuf,
    /// Where it is built.
    pub target: PathBuf,
}

impl Tree {
    /// Brings the copy up to date. What has not changed is not written, so that it is not built
    /// again; the planted sources are written later.
    pub fn copied(root: &Path) -> Result<Self, Failure> {
        let at = root.join("target/mutants");
        let tree = Self { root: at.join("tree"), target: at.join("target") };
        let mut files = BTreeSet::new();
        for name in COPIED {
            list(root, Path::new(name), &mut files)?;
        }
        for file in files.iter().filter(|file| !file.starts_with("tsg-core/src")) {
            let text = std::fs::read(root.join(file)).map_err(|error| file_failure(file, &error))?;
            let text = if file == Path::new("Cargo.toml") { alone(&text)? } else { text };
            tree.write(file, &text)?;
        }
        tree.write(Path::new("tsg-core/src/mutant_switch.rs"), SWITCH.as_bytes())?;
        files.insert("tsg-core/src/mutant_switch.rs".into());
        tree.remove_all_but(&files)?;
        Ok(tree)
    }

    /// Writes a file unless it says that already.
    pub fn write(&self, file: &Path, text: &[u8]) -> Result<(), Failure> {
        let path = self.root.join(file);
        if std::fs::read(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder).map_err(|error| file_failure(folder, &error))?;
        std::fs::write(&path, text).map_err(|error| file_failure(&path, &error))
    }

    fn remove_all_but(&self, files: &BTreeSet<PathBuf>) -> Result<(), Failure> {
        let mut there = BTreeSet::new();
        list(&self.root, Path::new("tsg-core"), &mut there)?;
        for stale in there.difference(files) {
            std::fs::remove_file(self.root.join(stale)).map_err(|error| file_failure(stale, &error))?;
        }
        Ok(())
    }
}

/// Everything at a path, from the root.
fn list(root: &Path, path: &Path, into: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    let at = root.join(path);
    if !at.is_dir() {
        into.insert(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(&at).map_err(|error| file_failure(&at, &error))? {
        let entry = entry.map_err(|error| file_failure(&at, &error))?;
        list(root, &path.join(entry.file_name()), into)?;
    }
    Ok(())
}

/// The workspace with the core as its only member.
fn alone(manifest: &[u8]) -> Result<Vec<u8>, Failure> {
    let text = String::from_utf8_lossy(manifest);
    let (head, members) = text.split_once("members = [").ok_or_else(|| failure("Cargo.toml has no members"))?;
    let (_, tail) = members.split_once(']').ok_or_else(|| failure("Cargo.toml: the members do not end"))?;
    Ok(format!("{head}members = [\"tsg-core\"]{tail}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_the_core_alone() {
        let manifest = b"[workspace]\nmembers = [\n  \"tsg-core\",\n  \"xtask\",\n]\n\n[profile.dev]\n";
        let expected = "[workspace]\nmembers = [\"tsg-core\"]\n\n[profile.dev]\n";
        assert_eq!(String::from_utf8(alone(manifest).unwrap()).unwrap(), expected);
    }
}
