//! Step 5: plans new operations for what is lacking.
//!
//! Owns the slow start and the probing after a refusal. Must never plan more than there is room
//! for; the commit of the plan counts again.

use super::balance::Balance;
use super::draft::Draft;
use super::identity;
use super::input::PlanInput;
use super::order;
use super::output::{PlanError, Reason};

/// Plans creates as far as slots, slow start and budgets allow.
pub(super) fn grow(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> Result<(), PlanError> {
    let placeable = balance.missing.min(balance.room);
    draft.without_slot = balance.missing - placeable;
    let sendable = placeable.min(window(input, balance, draft));
    if draft.backoff_until.is_none() {
        draft.behind_window = placeable - sendable;
    }
    let count = sendable.min(input.limits.creates);
    draft.over_budget += sendable - count;
    let reason = Reason::BelowCapacity { occupied: balance.useful, wanted: balance.wanted };
    draft.expect(count);
    for index in 0..count {
        let operation = identity::operation(input.seed, index);
        if order::position(input.members, operation).is_ok() {
            return Err(PlanError::SeedReused(operation));
        }
        draft.create(operation, input.intent.revision, reason);
    }
    Ok(())
}

/// How many more creates may be unanswered.
fn window(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> u32 {
    let window = match input.memory.create_backoff {
        Some(backoff) if input.now < backoff.until => {
            draft.backoff_until = Some(backoff.until);
            0
        }
        Some(_) => 1,
        None => input.memory.create_window.max(1),
    };
    window.saturating_sub(balance.in_flight)
}
