//! Step 9, conclude: says how the group stands, what waits and what is blocked.
//!
//! Owns the report and the wake-up. Must never allocate when nothing waits, and never give a
//! wake-up that is not in the future.

use alloc::vec::Vec;

use super::Situation;
use super::draft::Draft;
use super::input::{PlanInput, ViewTrust};
use super::memory::PlanMemory;
use super::output::{Block, Class, ClassCounts, GroupStatus, Plan, Report, RolloutReport, Wait};
use super::repair::fate::Fate;
use super::rollout;
use super::roster::{Roster, earliest};
use crate::model::group::Lifecycle;
use crate::model::time::Timestamp;

/// The plan of a group that is as it should be.
pub(super) fn steady(input: &PlanInput<'_>, counts: ClassCounts) -> Plan {
    let serving = counts.of(Class::Serving);
    let rollout = input.memory.rollout.course.map(|course| RolloutReport {
        course,
        changed: serving,
        available: serving,
        remaining: 0,
    });
    let status = GroupStatus::Converged;
    let (waits, blocks) = (Vec::new(), Vec::new());
    Plan {
        actions: Vec::new(),
        origins: Vec::new(),
        memory: None,
        report: Report { status, wanted: input.intent.capacity, counts, old_revision: 0, rollout, waits, blocks },
        next_wakeup: None,
    }
}

/// Makes the plan out of its draft. Members that earlier looks have begun something with are not
/// said to wait, as little as those of the draft.
pub(super) fn conclude(input: &PlanInput<'_>, situation: &Situation, mut draft: Draft, begun: &ClassCounts) -> Plan {
    let memory = memory(input, situation, &draft);
    draft.acted.add(begun);
    let waits = waits(input, situation, &draft);
    let blocks = blocks(input, situation, &draft);
    let is_settled = draft.actions.is_empty() && waits.is_empty() && situation.balance.missing() == 0;
    Plan {
        report: Report {
            status: status(input, &situation.roster, is_settled, &blocks),
            wanted: situation.balance.wanted,
            counts: situation.roster.counts,
            old_revision: situation.roster.old_revision,
            rollout: rollout_report(situation),
            waits,
            blocks,
        },
        memory,
        next_wakeup: next_wakeup(input, situation, &draft),
        actions: draft.actions,
        origins: draft.origins,
    }
}

fn rollout_report(situation: &Situation) -> Option<RolloutReport> {
    let Situation { roster, steering, .. } = situation;
    steering.memory.course.map(|course| RolloutReport {
        course,
        changed: roster.current.useful,
        available: roster.current.proven,
        remaining: roster.other.useful,
    })
}

fn status(input: &PlanInput<'_>, roster: &Roster, is_settled: bool, blocks: &[Block]) -> GroupStatus {
    if input.intent.is_frozen {
        return GroupStatus::Frozen;
    }
    if input.view.trust != ViewTrust::Trusted {
        return GroupStatus::Held;
    }
    if input.intent.lifecycle == Lifecycle::Deleting {
        let is_empty = roster.counts.total() == 0 && input.limits.orphans == 0;
        return if is_empty { GroupStatus::Deleted } else { GroupStatus::Deleting };
    }
    if blocks.iter().any(is_hold) {
        return GroupStatus::Held;
    }
    if !blocks.is_empty() {
        return GroupStatus::Blocked;
    }
    if is_settled { GroupStatus::Converged } else { GroupStatus::Converging }
}

/// Whether a safety rule stops the group altogether.
const fn is_hold(block: &Block) -> bool {
    matches!(block, Block::TooManyUnhealthy { .. } | Block::RepairsHeld(_))
}

