//! Joins operations with a complete look at the account.
//!
//! Owns how a member's machine counts as seen. Must never take a machine for a member's by
//! anything but the ledger's own record of its UUID.

use alloc::vec::Vec;
use core::time::Duration;

use super::lasting::{LastingStates, Shown};
use crate::model::guest::GuestReport;
use crate::model::id::{InstanceId, OperationId};
use crate::model::instance::{ObservedInstance, ResizeMode, Snapshot};
use crate::model::operation::Operation;
use crate::model::time::Timestamp;
use crate::plan::input::{Detail, Lineage, Marks, Member, RestartHistory, Sighting};

/// A machine of a snapshot.
///
/// ```
/// use tsg_core::model::{id::InstanceId, instance::Snapshot};
/// use tsg_core::observe::join::find_instance;
/// assert_eq!(find_instance(&Snapshot::default(), InstanceId::new(uuid::Uuid::from_u128(1))), None);
/// ```
pub fn find_instance(snapshot: &Snapshot, id: InstanceId) -> Option<&ObservedInstance> {
    snapshot.instances.get(id)
}

/// What operations are joined with.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// When the newest complete look began.
    pub taken_at: Timestamp,
    /// The machines as it shows them, with everything seen since, and since when they are so.
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

/// What a join needs of an open operation: a seventh of its record, in one piece. To be kept beside
/// the record and made anew when that changes, since every look at the cloud is joined with all of
/// them.
///
/// ```
/// use tsg_core::model::operation::{Operation, Phase};
/// use tsg_core::observe::join::Brief;
///
/// let mut operation: Operation = serde_json::from_str(r#"{
///     "id": "aaaaaaaaaaaaaaaaaaaaaaaabk", "group": "00000000-0000-0000-0000-000000000001",
///     "sequence": 1, "revision": 1, "template": "00000000-0000-0000-0000-000000000002",
///     "name": "web-aaaaaaaaaaaaaaaaaaaaaaaabk", "phase": "planned",
///     "phase_since": 1800000000000, "planned_at": 1800000000000, "cause": "capacity",
///     "attempts": [], "silence": {"negatives": 0}, "absence": {"not_found": 0}, "residue": []
/// }"#)?;
/// assert!(Brief::of(&operation).is_some());
/// operation.enter(Phase::Cancelled, operation.phase_since)?;
/// assert_eq!(Brief::of(&operation), None, "it is nobody's member any more");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Before its machine was looked up.
    member: Member,
    asked_at: Timestamp,
    /// Whether there is anything but the common case to say. Most have nothing.
    says_more: bool,
    /// Whether something is about to be done to its machine that voids what it proved before.
    is_on_trial: bool,
}

const _: () = assert!(core::mem::size_of::<Brief>() <= 80, "a join reads all of them");

impl Brief {
    /// That of an operation; `None` of one that is closed.
    pub fn of(operation: &Operation) -> Option<Self> {
        let is_on_trial = operation.errand.as_ref().is_some_and(|errand| errand.kind.is_trial());
        (!operation.phase.is_closed()).then(|| Self {
            member: member_of(operation),
            asked_at: operation.asked_at(),
            says_more: says_more(operation),
            is_on_trial,
        })
    }

    /// Its operation.
    pub fn operation(&self) -> OperationId {
        self.member.operation
    }

    fn needs_detail(&self, shown: Option<&Shown>, look: &Look<'_>) -> bool {
        let is_young = || self.asked_at.after(look.youth) > look.now;
        self.says_more || is_young() || shown.is_some_and(|shown| shown.guest != GuestReport::default())
    }

    /// Adds what was seen of its machine.
    fn show(&self, member: &mut Member, shown: Option<&Shown>, look: &Look<'_>) {
        if member.instance().is_none() {
            return;
        }
        if self.is_on_trial {
            member.state_since = look.now;
        } else if let Some(lasting) = shown.and_then(Shown::lasting) {
            member.state_since = lasting.state_since;
        }
        match shown {
            Some(shown) => {
                member.sighting = Sighting::Present(shown.state);
                member.compute_node = shown.compute_node;
                if shown.is_protected {
                    *member = member.with_protection();
                }
            }
            // What the ledger learned after the look began, the look cannot contradict.
            None if member.phase_since >= look.taken_at => {}
            None => member.sighting = Sighting::Missing,
        }
    }
}

