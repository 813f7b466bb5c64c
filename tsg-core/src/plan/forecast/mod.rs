//! What will come of a group, if the cloud does as a model of it says.
//!
//! Owns the run in virtual time. Must never decide a step; the planner does.

mod apply;

pub use apply::carry_out;
