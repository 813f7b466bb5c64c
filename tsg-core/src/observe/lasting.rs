//! Since when machines are as they are seen.
//!
//! Owns what only looking again and again can tell: replies show states and say nothing of how
//! long they last. Must never reach back beyond the first look.

use alloc::collections::BTreeMap;

use crate::model::guest::GuestReport;
use crate::model::id::InstanceId;
use crate::model::instance::{InstanceState, ObservedInstance, Snapshot};
use crate::model::time::Timestamp;

/// Since when one machine is as it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    state: InstanceState,
    guest: GuestReport,
    /// Since when its state, and what its guest says of its own health, are what they are.
    pub state_since: Timestamp,
    /// Since when its guest says what it says; [`Timestamp::EPOCH`] while it says nothing.
    pub guest_since: Timestamp,
}

/// Since when the machines of an account are as they are seen, as far as anybody looked.
///
/// ```
/// # use tsg_core::model::guest::GuestReport;
/// # use tsg_core::model::id::{DeploymentId, GroupId, ImageId, InstanceId, OperationId};
/// use tsg_core::model::instance::{InstanceState, ObservedInstance};
/// # use tsg_core::model::instance::{Brand, PackageMark};
/// # use tsg_core::model::{tag::Claim, time::Timestamp};
/// use tsg_core::observe::lasting::LastingStates;
/// # use uuid::Uuid;
/// # let (manager, operation) = (DeploymentId::from_bits(7), OperationId::from_bits(42));
/// # let claim = Claim { manager, group: GroupId::new(Uuid::from_u128(1)), operation, revision: 1, sequence: 1 };
/// # let running = ObservedInstance {
/// #     id: InstanceId::new(Uuid::from_u128(7)),
/// #     state: InstanceState::Running,
/// #     created_at: Timestamp::EPOCH,
/// #     named: Some(operation),
/// #     claim: Some(claim),
/// #     compute_node: None,
/// #     image: ImageId::new(Uuid::from_u128(3)),
/// #     package: PackageMark::NONE,
/// #     brand: Brand::Zone,
/// #     guest: GuestReport::default(),
/// #     address: None,
/// #     is_protected: false,
/// # };
/// let at = |second: i64| Timestamp::from_millis(second * 1000);
///
/// let mut lasting = LastingStates::new();
/// lasting.note(&running, at(10));
/// lasting.note(&running, at(20));
/// assert_eq!(lasting.of(running.id).map(|known| known.state_since), Some(at(10)));
/// lasting.note(&ObservedInstance { state: InstanceState::Stopped, ..running }, at(30));
/// assert_eq!(lasting.of(running.id).map(|known| known.state_since), Some(at(30)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct LastingStates {
    machines: BTreeMap<InstanceId, Lasting>,
}

impl LastingStates {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Since when a machine is as it is seen; `None` for one that was never seen.
    pub fn of(&self, instance: InstanceId) -> Option<&Lasting> {
        self.machines.get(&instance)
    }

    /// A reply that was asked for at `at` showed a machine. Those that carry no claim are nobody's
    /// members.
    pub fn note(&mut self, seen: &ObservedInstance, at: Timestamp) {
        if seen.claim.is_none() {
            return;
        }
        let is_silent = seen.guest == GuestReport::default();
        let guest_since = if is_silent { Timestamp::EPOCH } else { at };
        let fresh = Lasting { state: seen.state, guest: seen.guest, state_since: at, guest_since };
        let known = self.machines.entry(seen.id).or_insert(fresh);
        if (known.state, known.guest.is_unhealthy) != (seen.state, seen.guest.is_unhealthy) {
            known.state_since = at;
        }
        if known.guest != seen.guest {
            known.guest_since = guest_since;
        }
        (known.state, known.guest) = (seen.state, seen.guest);
    }

    /// A complete look came in: machines that it does not show are forgotten.
    pub fn note_all(&mut self, look: &Snapshot) {
        look.instances.iter().for_each(|seen| self.note(seen, look.taken_at));
        self.machines.retain(|id, _| look.instances.binary_search_by_key(id, |instance| instance.id).is_ok());
    }

    /// Takes over what somebody else has found out of a machine that is seen like this.
    pub fn take_over(&mut self, seen: &ObservedInstance, state_since: Timestamp, guest_since: Timestamp) {
        let lasting = Lasting { state: seen.state, guest: seen.guest, state_since, guest_since };
        self.machines.insert(seen.id, lasting);
    }

    /// Something was done to a machine that its state may never show: what it proved is void.
    pub fn begin_anew(&mut self, instance: InstanceId, at: Timestamp) {
        if let Some(known) = self.machines.get_mut(&instance) {
            known.state_since = known.state_since.max(at);
        }
    }
}