/// Joins all open operations of a group with a look at the cloud. `operation` looks up the record
/// of a brief; it is asked for those that there is more to say about.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::operation::Operation;
/// use tsg_core::observe::join::{Brief, Look, join};
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
/// let look = Look { taken_at: now, lasting: &LastingStates::new(), now, youth: Duration::ZERO };
/// let joined = join(&Brief::of(&ready), |_| Some(&ready), &look);
/// assert_eq!(joined.members[0].sighting, Sighting::Missing);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn join<'a, 'o>(
    briefs: impl IntoIterator<Item = &'a Brief>,
    operation: impl Fn(OperationId) -> Option<&'o Operation>,
    look: &Look<'_>,
) -> Joined {
    let (mut joined, mut modes) = (Joined::default(), Modes::default());
    let briefs: Vec<&Brief> = briefs.into_iter().collect();
    joined.members.extend(briefs.iter().map(|brief| brief.member));
    // The briefs are read once, from front to back, and then all machines are looked up together:
    // what a join takes is the time in which memory answers.
    let shown = look.lasting.shown_each(joined.members.iter().map(Member::instance));
    for ((member, brief), shown) in joined.members.iter_mut().zip(briefs).zip(shown) {
        brief.show(member, shown, look);
        modes.note(shown);
        if brief.needs_detail(shown, look)
            && let Some(operation) = operation(member.operation)
        {
            *member = member.with_detail();
            joined.details.push(detail_of(operation, shown));
        }
    }
    joined.members.sort_unstable_by_key(|member| member.operation);
    joined.details.sort_unstable_by_key(|detail| detail.operation);
    joined.resize = modes.common;
    joined
}

/// How machines can be resized, as long as all of them agree.
#[derive(Default)]
struct Modes {
    common: Option<ResizeMode>,
    differ: bool,
}

impl Modes {
    fn note(&mut self, shown: Option<&Shown>) {
        let Some(mode) = shown.map(|shown| shown.brand.resize()) else { return };
        self.differ |= self.common.is_some_and(|common| common != mode);
        self.common = (!self.differ).then_some(mode);
    }
}

/// An operation as the planner sees it, before its machine was looked up.
fn member_of(operation: &Operation) -> Member {
    // The ledger counts further than any group will; what saturates only loses its age.
    let sequence = u32::try_from(operation.sequence).unwrap_or(u32::MAX);
    let mut member = Member::planned(operation.id, sequence, operation.revision, operation.phase_since);
    member.phase = operation.phase;
    if !operation.listing.is_listed() {
        member = member.with_no_listing();
    }
    operation.instance.map_or(member, |instance| member.with_instance(instance))
}

fn says_more(operation: &Operation) -> bool {
    operation.restarts != RestartHistory::NONE
        || operation.lineage != Lineage::default()
        || operation.replaces.is_some()
        || operation.retirement.is_some()
        || operation.marks != Marks::NONE
        || operation.adopted_at.is_some()
        || operation.ordinal.is_some()
}

/// What there is to say about a member beyond the dense record.
fn detail_of(operation: &Operation, shown: Option<&Shown>) -> Detail {
    Detail {
        restarts: operation.restarts,
        lineage: operation.lineage,
        replaces: operation.replaces,
        retirement: operation.retirement,
        guest: shown.map(|shown| shown.guest).unwrap_or_default(),
        guest_at: shown.and_then(Shown::lasting).map_or(Timestamp::EPOCH, |lasting| lasting.guest_since),
        marks: operation.marks,
        adopted_at: operation.adopted_at.unwrap_or(Timestamp::EPOCH),
        ordinal: operation.ordinal,
        ..Detail::new(operation.id, operation.asked_at())
    }
}
