//! Step 4, removal: who goes when there are too many, and how one goes.
//!
//! Owns the victim order and the stages of a graceful removal. Must never take a member that is
//! protected, held or in doubt.

mod crowding;
pub(super) mod shrink;
pub(super) mod stages;
pub(super) mod teardown;

use super::draft::Step;
use super::input::{Member, PlanInput};
use super::roster::Standing;

/// The first stage of a member's removal.
pub(super) fn first_stage(_input: &PlanInput<'_>, _member: &Member, _standing: Standing) -> Step {
    Step::Delete
}
