//! The server over real sockets, against the simulated data centre.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the fixtures outside of test functions are test code as well: a failure there fails the test"
)]

mod bad_input;
mod changefeed;
mod command;
mod configuration;
mod discovery;
mod enrolment;
mod events;
mod facts;
mod guest;
mod isolation;
mod key_file;
mod lifecycle;
mod manners;
mod metrics;
mod networks;
mod placement;
mod prober;
mod rollout;
mod signatures;
mod support;
mod v1;
mod v2;
mod why;
