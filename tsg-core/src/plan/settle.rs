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

/// Adds what becomes possible once the steps of a plan are taken.
pub(super) fn settle(input: &PlanInput<'_>, first: Plan) -> Result<Plan, PlanError> {
    let mut plan = first;
    if !can_open(&plan) {
        return Ok(plan);
    }
    for look in 1..LOOKS_MAX {
        let mut sheet = Sheet::of(input);
        sheet.carry_out(&plan);
        // No other plan of this group has used this one.
        let seed = input.seed.wrapping_add(look << 64);
        let input = PlanInput { seed, ..sheet.input(input) };
        let (situation, draft) = deliberate(&input)?;
        let next = conclude(&input, &situation, draft, &begun(&input, &plan)?);
        if next.actions.is_empty() && next.memory.is_none() {
            break;
        }
        add(&mut plan, next);
    }
    Ok(plan)
}

/// Whether the steps of a plan could make more possible: something was left undone for want of what
/// they set free, or has to be counted anew.
fn can_open(plan: &Plan) -> bool {
    let is_rolling = plan.report.rollout.is_some_and(|rollout| !rollout.course.state.is_over());
    let is_held_up = !plan.report.blocks.is_empty() || plan.report.waits.iter().any(waits_for_room);
    let is_staged = plan.actions.iter().any(|planned| is_stage(&planned.action));
    plan.memory.is_some() || is_staged || (!plan.actions.is_empty() && (is_rolling || is_held_up))
}

/// Whether another stage follows, at once if there is nothing to wait for.
const fn is_stage(action: &Action) -> bool {
    matches!(action, Action::Drain { .. } | Action::Stop { .. } | Action::Keep { .. })
}

/// Whether it is other steps that a step waits for, and not the cloud.
const fn waits_for_room(wait: &Wait) -> bool {
    !matches!(
        wait,
        Wait::Answers { .. }
            | Wait::Evidence { .. }
            | Wait::Dispatch { .. }
            | Wait::Provisioning { .. }
            | Wait::Destruction { .. }
            | Wait::Absence { .. }
            | Wait::Stopping { .. }
            | Wait::Window { .. }
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
