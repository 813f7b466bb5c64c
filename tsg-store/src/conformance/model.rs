//! Random commands against a model. Owns a store so plain that it is plainly right: a list,
//! searched from end to end; must never share code with a store that it judges.

use tsg_core::ports::store::{
    Change, Check, Commit, CommitError, Expected, Key, Kind, Put, Range, Record, Revision, Scope,
};

use super::subject::{Outcome, Subject, account, same};

const KINDS: [Kind; 2] = [Kind::Group, Kind::Operation];
const ACCOUNTS: u64 = 3;
const IDS: [&str; 7] = ["a", "a/", "a/1", "a/2", "b", "b/1", ""];

/// Does `steps` random commands on the store and on a model; all answers must be the same.
///
/// # Errors
/// The first answer that differs.
pub async fn agrees_with_model(subject: &Subject, seed: u64, steps: u32) -> Outcome {
    let mut model = Model::default();
    let mut dice = Dice(seed);
    for _ in 0..steps {
        match dice.below(6) {
            0..=2 => {
                let commit = dice.commit(&model);
                let wanted = model.commit(&commit);
                same("a commit is answered as the model does", subject.store.commit(commit).await, wanted)?;
            }
            3 => {
                let key = dice.key();
                same("a key is read as the model does", subject.store.get(&key).await?, model.get(&key).cloned())?;
            }
            4 => {
                let range = dice.range();
                same("a range is listed as the model does", subject.store.list(&range).await?, model.list(&range))?;
            }
            _ => {
                let (after, limit) = (Revision(dice.below(model.revision + 2)), 1 + dice.below(5) as usize);
                let mut told = subject.store.changes(after, limit as u32).await?;
                told.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
                same("changes are told as the model does", told, model.changes(after, limit))?;
            }
        }
    }
    Ok(())
}

/// Numbers that look random and are the same for the same seed (SplitMix64, public domain).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    fn key(&mut self) -> Key {
        Key {
            kind: KINDS[self.below(KINDS.len() as u64) as usize],
            account: account(u128::from(self.below(ACCOUNTS))),
            id: self.pick(&IDS).to_owned(),
        }
    }

    /// Mostly one that the model takes.
    fn commit(&mut self, model: &Model) -> Commit {
        let mut commit = Commit::default();
        for _ in 0..=self.below(3) {
            let key = self.key();
            let expected = match (self.below(8), model.get(&key)) {
                (0, _) => Expected::Absent,
                (1, _) => Expected::Version(Revision(self.below(model.revision + 2))),
                (_, Some(record)) => Expected::Version(record.version),
                (_, None) => Expected::Absent,
            };
            if self.below(2) == 0 {
                commit.checks.push(Check { key: key.clone(), expected });
            }
            let is_written = commit.puts.iter().map(|put| &put.key).chain(&commit.deletes).any(|other| *other == key);
            match self.below(4) {
                _ if is_written => {}
                0 => commit.deletes.push(key),
                1 | 2 => commit.puts.push(Put { key, value: self.below(1000).to_string().into_bytes() }),
                _ => {}
            }
        }
        commit
    }

    fn range(&mut self) -> Range {
        let key = self.key();
        Range {
            kind: key.kind,
            scope: if self.below(2) == 0 { Scope::Everyone } else { Scope::Account(key.account) },
            prefix: self.pick(&["", "a", "a/", "b/", "c"]).to_owned(),
            after: (self.below(2) == 0).then(|| self.key()).map(|key| (key.account, key.id)),
            limit: 1 + self.below(6) as u32,
        }
    }
}

#[derive(Default)]
struct Model {
    revision: u64,
    records: Vec<Record>,
    deleted: Vec<Change>,
}

impl Model {
    fn get(&self, key: &Key) -> Option<&Record> {
        self.records.iter().find(|record| record.key == *key)
    }

    fn commit(&mut self, commit: &Commit) -> Result<Revision, CommitError> {
        for check in &commit.checks {
            let wanted = match check.expected {
                Expected::Absent => None,
                Expected::Version(version) => Some(version),
            };
            if self.get(&check.key).map(|record| record.version) != wanted {
                return Err(CommitError::Conflict { key: check.key.clone() });
            }
        }
        self.revision += 1;
        let revision = Revision(self.revision);
        for put in &commit.puts {
            self.deleted.retain(|change| change.key != put.key);
            self.records.retain(|record| record.key != put.key);
            self.records.push(Record { key: put.key.clone(), version: revision, value: put.value.clone() });
        }
        for key in &commit.deletes {
            if self.get(key).is_some() {
                self.records.retain(|record| record.key != *key);
                self.deleted.push(Change { revision, key: key.clone() });
            }
        }
        Ok(revision)
    }

    fn list(&self, range: &Range) -> Vec<Record> {
        let is_in = |record: &&Record| {
            let key = &record.key;
            let is_in_scope = match range.scope {
                Scope::Account(account) => key.account == account,
                Scope::Everyone => true,
            };
            let is_after = range.after.as_ref().is_none_or(|(account, id)| (key.account, &key.id) > (*account, id));
            key.kind == range.kind && is_in_scope && is_after && key.id.starts_with(&range.prefix)
        };
        let mut found: Vec<Record> = self.records.iter().filter(is_in).cloned().collect();
        found.sort_by(|a, b| (a.key.account, &a.key.id).cmp(&(b.key.account, &b.key.id)));
        found.truncate(range.limit as usize);
        found
    }

    fn changes(&self, after: Revision, limit: usize) -> Vec<Change> {
        let written = self.records.iter().map(|record| Change { revision: record.version, key: record.key.clone() });
        let mut all: Vec<Change> =
            written.chain(self.deleted.iter().cloned()).filter(|change| change.revision > after).collect();
        all.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
        let last = all.get(limit - 1).map(|change| change.revision);
        all.retain(|change| last.is_none_or(|last| change.revision <= last));
        all
    }
}
