//! Health: who is asked how they are, and what is believed of them.
//!
//! Owns the way from what an engine shows, through the prober, to the verdicts that the engine is
//! given. Must never decide what follows from a verdict; the planner does.

mod station;
mod targets;
mod watch;

pub use station::Station;
pub use watch::Watch;
