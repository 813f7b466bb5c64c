//! Step 6: proves on the finished plan that it breaks no rule.
//!
//! Owns the last look before anything leaves the planner. Must never mend a plan: one that
//! breaks a rule is refused whole, because the step that made it cannot be trusted either.

use super::balance::Balance;
use super::draft::Draft;
use super::input::{PlanInput, Sighting};
use super::output::{Action, PlanError, Rule};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;

/// Checks the rules.
pub(super) fn check(input: &PlanInput<'_>, balance: &Balance, draft: &Draft) -> Result<(), PlanError> {
    if draft.actions.is_empty() {
        return Ok(());
    }
    ensure(super::may_act(input), Rule::ActsOnlyWhenAllowed)?;
    ensure(draft.taken_count() as usize == draft.targets.len(), Rule::OneStepEach)?;
    ensure(is_within_capacity(input, balance, draft), Rule::CreatesWithinCapacity)?;
    ensure(is_within_budgets(input, draft), Rule::WithinBudget)?;
    ensure(draft.targets.len() + draft.creates as usize == draft.actions.len(), Rule::WithinBudget)?;
    for (planned, target) in draft.actions.iter().zip(&draft.targets) {
        let member = &input.members[*target as usize];
        if matches!(planned.action, Action::Delete { .. }) {
            let is_over = member.sighting == Sighting::Present(InstanceState::Deleted);
            let is_known = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed);
            ensure(is_known && !is_over && !member.is_protected(), Rule::DeletesOnlyKnown)?;
        }
        ensure(planned.expects == Some(member.phase), Rule::OneStepEach)?;
    }
    Ok(())
}

/// Every slot that is taken counts, and every machine that might be ours.
fn is_within_capacity(input: &PlanInput<'_>, balance: &Balance, draft: &Draft) -> bool {
    let taken = u64::from(balance.occupied) + u64::from(input.limits.orphans) + u64::from(draft.creates);
    draft.creates == 0 || taken <= u64::from(balance.wanted) + u64::from(input.limits.surge)
}

fn is_within_budgets(input: &PlanInput<'_>, draft: &Draft) -> bool {
    draft.creates <= input.limits.creates
        && draft.asked_deletes <= input.limits.asked_deletes
        && draft.unasked_deletes <= input.limits.unasked_deletes
        && draft.starts <= input.limits.starts
}

fn ensure(holds: bool, rule: Rule) -> Result<(), PlanError> {
    if holds { Ok(()) } else { Err(PlanError::Broken(rule)) }
}
