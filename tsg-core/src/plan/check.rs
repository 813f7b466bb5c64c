//! Step 6: proves on the finished plan that it breaks no rule.
//!
//! Owns the last look before anything leaves the planner. Must never mend a plan: one that
//! breaks a rule is refused whole, because the step that made it cannot be trusted either.

use super::Situation;
use super::draft::Draft;
use super::input::{Member, PlanInput, Sighting};
use super::output::{Action, Class, PlanError, PlannedAction, Reason, Rule};
use super::roster::Standing;
use crate::model::group::Lifecycle;
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::revision::Disruption;

/// Checks the rules.
pub(super) fn check(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Result<(), PlanError> {
    if draft.actions.is_empty() {
        return Ok(());
    }
    ensure(super::may_act(input), Rule::ActsOnlyWhenAllowed)?;
    ensure(draft.taken_count() as usize == draft.targets.len(), Rule::OneStepEach)?;
    ensure(is_within_capacity(situation, draft), Rule::CreatesWithinCapacity)?;
    ensure(is_within_budgets(input, draft), Rule::WithinBudget)?;
    ensure(draft.targets.len() + draft.creates as usize == draft.actions.len(), Rule::WithinBudget)?;
    let (mut taken, mut all_fit) = (0, true);
    for (planned, target) in draft.actions.iter().zip(&draft.targets) {
        let target = *target as usize;
        taken += u32::from(takes_from_service(planned, situation.roster.standings[target]));
        all_fit &= fits(planned, &input.members[target]);
    }
    ensure(keeps_available(input, situation, taken), Rule::KeepsAvailable)?;
    ensure(all_fit, Rule::DeletesOnlyKnown)
}

/// Whether the serving members that are left once so many were taken are as many as there have to
/// be. A tear-down is above that.
fn keeps_available(input: &PlanInput<'_>, situation: &Situation, taken: u32) -> bool {
    let least = situation.balance.floor.saturating_add(taken);
    input.intent.lifecycle == Lifecycle::Deleting || taken == 0 || situation.roster.serving() >= least
}

/// Whether a step takes a serving member away. What a person asked for by name does not count.
fn takes_from_service(planned: &PlannedAction, standing: Standing) -> bool {
    let is_disruptive = match planned.action {
        Action::Delete { .. } | Action::Restart { .. } | Action::Drain { .. } | Action::Stop { .. } => true,
        Action::Update { disruption, .. } => disruption != Disruption::InPlace,
        Action::Create { .. } | Action::Cancel { .. } | Action::Start { .. } | Action::Keep { .. } => false,
    };
    is_disruptive && standing.class == Class::Serving && planned.reason != Reason::MarkedBroken
}

/// Whether a step may be taken on its member: it expects the phase that the member is in, and a
/// delete has a machine that is known, there, and not protected.
fn fits(planned: &PlannedAction, member: &Member) -> bool {
    let is_known = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed);
    let is_over = member.sighting == Sighting::Present(InstanceState::Deleted);
    let is_deletable = is_known && !is_over && !member.is_protected();
    let is_removal = matches!(planned.action, Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. });
    planned.expects == Some(member.phase) && (is_deletable || !is_removal)
}

/// Every slot that is taken counts, and every machine that might be ours.
fn is_within_capacity(situation: &Situation, draft: &Draft) -> bool {
    draft.creates <= situation.balance.room(draft.kept)
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
    use crate::model::id::{GroupId, InstanceId, OperationId};
    use crate::model::policy::Policy;
    use crate::model::time::Timestamp;
    use crate::plan::assess;
    use crate::plan::draft::{Choice, Step};
    use crate::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
    use crate::plan::memory::PlanMemory;
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
            intent: Intent {
                group,
                lifecycle: Lifecycle::Active,
                capacity: 2,
                revision: 1,
                is_frozen: false,
                orders: Orders::default(),
            },
            policy: &Policy::default(),
            revisions: &[],
            view: View { taken_at: NOW, trust: ViewTrust::Trusted },
            members: &[member],
            details: &[],
            memory: PlanMemory::default(),
            limits: Limits::default(),
            conditions: Conditions::default(),
            timing: &ProtocolTiming::default(),
            now: NOW,
            seed: 0,
        };
        change(&mut input);
        check(&input, &assess(&input).unwrap(), draft)
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
        taking(Step::Delete, member)
    }

    fn taking(step: Step, member: &Member) -> Draft {
        let mut draft = Draft::default();
        draft.expect(2, &[*member]);
        draft.act(member, Choice { step, ..CHOICE }, Reason::TearDown).unwrap();
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
        let of_none = |input: &mut PlanInput<'_>| input.intent.capacity = 0;
        assert_eq!(checked(ready, of_none, &deleting(&ready)), Ok(()));
        let mut destroyed = ready;
        destroyed.sighting = Sighting::Present(InstanceState::Deleted);
        let bad =
            [member(Phase::Sent), member(Phase::Unknown), member(Phase::Deleting), ready.with_protection(), destroyed];
        let outcomes: Vec<_> = bad.iter().map(|member| checked(*member, of_none, &deleting(member))).collect();
        assert_eq!(outcomes, [Err(PlanError::Broken(Rule::DeletesOnlyKnown)); 5]);
        for stage in [Step::Drain, Step::Stop] {
            let protected = ready.with_protection();
            let outcome = checked(protected, of_none, &taking(stage, &protected));
            assert_eq!(outcome, Err(PlanError::Broken(Rule::DeletesOnlyKnown)), "{stage:?}");
        }
    }

    #[test]
    fn every_step_is_counted_and_of_its_own_member() {
        let ready = member(Phase::Ready);
        let of_none = |input: &mut PlanInput<'_>| input.intent.capacity = 0;
        let mut uncounted = creating(1);
        uncounted.creates = 0;
        assert_eq!(checked(ready, of_none, &uncounted), Err(PlanError::Broken(Rule::WithinBudget)));
        let mut twice = deleting(&ready);
        twice.actions.push(twice.actions[0]);
        twice.targets.push(twice.targets[0]);
        assert_eq!(checked(ready, of_none, &twice), Err(PlanError::Broken(Rule::OneStepEach)));
    }

    #[test]
    fn one_that_serves_stays_while_the_group_needs_it() {
        let ready = member(Phase::Ready);
        assert_eq!(checked(ready, |_| {}, &deleting(&ready)), Err(PlanError::Broken(Rule::KeepsAvailable)));
        assert_eq!(checked(ready, |_| {}, &taking(Step::Start, &ready)), Ok(()), "it goes on serving");
    }

    #[test]
    fn a_member_is_acted_on_once() {
        let ready = member(Phase::Ready);
        let mut draft = deleting(&ready);
        assert_eq!(draft.act(&ready, CHOICE, Reason::TearDown), Err(PlanError::Broken(Rule::OneStepEach)));
    }
}
