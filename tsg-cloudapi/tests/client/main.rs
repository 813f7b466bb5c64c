//! The client: its calls, what comes back, and what it says of failures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program fails by panicking")]

mod calls;
mod changefeed;
mod cloud_port;
#[path = "../common/mod.rs"]
mod common;
mod failures;
mod lean_page;
mod tls;
