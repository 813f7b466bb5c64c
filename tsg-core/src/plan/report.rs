//! Says how the group stands, what waits and what is blocked.
//!
//! Owns the report and the wake-up. Must never allocate when nothing waits, and never give a
//! wake-up that is not in the future.

use alloc::vec::Vec;

use super::balance::Balance;
use super::draft::Draft;
use super::input::{PlanInput, ViewTrust};
use super::memory::PlanMemory;
use super::output::{Block, Class, GroupStatus, Plan, Report, Wait};
use super::survey::Survey;
use crate::model::group::Lifecycle;
use crate::model::time::Timestamp;

/// Makes the plan out of its draft.
pub(super) fn conclude(input: &PlanInput<'_>, survey: &Survey, balance: &Balance, draft: Draft) -> Plan {
    let waits = waits(input, survey, &draft);
    let blocks = blocks(input, survey, balance, &draft);
    let is_settled = draft.actions.is_empty() && waits.is_empty() && balance.missing == 0;
    Plan {
        report: Report {
            status: status(input, survey, is_settled, &blocks),
            wanted: balance.wanted,
            counts: survey.counts,
            old_revision: survey.old_revision,
            waits,
            blocks,
        },
        memory: memory(input, survey, balance, &draft),
        next_wakeup: next_wakeup(input, survey, &draft),
        actions: draft.actions,
    }
}

fn status(input: &PlanInput<'_>, survey: &Survey, is_settled: bool, blocks: &[Block]) -> GroupStatus {
    if input.intent.is_frozen {
        return GroupStatus::Frozen;
    }
    if input.view.trust != ViewTrust::Trusted {
        return GroupStatus::Held;
    }
    if input.intent.lifecycle == Lifecycle::Deleting {
        let is_empty = survey.counts.total() == 0 && input.limits.orphans == 0;
        return if is_empty { GroupStatus::Deleted } else { GroupStatus::Deleting };
    }
    if !blocks.is_empty() {
        return GroupStatus::Blocked;
    }
    if is_settled { GroupStatus::Converged } else { GroupStatus::Converging }
}

/// What waits. Members that a step was just taken on do not: the step is what happens next.
fn waits(input: &PlanInput<'_>, survey: &Survey, draft: &Draft) -> Vec<Wait> {
    let mut waits = Vec::new();
    let mut add = |count: u32, wait: fn(u32) -> Wait| {
        if count > 0 {
            waits.push(wait(count));
        }
    };
    let left = |class| left(survey, draft, class);
    if super::may_act(input) {
        add(left(Class::Intended), |count| Wait::Dispatch { count });
    }
    add(left(Class::Requested), |count| Wait::Answers { count });
    add(left(Class::InDoubt), |count| Wait::Evidence { count });
    add(left(Class::Starting), |count| Wait::Provisioning { count });
    add(left(Class::Leaving), |count| Wait::Destruction { count });
    add(left(Class::Missing), |count| Wait::Absence { count });
    add(survey.stopping.min(left(Class::Stopped)), |count| Wait::Stopping { count });
    add(draft.without_slot, |count| Wait::Slots { count });
    add(draft.over_budget, |count| Wait::Budget { count });
    let (count, window) = draft.behind_window;
    if count > 0 {
        waits.push(Wait::Window { count, window });
    }
    if let Some(until) = survey.next_start.filter(|_| super::may_act(input) && left(Class::Stopped) > 0) {
        waits.push(Wait::StartDelay { until });
    }
    waits
}

/// Members of a class that no step was taken on.
fn left(survey: &Survey, draft: &Draft, class: Class) -> u32 {
    survey.counts.of(class).saturating_sub(draft.acted.of(class))
}

fn blocks(input: &PlanInput<'_>, survey: &Survey, balance: &Balance, draft: &Draft) -> Vec<Block> {
    let mut blocks = Vec::new();
    if input.intent.is_frozen {
        blocks.push(Block::Frozen);
    }
    if input.view.trust != ViewTrust::Trusted {
        blocks.push(Block::View(input.view.trust));
    }
    if let Some(backoff) = input.memory.create_backoff
        && (balance.missing > 0 || balance.in_flight > 0 || balance.in_doubt > 0)
    {
        blocks.push(Block::CreatesRefused(backoff));
    }
    if draft.protected > 0 {
        blocks.push(Block::Protected { count: draft.protected });
    }
    let out_of_contact = left(survey, draft, Class::OutOfContact);
    if out_of_contact > 0 {
        blocks.push(Block::OutOfContact { count: out_of_contact });
    }
    let unhealthy = left(survey, draft, Class::Unhealthy);
    if unhealthy > 0 {
        blocks.push(Block::Unhealthy { count: unhealthy });
    }
    if input.limits.orphans > 0 && (draft.without_slot > 0 || input.intent.lifecycle == Lifecycle::Deleting) {
        blocks.push(Block::Orphans { count: input.limits.orphans });
    }
    blocks
}

/// Forgets a back-off that nothing waits for any more.
fn memory(input: &PlanInput<'_>, survey: &Survey, balance: &Balance, draft: &Draft) -> Option<PlanMemory> {
    let backoff = input.memory.create_backoff?;
    let underway = [Class::Intended, Class::Requested, Class::InDoubt, Class::Starting];
    let is_needed = balance.missing > 0 || underway.into_iter().any(|class| left(survey, draft, class) > 0);
    let is_over = super::may_act(input) && backoff.until <= input.now && !is_needed;
    is_over.then_some(PlanMemory { create_backoff: None, ..input.memory })
}

fn next_wakeup(input: &PlanInput<'_>, survey: &Survey, draft: &Draft) -> Option<Timestamp> {
    let moments = [survey.next_overdue, survey.next_start, draft.backoff_until];
    moments.into_iter().flatten().filter(|moment| *moment > input.now).min()
}
