//! Step 5: plans new operations for what is lacking.
//!
//! Owns the slow start and the probing after a refusal. Must never plan more than there is room
//! for; the commit of the plan counts again.

use super::balance::Balance;
use super::draft::Draft;
use super::identity;
use super::input::PlanInput;
use super::memory::Setback;
use super::order;
use super::output::{PlanError, Reason};
use crate::model::time::Timestamp;

/// Creates in one plan at most, so that no capacity, however absurd, asks for memory without end.
const CREATES_MAX: u32 = 1 << 17;

/// Plans creates as far as slots, slow start and budgets allow.
pub(super) fn grow(input: &PlanInput<'_>, balance: &Balance, draft: &mut Draft) -> Result<(), PlanError> {
    let placeable = balance.missing.min(balance.room);
    draft.without_slot = balance.missing - placeable;
    let window = window(input, balance);
    let sendable = placeable.min(window.left);
    match window.closed_until {
        Some(until) => draft.backoff_until = (placeable > 0).then_some(until),
        None => draft.behind_window = (placeable - sendable, window.width),
    }
    let count = sendable.min(input.limits.creates).min(CREATES_MAX);
    draft.over_budget += sendable - count;
    let reason = Reason::BelowCapacity { occupied: balance.useful, wanted: balance.wanted };
    draft.expect_creates(count);
    if count > 0 {
        refuse_used_seed(input)?;
    }
    for index in 0..count {
        draft.create(identity::operation(input.seed, index), input.intent.revision, reason);
    }
    Ok(())
}

/// A seed that was used before begins with an id that exists. Where that one is closed already,
/// the commit finds out: it demands that every record of a new operation is new.
fn refuse_used_seed(input: &PlanInput<'_>) -> Result<(), PlanError> {
    let first = identity::operation(input.seed, 0);
    match order::position(input.members, first) {
        Ok(_) => Err(PlanError::SeedReused(first)),
        Err(_) => Ok(()),
    }
}

/// How many creates may be unanswered.
struct Window {
    width: u32,
    left: u32,
    closed_until: Option<Timestamp>,
}

fn window(input: &PlanInput<'_>, balance: &Balance) -> Window {
    let (width, busy) = match input.memory.create_backoff {
        Some(backoff) if input.now < backoff.until => {
            return Window { width: 0, left: 0, closed_until: Some(backoff.until) };
        }
        // The one that tries the ground has succeeded only when its machine is up.
        Some(backoff) if backoff.cause == Setback::ProvisioningFailed => {
            (1, balance.in_flight + balance.in_doubt + balance.starting)
        }
        Some(_) => (1, balance.in_flight + balance.in_doubt),
        // One in doubt has narrowed the window when it came into doubt; it keeps its own slot, but
        // must not close the window for as long as the doubt lasts.
        None => (input.memory.create_window.max(1), balance.in_flight),
    };
    Window { width, left: width.saturating_sub(busy), closed_until: None }
}
