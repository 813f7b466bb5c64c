//! Step 3, rollout: moves the group from one revision to another.
//!
//! Owns how far a rollout may go in this plan, and its steps. Must never take a serving member
//! away below the availability floor.

pub(super) mod change;
pub(super) mod goal;
pub(super) mod steer;
pub(super) mod step;

pub(super) use goal::Goal;
pub(super) use steer::{Steering, steer};
pub(super) use step::step;
