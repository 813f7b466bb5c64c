//! Which commits of a batch happen, and what they come to. Owns compare-and-set among commits
//! that share a transaction; must never touch the database, so that a refused commit leaves
//! nothing behind that would have to be undone.

use std::collections::{BTreeMap, BTreeSet};

use tsg_core::ports::store::{Commit, CommitError, Expected, Key, Revision};

/// What a key will be.
pub(super) struct Write {
    pub(super) revision: Revision,
    /// Nothing when it is deleted.
    pub(super) value: Option<Vec<u8>>,
}

/// Commits as if they had happened one after the other.
pub(super) struct Batch {
    revision: Revision,
    versions: BTreeMap<Key, Revision>,
    writes: BTreeMap<Key, Write>,
}

/// The keys whose versions a batch has to know.
pub(super) fn keys_to_read(commits: &[Commit]) -> Vec<&Key> {
    let checked = commits.iter().flat_map(|commit| commit.checks.iter().map(|check| &check.key));
    let deleted = commits.iter().flat_map(|commit| &commit.deletes);
    let keys: BTreeSet<&Key> = checked.chain(deleted).collect();
    keys.into_iter().collect()
}

impl Batch {
    /// A batch after `revision`, knowing the versions of its [`keys_to_read`].
    pub(super) fn new(revision: Revision, versions: BTreeMap<Key, Revision>) -> Self {
        Self { revision, versions, writes: BTreeMap::new() }
    }

    /// Takes a commit in, or refuses it.
    pub(super) fn admit(&mut self, commit: Commit) -> Result<Revision, CommitError> {
        if let Some(check) = commit.checks.iter().find(|check| !self.holds(&check.key, check.expected)) {
            return Err(CommitError::Conflict { key: check.key.clone() });
        }
        let revision = Revision(self.revision.0 + 1);
        self.revision = revision;
        for put in commit.puts {
            self.versions.insert(put.key.clone(), revision);
            self.writes.insert(put.key, Write { revision, value: Some(put.value) });
        }
        for key in commit.deletes {
            if self.versions.remove(&key).is_some() {
                self.writes.insert(key, Write { revision, value: None });
            }
        }
        Ok(revision)
    }

    fn holds(&self, key: &Key, expected: Expected) -> bool {
        let version = self.versions.get(key).copied();
        match expected {
            Expected::Absent => version.is_none(),
            Expected::Version(wanted) => version == Some(wanted),
        }
    }

    /// The revision of the last commit that was admitted.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// What is to be written: each key once, as the last commit left it.
    pub(super) fn writes(&self) -> &BTreeMap<Key, Write> {
        &self.writes
    }
}
