//! Where a rollout stands and how far it may go now.
//!
//! Owns when one begins and the order in which its parts are asked. Must never act; what it
//! allows, [`step`](super::step) does.

use super::super::input::PlanInput;
use super::super::memory::{Course, RolloutMemory, RolloutState};
use super::super::output::{Block, Wait};
use super::super::roster::{Roster, Standing};
use super::goal::{Goal, Moves, differ};
use super::outlook::Outlook;
use super::tally::Tally;
use super::{allowance, clock, failure, room, stages};
use crate::model::group::Lifecycle;
use crate::model::time::Timestamp;

/// How far a rollout may go in this plan.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Steering {
    /// What to remember.
    pub memory: RolloutMemory,
    /// Instances over the capacity that it may use.
    pub surge: u32,
    /// Instances of the capacity that may be out of service.
    pub unavailable: u32,
    /// Set while canaries prove themselves: how many there are to be, beside the capacity.
    pub canaries: Option<u32>,
    /// How many members of the goal there may be.
    pub cap: u32,
    /// How many members are left that the surge is for.
    pub movable: u32,
    /// Whether members may be changed now.
    pub pace: Pace,
    /// Whether members that have been given up take the room of what should come after them.
    pub is_cornered: bool,
    /// What has to change before it goes on.
    pub block: Option<Block>,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// When time alone changes something about it.
    pub next_wakeup: Option<Timestamp>,
}

/// Whether members may be changed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Pace {
    /// There is nothing to change, or it may not be changed now.
    Stands,
    /// Members may be changed.
    Moves,
}

impl Steering {
    /// Nothing is rolled out.
    fn at_rest(input: &PlanInput<'_>, memory: RolloutMemory) -> Self {
        let bounds = input.policy.update.bounds(input.policy.identity, input.intent.capacity);
        Self {
            memory,
            surge: 0,
            unavailable: bounds.unavailable,
            canaries: None,
            cap: u32::MAX,
            movable: 0,
            pace: Pace::Stands,
            is_cornered: false,
            block: None,
            wait: None,
            next_wakeup: None,
        }
    }
}

/// Takes the rollout as far as what is seen allows; one transition at a time. The caller repeats
/// until nothing changes any more.
pub(in super::super) fn steer(input: &PlanInput<'_>, goal: &Goal, roster: &Roster, memory: RolloutMemory) -> Steering {
    let rest = Steering::at_rest(input, memory);
    if goal.moves == Moves::NewOnes || input.intent.lifecycle == Lifecycle::Deleting {
        return rest;
    }
    let Some(course) = memory.course.filter(|course| course.target == input.intent.revision) else {
        let course = super::super::may_act(input).then(|| opened(input, roster, &memory));
        return Steering { memory: RolloutMemory { course: course.or(memory.course), ..memory }, ..rest };
    };
    let outlook = Outlook::of(input, goal, roster, course, memory.stable);
    match next(&outlook, &memory) {
        Some(memory) => Steering { memory, ..rest },
        None => allowance::of(&outlook, rest),
    }
}

/// A rollout that begins: whatever ran before is superseded.
fn opened(input: &PlanInput<'_>, roster: &Roster, memory: &RolloutMemory) -> Course {
    let target = input.intent.revision;
    let from = if memory.stable == target { 0 } else { memory.stable };
    let course = Course::opened(target, from, input.now);
    let is_first = memory.stable == 0 && Tally::of(input, roster, &course).left == 0;
    let before = failure::newest(input, roster, |standing: Standing| standing.is_useful() && !standing.is_current());
    let keeps = if from != 0 && differ(input, from, target) { from } else { before.unwrap_or(0) };
    Course { keeps, is_first, ..course }
}

/// What changes by itself.
fn next(outlook: &Outlook<'_>, memory: &RolloutMemory) -> Option<RolloutMemory> {
    let course = clock::kept(outlook).or_else(|| transition(outlook));
    let is_stable = course.unwrap_or(outlook.course).state == RolloutState::Successful && is_shown_good(outlook);
    let stable = if is_stable { outlook.course.target } else { memory.stable };
    let next = RolloutMemory { stable, course: course.or(memory.course) };
    (next != *memory).then_some(next)
}

fn transition(outlook: &Outlook<'_>) -> Option<Course> {
    if !super::super::may_act(outlook.input) || outlook.course.state.is_over() {
        return None;
    }
    let failed = failure::of(outlook).map(|failure| failure::after(outlook, failure));
    failed.or_else(|| room::swapped(outlook)).or_else(|| stages::next(outlook))
}

/// Whether there are instances and all of them are well. An empty group shows nothing.
fn is_shown_good(outlook: &Outlook<'_>) -> bool {
    super::super::may_act(outlook.input) && outlook.wanted > 0 && outlook.is_complete()
}
