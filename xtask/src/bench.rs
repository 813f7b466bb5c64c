//! `cargo xtask bench`: the benches, each with its reference and bar. Owns which there are; must
//! never judge a wall-clock figure alone.

use std::path::Path;

use crate::command::{Failure, run as run_program, say};

/// The benches, cheapest first.
const BENCHES: [&str; 11] = [
    "rolling",
    "replace",
    "plan",
    "storm",
    "health",
    "probe",
    "placement",
    "ingest",
    "page_parse",
    "converge",
    "store",
];

/// How much to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Ratios against references in one run.
    Ratios,
    /// Also exact instruction counts, under callgrind.
    RatiosAndCounts,
}

/// Runs every bench, or those that are named, also after one has missed a bar; the first miss is
/// what it ends with.
pub fn run(root: &Path, depth: Depth, named: &[&str]) -> Result<(), Failure> {
    let mut missed = Ok(());
    for bench in BENCHES.iter().filter(|bench| named.is_empty() || named.contains(bench)) {
        let outcome = run_program(root, "cargo", &["bench", "--package", "tsg-benches", "--locked", "--bench", bench]);
        if let Err(failure) = outcome {
            say(&failure.to_string());
            missed = missed.and(Err(failure));
        }
    }
    if depth == Depth::RatiosAndCounts {
        let arguments = ["run", "--package", "tsg-benches", "--profile", "bench", "--locked", "--bin", "counts"];
        missed = missed.and(run_program(root, "cargo", &arguments));
    }
    missed
}
