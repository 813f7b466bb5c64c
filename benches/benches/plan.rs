//! The planner against its bars: a full plan, one large group, and re-planning after a change.
//!
//! Owns bars 1a, 1b and 1c. Candidates take turns in this process and are compared by CPU time;
//! what they return is compared with the naive oracle before anything is timed. Instruction
//! counts are exact and stand in `counts`. Must never compare with a figure of another run.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tsg_benches::meter::{Candidate, take_turns};
use tsg_benches::plan::naive::{NaiveWorld, steps_of};
use tsg_benches::plan::population::{Mood, NOW, Population, settings, unbraked};
use tsg_benches::plan::stream::Lines;
use tsg_benches::seeded::Seeded;
use tsg_benches::verdict::{Line, conclude, said};
use tsg_core::model::group::Lifecycle;
use tsg_core::model::instance::InstanceState;
use tsg_core::plan::fleet::{Berth, Fleet, GroupSettings, Round};
use tsg_core::plan::input::{Limits, Member, PlanInput, Sighting};
use tsg_core::plan::plan;

/// Groups of the full plan, with a hundred members each.
const GROUPS: u32 = 10_000;
/// Members of a group of the full plan.
const SIZE: u32 = 100;
/// Members of the one large group.
const LARGE: u32 = 100_000;
/// Groups that are changed in turn, so that what is changed is equally warm in a small and in a
/// large fleet: the bar is about work, not about caches.
const CHANGED_GROUPS: usize = 50;
/// What the naive planner takes for an instance where the bars of steps come from, in nanoseconds: here
/// they may take as much longer as it does (docs/adr/0028).
const NAIVE: f64 = 464.0;
/// Nanoseconds for a step.
const STEP: f64 = 25.0;
/// For the start of a stopped member: it is found out first who went down together with it.
const START: f64 = 200.0;
/// For a member that goes because the group shrinks: it is given its rank first.
const RANKED: f64 = 55.0;
/// Changes in one turn.
const CHANGES: usize = 2_000;

fn main() -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    println!("planner, seed {seed}; CPU time, best of turns (median in brackets)");
    let mut lines = compare_with_oracle(seed);
    let (steady, naive) = full_plan(seed, "steady", Mood::Steady, [40.0, 6.0]);
    lines.extend(steady);
    lines.extend(full_plan(seed, "busy", Mood::Busy, [20.0, 12.0]).0);
    lines.extend(one_large_group(seed, naive));
    lines.extend(after_a_change(seed));
    conclude(&lines)
}

/// Both planners on a world where a lot goes on: the same steps, as multisets.
fn compare_with_oracle(seed: u64) -> Vec<Line> {
    let population = Population::new(seed, 1_000, SIZE, Mood::Busy);
    let (mut fleet, _) = population.fleet();
    let mut ours = Vec::new();
    let mut failed = 0_u32;
    fleet.plan_dirty(&population.round(), |_, planned| match planned {
        Ok(plan) => ours.extend(steps_of(&plan)),
        Err(_) => failed += 1,
    });
    let world = NaiveWorld::of(&population, &mut Seeded::new(seed));
    let mut naive: Vec<(&str, String)> =
        world.plan().into_iter().map(|(what, operation)| (what, operation.to_string())).collect();
    ours.sort_unstable();
    naive.sort_unstable();
    let differing =
        ours.iter().zip(&naive).filter(|(ours, naive)| ours != naive).count() + ours.len().abs_diff(naive.len());
    println!("  {} steps, as the oracle's", ours.len());
    vec![
        Line::at_most("1a", "steps that differ from the naive oracle's", differing as f64 + f64::from(failed), "", 0.0),
        Line::at_least("1a", "steps compared", ours.len() as f64, "", 500.0),
    ]
}

fn plan_all(fleet: &mut Fleet, round: &Round<'_>) -> usize {
    let mut actions = 0;
    fleet.touch_all();
    fleet.plan_dirty(round, |_, planned| actions += planned.map_or(0, |plan| plan.actions.len()));
    actions
}

