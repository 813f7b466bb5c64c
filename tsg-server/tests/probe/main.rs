//! The prober over real sockets: targets of every manner, many of them, and its own end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "fixtures of tests fail by panicking")]

mod controls;
mod crowd;
mod hostile;
mod life;
mod responders;
mod rig;
mod secure;
