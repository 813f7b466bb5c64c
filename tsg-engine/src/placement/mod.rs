//! Placement as the engine needs it: what the account's machines carry, and what was last found of
//! a group's places.
//!
//! Owns the shapes that lie between lists, rules and the board. Must never decide where an instance
//! goes; `tsg_core::placement` does.

mod carried;
mod view;

pub(crate) use carried::{Carried, carriers_of, labels_of_member, membership};
pub use view::{Blocked, Landed, Occupancy, PlacementSource, PlacementView, Survey};
