//! The planner: from what is known of a group to the steps of one plan, and what is said of them.
//!
//! Named cases stand as text in `cases` and `cases_why`; the other files look at one subject each, exactly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod cases;
mod creates;
mod fleet;
mod fleet_exact;
mod forecast;
mod forecast_exact;
mod moments;
mod observe;
mod ordinals;
mod paper_exact;
mod plan_exact;
mod plan_id;
mod protocol;
mod repair;
mod replay;
mod restarts;
mod rollout_outcome;
mod scale_in;
mod selection;
#[path = "../support/mod.rs"]
mod support;
mod why;
