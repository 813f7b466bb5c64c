//! Exact instruction counts, under callgrind, against the budgets of `benches/budgets.toml`.
//!
//! `counts` runs itself under valgrind, once for each workload with one turn and once with
//! several; the difference is what the turns cost, without start-up and input. A count more than
//! 5 % over its budget fails. `counts run <workload> <turns>` is what runs inside. Must never be
//! built without optimisation: `cargo run -p tsg-benches --profile bench --bin counts`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use tsg_benches::workload::Workload;
use tsg_benches::{placement, plan, storm};

type Failure = Box<dyn Error>;

/// Turns of the longer run; the shorter one takes one.
const TURNS: u32 = 4;

/// How far a count may be over its budget: compilers differ a little.
const TOLERANCE: f64 = 1.05;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => count_all(),
        ["run", name, turns] => run(name, turns).map(|()| ExitCode::SUCCESS),
        _ => Err("usage: counts, or counts run <workload> <turns>".into()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("counts: {error}");
        ExitCode::FAILURE
    })
}

fn workloads() -> impl Iterator<Item = &'static Workload> {
    let planned = plan::workload::WORKLOADS.iter().chain(&storm::workload::WORKLOADS);
    planned.chain(&placement::workload::WORKLOADS)
}

fn run(name: &str, turns: &str) -> Result<(), Failure> {
    let workload = workloads().find(|workload| workload.name == name).ok_or("no such workload")?;
    (workload.run)(turns.parse()?);
    Ok(())
}

fn count_all() -> Result<ExitCode, Failure> {
    let budgets = budgets()?;
    let mut is_kept = true;
    println!("{:<28} {:>14} {:>10}  verdict", "instructions", "measured", "budget");
    for workload in workloads() {
        let measured = instructions(workload)?;
        let budget = *budgets.get(workload.name).ok_or_else(|| format!("no budget for {}", workload.name))?;
        let verdict = if measured <= budget * TOLERANCE { "kept" } else { "MISSED" };
        is_kept &= measured <= budget * TOLERANCE;
        println!("{:<28} {measured:>14.1} {budget:>10.1}  {verdict}", workload.name);
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn budgets() -> Result<BTreeMap<String, f64>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets.toml");
    Ok(toml::from_str(&fs::read_to_string(path)?)?)
}

/// Instructions for each unit of a workload.
fn instructions(workload: &Workload) -> Result<f64, Failure> {
    let once = collected(workload.name, 1)?;
    let often = collected(workload.name, TURNS)?;
    let units = u64::from(workload.units) * u64::from(TURNS - 1);
    Ok(often.saturating_sub(once) as f64 / units as f64)
}

fn collected(name: &str, turns: u32) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["run", name, &turns.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not start ({error}); install it to count instructions"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    Ok(collected.ok_or_else(|| format!("valgrind counted nothing: {said}"))?.parse()?)
}
