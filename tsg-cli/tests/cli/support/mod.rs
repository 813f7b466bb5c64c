//! What the end-to-end tests share: the real `tsg` program in an environment of its own, signed requests, and chance.
//!
//! Owns fixtures only; every process started here is ended by its own id when its owner is dropped.

pub mod chance;
pub mod client;
pub mod process;
pub mod site;
