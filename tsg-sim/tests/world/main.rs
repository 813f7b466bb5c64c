//! The simulated data centre against what is known of the real one, fact by fact.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking, also in its fixtures"
)]

mod affinity;
mod allocation;
mod change;
mod cns;
mod create;
mod determinism;
mod fault;
mod fixture;
mod gate;
mod lifecycle;
mod listing;
mod networks;
mod owner;
mod tags;
