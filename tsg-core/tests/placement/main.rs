//! Placement: the language of its rules, where instances go, and what CloudAPI is told of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod affinity;
mod answers;
mod compiled;
mod course;
mod language;
mod metamorphic;
mod nasty;
mod oracle;
mod outlook;
mod rules;
mod spec;
mod verified;
mod world;
