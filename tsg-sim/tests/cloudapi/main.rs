//! CloudAPI over real sockets: the protocol checks, one request at a time.
//!
//! Every test has its own data centre and signs as real clients do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "fixtures of tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod client;
mod curl;
mod faults;
mod feed;
mod labels;
mod machines;
mod paging;
mod port;
mod protocol;
mod responder;
mod seam;
mod signatures;
mod tags;
