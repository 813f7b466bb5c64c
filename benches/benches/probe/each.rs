//! Bar 3a: what one probe costs, on a new connection and on one that is kept. Owns the turns; both
//! sides make the same number of probes of the same targets.

use std::cell::Cell;
use std::error::Error;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tsg_benches::meter::{Candidate, take_turns};
use tsg_benches::verdict::{Line, said};
use tsg_core::health::fact::Outcome;
use tsg_core::model::span::Span;
use tsg_server::probe::{Prober, Report};

use crate::raw::{Connections, Raw};
use crate::{address, assignment, check, config};

const TARGETS: u32 = 2_000;
/// Ten thousand probes a second: what a hundred thousand targets are at the usual pace.
const INTERVAL_MILLIS: u64 = 200;
const PROBES: usize = 20_000;
const TURNS: usize = 9;

/// A prober that works while its runtime is run.
struct Running {
    runtime: Runtime,
    prober: Prober,
    reports: mpsc::Receiver<Report>,
}

impl Running {
    fn new(port: u16, uses_max: u32) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (prober, reports, work) = Prober::prepare(config(uses_max))?;
        runtime.spawn(work);
        let spec = check(port, Span::from_millis(INTERVAL_MILLIS), Span::from_secs(5))?;
        let targets = (0..TARGETS).map(|number| assignment(number, address(number, port), &spec)).collect();
        runtime.block_on(prober.replace(targets));
        let mut running = Self { runtime, prober, reports };
        // Everybody has been asked once, and has a connection if those are kept.
        running.probe(2 * TARGETS as usize);
        Ok(running)
    }

    /// Makes so many probes; how many found a target well.
    fn probe(&mut self, count: usize) -> usize {
        let (mut seen, mut well) = (0, 0);
        self.runtime.block_on(async {
            while seen < count {
                let Some(report) = self.reports.recv().await else {
                    return;
                };
                if let Report::Findings(findings) = report {
                    seen += findings.len();
                    well += findings.iter().filter(|finding| finding.fact.outcome == Outcome::Passed).count();
                }
            }
        });
        well
    }
}

/// What a raw probe on a new connection takes, in seconds: the mean of as many as are made in one
/// turn.
pub fn raw_cost(port: u16) -> Result<f64, Box<dyn Error>> {
    let mut raw = Raw::new((0..TARGETS).map(|number| address(number, port)).collect())?;
    raw.round(Connections::New)?;
    let rounds = PROBES / TARGETS as usize;
    let [turn] = take_turns(1, [Candidate::new(|| (0..rounds).for_each(|_| _ = raw.round(Connections::New)))]);
    Ok(turn.best().as_secs_f64() / PROBES as f64)
}

/// What was seen.
pub fn run(port: u16) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut lines = Vec::new();
    let cases = [("new connection", Connections::New, 1, 0.5), ("kept connection", Connections::Kept, u32::MAX, 0.4)];
    for (name, connections, uses_max, floor) in cases {
        let mut ours = Running::new(port, uses_max)?;
        let mut raw = Raw::new((0..TARGETS).map(|number| address(number, port)).collect())?;
        raw.round(connections)?;
        let missed = Cell::new(0_usize);
        let rounds = PROBES / TARGETS as usize;
        let [theirs, probed] = take_turns(
            TURNS,
            [
                Candidate::new(|| {
                    let well: usize = (0..rounds).map(|_| raw.round(connections).unwrap_or(0)).sum();
                    missed.set(missed.get() + PROBES.saturating_sub(well));
                }),
                Candidate::new(|| missed.set(missed.get() + PROBES.saturating_sub(ours.probe(PROBES)))),
            ],
        );
        println!("\n{PROBES} probes, {name}: {:?} of them reused", ours.prober.counts().reused);
        said("raw checker loop", &theirs);
        said("the prober", &probed);
        let per_second = PROBES as f64 / probed.best().as_secs_f64();
        println!("  {per_second:.0} probes per CPU second");
        lines.push(Line::at_least(
            "3a",
            format!("{name}: probes per CPU second, to raw"),
            theirs.ratio_to(&probed),
            "x",
            floor,
        ));
        lines.push(Line::at_most("3a", format!("{name}: probes that found nobody well"), missed.get() as f64, "", 0.0));
    }
    Ok(lines)
}
