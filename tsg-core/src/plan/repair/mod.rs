//! Step 6, repair: brings stopped members back and replaces those that will not come.
//!
//! Owns how many are repaired at once. Must never delete a member for a state that passes by
//! itself: stopping, out of contact, missing; nor before a proven successor when there is room
//! for one.

pub(super) mod fate;
mod gate;
mod heirs;
mod hold;
mod lineage;
pub(super) mod node;
mod pace;
mod reboot;
mod replace;
mod report;
mod restart;
mod reunion;
mod suspend;

pub(super) use pace::Pace;
pub(super) use replace::{Succession, Successions, note_probe};

use core::cell::OnceCell;

use super::Situation;
use super::classify::detail_of;
use super::draft::{Choice, Draft};
use super::input::{Detail, Member, PlanInput};
use super::memory::RepairMemory;
use super::output::{PlanError, Reason};
use super::removal;
use super::roster::Standing;
use crate::count;
use fate::{Fate, fate_of};
use gate::Gate;
use reboot::Reboots;

/// What is known before any member is judged.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Which compute nodes were rebooted, once somebody has asked.
    reboots: OnceCell<Reboots>,
    /// What is remembered, without a suspension that is over.
    memory: RepairMemory,
}

impl Outlook {
    /// Takes in all members of an input whose members are in order.
    pub(super) fn of(input: &PlanInput<'_>) -> Self {
        let mut memory = suspend::resumed(input);
        suspend::suspend_failing(&mut memory, input);
        Self { reboots: OnceCell::new(), memory }
    }

    /// Which compute nodes were rebooted. Asked for stopped members only: without any, there is
    /// nothing to find out.
    fn reboots(&self, input: &PlanInput<'_>) -> &Reboots {
        self.reboots.get_or_init(|| Reboots::of(input))
    }
}

/// Starts and removals as far as the limits of the group and the budgets of this round go.
pub(super) fn repair(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    let roster = &situation.roster;
    draft.repair_memory = Some(situation.pace.memory);
    let steps = roster.doomed + count::of(roster.restartable.len()) + roster.condemned;
    let mut held_back = 0;
    if steps > 0 {
        draft.expect(steps, input.members);
        held_back = restart::restart(input, situation, draft)?;
        held_back += clear_away(input, situation, draft)?;
        replace::replace(input, situation, draft)?;
    }
    report::report(input, situation, draft, held_back);
    Ok(())
}

/// Removes the dead, and returns how many it left where they are because repairs are held.
fn clear_away(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<u32, PlanError> {
    if situation.roster.doomed == 0 {
        return Ok(0);
    }
    if matches!(situation.pace.gate, Gate::Held | Gate::LeftToPerson) {
        return Ok(situation.roster.doomed);
    }
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if standing.fate != Fate::Doomed || draft.is_taken(index) {
            continue;
        }
        let detail = detail_of(member, input)?;
        let fate = fate_of(member, standing.class, detail, input, &situation.outlook);
        let Some(reason) = fate.reason() else { continue };
        if remove(input, draft, (member, index), *standing, reason)? {
            note_young(input, draft, member, detail);
        }
    }
    Ok(0)
}

/// Begins the removal of a member, if it may be and there is a budget for it.
fn remove(
    input: &PlanInput<'_>,
    draft: &mut Draft,
    (member, index): (&Member, u32),
    standing: Standing,
    reason: Reason,
) -> Result<bool, PlanError> {
    if standing.is_untouchable() {
        draft.protected += 1;
        return Ok(false);
    }
    if draft.unasked_deletes >= input.limits.unasked_deletes {
        draft.over_budget += 1;
        return Ok(false);
    }
    draft.unasked_deletes += 1;
    let step = removal::first_stage(input, member, standing);
    draft.act(member, Choice { index, class: standing.class, step }, reason)?;
    Ok(true)
}

/// Takes a replacement that failed before its time into account.
fn note_young(input: &PlanInput<'_>, draft: &mut Draft, member: &Member, detail: Option<&Detail>) {
    if let Some(memory) = &mut draft.repair_memory
        && lineage::retries_of_successor(member, detail, input, memory) > 0
    {
        lineage::note_failure(memory, input);
    }
}

/// What is remembered once all steps of a plan are known.
pub(super) fn remember(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    let hold = hold::remembered(input, situation, draft)?;
    let first = draft.actions.get(draft.targets.len()).map(|planned| planned.action.operation());
    if let Some(memory) = &mut draft.repair_memory {
        memory.hold = hold;
        suspend::adopt_probe(memory, input, first);
        suspend::suspend_failing(memory, input);
    }
    if let Some(under_since) = hold.and_then(|hold| hold.under_since) {
        draft.wake(Some(hold::ends_at(input, under_since)));
    }
    Ok(())
}
