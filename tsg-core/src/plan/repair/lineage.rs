//! Chains of replacements for one place.
//!
//! Owns when the failure of a replacement is a retry of the old problem, and how many such
//! failures are too many. Must never choose who is replaced.

use super::super::input::{Detail, Member, PlanInput};
use super::super::memory::RepairMemory;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// Replacements of one revision that may die young before replacing is given up.
pub(super) const LINEAGES_MAX: u8 = 3;

/// How many replacements of its place will have died young when a member that failed is replaced.
/// What is not a replacement itself begins a chain.
pub(super) fn retries_of_successor(
    member: &Member,
    detail: Option<&Detail>,
    input: &PlanInput<'_>,
    memory: &RepairMemory,
) -> u8 {
    match detail {
        Some(detail) if detail.replaces.is_some() && died_young(member, detail, input) => {
            if is_forgiven(member, memory) { 0 } else { detail.lineage.retries.saturating_add(1) }
        }
        _ => 0,
    }
}

/// How many there are when it is replaced although it did not fail itself: none more, none less.
pub(super) fn retries_inherited(
    member: &Member,
    detail: Option<&Detail>,
    input: &PlanInput<'_>,
    memory: &RepairMemory,
) -> u8 {
    retries_of_successor(member, detail, input, memory).saturating_sub(1)
}

/// Since when a member that is not well is in the state that restarts did not get it out of.
pub(super) fn in_trouble_since(member: &Member, detail: Option<&Detail>) -> Timestamp {
    let last_restart = detail.and_then(|detail| detail.restarts.last_at());
    last_restart.map_or(member.state_since, |at| at.max(member.state_since))
}

/// Whether repairs were taken up again after it came up: a new problem since then.
fn is_forgiven(member: &Member, memory: &RepairMemory) -> bool {
    memory.resumed_at != Timestamp::EPOCH && memory.resumed_at > member.phase_since
}

/// Whether a member failed before it had been up for the minimum period.
fn died_young(member: &Member, detail: &Detail, input: &PlanInput<'_>) -> bool {
    let interval = input.policy.restart.interval.as_duration();
    let first_restart = detail.restarts.first_within(interval, in_trouble_since(member, Some(detail)));
    let died_at = first_restart.map_or(member.state_since, |at| at.min(member.state_since));
    let period = input.policy.replace.min_healthy_period.as_duration();
    member.phase != Phase::Ready || died_at.since(member.phase_since) < period
}

/// Takes one more replacement that died young into account.
pub(super) fn note_failure(memory: &mut RepairMemory, input: &PlanInput<'_>) {
    let replace = &input.policy.replace;
    let memorable = replace.min_healthy_period.as_duration().saturating_add(replace.max_delay.as_duration());
    let is_old = memory.lineage_failed_at.after(memorable) <= input.now;
    if memory.lineage_revision != input.intent.revision || is_old {
        memory.failed_lineages = 0;
        memory.lineage_revision = input.intent.revision;
    }
    memory.failed_lineages = memory.failed_lineages.saturating_add(1);
    memory.lineage_failed_at = input.now;
}
