//! The steps of a rollout: members of other revisions are changed or let go.
//!
//! Owns who is next and how many at once. Must never plan a create; growing does.

use super::super::Situation;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::PlanInput;
use super::super::output::{Class, PlanError, Reason};

/// Changes or lets go as many members of other revisions as may be.
pub(in super::super) fn step(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    give_up_stale(input, situation, draft)
}

/// Unsent creates of a revision that nobody wants any more cost nothing to give up.
fn give_up_stale(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    if situation.roster.stale == 0 {
        return Ok(());
    }
    draft.expect(situation.roster.stale, input.members);
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if standing.is_stale() {
            let reason = Reason::RolledOut { from: member.revision, to: situation.goal.revision };
            draft.act(member, Choice { index, class: Class::Intended, step: Step::Cancel }, reason)?;
        }
    }
    Ok(())
}
