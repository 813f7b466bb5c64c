//! What repair waits for, and what stops it.
//!
//! Owns what is said of repairs that are not made. Must never decide about one.

use super::super::Situation;
use super::super::draft::Draft;
use super::super::input::PlanInput;
use super::super::output::{Block, Wait};
use super::fate::Fate;
use super::gate::Gate;
use super::suspend;
use crate::model::policy::NodeLossReplace;

/// Says what waits and what is blocked; so many were held back beside replacements.
pub(super) fn report(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft, held_back: u32) {
    report_waits(situation, draft);
    report_nodes(input, situation, draft);
    let stopped = situation.pace.withheld.saturating_add(held_back).saturating_add(draft.held_removals);
    report_hold(input, situation, draft, stopped);
    report_left_alone(situation, draft, stopped);
    report_suspension(input, situation, draft);
}

fn report_waits(situation: &Situation, draft: &mut Draft) {
    let (roster, pace) = (&situation.roster, &situation.pace);
    if let Some(until) = roster.next_replace {
        draft.waits.push(Wait::ReplaceDelay { until });
        draft.wake(Some(until));
    }
    let behind = if pace.gate == Gate::Open { pace.withheld } else { 0 };
    let count = behind.saturating_add(draft.behind_repairs);
    if count > 0 {
        draft.waits.push(Wait::RepairsInFlight { count, limit: pace.limit });
    }
    if let Gate::Siblings(count) = pace.gate
        && pace.withheld > 0
    {
        draft.waits.push(Wait::Siblings { count });
    }
}

fn report_nodes(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) {
    let roster = &situation.roster;
    let returning = draft.left_of(Fate::Returns, roster.returning, &roster.standings);
    if let Some(until) = roster.next_return.filter(|_| returning > 0) {
        draft.waits.push(Wait::NodeGrace { count: returning, until });
        draft.wake(roster.next_return.filter(|at| *at > input.now));
    }
    if let Some((count, node)) = roster.stuck {
        draft.blocks.push(match input.policy.cn_loss.replace {
            NodeLossReplace::No => Block::OutOfContact { count },
            NodeLossReplace::Yes | NodeLossReplace::Force => Block::IdentityAtRisk { count, node },
        });
    }
}

fn report_hold(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft, stopped: u32) {
    if let Some(hold) = input.conditions.hold.filter(|_| stopped > 0) {
        draft.blocks.push(Block::RepairsHeld(hold));
    }
    if let (Some(hold), Some(count)) = (situation.pace.memory.hold, situation.pace.count) {
        let (unhealthy, limit, since) = (count.unhealthy, count.limit, hold.since);
        draft.blocks.push(Block::TooManyUnhealthy { unhealthy, limit, since });
    }
}

fn report_left_alone(situation: &Situation, draft: &mut Draft, stopped: u32) {
    let by_policy = if situation.pace.gate == Gate::LeftToPerson { stopped } else { 0 };
    let count = situation.roster.left_alone.saturating_add(by_policy);
    if count > 0 {
        draft.blocks.push(Block::Unhealthy { count });
    }
}

fn report_suspension(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) {
    let Some(suspension) = situation.pace.memory.suspension else { return };
    if situation.pace.withheld > 0 {
        draft.blocks.push(Block::RepairsSuspended(suspension));
    }
    draft.wake(Some(suspension.probe_at).filter(|at| *at > input.now));
    draft.wake(suspend::good_at(input, &suspension).filter(|at| *at > input.now));
}
