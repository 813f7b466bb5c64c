//! The `triton` command of npm, unmodified, against a simulated data centre: the proof that CloudAPI is spoken well
//! enough for a client nobody here wrote.
//!
//! Needs triton 7.17.0 under `target/tools/triton`, which `cargo xtask tools` installs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "fixtures of tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod catalogue;
mod instances;
mod refusals;
mod triton;
