//! The pure heart of tsg: the model, the planner and the ports.
//!
//! Owns what a service group *is* and what should happen to it next. Never touches a clock,
//! file, socket, environment variable, random source, async runtime or hash-ordered map: time
//! and seeds are arguments, wake-ups are outputs, and the outside world is reached only through
//! the traits in [`ports`], which this crate defines and never implements.
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod count;
pub mod health;
pub mod model;
pub mod observe;
pub mod placement;
pub mod plan;
pub mod ports;
pub mod protocol;
pub mod records;
pub mod storm;
