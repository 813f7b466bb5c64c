//! Shared by the integration tests of the core.
//!
//! Owns the fixtures; must never be reachable from production code.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod apply;
pub mod cloud;
pub mod draw;
pub mod even;
pub mod shift;
pub mod table;
pub mod tries;
