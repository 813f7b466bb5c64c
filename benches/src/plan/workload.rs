//! The planner's workloads whose instructions are counted.
//!
//! Owns inputs of one fixed seed: a count is exact, so that the same input has to be counted each
//! time. Must never do anything between two turns that is not part of the work.

use std::hint::black_box;
use std::time::Duration;

use tsg_core::model::group::Lifecycle;
use tsg_core::model::instance::InstanceState;
use tsg_core::plan::fleet::{Fleet, Round};
use tsg_core::plan::input::Sighting;

use super::population::{Mood, NOW, Population, unbraked};
use crate::workload::Workload;

const GROUPS: u32 = 200;
const SIZE: u32 = 100;
const SEED: u64 = 0x7467_7321;

/// All of them.
pub const WORKLOADS: [Workload; 7] = [
    Workload { name: "steady_per_member", units: GROUPS * SIZE, run: |turns| plan_all(Mood::Steady, turns) },
    Workload { name: "busy_per_member", units: GROUPS * SIZE, run: |turns| plan_all(Mood::Busy, turns) },
    Workload { name: "change_per_replan_of_100", units: GROUPS, run: change },
    Workload { name: "tear_down_per_action", units: GROUPS * SIZE, run: tear_down },
    Workload { name: "start_per_action", units: GROUPS * SIZE, run: start },
    Workload { name: "scale_in_per_action", units: GROUPS * SIZE, run: |turns| resize(0, turns) },
    Workload { name: "halve_per_action", units: GROUPS * SIZE / 2, run: |turns| resize(SIZE / 2, turns) },
];

fn plan_all(mood: Mood, turns: u32) {
    take_turns(&Population::new(SEED, GROUPS, SIZE, mood), turns);
}

fn take_turns(population: &Population, turns: u32) {
    let (mut fleet, _) = population.fleet();
    for _ in 0..turns {
        fleet.touch_all();
        plan_dirty(&mut fleet, &population.round());
    }
}

fn plan_dirty(fleet: &mut Fleet, round: &Round<'_>) {
    fleet.plan_dirty(round, |_, planned| drop(black_box(planned)));
}

fn change(turns: u32) {
    let population = Population::new(SEED, GROUPS, SIZE, Mood::Calm);
    let (mut fleet, berths) = population.fleet();
    plan_dirty(&mut fleet, &population.round());
    for turn in 1..=u64::from(turns) {
        for (berth, (_, members)) in berths.iter().zip(&population.groups) {
            let mut member = members[0];
            member.phase_since = NOW.before(Duration::from_millis(turn));
            fleet.put_member(*berth, member);
            plan_dirty(&mut fleet, &population.round());
        }
    }
}

fn tear_down(turns: u32) {
    let mut population = Population::new(SEED, GROUPS, SIZE, Mood::Calm);
    population.groups.iter_mut().for_each(|(settings, _)| settings.intent.lifecycle = Lifecycle::Deleting);
    take_turns(&population, turns);
}

fn start(turns: u32) {
    let mut population = Population::new(SEED, GROUPS, SIZE, Mood::Calm);
    for (settings, members) in &mut population.groups {
        *settings = unbraked(settings.clone());
        members.iter_mut().for_each(|member| member.sighting = Sighting::Present(InstanceState::Stopped));
    }
    take_turns(&population, turns);
}

fn resize(capacity: u32, turns: u32) {
    let mut population = Population::new(SEED, GROUPS, SIZE, Mood::Calm);
    population.groups.iter_mut().for_each(|(settings, _)| settings.intent.capacity = capacity);
    take_turns(&population, turns);
}
