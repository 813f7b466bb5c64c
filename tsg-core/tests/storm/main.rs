//! The look across all groups: causes, holds, budgets, and who is served first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod budgets;
mod causes;
mod looks;
mod properties;
mod purses;
mod scene;
#[path = "../support/tries.rs"]
mod tries;
