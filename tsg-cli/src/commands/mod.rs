//! The commands, one file (or folder) each: its flags, and what it does with them.
//!
//! Owns nothing itself. A command must never write to standard output but through `Output`.

pub(crate) mod account;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod group;
pub(crate) mod placement;
pub(crate) mod prober;
pub(crate) mod probers;
pub(crate) mod reconcile;
pub(crate) mod rollout;
pub(crate) mod scale;
pub(crate) mod server;
pub(crate) mod sim;
pub(crate) mod template;
pub(crate) mod wait;
