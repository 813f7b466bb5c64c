//! Step 4, removal: who goes when there are too many, and how one goes.
//!
//! Owns the victim order and the stages of a graceful removal. Must never take a member that is
//! protected, held or in doubt.

mod advice;
mod candidate;
mod choice;
mod crowding;
pub(super) mod kept;
pub(super) mod shrink;
pub(super) mod stages;
pub(super) mod teardown;

pub(super) use stages::first_stage;
