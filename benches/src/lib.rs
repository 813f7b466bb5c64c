//! What the benches share: seeded inputs, reference implementations and a fair stopwatch.
//!
//! Owns nothing that production code uses. A reference is written for its purpose and nothing
//! else; must never be tuned against the code it is compared with.

pub mod health;
pub mod ingest;
pub mod meter;
pub mod placement;
pub mod plan;
pub mod seeded;
pub mod site;
pub mod storm;
pub mod verdict;
pub mod workload;
