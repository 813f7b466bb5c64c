//! `cargo xtask mutants`: does a test fail for every small bug that could be planted in the
//! planner? Owns the order of the steps; must never touch the sources it tries: it works on a copy
//! under `target/mutants` that has a target folder of its own.
//!
//! All mutants are compiled into one program and one of them is chosen when it runs, so that trying
//! one costs a test run and not a build.

mod accepted;
mod build;
mod catalogue;
mod caught;
mod constness;
mod find;
mod judge;
mod operators;
mod options;
mod patterns;
mod splice;
mod tree;
mod trial;

use std::path::Path;

use catalogue::{Catalogue, Mutant};
use caught::Caught;
use options::Options;

use crate::command::{Failure, say};

/// Where what was caught is noted.
const CAUGHT: &str = "target/mutants/caught.txt";

/// Plants every mutant, runs the tests on each, and says which ones no test has noticed.
pub fn run(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    let mut catalogue = Catalogue::of(root, &options.folders)?;
    if options.is_list {
        catalogue.mutants().for_each(|mutant| say(&mutant.to_string()));
        return Ok(());
    }
    let accepted = accepted::read(root)?;
    let mut findings = judge::stale(catalogue.mutants(), &accepted, &options.folders);
    let tree = tree::Tree::copied(root)?;
    let unviable = build::make_viable(&tree, &mut catalogue)?;
    let programs = build::test_programs(&tree, &options.without)?;
    let planted = catalogue.mutants().count();
    say(&format!("mutants: {} in all, {planted} of them compile", planted + unviable));
    let chosen = options.choose(catalogue.mutants());
    let anew = if options.is_iterating { &[][..] } else { &chosen };
    let caught = Caught::read(&root.join(CAUGHT), &catalogue, anew)?;
    let open: Vec<&Mutant> = chosen.iter().copied().filter(|mutant| !caught.holds(mutant)).collect();
    let survivors = trial::try_all(trial::Runner { tree: &tree, options: &options, caught: &caught }, programs, &open)?;
    findings.extend(judge::unexplained(&chosen, &survivors, &accepted));
    judge::conclude(chosen.len(), survivors.len(), &findings)
}

/// What a step of ours failed at.
fn failure(reason: impl Into<String>) -> Failure {
    Failure::Mutants { reason: reason.into() }
}

/// A file that could not be read or written.
fn file_failure(path: &Path, error: &impl ToString) -> Failure {
    Failure::File { path: path.display().to_string(), reason: error.to_string() }
}
