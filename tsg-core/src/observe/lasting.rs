//! How machines are seen, and since when they are so.
//!
//! Owns what only looking again and again can tell: replies show states and say nothing of how
//! long they last. Kept dense and in order, since every member of every group is looked up here
//! after each look. Must never reach back beyond the first look.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::nodes::NodeNumbers;
use super::places::{Places, find_among};
use crate::model::guest::GuestReport;
use crate::model::id::{ComputeNodeId, InstanceId};
use crate::model::instance::{Brand, InstanceState, ObservedInstance, Snapshot};
use crate::model::time::Timestamp;
use crate::plan::input::NO_NODE;

/// Since when one machine is as it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Since when its state, and what its guest says of its own health, are what they are.
    pub state_since: Timestamp,
    /// Since when its guest says what it says; [`Timestamp::EPOCH`] while it says nothing.
    pub guest_since: Timestamp,
}

/// How one machine was seen last, as far as a member of a group is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Shown {
    /// Which machine.
    pub id: InstanceId,
    lasting: Lasting,
    /// Dense number of its compute node, or [`NO_NODE`].
    pub compute_node: u32,
    /// What its guest says of itself.
    pub guest: GuestReport,
    lasting_guest: GuestReport,
    /// Its state.
    pub state: InstanceState,
    /// The state that lasts, and what the guest says with it: those of the newest reply with a
    /// claim. `None` before the first one.
    lasting_state: Option<InstanceState>,
    /// What runs it.
    pub brand: Brand,
    /// Whether CloudAPI refuses to delete it.
    pub is_protected: bool,
}

const _: () = assert!(core::mem::size_of::<Shown>() == 64, "what a join looks up is one cache line");

impl Shown {
    fn new(seen: &ObservedInstance) -> Self {
        Self {
            id: seen.id,
            lasting: Lasting { state_since: Timestamp::EPOCH, guest_since: Timestamp::EPOCH },
            compute_node: NO_NODE,
            guest: seen.guest,
            lasting_guest: GuestReport::default(),
            state: seen.state,
            lasting_state: None,
            brand: seen.brand,
            is_protected: seen.is_protected,
        }
    }

    /// Since when it is so; `None` for one that never carried a claim: it is nobody's member.
    pub fn lasting(&self) -> Option<Lasting> {
        self.lasting_state.map(|_| self.lasting)
    }

    fn show(&mut self, seen: &ObservedInstance, nodes: &mut NodeNumbers) {
        let before = self.compute_node;
        self.compute_node = seen.compute_node.map_or(NO_NODE, |node| nodes.number_again(node, before));
        (self.guest, self.state, self.brand, self.is_protected) =
            (seen.guest, seen.state, seen.brand, seen.is_protected);
    }

    fn note(&mut self, seen: &ObservedInstance, at: Timestamp, nodes: &mut NodeNumbers) {
        self.show(seen, nodes);
        if seen.claim.is_none() {
            return;
        }
        let is_new = self.lasting_state.is_none();
        if self.lasting_state != Some(seen.state) || self.lasting_guest.is_unhealthy != seen.guest.is_unhealthy {
            self.lasting.state_since = at;
        }
        if is_new || self.lasting_guest != seen.guest {
            let is_silent = seen.guest == GuestReport::default();
            self.lasting.guest_since = if is_silent { Timestamp::EPOCH } else { at };
        }
        (self.lasting_state, self.lasting_guest) = (Some(seen.state), seen.guest);
    }

    fn take_over(&mut self, seen: &ObservedInstance, lasting: Lasting) {
        (self.lasting_state, self.lasting_guest, self.lasting) = (Some(seen.state), seen.guest, lasting);
    }
}

/// How the machines of an account are seen and since when they are so, as far as anybody looked.
///
/// ```
/// # use tsg_core::model::guest::{GuestReport, GuestSigns};
/// # use tsg_core::model::id::{DeploymentId, GroupId, ImageId, InstanceId, OperationId};
/// use tsg_core::model::instance::{InstanceState, ObservedInstance};
/// # use tsg_core::model::instance::{Brand, PackageMark, ServicesMark};
/// # use tsg_core::model::{tag::Claim, time::Timestamp};
/// use tsg_core::observe::lasting::{LastingStates, Shown};
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
/// #     is_delisted: false,
/// #     signs: GuestSigns::default(),
/// #     services: ServicesMark::default(),
/// # };
/// let at = |second: i64| Timestamp::from_millis(second * 1000);
///
/// let mut lasting = LastingStates::new();
/// lasting.note(&running, at(10));
/// lasting.note(&running, at(20));
/// assert_eq!(lasting.of(running.id).map(|known| known.state_since), Some(at(10)));
/// lasting.note(&ObservedInstance { state: InstanceState::Stopped, ..running }, at(30));
/// let shown: Option<&Shown> = lasting.shown(running.id);
/// assert_eq!(shown.map(|shown| shown.state), Some(InstanceState::Stopped));
/// assert_eq!(lasting.of(running.id).map(|known| known.state_since), Some(at(30)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct LastingStates {
    /// The machines that the newest complete look showed, by id.
    shown: Vec<Shown>,
    places: Places,
    /// Machines that were first seen after that look.
    late: BTreeMap<InstanceId, Shown>,
    nodes: NodeNumbers,
}

