//! Joins operations with a complete look at the account.
//!
//! Owns how a member's machine counts as seen. Must never take a machine for a member's by
//! anything but the ledger's own record of its UUID.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::lasting::{Lasting, LastingStates};
use crate::model::id::{ComputeNodeId, InstanceId};
use crate::model::instance::{ObservedInstance, ResizeMode, Snapshot};
use crate::model::operation::Operation;
use crate::model::time::Timestamp;
use crate::plan::input::{Detail, Member, NO_NODE, Sighting};

/// Small numbers for compute nodes, given in order of appearance. Plans only ask whether two are
/// equal.
///
/// ```
/// use tsg_core::model::id::ComputeNodeId;
/// use tsg_core::observe::join::NodeNumbers;
///
/// let [one, other] = [1, 2].map(|id| ComputeNodeId::new(uuid::Uuid::from_u128(id)));
/// let mut numbers = NodeNumbers::default();
/// assert_eq!([one, other, one].map(|node| numbers.number_of(node)), [0, 1, 0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct NodeNumbers {
    numbers: BTreeMap<ComputeNodeId, u32>,
}

impl NodeNumbers {
    /// The number of a compute node.
    pub fn number_of(&mut self, node: ComputeNodeId) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(NO_NODE);
        *self.numbers.entry(node).or_insert(next)
    }
}

/// A machine of a snapshot.
///
/// ```
/// use tsg_core::model::{id::InstanceId, instance::Snapshot};
/// use tsg_core::observe::join::find_instance;
/// assert_eq!(find_instance(&Snapshot::default(), InstanceId::new(uuid::Uuid::from_u128(1))), None);
/// ```
pub fn find_instance(snapshot: &Snapshot, id: InstanceId) -> Option<&ObservedInstance> {
    let place = snapshot.instances.binary_search_by_key(&id, |instance| instance.id).ok()?;
    snapshot.instances.get(place)
}

/// What operations are joined with.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The newest complete look, with everything seen since written into it.
    pub snapshot: &'a Snapshot,
    /// Since when the machines are as it shows them.
    pub lasting: &'a LastingStates,
    /// The time.
    pub now: Timestamp,
    /// How long after its create request a member is young: the planner is told when it was
    /// asked for.
    pub youth: Duration,
}

/// Members with their details, each in the order that the planner likes best: by operation.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// The open operations as the planner sees them.
    pub members: Vec<Member>,
    /// What there is to say about some of them beyond that.
    pub details: Vec<Detail>,
    /// How the machines that were seen can be resized, all alike; `None` when none was seen or
    /// they differ.
    pub resize: Option<ResizeMode>,
}

/// Joins all open operations of a group with a look at the cloud.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::instance::Snapshot;
/// use tsg_core::model::operation::Operation;
/// use tsg_core::observe::join::{Look, NodeNumbers, join};
/// use tsg_core::observe::lasting::LastingStates;
/// use tsg_core::plan::input::Sighting;
///
/// let ready: Operation = serde_json::from_str(r#"{
///     "id": "aaaaaaaaaaaaaaaaaaaaaaaabk", "group": "00000000-0000-0000-0000-000000000001",
///     "sequence": 1, "revision": 1, "template": "00000000-0000-0000-0000-000000000002",
///     "name": "web-aaaaaaaaaaaaaaaaaaaaaaaabk", "phase": "ready",
///     "phase_since": 1800000000000, "planned_at": 1800000000000, "cause": "capacity",
///     "attempts": [], "instance": "00000000-0000-0000-0000-000000000007",
///     "silence": {"negatives": 0}, "absence": {"not_found": 0}, "residue": []
/// }"#)?;
///
/// // A complete look a minute later does not show its machine.
/// let now = ready.phase_since.after(Duration::from_secs(60));
/// let (snapshot, lasting) = (Snapshot { taken_at: now, instances: vec![] }, LastingStates::new());
/// let look = Look { snapshot: &snapshot, lasting: &lasting, now, youth: Duration::ZERO };
/// let joined = join([&ready], &look, &mut NodeNumbers::default());
/// assert_eq!(joined.members[0].sighting, Sighting::Missing);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn join<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
    look: &Look<'_>,
    nodes: &mut NodeNumbers,
) -> Joined {
    let mut joined = Joined::default();
    let mut modes = Modes::default();
    for operation in operations {
        if operation.phase.is_closed() {
            continue;
        }
        let found = Found::of(operation, look);
        let mut member = member_of(operation, found, look, nodes);
        modes.note(found.seen);
        if let Some(detail) = detail_of(operation, found, look) {
            member = member.with_detail();
            joined.details.push(detail);
        }
        joined.members.push(member);
    }
    joined.members.sort_unstable_by_key(|member| member.operation);
    joined.details.sort_unstable_by_key(|detail| detail.operation);
    joined.resize = modes.common;
    joined
}

