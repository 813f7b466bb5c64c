//! The stages of a graceful removal: drained, shut down, deleted or kept.
//!
//! Owns when a member that is on its way out takes the next stage. Must never begin a removal.

use super::super::Situation;
use super::super::draft::Draft;
use super::super::input::PlanInput;
use super::super::output::PlanError;

/// Takes members that are being removed to their next stage.
pub(in super::super) fn advance(
    _input: &PlanInput<'_>,
    _situation: &Situation,
    _draft: &mut Draft,
) -> Result<(), PlanError> {
    Ok(())
}
