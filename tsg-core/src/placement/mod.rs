//! Placement: where the next instance goes, and why nowhere.
//!
//! Owns the rules that people write and what they mean. Must never know how a cloud is asked for
//! anything, apart from what CloudAPI's affinity can say.

pub mod cloudapi;
pub mod compile;
pub mod inventory;
mod linear;
pub mod outlook;
pub mod place;
pub mod rule;
pub mod topology;
pub mod verify;
