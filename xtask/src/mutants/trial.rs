//! Runs the tests on each mutant. Owns the limits of a run and the order of the programs; must never
//! leave a program running.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::build::Program;
use super::catalogue::Mutant;
use super::judge::Survival;
use super::tree::Tree;
use super::{failure, file_failure};
use crate::command::{Failure, say};

/// Seconds of computing that any program may take: a mutant that does not come to an end is caught.
const SECONDS_MIN: u64 = 20;
/// How much longer than without a mutant a program may take.
const PATIENCE: u64 = 10;
/// Memory that a program may take, in KiB.
const MEMORY_KIB_MAX: u64 = 3 << 20;
/// Inputs that each property is tried on; the same ones for every mutant.
const CASES: &str = "400";
/// A line on how far it has come, each time that many were tried.
const PROGRESS: usize = 100;

/// A program with what is known of it.
struct Known {
    program: Program,
    /// How long it takes without a mutant.
    duration: Duration,
    /// The mutants that it gets to.
    reached: BTreeSet<u32>,
}

/// Tries all mutants given and answers which live.
pub fn try_all(
    tree: &Tree,
    programs: Vec<Program>,
    mutants: &[&Mutant],
    jobs: usize,
) -> Result<BTreeMap<u32, Survival>, Failure> {
    let mut known = Vec::new();
    for program in programs {
        known.push(Known::of(tree, program)?);
    }
    known.sort_by_key(|known| known.duration);
    let mut survivors = BTreeMap::new();
    let (next, (sender, receiver)) = (AtomicUsize::new(0), mpsc::channel());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (next, known, sender) = (&next, &known, sender.clone());
            scope.spawn(move || {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((*mutant, tried(tree, known, mutant))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (count, (mutant, outcome)) in (1..).zip(receiver) {
            if let Some(survival) = outcome? {
                survivors.insert(mutant.id, survival);
            }
            if count % PROGRESS == 0 {
                say(&format!("mutants: {count} of {} tried, {} survive", mutants.len(), survivors.len()));
            }
        }
        Ok::<(), Failure>(())
    })?;
    Ok(survivors)
}

/// Runs the programs that get to a mutant until one of them fails; `None` if one does.
fn tried(tree: &Tree, known: &[Known], mutant: &Mutant) -> Result<Option<Survival>, Failure> {
    let mut survival = Survival::Unreached;
    for known in known.iter().filter(|known| known.reached.contains(&mutant.id)) {
        let seconds = SECONDS_MIN.max(PATIENCE * known.duration.as_secs());
        if !passes(tree, &known.program, seconds, ("TSG_MUTANT", mutant.id.to_string().as_ref()))? {
            return Ok(None);
        }
        survival = Survival::Unnoticed;
    }
    Ok(Some(survival))
}

impl Known {
    /// Runs a program without a mutant: once to see that it passes, and once to see which ones it
    /// gets to.
    fn of(tree: &Tree, program: Program) -> Result<Self, Failure> {
        let begun = Instant::now();
        if !passes(tree, &program, 600, ("TSG_MUTANT", "0".as_ref()))? {
            return Err(failure(format!("the tests of {} fail without a mutant", program.name)));
        }
        let duration = begun.elapsed();
        let notes = tree.target.join(format!("{}.reached", program.name));
        let _ = std::fs::remove_file(&notes);
        // Noting takes memory, so a test that counts allocations may fail here; it got there.
        passes(tree, &program, 600, ("TSG_MUTANT_REACHED", notes.as_ref()))?;
        let reached = read_reached(&notes)?;
        say(&format!("mutants: {} takes {} ms and gets to {}", program.name, duration.as_millis(), reached.len()));
        Ok(Self { program, duration, reached })
    }
}

fn read_reached(notes: &Path) -> Result<BTreeSet<u32>, Failure> {
    match std::fs::read_to_string(notes) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(file_failure(notes, &error)),
    }
}

/// Runs a program until its end or its first failed test. The shell sets the limits and becomes the
/// program.
fn passes(tree: &Tree, program: &Program, seconds: u64, setting: (&str, &std::ffi::OsStr)) -> Result<bool, Failure> {
    let limits = format!("ulimit -c 0; ulimit -t {seconds}; ulimit -v {MEMORY_KIB_MAX}; exec \"$0\" --test-threads=1");
    let mut child = Command::new("sh")
        .args(["-c", &limits])
        .arg(&program.path)
        .current_dir(tree.root.join("tsg-core"))
        .env("TSG_CASES", CASES)
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("RUST_BACKTRACE", "0")
        .env(setting.0, setting.1)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| Failure::Start { program: program.name.clone(), source })?;
    let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(|out| out.lines().map_while(Result::ok));
    let has_failed = lines.into_iter().any(|line| line.ends_with("FAILED"));
    if has_failed {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|source| Failure::Start { program: program.name.clone(), source })?;
    Ok(!has_failed && status.success())
}
