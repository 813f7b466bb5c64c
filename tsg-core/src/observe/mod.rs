//! Looking at the cloud: from list pages to facts a plan can rest on.
//!
//! Owns what may be concluded from a complete list, and when a list counts as complete. Must
//! never conclude from one that a machine is gone; `protocol::absence` tells.

pub mod arrivals;
pub mod join;
pub mod lasting;
pub mod nodes;
pub mod paging;
mod places;
pub mod trust;
