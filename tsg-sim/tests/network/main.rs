//! The network side of the data centre over real sockets: the name service, by messages made here and by `dig`.
//!
//! Time stands still in these data centres unless a test moves it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "fixtures of tests fail by panicking")]

mod answers;
mod changes;
mod dig;
mod dns;
mod scene;
mod sockets;
