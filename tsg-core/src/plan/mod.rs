//! The planner: one pure function from what is wanted and what is seen to what should be done.
//!
//! Owns the order of the steps, one file each. Must never read a clock, draw a random number or
//! depend on the order of its input.

pub mod input;
pub mod memory;
pub mod output;

pub use input::PlanInput;
pub use output::{Plan, PlanError};

/// Plans one group.
///
/// # Errors
/// When the input contradicts itself; see [`PlanError`].
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    Ok(Plan::idle(input))
}
