//! Developer commands: `cargo xtask <command>`. Owns the list of them; must never hold logic.

mod bench;
mod command;
mod mutants;
mod test;
mod tidy;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use command::say;

const USAGE: &str = "\
cargo xtask test             everything CI runs, with what it needs installed
cargo xtask tidy             the rules of docs/HACKING.md: dependencies, sizes, headers, map
cargo xtask tools            install what the tests need (Node's triton client, Debian packages)
cargo xtask bench [--check]  the benches with their bars, or those that are named; --check also
                             counts instructions
cargo xtask mutants [..]     plants small bugs in the planner and sees whether the tests notice
";

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(&root),
        ["tidy"] => tidy::run(&root),
        ["tools"] => tools::install(&root),
        ["bench", "--check", ref named @ ..] => bench::run(&root, bench::Depth::RatiosAndCounts, named),
        ["bench", ref named @ ..] => bench::run(&root, bench::Depth::Ratios, named),
        ["mutants", ref rest @ ..] => mutants::run(&root, rest),
        _ => Err(command::Failure::Usage(USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
