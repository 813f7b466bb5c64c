//! Giving replacing up, and finding out whether it helps again.
//!
//! Owns the suspension of repairs and its probes. Must never count members.

use core::time::Duration;

use super::super::input::{Member, PlanInput, Sighting, Verdict};
use super::super::memory::{RepairMemory, Suspension, SuspensionCause};
use super::super::order;
use super::lineage::LINEAGES_MAX;
use crate::model::id::OperationId;
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// The time between two probes, and how long one has to stay good.
const PROBE: Duration = Duration::from_secs(60 * 60);

/// The memory of repair with every suspension that is over taken out of it.
pub(super) fn resumed(input: &PlanInput<'_>) -> RepairMemory {
    let mut memory = input.memory.repair;
    let Some(suspension) = memory.suspension else { return memory };
    let is_over = input.intent.revision != memory.lineage_revision
        || input.intent.orders.repairs_resumed_at > suspension.since
        || good_at(input, &suspension).is_some_and(|at| at <= input.now);
    if is_over {
        (memory.suspension, memory.failed_lineages) = (None, 0);
        (memory.lineage_revision, memory.resumed_at) = (input.intent.revision, input.now);
    }
    memory
}

/// When the probe has stayed good for long enough, if it stays so; `None` while it is not good.
pub(super) fn good_at(input: &PlanInput<'_>, suspension: &Suspension) -> Option<Timestamp> {
    let place = order::position(input.members, suspension.probe?).ok()?;
    let member = input.members.get(place).filter(|member| is_good(member))?;
    Some(member.state_since.max(member.phase_since).after(PROBE))
}

fn is_good(member: &Member) -> bool {
    member.phase == Phase::Ready
        && matches!(member.sighting, Sighting::None | Sighting::Present(InstanceState::Running))
        && matches!(member.verdict, Verdict::Unknown | Verdict::Healthy | Verdict::Degraded)
}

/// Suspends repairs, unless they are.
pub(super) fn suspend(memory: &mut RepairMemory, input: &PlanInput<'_>, cause: SuspensionCause) {
    if memory.suspension.is_none() {
        let (since, probe_at) = (input.now, input.now.after(PROBE));
        memory.suspension = Some(Suspension { since, cause, probe_at, probe: None });
        memory.lineage_revision = input.intent.revision;
    }
}

/// Suspends repairs when too many replacements of one revision died young.
pub(super) fn suspend_failing(memory: &mut RepairMemory, input: &PlanInput<'_>) {
    if memory.failed_lineages >= LINEAGES_MAX {
        let cause = SuspensionCause::LineagesFail { lineages: memory.failed_lineages, revision: input.intent.revision };
        suspend(memory, input, cause);
    }
}

/// Notes that a probe was begun; its member is known once it was planned.
pub(super) fn note_probe(memory: &mut RepairMemory, probe: Option<OperationId>, now: Timestamp) {
    if let Some(suspension) = &mut memory.suspension {
        (suspension.probe, suspension.probe_at) = (probe, now.after(PROBE));
    }
}

/// Takes a new member for the probe when there is none: where the old one goes first, that is the
/// one in its place, and any other tells as much.
pub(super) fn adopt_probe(memory: &mut RepairMemory, input: &PlanInput<'_>, first: Option<OperationId>) {
    if let (Some(suspension), Some(first)) = (&mut memory.suspension, first) {
        let is_there = |probe| order::position(input.members, probe).is_ok();
        if input.memory.repair.suspension.is_some()
            && !suspension.probe.is_some_and(|probe| probe == first || is_there(probe))
        {
            suspension.probe = Some(first);
        }
    }
}

/// Whether the next probe is due.
pub(super) fn is_due(suspension: &Suspension, now: Timestamp) -> bool {
    suspension.probe_at <= now
}
