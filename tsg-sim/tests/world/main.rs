//! The simulated data centre against what is known of the real one, fact by fact.

mod affinity;
mod allocation;
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
