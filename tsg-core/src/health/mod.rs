//! Health: from what probes find to what is believed of an instance.
//!
//! Owns what a check may say and the policy on its answers. Must never make a probe, and never
//! take silence for a failure.

mod aside;
pub mod check;
pub mod contact;
pub mod discovery;
pub mod fact;
pub mod invalid;
pub mod last;
pub mod pulse;
pub mod quorum;
mod roll;
pub mod rota;
mod rows;
pub mod service;
pub mod spec;
pub mod status;
pub mod verdict;
pub mod ward;
pub mod wheel;
mod written;