/// A full plan of a million, beside the reference and the floor. The bar is about a million that
/// are steady; where every other group has something to do, a plan may take longer. Also answers what
/// the reference takes for an instance, in nanoseconds.
fn full_plan(seed: u64, name: &str, mood: Mood, times: [f64; 2]) -> ([Line; 2], f64) {
    let population = Population::new(seed, GROUPS, SIZE, mood);
    let (world, lines) = (NaiveWorld::of(&population, &mut Seeded::new(seed)), Lines::of(&population));
    let ((mut fleet, _), round) = (population.fleet(), population.round());
    println!("\n1a: {} instances in {GROUPS} groups, {name}", population.members());
    let [ours, naive, stream] = take_turns(
        7,
        [
            Candidate::new(|| _ = black_box(plan_all(&mut fleet, &round))),
            Candidate::new(|| _ = black_box(world.plan().len())),
            Candidate::new(|| _ = black_box(lines.read())),
        ],
    );
    said("plan", &ours);
    said("naive plan of borrowed strings", &naive);
    said("64 B stream", &stream);
    println!(
        "  medians: {:.0} x faster, {:.2} x the stream",
        naive.median_ratio_to(&ours),
        ours.median_ratio_to(&stream)
    );
    let [faster, slower] = times;
    let lines = [
        Line::at_least("1a", format!("1 M {name}: times faster than naive"), naive.ratio_to(&ours), "x", faster),
        Line::at_most("1a", format!("1 M {name}: times the stream"), ours.ratio_to(&stream), "x", slower),
    ];
    (lines, naive.best().as_secs_f64() * 1e9 / population.members() as f64)
}

fn one_large_group(seed: u64, naive: f64) -> Vec<Line> {
    let large = Population::new(seed, 1, LARGE, Mood::Calm);
    // Ten different small ones, so that both read the same memory: what grows is the work.
    let small = Population::new(seed, 10, LARGE / 10, Mood::Calm);
    let lines = Lines::of(&large);
    let ((mut fleet, _), (mut small_fleet, _)) = (large.fleet(), small.fleet());
    println!("\n1b: one group of {LARGE}");
    let [steady, tenths, stream] = take_turns(
        41,
        [
            Candidate::new(|| _ = black_box(plan_all(&mut fleet, &large.round()))),
            Candidate::new(|| _ = black_box(plan_all(&mut small_fleet, &small.round()))),
            Candidate::new(|| _ = black_box(lines.read())),
        ],
    );
    said("steady", &steady);
    said("ten groups of a tenth", &tenths);
    said("64 B stream", &stream);
    let mut verdicts = vec![
        Line::at_most("1b", "no-op plan of 100 k: times the stream", steady.ratio_to(&stream), "x", 6.0),
        Line::at_most("1b", "growth from 10 k to 100 k", 10.0 * steady.ratio_to(&tenths), "x", 12.0),
    ];
    verdicts.extend(actions_out(&large, naive));
    verdicts
}

/// Everything about one group, as the planner takes it.
struct Scene {
    settings: GroupSettings,
    members: Vec<Member>,
}

impl Scene {
    fn actions(&self, round: &Round<'_>) -> usize {
        let GroupSettings { intent, memory, limits, ref policy, ref revisions } = self.settings;
        let Round { view, conditions, timing, now, seed } = *round;
        let (members, details) = (&self.members, &[]);
        plan(&PlanInput {
            intent,
            policy,
            revisions,
            view,
            members,
            details,
            memory,
            limits,
            conditions,
            timing,
            now,
            seed,
        })
        .map_or(0, |plan| plan.actions.len())
    }
}

