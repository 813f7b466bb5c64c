//! How long the engine takes to replace a group's instances, against the best that its policy
//! allows.
//!
//! Owns bar 6f as a user meets it: the production engine replaces N instances of a simulated data
//! centre in virtual time, with at most u out of service and a time to serve before the next one
//! goes; `rolling` measures the planner alone. The best there is are u places, each of which takes
//! an instance away, makes the next one and lets it serve, without a moment between; it is given
//! the durations of the same run. Must never take the engine's word: what was in service, and when,
//! is read from the record of what really happened. `cargo bench --bench replace -- 7` chooses
//! another seed.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use tsg_benches::site::{Setting, Site};
use tsg_benches::verdict::{Line, conclude};
use tsg_core::model::amount::Amount;
use tsg_core::model::policy::Policy;
use tsg_core::model::span::Span;
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::{GroupStatus, Report};
use tsg_engine::EngineConfig;
use tsg_sim::cloud::lock;
use tsg_sim::world::{Latency, MachineId, SimTime, Timing, TruthEvent, TruthRecord};

/// How long a successor has to serve before the next one goes.
const GATE_MS: u64 = 30_000;
/// How much longer than the best.
const FACTOR: f64 = 1.05;
/// A rollout that is not over by then never is.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// N by u.
const CASES: [(u32, u32); 5] = [(10, 1), (10, 3), (30, 3), (100, 10), (100, 25)];

/// How long the data centre takes.
#[derive(Clone, Copy)]
struct Series {
    name: &'static str,
    timing: fn() -> Timing,
}

const SERIES: [Series; 2] =
    [Series { name: "constant", timing: constant }, Series { name: "log-normal", timing: Timing::default }];

/// Every machine takes 5 s to go and 20 s to come.
fn constant() -> Timing {
    Timing {
        stop: Latency::Fixed { ms: 2_000 },
        destroy: Latency::Fixed { ms: 3_000 },
        provision: Latency::Fixed { ms: 20_000 },
        ..Timing::default()
    }
}

fn policy(unavailable: u32) -> Box<Policy> {
    let mut policy = Box::<Policy>::default();
    policy.update.max_surge = Amount::Count(0);
    policy.update.max_unavailable = Amount::Count(unavailable);
    policy.update.min_healthy_time = Span::from_secs(GATE_MS / 1_000);
    policy
}

/// What really happened from some moment on.
struct Truth {
    /// Until the last new one had served for long enough.
    took_ms: u64,
    /// How long each took to go, in the order in which they went.
    goings: Vec<u64>,
    /// How long each took to come, in the order in which they came.
    comings: Vec<u64>,
    /// The fewest that were in service at once.
    least_serving: usize,
    /// The fewest that were in service and had been for long enough.
    least_proven: usize,
}

/// The life of one machine, in milliseconds of the run. Those that were there before have served
/// for long enough.
#[derive(Clone, Copy, Default)]
struct Life {
    created: u64,
    running: Option<u64>,
    proven: u64,
    leaves: Option<u64>,
    gone: u64,
}

impl Truth {
    fn read(log: &[TruthRecord], start: SimTime) -> Self {
        let mut lives: BTreeMap<MachineId, Life> = BTreeMap::new();
        for TruthRecord { at, event } in log {
            let now = at.ms_since(start);
            match event {
                TruthEvent::MachineCreated { machine, .. } => {
                    lives.entry(*machine).or_default().created = now;
                }
                TruthEvent::MachineRunning { machine } => {
                    let life = lives.entry(*machine).or_default();
                    life.running = Some(now);
                    life.proven = if *at <= start { 0 } else { now + GATE_MS };
                }
                TruthEvent::DestroyAccepted { machine } => {
                    lives.entry(*machine).or_default().leaves.get_or_insert(now);
                }
                TruthEvent::MachineDestroyed { machine, .. } => {
                    let life = lives.entry(*machine).or_default();
                    // One that nobody asked to go left when it was gone.
                    life.leaves.get_or_insert(now);
                    life.gone = now;
                }
                TruthEvent::RequestReceived { .. } | TruthEvent::MachineFailed { .. } => {}
            }
        }
        Self::of(&lives.into_values().collect::<Vec<_>>())
    }

