//! Placement: single ones with their reasons, batches, growth and the live index, beside their
//! references.
//!
//! Owns the bars 2a to 2e. Candidates take turns in this process and are compared by CPU time;
//! what they come to is compared with the naive oracles before anything is timed. The reference
//! of 2a is a program for Node.js that is not at hand: beside the objects that stand for it, the
//! bar counts what the same work takes in Rust. Must never compare with a figure of another run.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tsg_benches::meter::{Candidate, Measured, take_turns};
use tsg_benches::placement::cluster::{Cluster, Extent, GROUP_SIZE, Wanted};
use tsg_benches::placement::lines::Lines;
use tsg_benches::placement::objects::{Objects, Verdict};
use tsg_benches::placement::scan::Scan;
use tsg_benches::placement::workload::{place_and_put, take_out};
use tsg_benches::seeded::Seeded;
use tsg_benches::verdict::{Line, conclude, said};
use tsg_core::placement::inventory::{InstanceFacts, Inventory};
use tsg_core::placement::place::{Filter, Request, place, place_batch};

const SINGLE: Extent = Extent { nodes: 5_000, on_each: 100 };
const WHOLE: Extent = Extent { nodes: 10_000, on_each: 100 };
const TENTH: Extent = Extent { nodes: 1_000, on_each: 100 };
const BATCH: u32 = 1_000;

fn main() -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    println!("placement, seed {seed}; CPU time, best of turns (median in brackets)");
    let mut lines = single(seed);
    let cluster = Cluster::new(seed, WHOLE);
    lines.extend(build(&cluster));
    let mut inventory = cluster.inventory();
    lines.extend(events(seed, &cluster));
    lines.extend(batch(seed, &cluster, &mut inventory));
    lines.push(rules(seed, &mut inventory));
    lines.push(growth(seed, &mut inventory));
    conclude(&lines)
}

/// Nanoseconds for each of so many.
fn each(measured: &Measured, count: u32) -> f64 {
    measured.best().as_secs_f64() * 1e9 / f64::from(count)
}

/// One placement with all rules, and a reason for each node that was not let through.
fn single(seed: u64) -> Vec<Line> {
    let cluster = Cluster::new(seed, SINGLE);
    let (inventory, objects) = (cluster.inventory(), Objects::of(&cluster));
    let request = Cluster::request(Wanted::Everything);
    let expected = objects.place(&request);
    println!("\n2a: one of {} nodes; {} are refused", SINGLE.nodes, expected.reasons.len());
    let differs = verdict(&cluster, &inventory, &request) != expected;
    let [ours, theirs] = take_turns(
        5,
        [
            Candidate::new(|| _ = black_box(place(&inventory, &request))),
            Candidate::new(|| _ = black_box(objects.place(&request))),
        ],
    );
    said("place, all rules, reasons", &ours);
    said("filters over objects, as sdc-designation", &theirs);
    let micros = ours.best().as_secs_f64() * 1e6;
    vec![
        Line::at_most("2a", "verdicts that differ from the naive oracle's", f64::from(u8::from(differs)), "", 0.0),
        Line::at_least("2a", "5k nodes: times faster than objects in Rust", theirs.ratio_to(&ours), "x", 100.0),
        Line::at_most("2a", "5k nodes: one placement with a reason for each node", micros, "us", 136.0),
    ]
}

/// As the objects tell it: who was chosen, and the first reason against each other one.
fn verdict(cluster: &Cluster, inventory: &Inventory, request: &Request) -> Verdict {
    let Ok(answer) = place(inventory, request) else { return Verdict::default() };
    let id = |node| inventory.node(node).map(|facts| facts.id.to_string());
    let word = |filter| match filter {
        Filter::State => "state".to_string(),
        Filter::Memory => "memory".to_string(),
        Filter::Disk => "disk".to_string(),
        Filter::Cpu => "cpu".to_string(),
        Filter::Rule(number) => request.rules[usize::from(number)].to_string(),
    };
    let reasons: BTreeMap<String, String> = cluster
        .nodes
        .iter()
        .filter_map(|facts| {
            let reasons = answer.reasons(inventory.find_node(facts.id)?)?;
            Some((facts.id.to_string(), word(answer.filters(reasons).next()?)))
        })
        .collect();
    Verdict { chosen: answer.placements.first().and_then(|placement| id(placement.node)), reasons }
}

/// A thousand instances with their updates of the live index.
fn batch(seed: u64, cluster: &Cluster, inventory: &mut Inventory) -> Vec<Line> {
    let request = Cluster::request(Wanted::Apart);
    let (scan, mut seeded) = (Scan::of(cluster), Seeded::new(seed));
    let differing = compare_with_scan(inventory, &scan, &request);
    println!("\n2b: {BATCH} instances onto {} nodes with {} instances", WHOLE.nodes, inventory.len());
    let taken_out = core::cell::RefCell::new((inventory, Vec::new()));
    let [ours, theirs] = take_turns(
        5,
        [
            Candidate::prepared(
                || {
                    let (inventory, batch) = &mut *taken_out.borrow_mut();
                    take_out(inventory, batch);
                },
                |()| {
                    let (inventory, batch) = &mut *taken_out.borrow_mut();
                    *batch = place_and_put(inventory, &request, BATCH, &mut seeded);
                },
            ),
            Candidate::prepared(|| scan.clone(), |scan| _ = black_box(scan.place(BATCH))),
        ],
    );
    let (inventory, batch) = taken_out.into_inner();
    take_out(inventory, &batch);
    said("place_batch, then each put into the index", &ours);
    said("dense linear scan for each", &theirs);
    let rate = 1e9 / each(&ours, BATCH);
    vec![
        Line::at_most("2b", "placements that differ from the scan's", differing, "", 0.0),
        Line::at_least("2b", "10k nodes, 1 M instances: times faster than the scan", theirs.ratio_to(&ours), "x", 20.0),
        Line::at_least("2b", "10k nodes, 1 M instances: placements a second", rate, "/s", 500_000.0),
    ]
}

