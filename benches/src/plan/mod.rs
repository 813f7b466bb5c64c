//! The planner's benches: their inputs and references.

pub mod naive;
pub mod population;
pub mod stream;
pub mod workload;
