//! The network side of the data centre over real sockets: the name service, by messages made here and by `dig`, and
//! how machines answer on their own addresses.
//!
//! Time stands still in these data centres unless a test moves it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "fixtures of tests fail by panicking")]

mod answers;
mod changes;
mod dig;
mod dns;
mod manners;
mod nodes;
mod peer;
mod scene;
mod sockets;
