//! Small groups in every way that things can go, one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod delete;
mod delete_world;
mod rollout;
#[path = "../support/mod.rs"]
mod support;
