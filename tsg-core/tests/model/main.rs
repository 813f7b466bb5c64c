//! The words of a group: policies, revisions and windows, and that the page for users says the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod policy;
mod revisions;
mod semantics;
mod windows;
