//! Step 6, repair: brings stopped members back and replaces those that will not come.
//!
//! Owns how many are repaired at once. Must never delete a member for a state that passes by
//! itself: stopping, out of contact, missing; nor before a proven successor when there is room
//! for one.

pub(super) mod fate;
mod pace;

pub(super) use pace::Pace;

use super::Situation;
use super::classify::detail_of;
use super::draft::{Choice, Draft, Step};
use super::input::{Member, PlanInput};
use super::output::{PlanError, Reason};
use super::removal;
use super::roster::Standing;
use crate::model::policy::ReplaceOrder;
use fate::{Fate, fate_of};

/// Starts and removals as far as the budgets of this round go.
pub(super) fn repair(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    let roster = &situation.roster;
    let steps = roster.doomed + roster.restartable + roster.condemned;
    if steps == 0 {
        return Ok(());
    }
    draft.expect(steps, input.members);
    let mut replaceable = replaceable(input, situation);
    for ((member, standing), index) in input.members.iter().zip(&roster.standings).zip(0_u32..) {
        if standing.fate == Fate::Stays || draft.is_taken(index) {
            continue;
        }
        let Some(reason) = fate_of(member, standing.class, detail_of(member, input)?, input).reason() else { continue };
        match standing.fate {
            Fate::Restarts => restart(input, draft, (member, index), *standing, reason)?,
            Fate::Doomed => remove(input, draft, (member, index), *standing, reason)?,
            Fate::Condemned if replaceable > 0 => {
                replaceable -= 1;
                remove(input, draft, (member, index), *standing, reason)?;
            }
            Fate::Condemned | Fate::Waits | Fate::Stays => {}
        }
    }
    Ok(())
}

/// How many condemned members may go now.
fn replaceable(input: &PlanInput<'_>, situation: &Situation) -> u32 {
    let Situation { roster, balance, pace, .. } = situation;
    match input.policy.replace.order {
        // As many as have a proven successor, or as are not needed at all.
        ReplaceOrder::StartFirst => {
            (roster.proven() + roster.condemned).saturating_sub(balance.wanted).min(roster.condemned)
        }
        ReplaceOrder::StopFirst => pace.limit.saturating_sub(balance.in_flight + balance.starting),
    }
}

fn restart(
    input: &PlanInput<'_>,
    draft: &mut Draft,
    (member, index): (&Member, u32),
    standing: Standing,
    reason: Reason,
) -> Result<(), PlanError> {
    if draft.starts >= input.limits.starts {
        draft.over_budget += 1;
        return Ok(());
    }
    draft.starts += 1;
    draft.act(member, Choice { index, class: standing.class, step: Step::Start }, reason)
}

fn remove(
    input: &PlanInput<'_>,
    draft: &mut Draft,
    (member, index): (&Member, u32),
    standing: Standing,
    reason: Reason,
) -> Result<(), PlanError> {
    if standing.is_untouchable() {
        draft.protected += 1;
        return Ok(());
    }
    if draft.unasked_deletes >= input.limits.unasked_deletes {
        draft.over_budget += 1;
        return Ok(());
    }
    draft.unasked_deletes += 1;
    let step = removal::first_stage(input, member, standing);
    draft.act(member, Choice { index, class: standing.class, step }, reason)
}
