//! A prober of its own process: it asks instances where the server cannot, and tells the server what it finds.
//!
//! Owns the way between a prober and the server. It must never judge an instance, and never tell as new what is old.

mod agent;
mod event;
mod held;

pub(crate) use agent::Agent;
