//! The executor, the virtual clock and the direct cloud port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking, also in its fixtures"
)]

mod bench;
mod change;
mod cloud;
mod executor;
