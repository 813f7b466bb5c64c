//! Exact instruction counts, under callgrind, against the budgets of `benches/budgets.toml`.
//!
//! `counts` runs itself under valgrind, once for each workload with one turn and once with
//! several; the difference is what the turns cost, without start-up and input. A count more than
//! 5 % over its budget fails. `counts run <workload> <turns>` is what runs inside. Nasty patterns
//! are counted with a text and with one ten times as long, by `counts match <name> <length>
//! <turns>`: what reads a text once needs ten times as many instructions, what tries again and
//! again a hundred times. Must never be built without optimisation: `cargo run -p tsg-benches
//! --profile bench --bin counts`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use tsg_benches::placement::nasty::Nasty;
use tsg_benches::workload::Workload;
use tsg_benches::{health, placement, plan, storm};

type Failure = Box<dyn Error>;

/// Turns of the longer run; the shorter one takes one.
const TURNS: u32 = 4;

/// How far a count may be over its budget: compilers differ a little.
const TOLERANCE: f64 = 1.05;

/// The name of that budget. Without a tolerance: a count of ten times as much is exact.
const GROWTH: &str = "nasty_pattern_growth";

/// The shorter text of a nasty pattern, in bytes, and how much longer the longer one is.
const TEXT: usize = 2_000;
const LONGER: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => count_all(),
        ["run", name, turns] => run(name, turns).map(|()| ExitCode::SUCCESS),
        ["match", name, length, turns] => run_match(name, length, turns).map(|()| ExitCode::SUCCESS),
        _ => Err("usage: counts, counts run <workload> <turns>, or counts match <name> <length> <turns>".into()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("counts: {error}");
        ExitCode::FAILURE
    })
}

fn workloads() -> impl Iterator<Item = &'static Workload> {
    let planned = plan::workload::WORKLOADS.iter().chain(&storm::workload::WORKLOADS);
    planned.chain(&placement::workload::WORKLOADS).chain(&health::workload::WORKLOADS)
}

fn run(name: &str, turns: &str) -> Result<(), Failure> {
    let workload = workloads().find(|workload| workload.name == name).ok_or("no such workload")?;
    (workload.run)(turns.parse()?);
    Ok(())
}

fn run_match(name: &str, length: &str, turns: &str) -> Result<(), Failure> {
    Nasty::find(name)?.ok_or("no rule may have it")?.run(length.parse()?, turns.parse()?);
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
    is_kept &= is_growth_kept(*budgets.get(GROWTH).ok_or("no budget for the growth of nasty patterns")?)?;
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether every nasty pattern takes its time in proportion to its text; says which are the worst.
fn is_growth_kept(budget: f64) -> Result<bool, Failure> {
    let mut growths = Vec::new();
    for nasty in Nasty::all()? {
        growths.push((growth(&nasty)?, nasty.name));
    }
    growths.sort_unstable_by(|(one, _), (other, _)| other.total_cmp(one));
    for (place, (growth, name)) in growths.iter().enumerate() {
        let verdict = if *growth <= budget { "kept" } else { "MISSED" };
        if place == 0 || *growth > budget {
            println!("{GROWTH:<28} {growth:>14.2} {budget:>10.1}  {verdict} ({name}, of {})", growths.len());
        }
    }
    Ok(growths.iter().all(|(growth, _)| *growth <= budget))
}

/// How many times the instructions a text takes that is [`LONGER`] times as long.
fn growth(nasty: &Nasty) -> Result<f64, Failure> {
    let of_length = |length: usize| -> Result<f64, Failure> {
        let turns = |turns: u32| collected(&["match", &nasty.name, &length.to_string(), &turns.to_string()]);
        Ok(turns(TURNS)?.saturating_sub(turns(1)?) as f64)
    };
    Ok(of_length(TEXT * LONGER)? / of_length(TEXT)?.max(1.0))
}

fn budgets() -> Result<BTreeMap<String, f64>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets.toml");
    Ok(toml::from_str(&fs::read_to_string(path)?)?)
}

/// Instructions for each unit of a workload.
fn instructions(workload: &Workload) -> Result<f64, Failure> {
    let turns = |turns: u32| collected(&["run", workload.name, &turns.to_string()]);
    let (once, often) = (turns(1)?, turns(TURNS)?);
    let units = u64::from(workload.units) * u64::from(TURNS - 1);
    Ok(often.saturating_sub(once) as f64 / units as f64)
}

fn collected(arguments: &[&str]) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind does not start ({error}); install it to count instructions"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    Ok(collected.ok_or_else(|| format!("valgrind counted nothing: {said}"))?.parse()?)
}