/// What is known of an operation's machine. Found once: a search among a million machines costs
/// more than all the rest.
#[derive(Clone, Copy, Default)]
struct Found<'a> {
    seen: Option<&'a ObservedInstance>,
    lasting: Option<&'a Lasting>,
}

impl<'a> Found<'a> {
    fn of(operation: &Operation, look: &Look<'a>) -> Self {
        let Some(instance) = operation.instance else { return Self::default() };
        Self { seen: find_instance(look.snapshot, instance), lasting: look.lasting.of(instance) }
    }
}

/// How machines can be resized, as long as all of them agree.
#[derive(Default)]
struct Modes {
    common: Option<ResizeMode>,
    differ: bool,
}

impl Modes {
    fn note(&mut self, seen: Option<&ObservedInstance>) {
        let Some(mode) = seen.map(|seen| seen.brand.resize()) else { return };
        self.differ |= self.common.is_some_and(|common| common != mode);
        self.common = (!self.differ).then_some(mode);
    }
}

/// An open operation as the planner sees it.
fn member_of(operation: &Operation, found: Found<'_>, look: &Look<'_>, nodes: &mut NodeNumbers) -> Member {
    // The ledger counts further than any group will; what saturates only loses its age.
    let sequence = u32::try_from(operation.sequence).unwrap_or(u32::MAX);
    let mut member = Member::planned(operation.id, sequence, operation.revision, operation.phase_since);
    member.phase = operation.phase;
    let Some(instance) = operation.instance else {
        return member;
    };
    member = member.with_instance(instance);
    member.state_since = state_since(operation, found.lasting, look);
    match found.seen {
        Some(seen) => {
            member.sighting = Sighting::Present(seen.state);
            member.compute_node = seen.compute_node.map_or(NO_NODE, |node| nodes.number_of(node));
            if seen.is_protected {
                member = member.with_protection();
            }
        }
        // What the ledger learned after the look began, the look cannot contradict.
        None if operation.phase_since >= look.snapshot.taken_at => {}
        None => member.sighting = Sighting::Missing,
    }
    member
}

/// What is about to be done to a machine voids what it proved before.
fn state_since(operation: &Operation, lasting: Option<&Lasting>, look: &Look<'_>) -> Timestamp {
    if operation.errand.as_ref().is_some_and(|errand| errand.kind.is_trial()) {
        return look.now;
    }
    lasting.map_or(operation.phase_since, |lasting| lasting.state_since)
}

/// What there is to say about a member beyond the dense record.
fn detail_of(operation: &Operation, Found { seen, lasting }: Found<'_>, look: &Look<'_>) -> Option<Detail> {
    let asked_at = operation.asked_at();
    let guest = seen.map(|seen| seen.guest).unwrap_or_default();
    let detail = Detail {
        restarts: operation.restarts,
        lineage: operation.lineage,
        replaces: operation.replaces,
        retirement: operation.retirement,
        guest,
        guest_at: lasting.map_or(Timestamp::EPOCH, |lasting| lasting.guest_since),
        marks: operation.marks,
        adopted_at: operation.adopted_at.unwrap_or(Timestamp::EPOCH),
        ordinal: operation.ordinal,
        ..Detail::new(operation.id, asked_at)
    };
    let is_young = asked_at.after(look.youth) > look.now;
    let says_more = Detail { guest_at: Timestamp::EPOCH, ..detail } != Detail::new(operation.id, asked_at);
    (is_young || says_more).then_some(detail)
}
