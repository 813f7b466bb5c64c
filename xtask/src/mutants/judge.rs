//! What the trials mean. Owns the bar and the last word; must never pass over a survivor that
//! nobody gave a reason for, or a reason that nothing survives for any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::accepted::Accepted;
use super::catalogue::Mutant;
use super::failure;
use crate::command::{Failure, say};

/// Mutants of a hundred that must be killed, whatever the reasons for the others are.
const KILLED_PERCENT_MIN: usize = 95;

/// How a mutant lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// No test gets there.
    Unreached,
    /// Tests get there and do not notice.
    Unnoticed,
}

/// Tells the findings and the counts, and fails unless all is as it should be.
pub fn conclude(tried: usize, living: usize, findings: &[String]) -> Result<(), Failure> {
    findings.iter().for_each(|finding| say(&format!("mutants: {finding}")));
    let killed = tried - living;
    let share = 1000 * killed / tried.max(1);
    say(&format!("mutants: {tried} tried, {killed} killed ({}.{} %), {living} survive", share / 10, share % 10));
    verdict(tried, killed, findings.len())
}

fn verdict(tried: usize, killed: usize, findings: usize) -> Result<(), Failure> {
    if killed * 100 < tried * KILLED_PERCENT_MIN {
        return Err(failure(format!("fewer than {KILLED_PERCENT_MIN} of 100 were killed")));
    }
    match findings {
        0 => Ok(()),
        count => {
            Err(failure(format!("{count} line(s) above: kill it with a test, or put tsg-core/mutants.toml right")))
        }
    }
}

/// Survivors that have no reason, and reasons for mutants that do not survive.
pub fn unexplained(tried: &[&Mutant], survivors: &BTreeMap<u32, Survival>, accepted: &Accepted) -> Vec<String> {
    let reason = |mutant: &Mutant| accepted.get(&(mutant.file.clone(), mutant.name.clone()));
    let finding = |mutant: &&Mutant| match (survivors.get(&mutant.id), reason(mutant)) {
        (Some(Survival::Unreached), None) => Some(format!("{mutant} survives: no test gets there")),
        (Some(Survival::Unnoticed), None) => Some(format!("{mutant} survives: no test notices")),
        (None, Some(_)) => Some(format!("{mutant} is killed now: take it out of the list")),
        (Some(_), Some(_)) | (None, None) => None,
    };
    tried.iter().filter_map(finding).collect()
}

/// Entries of files that were planted, for mutants that are not there any more.
pub fn stale<'a>(all: impl Iterator<Item = &'a Mutant>, accepted: &Accepted, folders: &[String]) -> Vec<String> {
    let there: BTreeSet<(&str, &str)> = all.map(|mutant| (mutant.file.as_str(), mutant.name.as_str())).collect();
    let is_planted = |file: &str| folders.iter().any(|folder| Path::new(file).starts_with(folder));
    let gone = accepted.keys().filter(|(file, name)| is_planted(file) && !there.contains(&(file, name)));
    gone.map(|(file, name)| format!("{file}: {name} does not exist any more: take it out of the list")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(id: u32, name: &str) -> Mutant {
        Mutant { id, file: "a.rs".into(), line: 1, name: name.into() }
    }

    fn accepting(names: &[&str]) -> Accepted {
        names.iter().map(|name| (("a.rs".to_owned(), (*name).to_owned()), "the same".to_owned())).collect()
    }

    #[test]
    fn survivors_need_a_reason_and_reasons_need_a_survivor() {
        let mutants = [mutant(1, "x"), mutant(2, "y")];
        let tried: Vec<&Mutant> = mutants.iter().collect();
        let living = BTreeMap::from([(1, Survival::Unnoticed)]);
        assert_eq!(unexplained(&tried, &living, &accepting(&["x"])), [""; 0]);
        assert_eq!(unexplained(&tried, &living, &accepting(&[])).len(), 1);
        assert_eq!(unexplained(&tried, &living, &accepting(&["x", "y"])).len(), 1);
    }

    #[test]
    fn too_few_killed_or_anything_unexplained_is_a_failure() {
        assert!(verdict(100, 95, 0).is_ok());
        assert!(verdict(100, 94, 0).is_err());
        assert!(verdict(100, 99, 1).is_err());
    }

    #[test]
    fn a_reason_for_what_is_gone_is_found_where_it_was_looked_for() {
        let mutants = [mutant(1, "x")];
        let stale = |folder: &str| stale(mutants.iter(), &accepting(&["x", "gone"]), &[folder.to_owned()]).len();
        assert_eq!((stale("a.rs"), stale("b.rs")), (1, 0));
    }
}
