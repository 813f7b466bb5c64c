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
    // The portable signing backend alone; the workspace run above had the other one too.
    &["test", "--package", "tsg-cloudapi", "--locked"],
    &["run", "--package", "tsg-cli", "--locked", "--", "demo", "--once"],
];

/// The planner's properties on many more inputs than a debug build could try.
const PROPERTIES: &[&str] = &["test", "--release", "--package", "tsg-core", "--locked", "--test", "properties"];
/// How many inputs each of the 14 is tried on.
const CASES: (&str, &str) = ("TSG_CASES", "10000");

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
    command::run_with(root, "cargo", PROPERTIES, &[CASES])?;
    say("\neverything passed");
    Ok(())
}

fn run_cargo(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    command::run(root, "cargo", arguments)
}
