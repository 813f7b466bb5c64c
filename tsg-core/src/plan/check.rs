//! Step 6: proves on the finished plan that it breaks no rule.
//!
//! Owns the last look before anything leaves the planner. Must never mend a plan: one that
//! breaks a rule is refused whole, because the step that made it cannot be trusted either.

use super::balance::Balance;
use super::draft::Draft;
use super::input::{Member, PlanInput, Sighting};
use super::output::{Action, PlanError, PlannedAction, Rule};
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
    let mut on_members = draft.actions.iter().zip(&draft.targets).map(|(planned, target)| (planned, *target));
    ensure(on_members.all(|(planned, target)| fits(planned, &input.members[target as usize])), Rule::DeletesOnlyKnown)
}

/// Whether a step may be taken on its member: it expects the phase that the member is in, and a
/// delete has a machine that is known, there, and not protected.
fn fits(planned: &PlannedAction, member: &Member) -> bool {
    let is_known = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed);
    let is_over = member.sighting == Sighting::Present(InstanceState::Deleted);
    let is_deletable = is_known && !is_over && !member.is_protected();
    planned.expects == Some(member.phase) && (is_deletable || !matches!(planned.action, Action::Delete { .. }))
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::model::group::Lifecycle;
    use crate::model::id::{GroupId, InstanceId, OperationId};
    use crate::model::time::Timestamp;
    use crate::plan::draft::{Choice, Step};
    use crate::plan::input::{Intent, Limits, View, ViewTrust};
    use crate::plan::memory::PlanMemory;
    use crate::plan::output::{Class, Reason};
    use crate::plan::survey;
    use crate::protocol::timing::ProtocolTiming;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn member(phase: Phase) -> Member {
        let mut member = Member::planned(OperationId::from_bits(1), 1, 1, NOW);
        member.phase = phase;
        member.sighting = Sighting::Present(InstanceState::Running);
        member.with_instance(InstanceId::new(uuid::Uuid::from_u128(1)))
    }

    /// Checks a draft against a group of one member that wants one more.
    fn checked(member: Member, change: impl Fn(&mut PlanInput<'_>), draft: &Draft) -> Result<(), PlanError> {
        let group = GroupId::new(uuid::Uuid::from_u128(1));
        let mut input = PlanInput {
            intent: Intent { group, lifecycle: Lifecycle::Active, capacity: 2, revision: 1, is_frozen: false },
            view: View { taken_at: NOW, trust: ViewTrust::Trusted },
            members: &[member],
            memory: PlanMemory::default(),
            limits: Limits::default(),
            timing: &ProtocolTiming::default(),
            now: NOW,
            seed: 0,
        };
        change(&mut input);
        let survey = survey::of_ordered(&input).unwrap().unwrap();
        check(&input, &Balance::of(&input, &survey), draft)
    }

    fn creating(count: u32) -> Draft {
        let mut draft = Draft::default();
        for number in 0..count {
            let reason = Reason::BelowCapacity { occupied: 1, wanted: 2 };
            draft.create(OperationId::from_bits(u128::from(number) + 9), 1, reason);
        }
        draft
    }

    fn deleting(member: &Member) -> Draft {
        let mut draft = Draft::default();
        draft.expect(2, &[*member]);
        draft.act(member, CHOICE, Reason::TearDown).unwrap();
        draft
    }

    const CHOICE: Choice = Choice { index: 0, class: Class::Serving, step: Step::Delete };

    #[test]
    fn a_plan_that_breaks_a_rule_is_refused_whole() {
        let ready = member(Phase::Ready);
        let broken = |rule| Err(PlanError::Broken(rule));
        assert_eq!(checked(ready, |_| {}, &creating(1)), Ok(()));
        assert_eq!(checked(ready, |_| {}, &creating(2)), broken(Rule::CreatesWithinCapacity));
        assert_eq!(checked(ready, |input| input.limits.orphans = 1, &creating(1)), broken(Rule::CreatesWithinCapacity));
        assert_eq!(checked(ready, |input| input.limits.creates = 0, &creating(1)), broken(Rule::WithinBudget));
        assert_eq!(
            checked(ready, |input| input.intent.is_frozen = true, &creating(1)),
            broken(Rule::ActsOnlyWhenAllowed)
        );
        let distrust = |input: &mut PlanInput<'_>| input.view.trust = ViewTrust::Distrusted;
        assert_eq!(checked(ready, distrust, &creating(1)), broken(Rule::ActsOnlyWhenAllowed));
    }

    #[test]
    fn only_what_is_known_and_not_protected_is_deleted() {
        let ready = member(Phase::Ready);
        assert_eq!(checked(ready, |_| {}, &deleting(&ready)), Ok(()));
        let mut destroyed = ready;
        destroyed.sighting = Sighting::Present(InstanceState::Deleted);
        let bad =
            [member(Phase::Sent), member(Phase::Unknown), member(Phase::Deleting), ready.with_protection(), destroyed];
        let outcomes: Vec<_> = bad.iter().map(|member| checked(*member, |_| {}, &deleting(member))).collect();
        assert_eq!(outcomes, [Err(PlanError::Broken(Rule::DeletesOnlyKnown)); 5]);
    }

    #[test]
    fn a_member_is_acted_on_once() {
        let ready = member(Phase::Ready);
        let mut draft = deleting(&ready);
        assert_eq!(draft.act(&ready, CHOICE, Reason::TearDown), Err(PlanError::Broken(Rule::OneStepEach)));
    }
}