/// 100,000 actions out, in each way there is, beside what the naive planner takes for an instance.
fn actions_out(large: &Population, naive: f64) -> Vec<Line> {
    let round = large.round();
    let (steady, mut members) = large.groups[0].clone();
    members.sort_unstable_by_key(|member| member.operation);
    let scene = |capacity: u32, members: &[Member]| Scene {
        settings: unbraked(settings(steady.intent.group, capacity)),
        members: members.to_vec(),
    };
    let mut failed = members.clone();
    failed.iter_mut().for_each(|member| member.sighting = Sighting::Present(InstanceState::Failed));
    let mut stopped = members.clone();
    stopped.iter_mut().for_each(|member| member.sighting = Sighting::Present(InstanceState::Stopped));
    let mut torn_down = scene(LARGE, &members);
    torn_down.settings.intent.lifecycle = Lifecycle::Deleting;
    let mut replaced = scene(LARGE, &failed[..LARGE as usize / 2]);
    replaced.settings.limits = Limits { surge: LARGE, ..Limits::default() };
    // The bar of a step, and what two kinds need beyond it: docs/adr/0023.
    let scenes = [
        ("replace 50 k failed: delete and create", replaced, STEP),
        ("start all", scene(LARGE, &stopped), START),
        ("create all", scene(LARGE, &[]), STEP),
        ("tear all down", torn_down, STEP),
        ("scale to nothing, ranked", scene(0, &members), RANKED),
    ];
    for (what, scene, _) in &scenes {
        let count = scene.actions(&round);
        // Members that stopped together on one compute node wait for it to come back.
        assert!(count >= LARGE as usize / 100 * 99, "{what}: {count}");
    }
    scenes
        .iter()
        .map(|(what, scene, bar)| {
            let count = scene.actions(&round);
            let [measured] = take_turns(21, [Candidate::new(|| _ = black_box(scene.actions(&round)))]);
            said(what, &measured);
            let each = measured.best().as_secs_f64() * 1e9 / count as f64;
            println!("  {each:.1} ns for each");
            Line::at_least("1b", format!("{what}: times cheaper than naive"), naive / each, "x", (NAIVE / bar).round())
        })
        .collect()
}

/// A fleet in which groups change, one instance at a time.
struct Changing<'a> {
    population: &'a Population,
    fleet: Fleet,
    berths: Vec<Berth>,
    turn: usize,
}

impl<'a> Changing<'a> {
    /// Everything planned once, so that only what changes is planned from now on.
    fn new(population: &'a Population) -> Self {
        let (mut fleet, berths) = population.fleet();
        let actions = plan_all(&mut fleet, &population.round());
        assert_eq!(actions, 0, "a steady population has nothing to do");
        Self { population, fleet, berths, turn: 0 }
    }

    /// Changes one instance of one group and plans what that touched, many times.
    fn change_and_plan(&mut self) -> usize {
        let mut actions = 0;
        let round = self.population.round();
        for _ in 0..CHANGES {
            self.turn += 1;
            let place = self.turn % CHANGED_GROUPS;
            let (_, members) = &self.population.groups[place];
            let mut member = members[self.turn % members.len()];
            // Something that is seen to change and calls for nothing.
            member.phase_since = NOW.before(Duration::from_millis(self.turn as u64));
            self.fleet.put_member(self.berths[place], member);
            self.fleet.plan_dirty(&round, |_, planned| actions += planned.map_or(0, |plan| plan.actions.len()));
        }
        actions
    }
}

fn after_a_change(seed: u64) -> Vec<Line> {
    let large = Population::new(seed, GROUPS, SIZE, Mood::Steady);
    let small = Population::new(seed, GROUPS / 100, SIZE, Mood::Steady);
    let (mut in_large, mut in_small) = (Changing::new(&large), Changing::new(&small));
    let (mut whole, _) = large.fleet();
    println!("\n1c: re-plan after one instance of one group of {SIZE} changed");
    let [one_of_large, one_of_small, full] = take_turns(
        9,
        [
            Candidate::new(|| _ = black_box(in_large.change_and_plan())),
            Candidate::new(|| _ = black_box(in_small.change_and_plan())),
            Candidate::new(|| _ = black_box(plan_all(&mut whole, &large.round()))),
        ],
    );
    said("2,000 changes among 1 M", &one_of_large);
    said("2,000 changes among 10 k", &one_of_small);
    said("full plan", &full);
    let allocations = allocation_counter::measure(|| _ = black_box(in_large.change_and_plan()));
    vec![
        Line::at_least(
            "1c",
            "times cheaper than the full plan",
            full.ratio_to(&one_of_large) * CHANGES as f64,
            "x",
            5_000.0,
        ),
        Line::at_most("1c", "cost among 1 M over cost among 10 k", one_of_large.ratio_to(&one_of_small), "x", 1.2),
        Line::at_most("1c", "heap allocations when nothing changes", allocations.count_total as f64, "", 0.0),
    ]
}
