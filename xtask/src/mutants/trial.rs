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
use super::caught::Caught;
use super::judge::Survival;
use super::options::Options;
use super::tree::Tree;
use super::{failure, file_failure};
use crate::command::{Failure, say};

/// Seconds of computing that a program may take for the start: a mutant that does not come to an end
/// is caught.
const SECONDS_MIN: u64 = 20;
/// Seconds that a program may take while nothing is planted.
const SECONDS_MAX: u64 = 600;
/// How much longer than without a mutant a program may take.
const PATIENCE: u64 = 3;
/// Of how many inputs one is tried first.
const FIRST_SHARE: u32 = 8;
/// Memory that a program may take, in KiB.
const MEMORY_KIB_MAX: u64 = 3 << 20;
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

/// What every run has in common.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// The copy.
    pub tree: &'a Tree,
    /// What was asked for.
    pub options: &'a Options,
    /// Where what is caught is noted.
    pub caught: &'a Caught,
}

/// Tries all mutants given and answers which live.
pub fn try_all(
    runner: Runner<'_>,
    programs: Vec<Program>,
    mutants: &[&Mutant],
) -> Result<BTreeMap<u32, Survival>, Failure> {
    let mut known = Vec::new();
    for program in programs {
        known.extend(Known::of(runner, program, mutants)?);
    }
    known.sort_by_key(|known| known.duration);
    let mut survivors = BTreeMap::new();
    let (next, (sender, receiver)) = (AtomicUsize::new(0), mpsc::channel());
    std::thread::scope(|scope| {
        for _ in 0..runner.options.jobs {
            let (next, known, sender) = (&next, &known, sender.clone());
            scope.spawn(move || {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((*mutant, tried(runner, known, mutant))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (count, (mutant, outcome)) in (1..).zip(receiver) {
            match outcome? {
                None => runner.caught.note(mutant)?,
                Some(survival) => {
                    say(&format!("mutants: alive, {survival:?}: {mutant}"));
                    survivors.insert(mutant.id, survival);
                }
            }
            if count % PROGRESS == 0 {
                say(&format!("mutants: {count} of {} tried, {} survive", mutants.len(), survivors.len()));
            }
        }
        Ok::<(), Failure>(())
    })?;
    Ok(survivors)
}

/// Runs the programs that get to a mutant until one of them fails; `None` if one does. Few inputs
/// find most mutants, so all are tried only on what is left after few.
fn tried(runner: Runner<'_>, known: &[Known], mutant: &Mutant) -> Result<Option<Survival>, Failure> {
    let mut survival = Survival::Unreached;
    for cases in [runner.options.cases / FIRST_SHARE, runner.options.cases] {
        for known in known.iter().filter(|known| known.reached.contains(&mutant.id)) {
            let seconds = SECONDS_MIN + PATIENCE * known.duration.as_secs();
            let outcome = runner.run(&known.program, seconds, Setting::On { mutant: mutant.id, cases })?;
            if outcome != Outcome::Passed {
                return Ok(None);
            }
            survival = Survival::Unnoticed;
        }
    }
    Ok(Some(survival))
}

impl Known {
    /// Runs a program without a mutant: once to see which ones it gets to, and once to see that it
    /// passes. `None` if it gets to none.
    fn of(runner: Runner<'_>, program: Program, mutants: &[&Mutant]) -> Result<Option<Self>, Failure> {
        let notes = runner.tree.target.join(format!("{}.reached", program.name));
        let _ = std::fs::remove_file(&notes);
        // Noting takes memory, so a test that counts allocations may fail here; it got there.
        runner.run(&program, SECONDS_MAX, Setting::Noting(&notes))?;
        let mut reached = read_reached(&notes)?;
        reached.retain(|id| mutants.binary_search_by_key(id, |mutant| mutant.id).is_ok());
        if reached.is_empty() {
            return Ok(None);
        }
        let begun = Instant::now();
        let outcome = runner.run(&program, SECONDS_MAX, Setting::On { mutant: 0, cases: runner.options.cases })?;
        let (name, duration) = (&program.name, begun.elapsed());
        if outcome != Outcome::Passed {
            return Err(failure(format!("{name} fails without a mutant: {outcome:?}")));
        }
        say(&format!("mutants: {name} takes {} ms and gets to {}", duration.as_millis(), reached.len()));
        Ok(Some(Self { program, duration, reached }))
    }
}

fn read_reached(notes: &Path) -> Result<BTreeSet<u32>, Failure> {
    match std::fs::read_to_string(notes) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(file_failure(notes, &error)),
    }
}

/// What a program is run for.
#[derive(Debug, Clone, Copy)]
enum Setting<'a> {
    /// To see whether it fails with this mutant, 0 for none, on so many inputs.
    On { mutant: u32, cases: u32 },
    /// To note which mutants it gets to, to the end.
    Noting(&'a Path),
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// With this line.
    Failed(String),
    /// Without one: it took too long or too much.
    Stopped,
}

impl Runner<'_> {
    /// Runs a program until its end or its first failed test. The shell sets the limits and becomes
    /// the program.
    fn run(self, program: &Program, seconds: u64, setting: Setting<'_>) -> Result<Outcome, Failure> {
        let start = |source| Failure::Start { program: program.name.clone(), source };
        let mut command = self.command(program, seconds);
        match setting {
            Setting::On { mutant, cases } => {
                command.env("TSG_MUTANT", mutant.to_string()).env("TSG_CASES", cases.max(1).to_string())
            }
            Setting::Noting(path) => {
                command.env("TSG_MUTANT_REACHED", path).env("TSG_CASES", self.options.cases.to_string())
            }
        };
        let mut child = command.spawn().map_err(start)?;
        let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(|out| out.lines());
        let mut lines = lines.map_while(Result::ok).filter(|line| line.ends_with("FAILED"));
        let failed = match setting {
            Setting::On { .. } => lines.next(),
            Setting::Noting(_) => lines.last(),
        };
        if failed.is_some() {
            // What is left of it says nothing new; it may be at its end already.
            let _ = child.kill();
        }
        let status = child.wait().map_err(start)?;
        Ok(match failed {
            Some(line) => Outcome::Failed(line),
            None if status.success() => Outcome::Passed,
            None => Outcome::Stopped,
        })
    }

    fn command(self, program: &Program, seconds: u64) -> Command {
        let limits = format!("ulimit -c 0; ulimit -t {seconds}; ulimit -v {MEMORY_KIB_MAX}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &limits]).arg(&program.path).arg("--test-threads=1");
        self.options.skipped.iter().for_each(|name| {
            command.args(["--skip", name]);
        });
        command
            .current_dir(self.tree.root.join("tsg-core"))
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}
