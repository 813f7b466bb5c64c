//! What the planner is given.
//!
//! Owns the shape of its input: dense, borrowed, 64 bytes for each member. Must never hold text
//! that is not the user's.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::memory::PlanMemory;
use crate::model::group::Lifecycle;
use crate::model::id::{GroupId, InstanceId, OperationId};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// Everything that one plan of one group depends on.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What the user wants.
    pub intent: Intent,
    /// How good the last look at the cloud was.
    pub view: View,
    /// The group's operations that are not closed, joined with what was seen of them. In any
    /// order.
    pub members: &'a [Member],
    /// What the last plan asked to be remembered.
    pub memory: PlanMemory,
    /// What is allowed just now.
    pub limits: Limits,
    /// The protocol's waits.
    pub timing: &'a ProtocolTiming,
    /// The time.
    pub now: Timestamp,
    /// What the ids of new operations are derived from; drawn anew for each plan.
    pub seed: u128,
}

/// What the user wants of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which group.
    pub group: GroupId,
    /// Active, or being torn down.
    pub lifecycle: Lifecycle,
    /// How many instances.
    pub capacity: u32,
    /// The revision that new instances get.
    pub revision: u32,
    /// Stopped by a person.
    pub is_frozen: bool,
}

/// How good the last look at the account's machines was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Whether anything may be concluded from it.
    pub trust: ViewTrust,
}

/// Whether anything may be concluded from a look at the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewTrust {
    /// There has been no complete one yet.
    Unobserved,
    /// Complete, and it agrees with what is known.
    Trusted,
    /// Too much vanished or changed at once: nothing is created or deleted until it agrees
    /// again.
    Distrusted,
    /// The account is locked out: nothing can be seen or done.
    LockedOut,
    /// The ledger has forgotten operations that the cloud shows: somebody restored an old store.
    LedgerBehind,
}

/// What a plan may do at most, decided across groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Instances over the capacity that may exist for a while.
    pub surge: u32,
    /// New creates in this round, on top of the group's own window.
    pub creates: u32,
    /// New deletes that the user asked for (scale-in, tear-down) in this round.
    pub asked_deletes: u32,
    /// New deletes that nobody asked for (repair) in this round.
    pub unasked_deletes: u32,
    /// New starts in this round.
    pub starts: u32,
    /// How many machines that carry an operation of this group, but are not bound, occupy slots.
    pub orphans: u32,
    /// How many starts are tried before an instance is replaced.
    pub start_attempts: u8,
    /// Wait before the second start; doubles with each.
    pub start_delay: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            surge: 0,
            creates: u32::MAX,
            asked_deletes: u32::MAX,
            unasked_deletes: u32::MAX,
            starts: u32::MAX,
            orphans: 0,
            // Mariposa's three attempts.
            start_attempts: 3,
            // A compute node that reboots starts its own machines; give it that long.
            start_delay: Duration::from_secs(15),
        }
    }
}

/// How the last complete view saw a member's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// No machine is known, so none could be seen.
    None,
    /// It was not in a complete list, and a get by its id has not proved anything yet.
    Missing,
    /// It was there.
    Present(InstanceState),
}

/// A verdict of the health policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No health policy, or no facts.
    #[default]
    Unknown,
    /// In its start window.
    Starting,
    /// Passing.
    Healthy,
    /// Passing, but not well.
    Degraded,
    /// Failing.
    Unhealthy,
}

/// No compute node is known.
pub const NO_NODE: u32 = u32::MAX;

/// One operation of a group joined with what was seen of its machine: 64 bytes, no heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The operation.
    pub operation: OperationId,
    instance: Uuid,
    /// When the operation entered its phase.
    pub phase_since: Timestamp,
    /// When the machine was last told to start; [`Timestamp::EPOCH`] when never.
    pub last_start_at: Timestamp,
    /// Dense number of the compute node, or [`NO_NODE`].
    pub compute_node: u32,
    /// The revision it was made from.
    pub revision: u32,
    /// Its place in the ledger; older members have smaller ones.
    pub sequence: u32,
    /// Where the operation stands.
    pub phase: Phase,
    /// How the machine was seen.
    pub sighting: Sighting,
    /// The health policy's verdict.
    pub verdict: Verdict,
    marks: u8,
}

const _: () = assert!(core::mem::size_of::<Member>() == 64, "a member is one cache line");

const MARK_PROTECTED: u8 = 0b1000_0000;
const MARK_STARTS: u8 = 0b0000_0111;

impl Member {
    /// A member that was just planned; the rest is set by field or by the `with_` methods.
    pub const fn planned(operation: OperationId, sequence: u32, revision: u32, at: Timestamp) -> Self {
        Self {
            operation,
            instance: Uuid::nil(),
            phase_since: at,
            last_start_at: Timestamp::EPOCH,
            compute_node: NO_NODE,
            revision,
            sequence,
            phase: Phase::Planned,
            sighting: Sighting::None,
            verdict: Verdict::Unknown,
            marks: 0,
        }
    }

    /// The machine, once bound.
    pub const fn instance(&self) -> Option<InstanceId> {
        if self.instance.is_nil() { None } else { Some(InstanceId::new(self.instance)) }
    }

    /// Whether the cloud refuses to delete it.
    pub const fn is_protected(&self) -> bool {
        self.marks & MARK_PROTECTED != 0
    }

    /// Start requests so far, at most 7 are told apart.
    pub const fn starts(&self) -> u8 {
        self.marks & MARK_STARTS
    }

    /// With its machine.
    #[must_use]
    pub const fn with_instance(mut self, instance: InstanceId) -> Self {
        self.instance = instance.uuid();
        self
    }

    /// Marked as protected against deletion.
    #[must_use]
    pub const fn with_protection(mut self) -> Self {
        self.marks |= MARK_PROTECTED;
        self
    }

    /// With its count of start requests and the time of the newest.
    #[must_use]
    pub const fn with_starts(mut self, count: u8, last_at: Timestamp) -> Self {
        let count = if count > MARK_STARTS { MARK_STARTS } else { count };
        self.marks = self.marks & !MARK_STARTS | count;
        self.last_start_at = last_at;
        self
    }
}
