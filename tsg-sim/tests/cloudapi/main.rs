//! CloudAPI over real sockets: the protocol checks, one request at a time.
//!
//! Every test has its own data centre and signs as real clients do.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod curl;
mod faults;
mod feed;
mod machines;
mod paging;
mod protocol;
mod responder;
mod signatures;
mod tags;
