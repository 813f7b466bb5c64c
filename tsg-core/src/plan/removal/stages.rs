//! The stages of a graceful removal: drained, shut down, deleted or kept.
//!
//! Owns when a member that is on its way out takes the next stage. Must never begin a removal,
//! nor take one back: who was told to finish may have finished.

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::{Detail, Member, NodeState, PlanInput, Retirement, RetirementStage, Sighting};
use super::super::output::{Class, PlanError, Reason};
use super::super::repair::fate::Fate;
use super::super::roster::Standing;
use crate::model::group::Lifecycle;
use crate::model::instance::InstanceState;
use crate::model::operation::{Cause, Phase};
use crate::model::policy::{Preserve, Shutdown};
use crate::model::time::Timestamp;

/// What becomes of a member once it is out of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterlife {
    /// It is deleted.
    None,
    /// It is kept, stopped, for a person to look at.
    Kept,
}

/// The first stage of a member's removal. Only one that serves has anything to finish.
pub(in super::super) fn first_stage(input: &PlanInput<'_>, member: &Member, standing: Standing) -> Step {
    let drain = &input.policy.stop.drain;
    let is_up = matches!(standing.class, Class::Unlisted | Class::Serving);
    if is_up && !(drain.delay.is_zero() && drain.timeout.is_zero()) {
        return Step::Drain;
    }
    // One that never came up is neither running nor stopped, so that nothing of it is kept anyway.
    let is_failure = standing.fate == Fate::Condemned || standing.class == Class::Failed;
    shut_down(input, member, afterlife(input, member, is_failure))
}

/// Takes members that are being removed to their next stage. That costs no budget: it was spent
/// when the removal began.
pub(in super::super) fn advance(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let retiring = situation.roster.counts.of(Class::Retiring);
    if retiring == 0 {
        return Ok(());
    }
    draft.expect(retiring, input.members);
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if standing.class == Class::Retiring
            && let Some(detail) = detail_of(member, input)?
            && let Some(retirement) = detail.retirement
        {
            match next_stage(input, member, detail, retirement) {
                Err(due_at) => draft.wake(Some(due_at)),
                Ok(_) if standing.is_untouchable() => draft.protected += 1,
                Ok((step, reason)) => draft.act(member, Choice { index, class: standing.class, step }, reason)?,
            }
        }
    }
    Ok(())
}

/// The next stage of a member that is on its way out, or when it is due.
fn next_stage(
    input: &PlanInput<'_>,
    member: &Member,
    detail: &Detail,
    retirement: Retirement,
) -> Result<(Step, Reason), Timestamp> {
    let Retirement { stage, since, cause } = retirement;
    let afterlife = afterlife(input, member, cause == Cause::Repair);
    if stage == RetirementStage::Draining {
        let is_acknowledged = drained(input, member, detail, since)?;
        return Ok((shut_down(input, member, afterlife), Reason::Drained { since, is_acknowledged, cause }));
    }
    let due_at = since.after(input.policy.stop.shutdown_timeout.as_duration());
    let step = match (is_down(member), afterlife) {
        (true, Afterlife::Kept) => Step::Keep,
        (false, _) if due_at > input.now => return Err(due_at),
        // One that would not stop is not kept: it might go on serving, and nobody would know.
        (true, Afterlife::None) | (false, _) => Step::Delete,
    };
    Ok((step, Reason::ShutDown { since, cause }))
}

/// Whether the drain is over, and if so whether the guest said that it was done; otherwise when
/// it is over at the latest.
///
/// The delay passes in any case: clients go on using an address for as long as DNS has told them
/// to, whatever the guest has finished by then.
fn drained(input: &PlanInput<'_>, member: &Member, detail: &Detail, since: Timestamp) -> Result<bool, Timestamp> {
    let is_acknowledged = detail.guest.has_drained;
    let drain = &input.policy.stop.drain;
    let delayed_until = since.after(drain.delay.as_duration());
    let answers_until = since.after(drain.timeout.as_duration());
    let due_at = if is_acknowledged { delayed_until } else { delayed_until.max(answers_until) };
    if due_at <= input.now || is_down(member) { Ok(is_acknowledged) } else { Err(due_at) }
}

/// The stage after a drain, or without one.
fn shut_down(input: &PlanInput<'_>, member: &Member, afterlife: Afterlife) -> Step {
    let is_stopped_first = afterlife == Afterlife::Kept || input.policy.stop.shutdown == Shutdown::Graceful;
    match afterlife {
        Afterlife::Kept if is_down(member) => Step::Keep,
        _ if is_stopped_first && is_running(member) => Step::Stop,
        _ => Step::Delete,
    }
}

fn afterlife(input: &PlanInput<'_>, member: &Member, is_failure: bool) -> Afterlife {
    let is_kept = match input.policy.stop.preserve {
        Preserve::Never => false,
        // What leaves a node that is to be emptied did not fail.
        Preserve::Failed => {
            let node = input.conditions.node(member.compute_node);
            is_failure && !matches!(node, Some(NodeState::Draining { .. }))
        }
        Preserve::Always => true,
    };
    // A group that is deleted keeps nothing: nobody would be left to let it go.
    if is_kept && input.intent.lifecycle == Lifecycle::Active { Afterlife::Kept } else { Afterlife::None }
}

/// Whether it can be shut down. Right after it came up no look has shown it yet.
fn is_running(member: &Member) -> bool {
    match member.sighting {
        Sighting::Present(InstanceState::Running | InstanceState::Stopping) => true,
        Sighting::None => member.phase == Phase::Ready,
        Sighting::Present(_) | Sighting::Missing => false,
    }
}

fn is_down(member: &Member) -> bool {
    matches!(member.sighting, Sighting::Present(InstanceState::Stopped | InstanceState::Failed))
}
