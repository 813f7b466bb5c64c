//! Step 8, settle: what the steps of a plan make possible is in the same plan.
//!
//! Owns looking again at what a plan leaves behind, on paper, until that asks for nothing more: a
//! group that is too unwell to be repaired may be well enough once those that are too many have
//! gone. Must never go on for ever; each look has passed the same checks as the first.

use alloc::vec::Vec;

use super::classify::classify;
use super::conclude::conclude;
use super::input::PlanInput;
use super::output::{Action, ClassCounts, GroupStatus, Plan, PlanError, PlannedAction, Report, RolloutReport, Wait};
use super::paper::Sheet;
use super::{deliberate, order};
use crate::model::id::OperationId;

/// Looks at one group in one plan at most. What is left after that is the next plan's.
const LOOKS_MAX: u128 = 16;

/// Adds what becomes possible once the steps of a plan are taken, of which `staged` are stages of a
/// removal that others follow; and counts what is `lacking` anew.
pub(super) fn settle(
    input: &PlanInput<'_>,
    first: Plan,
    mut lacking: u32,
    staged: u32,
) -> Result<(Plan, u32), PlanError> {
    let mut plan = first;
    if staged == 0 && !can_open(&plan) {
        return Ok((plan, lacking));
    }
    for look in 1..LOOKS_MAX {
        let mut sheet = Sheet::of(input);
        sheet.carry_out(&plan);
        // No other plan of this group has used this one.
        let seed = input.seed.wrapping_add(look << 64);
        let input = PlanInput { seed, ..sheet.input(input) };
        let (situation, draft) = deliberate(&input)?;
        let still_lacking = super::lacking(&situation, &draft);
        let next = conclude(&input, &situation, draft, &begun(&input, &plan)?);
        if next.actions.is_empty() && next.memory.is_none() {
            break;
        }
        let created = next.creates();
        add(&mut plan, next);
        lacking = still_lacking.saturating_add(plan.creates().saturating_sub(created));
    }
    Ok((plan, lacking))
}

/// Whether the steps of a plan could make more possible: something was left undone for want of what
/// they set free, or has to be counted anew.
fn can_open(plan: &Plan) -> bool {
    let is_rolling = plan.report.rollout.is_some_and(|rollout| !rollout.course.state.is_over());
    let is_held_up = !plan.report.blocks.is_empty() || plan.report.waits.iter().any(waits_for_room);
    plan.memory.is_some() || (!plan.actions.is_empty() && (is_rolling || is_held_up))
}

/// Whether it is other steps that a step waits for, and not the cloud or the time alone.
const fn waits_for_room(wait: &Wait) -> bool {
    !matches!(
        wait,
        Wait::Answers { .. }
            | Wait::Evidence { .. }
            | Wait::Dispatch { .. }
            | Wait::Provisioning { .. }
            | Wait::Listing { .. }
            | Wait::Destruction { .. }
            | Wait::Absence { .. }
            | Wait::Stopping { .. }
            | Wait::Window { .. }
            | Wait::StartDelay { .. }
            | Wait::NodeGrace { .. }
    )
}

/// Where the members stand that a step was taken on.
fn begun(input: &PlanInput<'_>, plan: &Plan) -> Result<ClassCounts, PlanError> {
    let mut begun = ClassCounts::default();
    for planned in &plan.actions {
        if let Ok(found) = order::position(input.members, planned.action.operation()) {
            begun.0[classify(&input.members[found], input)? as usize] += 1;
        }
    }
    Ok(begun)
}

/// Adds a later look's steps. Of two steps on one operation the later one counts: it knows what
/// becomes of the group. The report says how the members were seen, and what is left to wait for
/// after all steps.
fn add(plan: &mut Plan, next: Plan) {
    let mut places: Vec<(OperationId, usize)> =
        plan.actions.iter().map(|planned| planned.action.operation()).zip(0..).collect();
    places.sort_unstable();
    for later in next.actions {
        let operation = later.action.operation();
        match places.binary_search_by_key(&operation, |(operation, _)| *operation) {
            Ok(found) => {
                let earlier = &mut plan.actions[places[found].1];
                *earlier = PlannedAction { expects: earlier.expects, ..later };
            }
            Err(_) => plan.actions.push(later),
        }
    }
    plan.origins.extend(next.origins);
    drop_vain_creates(plan);
    plan.memory = next.memory.or(plan.memory);
    plan.next_wakeup = next.next_wakeup;
    plan.report = reported(plan, next.report);
}

/// What this plan itself would create and cancel again is not created.
fn drop_vain_creates(plan: &mut Plan) {
    let is_vain =
        |planned: &PlannedAction| planned.expects.is_none() && !matches!(planned.action, Action::Create { .. });
    let vain = plan.actions.iter().filter(|planned| is_vain(planned));
    let vain: Vec<OperationId> = vain.map(|planned| planned.action.operation()).collect();
    if !vain.is_empty() {
        plan.actions.retain(|planned| !is_vain(planned));
        plan.origins.retain(|origin| !vain.contains(&origin.operation));
    }
}

