//! Step 1: gives every member exactly one class.
//!
//! Owns the ordered table, first match wins. Must never look at another member: a class is a
//! fact about one.

use super::input::{Detail, Member, NodeState, PlanInput, RetirementStage, Sighting, Verdict};
use super::output::{Class, PlanError};
use super::repair::node::SETTLE;
use crate::model::instance::InstanceState as State;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// Where one member stands.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// use tsg_core::model::id::{InstanceId, OperationId};
/// use tsg_core::model::{instance::InstanceState, operation::Phase};
/// use tsg_core::plan::classify::classify;
/// use tsg_core::plan::input::{Member, Sighting};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// use tsg_core::plan::output::Class;
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// # use tsg_core::protocol::timing::ProtocolTiming;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let group = GroupId::new(uuid::Uuid::from_u128(1));
/// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// # let (policy, timing) = (Policy::default(), ProtocolTiming::default());
/// # let input = PlanInput {
/// #     intent: Intent { group, lifecycle, capacity: 1, revision: 1, is_frozen: false, orders },
/// #     policy: &policy,
/// #     revisions: &[],
/// #     view: View { taken_at: now, trust: ViewTrust::Trusted },
/// #     members: &[],
/// #     details: &[],
/// #     memory: PlanMemory::default(),
/// #     limits: Limits::default(),
/// #     conditions: Conditions::default(),
/// #     timing: &timing,
/// #     now,
/// #     seed: 7,
/// # };
///
/// let mut member = Member::planned(OperationId::from_bits(9), 1, 1, now);
/// assert_eq!(classify(&member, &input)?, Class::Intended);
///
/// member = member.with_instance(InstanceId::new(uuid::Uuid::from_u128(9)));
/// (member.phase, member.sighting) = (Phase::Ready, Sighting::Present(InstanceState::Running));
/// assert_eq!(classify(&member, &input)?, Class::Serving);
/// member.sighting = Sighting::Missing;
/// assert_eq!(classify(&member, &input)?, Class::Missing);
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
///
/// # Errors
/// When its operation is closed, bound to no machine, or its detail is missing.
#[inline]
pub fn classify(member: &Member, input: &PlanInput<'_>) -> Result<Class, PlanError> {
    let detail = detail_of(member, input)?;
    let class = table(member, detail, input)?;
    let is_in_cloud = !matches!(class, Class::Intended | Class::Requested | Class::InDoubt);
    if is_in_cloud && member.instance().is_none() {
        return Err(PlanError::Unbound(member.operation));
    }
    Ok(class)
}

/// What there is to say about a member beyond the dense record.
///
/// # Errors
/// When the member says that there is a detail and there is none.
#[inline]
pub(super) fn detail_of<'a>(member: &Member, input: &PlanInput<'a>) -> Result<Option<&'a Detail>, PlanError> {
    if !member.is_detailed() {
        return Ok(None);
    }
    let found = input.details.binary_search_by_key(&member.operation.bits(), |detail| detail.operation.bits());
    found.ok().and_then(|place| input.details.get(place)).map(Some).ok_or(PlanError::NoDetail(member.operation))
}

fn table(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>) -> Result<Class, PlanError> {
    use Phase as P;
    use Sighting::{Missing, Present};
    let retirement = detail.and_then(|detail| detail.retirement);
    Ok(match (member.phase, member.sighting) {
        (P::Cancelled | P::Refused | P::Lost | P::Gone, _) => return Err(PlanError::Closed(member.operation)),
        (P::Planned, _) => Class::Intended,
        (P::Sent, _) => Class::Requested,
        (P::Unknown, _) => Class::InDoubt,
        // Destroyed, by whomever: the slot is freed when the operation is closed, not before.
        (P::Deleting, _) | (_, Present(State::Deleted)) => Class::Leaving,
        _ if retirement.is_some_and(|retirement| retirement.stage == RetirementStage::Kept) => Class::Kept,
        _ if retirement.is_some() => Class::Retiring,
        (P::Failed, _) | (_, Present(State::Failed)) => Class::Failed,
        (_, Missing) => Class::Missing,
        // Before what it shows: on a node that is given up it shows nothing else ever again.
        _ if is_stranded(member, input) => Class::Stranded,
        // A machine that ran and is `provisioning` again is on its way out, or being rebuilt:
        // either passes, and the grace of a new machine is not its measure.
        (_, Present(State::Offline | State::Unknown)) | (P::Ready, Present(State::Provisioning)) => Class::OutOfContact,
        (P::Bound, Present(State::Provisioning)) if overdue_at(member, input.timing) <= input.now => Class::Overdue,
        (_, Present(State::Provisioning | State::Ready)) | (P::Bound, Sighting::None) => Class::Starting,
        (_, Present(State::Stopping | State::Stopped)) => Class::Stopped,
        // A ready operation without a sighting was seen running after the view was taken.
        (_, Present(State::Running)) | (P::Ready, Sighting::None) => judged(member, detail, input),
    })
}

/// Whether its compute node fell silent. One that passes its checks is not cut off, whatever is
/// said of its node.
fn is_stranded(member: &Member, input: &PlanInput<'_>) -> bool {
    if matches!(member.verdict, Verdict::Healthy | Verdict::Degraded) {
        return false;
    }
    match input.conditions.node(member.compute_node) {
        Some(NodeState::Suspect { .. } | NodeState::Lost { .. }) => true,
        Some(NodeState::Returned { at }) => at.after(SETTLE) > input.now,
        Some(NodeState::Draining { .. }) | None => false,
    }
}

/// Whether discovery does not answer with it: it is not listed, or its compute node came back only now,
/// which CNS does not trust at once.
fn is_unlisted(member: &Member, input: &PlanInput<'_>) -> bool {
    let is_unsettled = || match input.conditions.node(member.compute_node) {
        Some(NodeState::Returned { at }) => at.after(SETTLE) > input.now,
        _ => false,
    };
    member.is_unlisted() || (input.limits.least_listed > 0 && is_unsettled())
}

/// From when on a machine that is still `provisioning` counts as stuck.
pub(super) fn overdue_at(member: &Member, timing: &ProtocolTiming) -> Timestamp {
    member.phase_since.after(timing.provisioning_grace)
}

/// Step 2, health: what a verdict makes of a machine that runs. The guest's own word counts
/// against itself only.
fn judged(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>) -> Class {
    match member.verdict {
        Verdict::Starting => Class::Starting,
        Verdict::Unhealthy | Verdict::Recovering => Class::Unhealthy,
        Verdict::Unknown | Verdict::Healthy | Verdict::Degraded
            if detail.is_some_and(|detail| detail.guest.is_unhealthy) =>
        {
            Class::Unhealthy
        }
        Verdict::Unknown | Verdict::Healthy | Verdict::Degraded if is_unlisted(member, input) => Class::Unlisted,
        Verdict::Unknown | Verdict::Healthy | Verdict::Degraded => Class::Serving,
    }
}
