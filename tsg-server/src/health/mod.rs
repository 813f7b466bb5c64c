//! Health: who is asked how they are, and what is believed of them.
//!
//! Owns the way from what an engine shows, through the probers, to the verdicts that the engine is
//! given. Must never decide what follows from a verdict; the planner does.

mod commands;
mod facts;
mod panel;
mod remote;
mod shares;
mod station;
mod targets;
mod watch;

pub use facts::KnownFact;
pub use panel::NotHeard;
pub use remote::Seen;
pub use station::{ProbeGauge, Station};
pub use watch::Watch;
