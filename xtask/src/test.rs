//! `cargo xtask test`: everything CI runs, in the order in which it fails soonest. Owns the list
//! of steps; must never pass over one.

use std::path::Path;

use crate::command::{self, Failure, say};
use crate::{tidy, tools};

/// What is run with cargo, in order.
const STEPS: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    &["test", "--workspace", "--locked"],
    // The planner's properties and the models of its rollouts, optimised: two hundred times as many
    // inputs, and the large models as a whole.
    &["test", "--package", "tsg-core", "--test", "properties", "--test", "exhaustive", "--release", "--locked"],
    &["test", "--package", "tsg-core", "--test", "planner", "--release", "--locked", "fleet::"],
    // Placements against the best there is, of all that are possible: three hundred times as many.
    &["test", "--package", "tsg-core", "--test", "placement", "--release", "--locked"],
    // What is said to be enforced, against the simulated allocator: as many.
    &["test", "--package", "tsg-sim", "--test", "placement", "--release", "--locked"],
    // What the fuzz targets do, on their seeds: a workspace of its own.
    &["test", "--manifest-path", "fuzz/Cargo.toml", "--no-default-features", "--locked"],
    // The portable signing backend alone; the workspace run above had the other one too.
    &["test", "--package", "tsg-cloudapi", "--lib", "--test", "signature", "--locked"],
    &["run", "--package", "tsg-cli", "--locked", "--", "demo", "--once"],
];

/// Properties are tried on the same inputs each time, so that a change is blamed for what it breaks;
/// without this they look for new ones whenever they run.
const SAME_INPUTS: &[(&str, &str)] = &[("PROPTEST_RNG_SEED", "1953718049")];

/// Runs everything.
pub fn run(root: &Path) -> Result<(), Failure> {
    say("tsg: installing what is missing, then format, tidy, lints, tests and the demo");
    tools::install(root)?;
    let (format, rest) = STEPS.split_at(1);
    for step in format {
        run_cargo(root, step)?;
    }
    tidy::run(root)?;
    for step in rest {
        run_cargo(root, step)?;
    }
    say("\neverything passed");
    Ok(())
}

fn run_cargo(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    // The planner's properties choose their inputs themselves, the same each time.
    let inputs = if arguments.contains(&"properties") { &[] } else { SAME_INPUTS };
    command::run_with(root, "cargo", arguments, inputs)
}
