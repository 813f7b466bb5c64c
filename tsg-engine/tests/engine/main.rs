//! The production engine on a simulated cloud, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program fails by panicking and says its seed"
)]

mod behaviour;
mod convergence;
mod crash_points;
mod discovery;
mod events;
mod health;
mod hints;
mod intent;
mod mutants;
mod nodes;
mod placement;
mod rolling;
mod simulation;
mod support;
