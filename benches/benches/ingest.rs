//! From a look at the account to plans: what the way costs beside the plans themselves.
//!
//! Owns bar 1d: pages as the parser leaves them, joined to one look, noted, joined with the
//! ledger's operations, put into the planner's own state and planned. What comes out is compared
//! with the plans of the same members put there directly. Must never leave out a step that the
//! engine takes, nor use anything of the turn before but what the engine keeps.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tsg_benches::ingest::{known_of, ledger_of, pages_of, youth};
use tsg_benches::meter::{Candidate, take_turns};
use tsg_benches::plan::naive::steps_of;
use tsg_benches::plan::population::{Mood, NOW, Population};
use tsg_benches::verdict::{Line, conclude, said};
use tsg_core::model::id::OperationId;
use tsg_core::model::instance::Snapshot;
use tsg_core::model::operation::Operation;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::{Brief, Look, join};
use tsg_core::observe::lasting::LastingStates;
use tsg_core::observe::paging::{Paging, PagingStep};
use tsg_core::plan::fleet::{Berth, Fleet};
use tsg_core::ports::cloud::{InstancePage, Labelling};
use tsg_core::protocol::timing::ProtocolTiming;

/// Groups, with a hundred members each.
const GROUPS: u32 = 1_000;
/// Members of a group.
const SIZE: u32 = 100;

/// What the engine keeps from one look to the next.
struct Observer {
    lasting: LastingStates,
    ledger: Vec<BTreeMap<OperationId, Operation>>,
    /// By operation, as the engine keeps them beside the ledger.
    briefs: Vec<BTreeMap<OperationId, Brief>>,
    fleet: Fleet,
    berths: Vec<Berth>,
}

impl Observer {
    fn of(population: &Population) -> Self {
        let (fleet, berths) = population.fleet();
        let mut lasting = LastingStates::new();
        for (seen, since) in known_of(population) {
            lasting.take_over(&seen, since, Timestamp::EPOCH);
        }
        let by_id = |operations: Vec<Operation>| operations.into_iter().map(|operation| (operation.id, operation));
        let ledger: Vec<BTreeMap<_, _>> =
            ledger_of(population).into_iter().map(|group| by_id(group).collect()).collect();
        let of_group = |group: &BTreeMap<_, Operation>| {
            group.values().filter_map(Brief::of).map(|brief| (brief.operation(), brief)).collect()
        };
        let briefs = ledger.iter().map(of_group).collect();
        Self { lasting, ledger, briefs, fleet, berths }
    }

    /// Takes in a look, up to members in the planner's own state.
    fn take_in(&mut self, pages: Vec<InstancePage>) {
        let snapshot = joined(pages);
        self.lasting.note_all(&snapshot);
        let look = Look { taken_at: snapshot.taken_at, lasting: &self.lasting, now: NOW, youth: youth() };
        for ((operations, briefs), berth) in self.ledger.iter().zip(&self.briefs).zip(&self.berths) {
            let joined = join(briefs.values(), |id| operations.get(&id), &look);
            self.fleet.put_members(*berth, joined.members);
            for detail in joined.details {
                self.fleet.put_detail(*berth, detail);
            }
        }
    }
}

fn joined(pages: Vec<InstancePage>) -> Snapshot {
    // What the ledger learned after a look began, the look does not contradict.
    let mut paging = Paging::new(NOW.after(Duration::from_millis(1)), Labelling::Bare);
    for page in pages {
        match paging.accept(page, Duration::ZERO, &ProtocolTiming::default()) {
            PagingStep::More(next) => paging = next,
            PagingStep::Complete(list) => return list.snapshot,
            PagingStep::Discard(why) => unreachable!("{why:?}"),
        }
    }
    unreachable!("the last page is short")
}

/// Plans everything that is dirty.
fn steps(fleet: &mut Fleet, population: &Population) -> Vec<(&'static str, String)> {
    let mut steps = Vec::new();
    fleet.plan_dirty(&population.round(), |_, planned| {
        steps.extend(planned.iter().flat_map(steps_of));
    });
    steps.sort_unstable();
    steps
}

fn plan_all(fleet: &mut Fleet, population: &Population) -> usize {
    let mut actions = 0;
    fleet.touch_all();
    fleet.plan_dirty(&population.round(), |_, planned| actions += planned.map_or(0, |plan| plan.actions.len()));
    actions
}

fn main() -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    println!("ingest to plan, seed {seed}; CPU time, best of turns (median in brackets)");
    let mut lines = Vec::from(compare_with_direct(seed));
    lines.push(against_plan_alone(seed));
    conclude(&lines)
}

/// The way from pages leads to the same steps as the members themselves.
fn compare_with_direct(seed: u64) -> [Line; 2] {
    let population = Population::new(seed, GROUPS, SIZE, Mood::Full);
    let mut observer = Observer::of(&population);
    let direct = steps(&mut observer.fleet, &population);
    observer.take_in(pages_of(&population));
    let observed = steps(&mut observer.fleet, &population);
    let differing = observed.iter().zip(&direct).filter(|(observed, direct)| observed != direct).count()
        + observed.len().abs_diff(direct.len());
    [
        Line::at_most("1d", "steps that differ from those of the members", differing as f64, "", 0.0),
        Line::at_least("1d", "steps compared", direct.len() as f64, "", 500.0),
    ]
}

fn against_plan_alone(seed: u64) -> Line {
    let population = Population::new(seed, GROUPS, SIZE, Mood::Full);
    let pages = pages_of(&population);
    let mut observer = Observer::of(&population);
    let (mut fleet, _) = population.fleet();
    let mut noted = LastingStates::new();
    println!("\n1d: {} observed in {} pages", population.members(), pages.len());
    let [ingest, plan, paging, noting] = take_turns(
        9,
        [
            Candidate::prepared(
                || pages.clone(),
                |pages| {
                    observer.take_in(core::mem::take(pages));
                    black_box(plan_all(&mut observer.fleet, &population));
                },
            ),
            Candidate::new(|| _ = black_box(plan_all(&mut fleet, &population))),
            Candidate::prepared(|| pages.clone(), |pages| _ = black_box(joined(core::mem::take(pages)))),
            Candidate::prepared(|| joined(pages.clone()), |snapshot| noted.note_all(snapshot)),
        ],
    );
    said("from pages to plans", &ingest);
    said("plans alone", &plan);
    said("of that: joining the pages", &paging);
    said("of that: noting since when", &noting);
    Line::at_most("1d", "ingest to plan of 100 k: times the plan alone", ingest.ratio_to(&plan), "x", 8.0)
}
