//! Step 1: gives every member exactly one class.
//!
//! Owns the ordered table, first match wins. Must never look at another member: a class is a
//! fact about one.

use super::input::{Member, Sighting, Verdict};
use super::output::{Class, PlanError};
use crate::model::instance::InstanceState as State;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// Where one member stands.
///
/// # Errors
/// When its operation is closed, or bound to no machine.
#[inline]
pub fn classify(member: &Member, now: Timestamp, timing: &ProtocolTiming) -> Result<Class, PlanError> {
    use Phase as P;
    use Sighting::{Missing, Present};
    let class = match (member.phase, member.sighting) {
        (P::Cancelled | P::Refused | P::Lost | P::Gone, _) => return Err(PlanError::Closed(member.operation)),
        (P::Planned, _) => return Ok(Class::Intended),
        (P::Sent, _) => return Ok(Class::Requested),
        (P::Unknown, _) => return Ok(Class::InDoubt),
        // Destroyed, by whomever: the slot is freed when the operation is closed, not before.
        (P::Deleting, _) | (_, Present(State::Deleted)) => Class::Leaving,
        (P::Failed, _) | (_, Present(State::Failed)) => Class::Failed,
        (_, Missing) => Class::Missing,
        // A machine that ran and is `provisioning` again is on its way out, or being rebuilt:
        // either passes, and the grace of a new machine is not its measure.
        (_, Present(State::Offline | State::Unknown)) | (P::Ready, Present(State::Provisioning)) => Class::OutOfContact,
        (P::Bound, Present(State::Provisioning)) if overdue_at(member, timing) <= now => Class::Overdue,
        (_, Present(State::Provisioning | State::Ready)) | (P::Bound, Sighting::None) => Class::Starting,
        (_, Present(State::Stopping | State::Stopped)) => Class::Stopped,
        // A ready operation without a sighting was seen running after the view was taken.
        (_, Present(State::Running)) | (P::Ready, Sighting::None) => judged(member.verdict),
    };
    if member.instance().is_none() {
        return Err(PlanError::Unbound(member.operation));
    }
    Ok(class)
}

/// From when on a machine that is still `provisioning` counts as stuck.
pub(super) fn overdue_at(member: &Member, timing: &ProtocolTiming) -> Timestamp {
    member.phase_since.after(timing.provisioning_grace)
}

/// Step 2, health: what a verdict makes of a machine that runs.
pub(super) const fn judged(verdict: Verdict) -> Class {
    match verdict {
        Verdict::Starting => Class::Starting,
        Verdict::Unhealthy => Class::Unhealthy,
        Verdict::Unknown | Verdict::Healthy | Verdict::Degraded => Class::Serving,
    }
}
