//! How long a scale-out takes, against the best that CloudAPI's throttle and the machines'
//! own provisioning times allow.
//!
//! The production engine runs in virtual time on the simulated data centre, so T / T_opt is exact
//! and the same for each seed. It runs as it is shipped, leaving a share of the throttle to the
//! server beside it (bar: T at most 1.1 T_opt + 1 s), and alone with the whole of it (1.05). Further
//! bars: creates exactly N, other requests at most 2 % of N besides the lists, no throttled reply,
//! no duplicate. Exits with an error when one is missed. `cargo bench --bench converge -- 100 1000`
//! chooses the sizes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tsg_benches::site::{self, Site};
use tsg_core::model::group::Group;
use tsg_core::plan::output::GroupStatus;
use tsg_engine::EngineConfig;
use tsg_sim::cloud::lock;
use tsg_sim::world::{SimTime, Timing, TruthEvent, World};
use uuid::Uuid;

/// CloudAPI's shipped throttle.
const RATE: f64 = 10.0;
const BURST: usize = 30;
/// What is allowed over the best there is, besides the factor.
const SLACK_S: f64 = 1.0;
/// The group shows "converged" at most this long after its last machine runs.
const NOTICE_S: f64 = 7.0;
/// Requests beside creates and lists, per hundred instances.
const OTHERS_PERCENT: u64 = 2;

/// How the engine is set up, and how much longer than the best it may take.
struct Setting {
    name: &'static str,
    config: EngineConfig,
    factor: f64,
}

fn settings() -> [Setting; 2] {
    let alone = EngineConfig { requests_per_second: 9.7, burst: 27, ..EngineConfig::default() };
    [
        Setting { name: "shipped", config: EngineConfig::default(), factor: 1.1 },
        Setting { name: "alone", config: alone, factor: 1.05 },
    ]
}

/// What the truth log says of a run.
struct Truth {
    machines: usize,
    last_running: f64,
    optimum: f64,
}

/// The best there is: creates leave as fast as the throttle lets them, with nothing else in the
/// way, and each machine takes as long as it took.
fn truth(world: &World, start: SimTime) -> Truth {
    let mut created: BTreeMap<Uuid, (usize, SimTime)> = BTreeMap::new();
    let (mut optimum, mut last_running) = (0.0_f64, 0.0_f64);
    let mut durations: BTreeMap<usize, f64> = BTreeMap::new();
    for record in world.truth() {
        match &record.event {
            TruthEvent::MachineCreated { machine, .. } => {
                let order = created.len();
                created.insert(machine.0, (order, record.at));
            }
            TruthEvent::MachineRunning { machine } => {
                if let Some((order, at)) = created.get(&machine.0) {
                    durations.insert(*order, seconds(record.at.ms_since(*at)));
                }
                last_running = last_running.max(seconds(record.at.ms_since(start)));
            }
            _ => {}
        }
    }
    let allocation = 0.02;
    for (order, duration) in durations {
        let sent = order.saturating_sub(BURST) as f64 / RATE;
        let placed = sent.max(order as f64 * allocation) + allocation;
        optimum = optimum.max(placed + duration);
    }
    Truth { machines: created.len(), last_running, optimum }
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// Runs one size; the line to print, and the bars that were missed.
fn run(size: u32, seed: u64, setting: &Setting) -> Result<(String, Vec<String>), Box<dyn std::error::Error>> {
    let began = std::time::Instant::now();
    let mut site = Site::new(site::Setting {
        size,
        seed,
        config: setting.config.clone(),
        timing: Timing::default(),
        policy: Group::first_policy(),
    })?;
    let start = site.time().sim_now();
    site.run_until(Duration::from_secs(4 * 3600), |report| report.status == GroupStatus::Converged);
    let noticed = site.time().elapsed().as_secs_f64();
    let truth = truth(&lock(site.world()), start);
    let requests = site.engine().health().requests;
    let others = requests.reads + requests.deletes + requests.starts;
    let mut line = String::new();
    write!(
        line,
        "{:>7} {size:>6}  T {:>8.1} s  T_opt {:>8.1} s  T/T_opt {:>5.3}  noticed +{:>4.1} s  creates {} list pages {} others {} throttled {}  machines {}  ({:.1} s real)",
        setting.name,
        truth.last_running,
        truth.optimum,
        truth.last_running / truth.optimum.max(f64::MIN_POSITIVE),
        noticed - truth.last_running,
        requests.creates,
        requests.list_pages,
        others,
        requests.throttled,
        truth.machines,
        began.elapsed().as_secs_f64(),
    )?;
    let bars = [
        (site.is_converged(), "the group did not converge"),
        (truth.last_running <= truth.optimum * setting.factor + SLACK_S, "T is too far over T_opt"),
        (noticed - truth.last_running <= NOTICE_S, "convergence was noticed too late"),
        (requests.creates == u64::from(size), "creates differ from N"),
        (truth.machines == size as usize, "machines differ from N"),
        (others <= u64::from(size) * OTHERS_PERCENT / 100 + 2, "other requests are over 2 % of N"),
        (requests.throttled == 0, "a request was throttled"),
    ];
    let missed =
        bars.iter().filter(|(holds, _)| !holds).map(|(_, bar)| format!("{} {size}: {bar}", setting.name)).collect();
    Ok((line, missed))
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let chosen: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if chosen.is_empty() { vec![100, 1_000, 10_000] } else { chosen };
    let mut missed = Vec::new();
    let mut out = std::io::stdout();
    for setting in settings() {
        for size in &sizes {
            let (line, misses) = run(*size, 7, &setting)?;
            writeln!(out, "{line}")?;
            missed.extend(misses);
        }
    }
    for bar in &missed {
        writeln!(out, "missed: {bar}")?;
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
