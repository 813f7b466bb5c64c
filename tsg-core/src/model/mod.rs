//! The words of the domain as types: ids, time, templates, groups, instances, operations, audit.
//!
//! Owns validation on construction, so that a value that exists is a value that holds. Must
//! never decide what to do with them; that is the planner's job.

pub mod amount;
pub mod audit;
pub mod errand;
pub mod fingerprint;
mod fnv;
pub mod group;
pub mod guest;
pub mod id;
pub mod instance;
pub mod labels;
pub mod landing;
pub mod listing;
pub mod machines;
pub mod name;
pub mod nic;
pub mod operation;
pub mod policy;
pub mod revision;
pub mod span;
pub mod tag;
pub mod template;
pub mod time;
