//! Deletes every member of a group that is being deleted.
//!
//! Owns the tear-down. Must never touch a member in doubt: what was sent is resolved first, so
//! that nothing is left behind.

use super::classify::classify;
use super::draft::{Choice, Draft, Step};
use super::input::PlanInput;
use super::output::{Class, PlanError, Reason};
use super::survey::Survey;

/// Cancels what was not sent and deletes everything that is known.
pub(super) fn clear_out(input: &PlanInput<'_>, survey: &Survey, draft: &mut Draft) -> Result<(), PlanError> {
    let going =
        survey.counts.of(Class::Leaving) + survey.counts.of(Class::Requested) + survey.counts.of(Class::InDoubt);
    draft.expect(survey.counts.total() - going, input.members);
    for (member, index) in input.members.iter().zip(0_u32..) {
        let class = classify(member, input.now, input.timing)?;
        let choice = |step| Choice { index, class, step };
        match class {
            Class::Leaving | Class::Requested | Class::InDoubt => {}
            Class::Intended => draft.act(member, choice(Step::Cancel), Reason::TearDown)?,
            _ if member.is_protected() => draft.protected += 1,
            _ if draft.asked_deletes >= input.limits.asked_deletes => draft.over_budget += 1,
            _ => {
                draft.asked_deletes += 1;
                draft.act(member, choice(Step::Delete), Reason::TearDown)?;
            }
        }
    }
    Ok(())
}
