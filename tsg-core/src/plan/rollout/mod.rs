//! Step 3, rollout: moves the group from one revision to another.
//!
//! Owns how far a rollout may go in this plan, and its steps. Must never take a serving member
//! away below the availability floor.

mod allowance;
mod batch;
pub(super) mod change;
mod clock;
mod failure;
pub(super) mod goal;
mod outcome;
mod outlook;
mod queue;
mod room;
mod stages;
pub(super) mod steer;
pub(super) mod step;
mod tally;
mod way;

pub(super) use goal::Goal;
pub use outcome::{RolloutOutcome, state_of};
pub(super) use steer::{Steering, steer};
pub(super) use step::{Gone, failed_gone, step};
