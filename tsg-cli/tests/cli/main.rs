//! The program as people run it: its own process, real sockets, a real store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program fails by panicking and says its seed"
)]

mod bad_input;
mod demo;
mod events;
mod full_disk;
mod golden;
mod health;
mod keys;
mod kill;
mod operation;
mod placement;
mod prober;
mod support;
mod tsg_v1_shell;
mod why;
