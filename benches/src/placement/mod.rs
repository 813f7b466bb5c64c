//! The benches of placement: their inputs and references.

pub mod cluster;
pub mod lines;
pub mod nasty;
pub mod objects;
pub mod scan;
pub mod workload;
