//! Step 0, survey: is there anything to do at all?
//!
//! Owns the fast path: a member that simply serves costs a handful of instructions, and a group
//! of nothing but such members is done. Must never allocate.

use super::input::{Member, PlanInput, Sighting, Verdict, ViewTrust};
use super::memory::{Course, RolloutMemory, RolloutState};
use super::output::{Class, ClassCounts, MEMBERS_MAX, PlanError};
use crate::model::group::Lifecycle;
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::policy::UpdateMode;

/// What one pass over the members tells.
pub(super) enum Found {
    /// Everybody serves, nobody is missing, nothing is under way.
    Steady(ClassCounts),
    /// Something goes on; the members are in order of their operations.
    Ordered,
    /// The members are in no order.
    Unordered,
}

/// Surveys the members.
pub(super) fn of_ordered(input: &PlanInput<'_>) -> Result<Found, PlanError> {
    if input.members.len() > MEMBERS_MAX {
        return Err(PlanError::TooMany { given: input.members.len() });
    }
    let Some((first, rest)) = input.members.split_first() else {
        return Ok(if is_quiet(input) { steady(input, 0) } else { Found::Ordered });
    };
    let mut serving = u32::from(serves_plainly(first, input.intent.revision));
    let mut previous = first.operation.bits();
    for member in rest {
        let operation = member.operation.bits();
        if operation <= previous {
            return Ok(Found::Unordered);
        }
        previous = operation;
        serving += u32::from(serves_plainly(member, input.intent.revision));
    }
    Ok(if is_quiet(input) { steady(input, serving) } else { Found::Ordered })
}

fn steady(input: &PlanInput<'_>, serving: u32) -> Found {
    if serving != input.intent.capacity || serving as usize != input.members.len() {
        return Found::Ordered;
    }
    let mut counts = ClassCounts::default();
    counts.0[Class::Serving as usize] = serving;
    Found::Steady(counts)
}

/// Whether nothing but the members could ask for a step.
fn is_quiet(input: &PlanInput<'_>) -> bool {
    let memory = &input.memory;
    !input.intent.is_frozen
        && input.intent.lifecycle == Lifecycle::Active
        && input.view.trust == ViewTrust::Trusted
        && memory.create_backoff.is_none()
        && memory.repair.hold.is_none()
        && memory.repair.suspension.is_none()
        && is_settled(input)
        && input.conditions.nodes.is_empty()
        && input.conditions.hold.is_none()
        && input.limits.orphans == 0
        && input.limits.lost_recently == 0
}

/// Whether the wanted revision has been rolled out.
fn is_settled(input: &PlanInput<'_>) -> bool {
    let RolloutMemory { stable, course } = &input.memory.rollout;
    let wanted = input.intent.revision;
    let is_done = |course: &Course| course.target == wanted && course.state == RolloutState::Successful;
    // A rollout in an empty group shows nothing; it is stable once there are instances.
    let is_known = *stable == wanted || input.intent.capacity == 0;
    input.policy.update.mode == UpdateMode::OnCreate || (is_known && course.as_ref().is_some_and(is_done))
}

/// Whether a member is of the common kind: ready, running, not unwell, of a certain revision,
/// and there is no more to say about it.
pub(super) fn serves_plainly(member: &Member, revision: u32) -> bool {
    member.phase == Phase::Ready
        && member.sighting == Sighting::Present(InstanceState::Running)
        && member.revision == revision
        && matches!(member.verdict, Verdict::Unknown | Verdict::Healthy | Verdict::Degraded)
        && member.is_common()
        && member.instance().is_some()
}
