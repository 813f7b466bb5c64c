//! Where a rollout stands and how far it may go now.
//!
//! Owns the state machine. Must never act; what it allows, [`step`](super::step) does.

use super::super::input::PlanInput;
use super::super::memory::RolloutMemory;
use super::super::output::{Block, Wait};
use super::super::roster::Roster;
use super::goal::{Goal, Moves};
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
    /// Whether members may be changed now.
    pub pace: Pace,
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

/// Takes the rollout as far as what is seen allows; one transition at a time. The caller repeats
/// until nothing changes any more.
pub(in super::super) fn steer(input: &PlanInput<'_>, goal: &Goal, roster: &Roster, memory: RolloutMemory) -> Steering {
    let bounds = input.policy.update.bounds(input.policy.identity, input.intent.capacity);
    let is_moving = goal.moves == Moves::Everybody && roster.other.useful > 0;
    Steering {
        memory,
        surge: if is_moving { bounds.surge } else { 0 },
        unavailable: bounds.unavailable,
        canaries: None,
        cap: u32::MAX,
        pace: if is_moving { Pace::Moves } else { Pace::Stands },
        block: None,
        wait: None,
        next_wakeup: None,
    }
}