impl LastingStates {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How a machine was seen last; `None` for one that was never seen, or not by the newest
    /// complete look.
    pub fn shown(&self, instance: InstanceId) -> Option<&Shown> {
        match self.place_of(instance) {
            Some(place) => self.shown.get(place),
            None if self.late.is_empty() => None,
            None => self.late.get(&instance),
        }
    }

    /// How machines were seen last, as [`Self::shown`] tells it of each. Where to look is found out
    /// for all of them before anything is looked at: what waits for nothing but memory waits for it
    /// together.
    pub(super) fn shown_each(&self, instances: impl Iterator<Item = Option<InstanceId>>) -> Vec<Option<&Shown>> {
        let around = |id: InstanceId| (id, self.places.around(id));
        let around: Vec<_> = instances.map(|instance| instance.map(around)).collect();
        let shown = |(id, around)| match find_among(&self.shown, around, |shown| shown.id, id) {
            Some(place) => self.shown.get(place),
            None => self.late.get(&id),
        };
        around.into_iter().map(|known| known.and_then(shown)).collect()
    }

    /// The compute node that a member's number of one stands for.
    pub fn node(&self, number: u32) -> Option<ComputeNodeId> {
        self.nodes.node(number)
    }

    /// Since when a machine is as it is seen; `None` for one that was never seen.
    pub fn of(&self, instance: InstanceId) -> Option<Lasting> {
        self.shown(instance)?.lasting()
    }

    /// A reply that was asked for at `at` showed a machine. Those that carry no claim are nobody's
    /// members, and nobody asks since when they are as they are.
    pub fn note(&mut self, seen: &ObservedInstance, at: Timestamp) {
        let (shown, nodes) = self.entry(seen);
        shown.note(seen, at, nodes);
    }

    /// A complete look came in: machines that it does not show are forgotten.
    pub fn note_all(&mut self, look: &Snapshot) {
        let same = self.note_same(look);
        if same < self.shown.len() || same < look.instances.len() {
            self.note_others(look, same);
        }
        self.late.clear();
    }

    /// Takes over what somebody else has found out of a machine that is seen like this.
    pub fn take_over(&mut self, seen: &ObservedInstance, state_since: Timestamp, guest_since: Timestamp) {
        let (shown, nodes) = self.entry(seen);
        shown.show(seen, nodes);
        shown.take_over(seen, Lasting { state_since, guest_since });
    }

    /// Something was done to a machine that its state may never show: what it proved is void.
    pub fn begin_anew(&mut self, instance: InstanceId, at: Timestamp) {
        let known = match self.place_of(instance) {
            Some(place) => self.shown.get_mut(place),
            None => self.late.get_mut(&instance),
        };
        if let Some(Shown { lasting, .. }) = known {
            lasting.state_since = lasting.state_since.max(at);
        }
    }

    fn place_of(&self, instance: InstanceId) -> Option<usize> {
        self.places.find(&self.shown, |shown| shown.id, instance)
    }

    fn entry(&mut self, seen: &ObservedInstance) -> (&mut Shown, &mut NodeNumbers) {
        let known = self.place_of(seen.id).and_then(|place| self.shown.get_mut(place));
        let shown = known.unwrap_or_else(|| self.late.entry(seen.id).or_insert_with(|| Shown::new(seen)));
        (shown, &mut self.nodes)
    }

    /// Notes machines in place for as long as the look shows the same ones as the look before:
    /// most often all of them. Tells how many.
    fn note_same(&mut self, look: &Snapshot) -> usize {
        let mut same = 0;
        for (seen, shown) in look.instances.iter().zip(&mut self.shown) {
            if seen.id != shown.id {
                break;
            }
            shown.note(seen, look.taken_at, &mut self.nodes);
            same += 1;
        }
        same
    }

    /// Notes the machines from the first one on that came or went.
    fn note_others(&mut self, look: &Snapshot, same: usize) {
        let mut known = self.shown.split_off(same).into_iter().peekable();
        self.shown.reserve_exact(look.instances.len() - same);
        for seen in look.instances.iter().skip(same) {
            while known.next_if(|shown| shown.id < seen.id).is_some() {}
            let before = known.next_if(|shown| shown.id == seen.id);
            let mut shown = before.or_else(|| self.late.remove(&seen.id)).unwrap_or_else(|| Shown::new(seen));
            shown.note(seen, look.taken_at, &mut self.nodes);
            self.shown.push(shown);
        }
        self.places = Places::of(&self.shown, |shown| shown.id);
    }
}