fn compare_with_scan(inventory: &Inventory, scan: &Scan, request: &Request) -> f64 {
    let theirs = scan.clone().place(BATCH);
    let placements = place_batch(inventory, request, BATCH).map_or(Vec::new(), |answer| answer.placements);
    let ours = placements.iter().filter_map(|one| inventory.node(one.node)).map(|facts| facts.id.uuid().as_u128());
    let ours: Vec<u128> = ours.collect();
    let differing = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).count();
    (differing + ours.len().abs_diff(theirs.len()) + (BATCH as usize - ours.len())) as f64
}

/// What rules cost.
fn rules(seed: u64, inventory: &mut Inventory) -> Line {
    let [room, apart] = [Cluster::request(Wanted::Room), Cluster::request(Wanted::Apart)];
    let (mut seeded, inventory) = (Seeded::new(seed), core::cell::RefCell::new(inventory));
    let turn = |request: &Request, seeded: &mut Seeded| {
        let inventory = &mut *inventory.borrow_mut();
        let batch = place_and_put(inventory, request, BATCH, seeded);
        take_out(inventory, &batch);
    };
    let mut other = seeded.clone();
    let [with, without] =
        take_turns(7, [Candidate::new(|| turn(&apart, &mut seeded)), Candidate::new(|| turn(&room, &mut other))]);
    println!("\n2c: the same with and without rules");
    said("apart and spread", &with);
    said("no rule", &without);
    Line::at_most("2c", "10k nodes: penalty of rules", with.ratio_to(&without), "x", 3.0)
}

fn growth(seed: u64, whole: &mut Inventory) -> Line {
    let (request, mut tenth) = (Cluster::request(Wanted::Apart), Cluster::new(seed, TENTH).inventory());
    // A node takes one of them at most, and a tenth of the nodes a part of the batch.
    let count = BATCH / 2;
    let turn = |inventory: &mut Inventory, seeded: &mut Seeded| {
        let batch = place_and_put(inventory, &request, count, seeded);
        take_out(inventory, &batch);
    };
    let (mut one, mut other) = (Seeded::new(seed), Seeded::new(seed));
    let [whole, tenth] =
        take_turns(7, [Candidate::new(|| turn(whole, &mut one)), Candidate::new(|| turn(&mut tenth, &mut other))]);
    println!("\n2d: {count} instances");
    said("onto 10,000 nodes", &whole);
    said("onto 1,000 nodes", &tenth);
    Line::at_most("2d", "growth of one placement from 1k to 10k nodes", whole.ratio_to(&tenth), "x", 2.5)
}

fn build(cluster: &Cluster) -> [Line; 1] {
    let lines = Lines::of(cluster);
    let [ours, stream] = take_turns(
        5,
        [
            Candidate::prepared(
                || {
                    let (inventory, nodes, kinds) = cluster.empty();
                    (inventory, cluster.facts(&nodes, &kinds))
                },
                |(inventory, facts)| _ = black_box(inventory.put_instances(facts)),
            ),
            Candidate::new(|| _ = black_box(lines.read())),
        ],
    );
    println!("\n2e: {} instances in {} groups", cluster.instances.len(), cluster.demands.len());
    said("cold build", &ours);
    said("reading 64 bytes of each once", &stream);
    [Line::at_most("2e", "cold build of 1 M: times one reading", ours.ratio_to(&stream), "x", 12.0)]
}

fn events(seed: u64, cluster: &Cluster) -> [Line; 1] {
    const COUNT: u32 = 300_000;
    let (mut inventory, nodes, kinds) = cluster.empty();
    let mut numbers = inventory.put_instances(&cluster.facts(&nodes, &kinds)).unwrap_or_default();
    let mut seeded = Seeded::new(seed);
    let [ours] = take_turns(
        5,
        [Candidate::new(|| {
            for _ in 0..COUNT / 3 {
                let [one, other] = [0; 2].map(|_| seeded.below(numbers.len() as u32) as usize);
                let node = nodes[seeded.below(WHOLE.nodes) as usize];
                _ = inventory.move_instance(numbers[one], node);
                _ = inventory.remove_instance(numbers[other]);
                let (id, name) = &cluster.names[other];
                let kind = kinds[cluster.instances[other].0 as usize];
                if let Ok(number) = inventory.put_instance(InstanceFacts { id: *id, name, kind, node }) {
                    numbers[other] = number;
                }
            }
        })],
    );
    said(&format!("{COUNT} events at random, groups of {GROUP_SIZE}"), &ours);
    [Line::at_most("2e", "one event: moved, gone or new", each(&ours, COUNT), "ns", 1_000.0)]
}
