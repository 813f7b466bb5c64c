//! Lets go of every member of a group that is being deleted.
//!
//! Owns the tear-down. Must never touch a member in doubt: what was sent is resolved first, so
//! that nothing is left behind.

use super::super::Situation;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::PlanInput;
use super::super::output::{Class, PlanError, Reason};
use super::stages::{advance, first_stage};

/// Cancels what was not sent and removes everything that is known, by the stages that the policy
/// has. Everybody goes at once: there is no service to be kept up.
pub(in super::super) fn clear_out(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    advance(input, situation, draft)?;
    let counts = &situation.roster.counts;
    let going = [Class::Leaving, Class::Requested, Class::InDoubt, Class::Retiring];
    draft.expect(counts.total() - going.into_iter().map(|class| counts.of(class)).sum::<u32>(), input.members);
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        let class = standing.class;
        let choice = |step| Choice { index, class, step };
        match class {
            Class::Leaving | Class::Requested | Class::InDoubt | Class::Retiring => {}
            Class::Intended => draft.act(member, choice(Step::Cancel), Reason::TearDown)?,
            _ if standing.is_untouchable() => draft.protected += 1,
            // Its removal spent its budget when it began.
            Class::Kept => draft.act(member, choice(Step::Delete), Reason::TearDown)?,
            _ if draft.asked_deletes >= input.limits.asked_deletes => draft.over_budget += 1,
            _ => {
                draft.asked_deletes += 1;
                draft.act(member, choice(first_stage(input, member, *standing)), Reason::TearDown)?;
            }
        }
    }
    Ok(())
}