fn reported(plan: &Plan, last: Report) -> Report {
    let seen = &plan.report;
    let status = match last.status {
        GroupStatus::Converged if !plan.actions.is_empty() => GroupStatus::Converging,
        status => status,
    };
    let rollout = last.rollout.map(|rollout| match seen.rollout {
        Some(seen) => RolloutReport { course: rollout.course, ..seen },
        None => rollout,
    });
    Report { status, counts: seen.counts, old_revision: seen.old_revision, rollout, ..last }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::memory::{Course, PlanMemory, RolloutState};
    use super::super::output::{Block, Origin, Reason};
    use super::*;
    use crate::model::id::InstanceId;
    use crate::model::operation::Phase;
    use crate::model::time::Timestamp;
    use uuid::Uuid;

    const AT: Timestamp = Timestamp::EPOCH;

    fn machine() -> (OperationId, InstanceId) {
        (OperationId::from_bits(1), InstanceId::new(Uuid::from_u128(1)))
    }

    /// A plan with one step.
    fn stepping(action: Action) -> Plan {
        let step = PlannedAction { action, expects: None, reason: Reason::TearDown };
        Plan { actions: vec![step], ..resting() }
    }

    fn starting() -> Plan {
        let (operation, instance) = machine();
        stepping(Action::Start { operation, instance })
    }

    fn resting() -> Plan {
        let (counts, status) = (ClassCounts::default(), GroupStatus::Converging);
        let (waits, blocks) = (Vec::new(), Vec::new());
        let report = Report { status, wanted: 1, counts, old_revision: 0, rollout: None, waits, blocks };
        Plan { actions: Vec::new(), origins: Vec::new(), memory: None, report, next_wakeup: None }
    }

    fn waiting(mut plan: Plan, wait: Wait) -> Plan {
        plan.report.waits = vec![wait];
        plan
    }

    #[test]
    fn what_the_cloud_or_the_time_has_to_bring_is_not_looked_for_again() {
        let count = 1;
        for wait in [
            Wait::Answers { count },
            Wait::Evidence { count },
            Wait::Dispatch { count },
            Wait::Provisioning { count },
            Wait::Listing { count },
            Wait::Destruction { count },
            Wait::Absence { count },
            Wait::Stopping { count },
            Wait::Window { count, window: 1 },
            Wait::StartDelay { until: AT },
            Wait::NodeGrace { count, until: AT },
        ] {
            assert!(!can_open(&waiting(starting(), wait)), "{wait:?}");
        }
    }

    #[test]
    fn what_other_steps_set_free_is_looked_for_again_if_there_are_steps() {
        let (count, until) = (1, AT);
        for wait in [
            Wait::Slots { count },
            Wait::Budget { count },
            Wait::Proving { count, until },
            Wait::Retirement { count },
            Wait::Turns { count, at_once: 1 },
            Wait::Spared { count, until },
            Wait::ReplaceDelay { until },
            Wait::RepairsInFlight { count, limit: 1 },
            Wait::Siblings { count },
            Wait::Availability { count, floor: 1 },
        ] {
            assert!(can_open(&waiting(starting(), wait)), "{wait:?}");
            assert!(!can_open(&waiting(resting(), wait)), "{wait:?} without a step");
            let mut mixed = waiting(starting(), Wait::Answers { count });
            mixed.report.waits.push(wait);
            assert!(can_open(&mixed), "{wait:?} beside another");
        }
        let mut blocked = starting();
        blocked.report.blocks = vec![Block::Protected { count }];
        assert!(can_open(&blocked));
        assert!(!can_open(&starting()));
    }

    #[test]
    fn a_rollout_that_goes_on_is_looked_at_after_each_step() {
        for (state, is_open) in [(RolloutState::Rolling, true), (RolloutState::Successful, false)] {
            let course = Course { state, ..Course::opened(2, 1, AT) };
            let mut plan = starting();
            plan.report.rollout = Some(RolloutReport { course, changed: 0, available: 0, remaining: 0 });
            assert_eq!(can_open(&plan), is_open, "{state:?}");
            plan.actions.clear();
            assert!(!can_open(&plan));
        }
    }

    #[test]
    fn a_change_of_the_memory_is_looked_at_again() {
        assert!(can_open(&Plan { memory: Some(PlanMemory::default()), ..resting() }));
    }
    #[test]
    fn what_is_created_in_vain_leaves_nothing_behind() {
        let [vain, kept] = [1, 2].map(OperationId::from_bits);
        let create = |operation| stepping(Action::Create { operation, revision: 1 }).actions;
        let origin = |operation| Origin { operation, replaces: None, retries: 0, ordinal: None, avoid: [None; 2] };
        let mut plan = Plan { actions: create(vain), origins: vec![origin(vain), origin(kept)], ..resting() };
        plan.actions.extend(create(kept));
        add(&mut plan, stepping(Action::Cancel { operation: vain }));
        let left: Vec<OperationId> = plan.actions.iter().map(|planned| planned.action.operation()).collect();
        assert_eq!((left, plan.origins), (vec![kept], vec![origin(kept)]));
    }

    #[test]
    fn a_plan_that_does_nothing_may_be_that_of_a_group_that_has_converged() {
        let later = |status| {
            let mut later = Plan { memory: Some(PlanMemory::default()), ..resting() };
            later.report.status = status;
            later
        };
        let mut plan = resting();
        add(&mut plan, later(GroupStatus::Converged));
        assert_eq!(plan.report.status, GroupStatus::Converged);
        let mut plan = starting();
        plan.actions[0].expects = Some(Phase::Ready);
        add(&mut plan, later(GroupStatus::Converged));
        assert_eq!(plan.report.status, GroupStatus::Converging);
    }
}