/// What waits. Members that a step was just taken on do not: the step is what happens next.
fn waits(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Vec<Wait> {
    let roster = &situation.roster;
    let mut waits = Vec::new();
    let mut add = |count: u32, wait: fn(u32) -> Wait| {
        if count > 0 {
            waits.push(wait(count));
        }
    };
    let left = |class| left(roster, draft, class);
    if super::may_act(input) {
        add(left(Class::Intended), |count| Wait::Dispatch { count });
    }
    add(left(Class::Requested), |count| Wait::Answers { count });
    add(left(Class::InDoubt), |count| Wait::Evidence { count });
    let recovering = draft.left_of(Fate::Recovers, roster.recovering, &roster.standings);
    add(left(Class::Starting) + recovering, |count| Wait::Provisioning { count });
    add(left(Class::Unlisted), |count| Wait::Listing { count });
    add(left(Class::Leaving), |count| Wait::Destruction { count });
    add(left(Class::Retiring), |count| Wait::Retirement { count });
    add(left(Class::Missing), |count| Wait::Absence { count });
    add(roster.stopping.min(left(Class::Stopped)), |count| Wait::Stopping { count });
    add(draft.without_slot, |count| Wait::Slots { count });
    add(draft.over_budget, |count| Wait::Budget { count });
    waits.extend(timed_waits(input, situation, draft));
    waits
}

fn timed_waits(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> impl Iterator<Item = Wait> {
    let Situation { steering, balance, .. } = situation;
    let (count, window) = draft.behind_window;
    let slow_start = (count > 0).then_some(Wait::Window { count, window });
    let restart = next_restart(situation, draft).filter(|_| super::may_act(input));
    let restart = restart.map(|until| Wait::StartDelay { until });
    let count = draft.under_floor;
    let floor = (count > 0).then_some(Wait::Availability { count, floor: balance.floor });
    [slow_start, restart, floor, steering.wait].into_iter().flatten().chain(draft.waits.iter().copied())
}

/// When the first start or restart is due, unless this plan takes another step on everybody who
/// waits for one.
fn next_restart(situation: &Situation, draft: &Draft) -> Option<Timestamp> {
    let roster = &situation.roster;
    roster.next_restart.filter(|_| draft.left_of(Fate::Waits, roster.waiting, &roster.standings) > 0)
}

/// Members of a class that no step was taken on.
fn left(roster: &Roster, draft: &Draft, class: Class) -> u32 {
    roster.counts.of(class).saturating_sub(draft.acted.of(class))
}

fn blocks(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Vec<Block> {
    let Situation { roster, balance, steering, .. } = situation;
    let mut blocks = Vec::new();
    if input.intent.is_frozen {
        blocks.push(Block::Frozen);
    }
    if input.view.trust != ViewTrust::Trusted {
        blocks.push(Block::View(input.view.trust));
    }
    if let Some(backoff) = input.memory.create_backoff
        && (balance.missing() > 0 || balance.in_flight > 0 || balance.in_doubt > 0)
    {
        blocks.push(Block::CreatesRefused(backoff));
    }
    if draft.protected > 0 {
        blocks.push(Block::Protected { count: draft.protected });
    }
    let out_of_contact = left(roster, draft, Class::OutOfContact);
    if out_of_contact > 0 {
        blocks.push(Block::OutOfContact { count: out_of_contact });
    }
    blocks.extend(draft.blocks.iter().copied());
    blocks.extend(steering.block);
    if input.limits.orphans > 0 && (draft.without_slot > 0 || input.intent.lifecycle == Lifecycle::Deleting) {
        blocks.push(Block::Orphans { count: input.limits.orphans });
    }
    blocks
}

/// What changed of the memory. A back-off that nothing waits for any more is forgotten.
fn memory(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Option<PlanMemory> {
    let mut memory = input.memory;
    memory.rollout = situation.steering.memory;
    if let Some(repair) = draft.repair_memory {
        memory.repair = repair;
    }
    if let Some(course) = &mut memory.rollout.course {
        course.batch_at = draft.batch_at.or(course.batch_at);
        course.failed = course.failed.saturating_add(rollout::failed_gone(input, situation, draft));
    }
    let is_over = memory.create_backoff.is_some_and(|backoff| backoff.until <= input.now);
    if is_over && super::may_act(input) && !needs_creates(situation, draft) {
        memory.create_backoff = None;
    }
    (memory != input.memory).then_some(memory)
}

fn needs_creates(situation: &Situation, draft: &Draft) -> bool {
    let underway = [Class::Intended, Class::Requested, Class::InDoubt, Class::Starting];
    situation.balance.missing() > 0 || underway.into_iter().any(|class| left(&situation.roster, draft, class) > 0)
}

fn next_wakeup(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Option<Timestamp> {
    let Situation { roster, steering, .. } = situation;
    let mut next = None;
    let moments =
        [roster.next_change, next_restart(situation, draft), draft.backoff_until, draft.wakeup, steering.next_wakeup];
    for moment in moments {
        earliest(&mut next, moment.filter(|at| *at > input.now));
    }
    next
}
