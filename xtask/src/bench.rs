//! `cargo xtask bench`: the benches, each with its reference and bar. Owns which there are; must
//! never judge a wall-clock figure alone.

use std::path::Path;

use crate::command::{Failure, run as run_program};

/// How much to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Ratios against references in one run.
    Ratios,
    /// Also exact instruction counts, under callgrind.
    RatiosAndCounts,
}

/// Runs every bench; a missed bar fails it.
pub fn run(root: &Path, depth: Depth) -> Result<(), Failure> {
    run_program(root, "cargo", &["bench", "--package", "tsg-benches", "--locked"])?;
    if depth == Depth::RatiosAndCounts {
        let arguments = ["run", "--package", "tsg-benches", "--profile", "bench", "--locked", "--bin", "counts"];
        run_program(root, "cargo", &arguments)?;
    }
    Ok(())
}
