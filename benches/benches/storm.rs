//! The look across all groups: what a million instances cost, beside the reference.
//!
//! Owns the storm bars. Candidates take turns in this process and are compared by CPU time; what
//! they find is compared with the naive oracle before anything is timed. Instruction counts are
//! exact and stand in `counts`. Must never compare with a figure of another run.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tsg_benches::meter::{Candidate, take_turns};
use tsg_benches::storm::naive::{NaiveDeployment, findings_of};
use tsg_benches::storm::population::{Deployment, Extent, Weather};
use tsg_benches::verdict::{Line, conclude, said};
use tsg_core::storm::assess;

/// A million instances in ten thousand groups.
const WHOLE: Extent = Extent { groups: 10_000, size: 100, nodes: 4_000 };
/// A tenth of it.
const TENTH: Extent = Extent { groups: 1_000, size: 100, nodes: 400 };

fn main() -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    println!("storm safety, seed {seed}; CPU time, best of turns (median in brackets)");
    let mut lines = Vec::new();
    for (name, weather, times) in [("calm", Weather::Calm, [8.0, 60.0]), ("storm", Weather::Storm, [20.0, 120.0])] {
        let whole = Deployment::new(seed, WHOLE, weather);
        let naive = NaiveDeployment::of(&whole);
        lines.push(compare_with_oracle(name, &whole, &naive));
        lines.extend(against_naive(name, &whole, &naive, times));
        drop(naive);
        lines.push(growth(name, seed, &whole, weather));
    }
    conclude(&lines)
}

/// Both looks at the same deployment: the same causes, nodes, holds and grants.
fn compare_with_oracle(name: &str, deployment: &Deployment, naive: &NaiveDeployment) -> Line {
    let (ours, theirs) = (findings_of(&assess(&deployment.input())), naive.assess());
    let granted: u32 = ours.grants.iter().flat_map(|(_, counts)| counts).sum();
    println!(
        "\n{name}: {} causes, {} nodes, {} holds, {granted} steps granted",
        ours.causes.len(),
        ours.nodes.len(),
        ours.holds.len()
    );
    let differing = [ours.causes != theirs.causes, ours.nodes != theirs.nodes, ours.holds != theirs.holds];
    let grants = ours.grants.iter().zip(&theirs.grants).filter(|(ours, theirs)| ours != theirs).count();
    let differing = differing.into_iter().filter(|differs| *differs).count() + grants;
    if differing > 0 {
        println!("ours {:?} {:?} {:?}", ours.causes, ours.nodes, ours.holds);
        println!("naive {:?} {:?} {:?}", theirs.causes, theirs.nodes, theirs.holds);
    }
    Line::at_most("storm", format!("{name}: findings that differ from the naive oracle's"), differing as f64, "", 0.0)
}

fn against_naive(name: &str, deployment: &Deployment, naive: &NaiveDeployment, limits: [f64; 2]) -> [Line; 2] {
    // What has to be read at least: every instance once.
    let read = || deployment.instances.iter().fold(0_u32, |sum, facts| sum.wrapping_add(facts.node ^ facts.group));
    let [ours, theirs, stream] = take_turns(
        3,
        [
            Candidate::new(|| _ = black_box(assess(&deployment.input()))),
            Candidate::new(|| _ = black_box(naive.assess())),
            Candidate::new(|| _ = black_box(read())),
        ],
    );
    said("assess", &ours);
    said("naive look at borrowed strings", &theirs);
    said("reading the instances once", &stream);
    let times = theirs.ratio_to(&ours);
    let [faster, slower] = limits;
    [
        Line::at_least("storm", format!("{name}: 1 M instances: times faster than naive"), times, "x", faster),
        Line::at_most(
            "storm",
            format!("{name}: 1 M instances: times one reading"),
            ours.ratio_to(&stream),
            "x",
            slower,
        ),
    ]
}

fn growth(name: &str, seed: u64, whole: &Deployment, weather: Weather) -> Line {
    let tenth = Deployment::new(seed, TENTH, weather);
    let [whole, tenth] = take_turns(
        11,
        [
            Candidate::new(|| _ = black_box(assess(&whole.input()))),
            Candidate::new(|| _ = black_box(assess(&tenth.input()))),
        ],
    );
    said("1 M instances", &whole);
    said("100 k instances", &tenth);
    Line::at_most("storm", format!("{name}: growth from 100 k to 1 M"), whole.ratio_to(&tenth), "x", 15.0)
}
