//! The benches of the look across all groups: its inputs and its reference.

pub mod naive;
pub mod naive_grants;
pub mod population;
pub mod workload;