    fn of(lives: &[Life]) -> Self {
        let took_ms = lives.iter().filter(|life| life.leaves.is_none()).map(|life| life.proven).max().unwrap_or(0);
        let mut goings: Vec<(u64, u64)> =
            lives.iter().filter_map(|life| Some((life.leaves?, life.gone.saturating_sub(life.leaves?)))).collect();
        let mut comings: Vec<(u64, u64)> = lives
            .iter()
            .filter(|life| life.proven > 0)
            .filter_map(|life| Some((life.created, life.running? - life.created)))
            .collect();
        goings.sort_unstable();
        comings.sort_unstable();
        let in_order = |durations: Vec<(u64, u64)>| durations.into_iter().map(|(_, took)| took).collect();
        Self {
            took_ms,
            goings: in_order(goings),
            comings: in_order(comings),
            least_serving: least(lives, |life| life.running),
            least_proven: least(lives, |life| life.running.map(|_| life.proven)),
        }
    }

    /// As many places as may be empty, each filled anew as soon as what came to it has served.
    fn best_ms(&self, unavailable: u32) -> u64 {
        let mut free_at = vec![0; unavailable as usize];
        let mut best = 0;
        for (going, coming) in self.goings.iter().zip(&self.comings) {
            if let Some(first) = free_at.iter_mut().min() {
                *first += going + coming + GATE_MS;
                best = best.max(*first);
            }
        }
        best
    }
}

/// The fewest machines at once between the moment that `from` says and their leave. It changes
/// only when one leaves.
fn least(lives: &[Life], from: impl Fn(&Life) -> Option<u64>) -> usize {
    let counts = |life: &Life, at: u64| {
        from(life).is_some_and(|from| from <= at) && life.leaves.is_none_or(|leaves| leaves > at)
    };
    let moments = lives.iter().filter_map(|life| life.leaves);
    moments.map(|at| lives.iter().filter(|life| counts(life, at)).count()).min().unwrap_or(0)
}

/// The rollout of the second revision is over.
fn is_over(report: &Report) -> bool {
    let course = report.rollout.map(|rollout| rollout.course);
    course.is_some_and(|course| course.target == 2 && course.state.is_over())
}

fn run(series: Series, (count, unavailable): (u32, u32), seed: u64) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut site = Site::new(Setting {
        size: count,
        seed,
        config: EngineConfig::default(),
        timing: (series.timing)(),
        policy: policy(unavailable),
    })?;
    site.run_until(PATIENCE, |report| report.status == GroupStatus::Converged);
    // Long enough for all of them to have served, and for the bucket to be full.
    site.run_until(Duration::from_millis(2 * GATE_MS), |_| false);
    let (start, before) = (site.time().sim_now(), site.engine().health().requests);
    site.replace_all()?;
    site.run_until(PATIENCE, is_over);
    let noticed_ms = site.time().sim_now().ms_since(start);
    let state = site.report().and_then(|report| report.rollout).map(|rollout| rollout.course.state);
    let is_done = state == Some(RolloutState::Successful);
    let truth = Truth::read(lock(site.world()).truth(), start);
    let (best_ms, after) = (truth.best_ms(unavailable), site.engine().health().requests);
    let name = format!("{count} by {unavailable}, {}", series.name);
    let times = truth.took_ms.max(noticed_ms) as f64 / best_ms as f64;
    println!(
        "  {name:<24} T {:>7.1} s  T_opt {:>7.1} s  noticed +{:>4.1} s  least serving {:>3}  proven {:>3}  lists {:>4} others {:>4}  {state:?}",
        seconds(truth.took_ms),
        seconds(best_ms),
        seconds(noticed_ms) - seconds(truth.took_ms),
        truth.least_serving,
        truth.least_proven,
        after.list_pages - before.list_pages,
        after.reads - before.reads,
    );
    let floor = (count - unavailable) as usize;
    let under = |least: usize| floor.saturating_sub(least) as f64;
    let failed = f64::from(u8::from(!is_done || truth.comings.len() != count as usize));
    Ok(vec![
        Line::at_most("6f", format!("{name}: rollouts that did not succeed"), failed, "", 0.0),
        Line::at_most("6f", format!("{name}: times the best there is"), times, "x", FACTOR),
        Line::at_most("6f", format!("{name}: serving, below the floor"), under(truth.least_serving), "", 0.0),
        Line::at_most("6f", format!("{name}: proven, below the floor"), under(truth.least_proven), "", 0.0),
        Line::at_most("6f", format!("{name}: throttled replies"), after.throttled as f64, "", 0.0),
    ])
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seed = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(7);
    println!("the engine replaces instances in virtual time; {} s of service before the next", GATE_MS / 1_000);
    let mut lines = Vec::new();
    for series in SERIES {
        for case in CASES {
            lines.extend(run(series, case, seed)?);
        }
    }
    Ok(conclude(&lines))
}
