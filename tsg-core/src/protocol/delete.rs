//! The next step of a delete that was decided.
//!
//! Owns the look before each DELETE and its repetition. Must never send one for a machine that
//! was not just seen, nor for one that is protected.

use core::time::Duration;

use crate::model::instance::{InstanceState, ObservedInstance};
use crate::model::operation::Deletion;
use crate::model::time::Timestamp;

use super::timing::ProtocolTiming;

/// A look at the machine is good for this long: protection switched on since then would be
/// overlooked.
const LOOK_FRESH: Duration = Duration::from_secs(10);

/// The newest get of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// What it showed.
    pub instance: &'a ObservedInstance,
    /// When it was made.
    pub at: Timestamp,
}

/// What to do next about a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteStep {
    /// Get the machine first.
    Look,
    /// Send the DELETE.
    Send,
    /// Nothing before then; meanwhile watch for the proof that it is gone.
    Wait {
        /// Until when.
        until: Timestamp,
    },
    /// It is protected and nothing was sent: the delete was surely not carried out, so take the
    /// decision back.
    Withdraw,
}

/// Decides the next step of a delete. UUIDs never recur, so a DELETE may be repeated.
///
/// ```
/// # use tsg_core::model::guest::{GuestReport, GuestSigns};
/// # use tsg_core::model::id::{ImageId, InstanceId};
/// # use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark};
/// use tsg_core::model::operation::Deletion;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::protocol::delete::{DeleteStep, Look, delete_step};
/// use tsg_core::protocol::timing::ProtocolTiming;
/// # use uuid::Uuid;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let seen = ObservedInstance {
/// #     id: InstanceId::new(Uuid::from_u128(7)),
/// #     state: InstanceState::Running,
/// #     created_at: now,
/// #     named: None,
/// #     claim: None,
/// #     compute_node: None,
/// #     image: ImageId::new(Uuid::from_u128(3)),
/// #     package: PackageMark::NONE,
/// #     brand: Brand::Zone,
/// #     guest: GuestReport::default(),
/// #     address: None,
/// #     is_protected: false,
/// #     is_delisted: false,
/// #     signs: GuestSigns::default(),
/// #     services: ServicesMark::default(),
/// # };
///
/// let timing = ProtocolTiming::default();
/// let decided = Deletion { decided_at: now, attempts: 0, last_sent_at: None };
/// assert_eq!(delete_step(&decided, None, now, &timing), DeleteStep::Look);
/// let look = |instance| Some(Look { instance, at: now });
/// assert_eq!(delete_step(&decided, look(&seen), now, &timing), DeleteStep::Send);
/// let protected = ObservedInstance { is_protected: true, ..seen };
/// assert_eq!(delete_step(&decided, look(&protected), now, &timing), DeleteStep::Withdraw);
/// ```
pub fn delete_step(deletion: &Deletion, look: Option<Look<'_>>, now: Timestamp, timing: &ProtocolTiming) -> DeleteStep {
    let due = deletion.last_sent_at.map(|sent| sent.after(timing.delete_repeat));
    if let Some(until) = due.filter(|due| *due > now) {
        return DeleteStep::Wait { until };
    }
    let Some(look) = look.filter(|look| is_fresh(look, now)) else {
        return DeleteStep::Look;
    };
    match (look.instance.state, look.instance.is_protected) {
        // Over already: what is left is to prove it and close the operation.
        (InstanceState::Deleted, _) => DeleteStep::Wait { until: now.after(timing.delete_repeat) },
        (_, true) if deletion.attempts == 0 => DeleteStep::Withdraw,
        (_, true) => DeleteStep::Wait { until: now.after(timing.delete_repeat) },
        (_, false) => DeleteStep::Send,
    }
}

/// A look from the future is as bad as an old one: the clock was set back since.
fn is_fresh(look: &Look<'_>, now: Timestamp) -> bool {
    look.at <= now && now.since(look.at) <= LOOK_FRESH
}
