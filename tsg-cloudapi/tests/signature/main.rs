//! Signatures: keys, backends, agents, and what real clients signed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program fails by panicking")]

#[cfg(feature = "aws-lc-rs")]
mod backends;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod ssh_agent;
mod vectors;
