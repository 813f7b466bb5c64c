//! Step 4: brings stopped members back and gives up those that will not come.
//!
//! Owns the escalation from start to replacement. Must never delete a member for a state that
//! passes by itself: stopping, out of contact, missing.

use super::classify::classify;
use super::draft::{Choice, Draft, Step};
use super::input::{Member, PlanInput, Sighting};
use super::output::{Class, PlanError, Reason};
use super::survey::Survey;
use crate::model::instance::InstanceState;
use crate::model::time::Timestamp;
use core::time::Duration;

/// What comes next for a stopped member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartStep {
    /// It is still on its way to stopped; a start would be refused.
    Stopping,
    /// Start it.
    Now,
    /// Start it then, or give it up then.
    Later(Timestamp),
    /// It was started as often as is worth trying.
    Exhausted,
}

/// Start requests that a member can count.
const STARTS_COUNTED: u8 = 7;

/// What comes next for a stopped member.
#[inline]
pub(super) fn start_step(member: &Member, input: &PlanInput<'_>) -> StartStep {
    if member.sighting == Sighting::Present(InstanceState::Stopping) {
        return StartStep::Stopping;
    }
    let starts = member.starts();
    if let Some(doublings) = starts.checked_sub(1) {
        // At least a moment, or a round that takes no time would start it again.
        let delay = input.limits.start_delay.max(Duration::from_millis(1));
        let due = member.last_start_at.after(delay.saturating_mul(1 << doublings));
        if due > input.now {
            return StartStep::Later(due);
        }
    }
    if starts < input.limits.start_attempts.min(STARTS_COUNTED) { StartStep::Now } else { StartStep::Exhausted }
}

/// Starts and deletes as far as the budgets of this round go.
pub(super) fn repair(input: &PlanInput<'_>, survey: &Survey, draft: &mut Draft) -> Result<(), PlanError> {
    let steps = survey.doomed() + survey.startable;
    if steps == 0 {
        return Ok(());
    }
    draft.expect(steps, input.members);
    for (member, index) in input.members.iter().zip(0_u32..) {
        if let Some((choice, reason)) = remedy(member, index, input)?
            && !draft.is_taken(index)
        {
            apply(input, draft, member, choice, reason)?;
        }
    }
    Ok(())
}

/// What is done about one member, if anything.
fn remedy(member: &Member, index: u32, input: &PlanInput<'_>) -> Result<Option<(Choice, Reason)>, PlanError> {
    let starts = member.starts();
    let class = classify(member, input.now, input.timing)?;
    let (step, reason) = match class {
        Class::Failed => (Step::Delete, Reason::ProvisioningFailed),
        Class::Overdue => (Step::Delete, Reason::ProvisioningOverdue { since: member.phase_since }),
        Class::Stopped => match start_step(member, input) {
            StartStep::Now => (Step::Start, Reason::Stopped { starts }),
            StartStep::Exhausted => (Step::Delete, Reason::WouldNotStart { starts }),
            StartStep::Stopping | StartStep::Later(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some((Choice { index, class, step }, reason)))
}

fn apply(
    input: &PlanInput<'_>,
    draft: &mut Draft,
    member: &Member,
    choice: Choice,
    reason: Reason,
) -> Result<(), PlanError> {
    let is_start = choice.step == Step::Start;
    if !is_start && member.is_protected() {
        draft.protected += 1;
        return Ok(());
    }
    let (spent, budget) = if is_start {
        (&mut draft.starts, input.limits.starts)
    } else {
        (&mut draft.unasked_deletes, input.limits.unasked_deletes)
    };
    if *spent >= budget {
        draft.over_budget += 1;
        return Ok(());
    }
    *spent += 1;
    draft.act(member, choice, reason)
}
