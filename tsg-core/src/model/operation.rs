//! Operations: the durable record of one intended instance, from intent to its end.
//!
//! Owns the phases and the only edges between them. Must never learn a phase from the passing of
//! time alone: what is unknown stays unknown until there is evidence.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::errand::Errand;
use super::fingerprint::Fingerprint;
use super::id::{ComputeNodeId, GroupId, InstanceId, OperationId, TemplateId};
use super::landing::Landing;
use super::listing::Listing;
use super::time::Timestamp;
use crate::plan::input::{Lineage, Marks, RestartHistory, Retirement};

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    /// Intended; nothing was sent.
    Planned,
    /// Given up before anything was sent.
    Cancelled,
    /// A create request may be on its way.
    Sent,
    /// A create request was sent and nobody knows what became of it. Occupies its slot.
    Unknown,
    /// CloudAPI surely did not create anything.
    Refused,
    /// No evidence of a machine after every attempt; the slot is free, a late arrival may come.
    Lost,
    /// A machine is known to be ours.
    Bound,
    /// It has been seen running.
    Ready,
    /// Its provisioning failed; it waits to be deleted.
    Failed,
    /// A delete was decided and recorded.
    Deleting,
    /// Known to be destroyed.
    Gone,
}

impl Phase {
    /// Whether the protocol knows an edge from this phase to `next`.
    pub const fn can_become(self, next: Self) -> bool {
        match self {
            Self::Planned => matches!(next, Self::Sent | Self::Cancelled),
            Self::Sent => matches!(next, Self::Bound | Self::Unknown | Self::Refused),
            Self::Unknown => matches!(next, Self::Bound | Self::Refused | Self::Sent | Self::Lost),
            Self::Lost => matches!(next, Self::Bound),
            // Destroyed behind our back: straight to gone.
            Self::Bound => matches!(next, Self::Ready | Self::Failed | Self::Deleting | Self::Gone),
            Self::Ready | Self::Failed => matches!(next, Self::Deleting | Self::Gone),
            // Back to ready when the delete was surely not carried out and is withdrawn.
            Self::Deleting => matches!(next, Self::Gone | Self::Ready),
            Self::Cancelled | Self::Refused | Self::Gone => false,
        }
    }

    /// Whether the operation counts against the group's capacity.
    pub const fn is_occupying(self) -> bool {
        matches!(
            self,
            Self::Planned | Self::Sent | Self::Unknown | Self::Bound | Self::Ready | Self::Failed | Self::Deleting
        )
    }

    /// Whether nothing will ever happen to it again (a late arrival on a lost one aside).
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Cancelled | Self::Refused | Self::Gone | Self::Lost)
    }

    /// Whether a create request may have reached the cloud without an answer.
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Sent | Self::Unknown)
    }
}

/// What became of one create request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It made the machine.
    Bound,
    /// It surely made nothing.
    Refused,
    /// It was never sent, and that is known.
    Unsent,
    /// Nothing of it appeared within the quiet window.
    Quiet,
}

/// One create request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was dispatched.
    pub sent_at: Timestamp,
    /// The date it was signed with; CloudAPI refuses it 300 s later, whoever holds it back.
    pub signed_at: Timestamp,
    /// What was sent.
    pub payload: Fingerprint,
    /// `None` while it is in doubt.
    pub outcome: Option<AttemptOutcome>,
}

/// Evidence that an attempt in doubt left nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Silence {
    /// Complete look-ups by tag and by name that both found nothing, far enough apart.
    pub negatives: u8,
    /// When the newest of them was made.
    pub last_at: Option<Timestamp>,
}

/// A delete on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How many DELETE requests were dispatched.
    pub attempts: u32,
    /// When the newest was dispatched.
    pub last_sent_at: Option<Timestamp>,
}

/// Evidence that a machine is no more: 404 answers by its UUID, far enough apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Absence {
    /// How many.
    pub not_found: u8,
    /// When the newest was seen.
    pub last_at: Option<Timestamp>,
}

/// Why an operation, or its delete, was decided: exactly one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The group wants more instances than it has.
    Capacity,
    /// The user asked for fewer instances.
    ScaleIn,
    /// The user deleted the group.
    TearDown,
    /// An instance failed, vanished or would not start, and is replaced.
    Repair,
    /// A machine turned up after its operation was given up, or beside another of the same one.
    Surplus,
    /// The group moves to another revision, or a person asked for instances to be replaced.
    Rollout,
    /// It was kept for a person to look at, and its time is over.
    Expiry,
}

/// One operation.
///
/// ```
/// use tsg_core::model::operation::{Operation, Phase};
/// use tsg_core::model::time::Timestamp;
///
/// let mut operation: Operation = serde_json::from_str(r#"{
///     "id": "aaaaaaaaaaaaaaaaaaaaaaaabk", "group": "00000000-0000-0000-0000-000000000001",
///     "sequence": 1, "revision": 1, "template": "00000000-0000-0000-0000-000000000002",
///     "name": "web-aaaaaaaaaaaaaaaaaaaaaaaabk", "phase": "planned",
///     "phase_since": 1800000000000, "planned_at": 1800000000000, "cause": "capacity",
///     "attempts": [], "silence": {"negatives": 0}, "absence": {"not_found": 0}, "residue": []
/// }"#)?;
/// let later = Timestamp::from_millis(1_800_000_001_000);
/// operation.enter(Phase::Sent, later)?;
/// assert!(operation.phase.is_in_doubt() && operation.phase.is_occupying());
///
/// // What was sent cannot be called off: only evidence leads on from here.
/// assert!(!Phase::Sent.can_become(Phase::Cancelled));
/// let refused = operation.enter(Phase::Cancelled, later).unwrap_err();
/// assert_eq!(refused.to_string(), format!("operation {} cannot go from Sent to Cancelled", operation.id));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id, which the instance's name and tags carry.
    pub id: OperationId,
    /// Whose it is.
    pub group: GroupId,
    /// Its place in the group's ledger, from 1.
    pub sequence: u64,
    /// The group's revision it was planned for, or was last decided to be changed to.
    pub revision: u32,
    /// The template of that revision.
    pub template: TemplateId,
    /// The instance's name.
    pub name: String,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Why it was planned.
    pub cause: Cause,
    /// Every create request so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// The machine, once bound; never another one.
    pub instance: Option<InstanceId>,
    /// Evidence that the attempts in doubt left nothing.
    pub silence: Silence,
    /// Evidence that the machine is no more.
    pub absence: Absence,
    /// The delete, once decided.
    pub deletion: Option<Deletion>,
    /// Why the delete was decided.
    pub deletion_cause: Option<Cause>,
    /// Other machines that carry this operation's id, to be deleted.
    pub residue: Vec<InstanceId>,
    /// When its machine was told to start or restart.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restarts: RestartHistory,
    /// How many of its predecessors in a row died young.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lineage: Lineage,
    /// The operation whose place it was planned to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<OperationId>,
    /// How far the removal of its machine has come, once begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retirement: Option<Retirement>,
    /// What was decided to do to its machine and is not done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errand: Option<Errand>,
    /// What people said about its machine.
    #[serde(default, skip_serializing_if = "is_default")]
    pub marks: Marks,
    /// When its machine was adopted as a late arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_at: Option<Timestamp>,
    /// Its place in a group with ordinal identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// Compute nodes to avoid, if another will do: those that its predecessors died on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<ComputeNodeId>,
    /// Whether discovery answers with its machine, as far as its group's checks decide that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub listing: Listing,
    /// What was found of the place where its machine landed, if it is under a `placement` block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing: Option<Landing>,
}

/// Most operations have nothing to say beyond the common fields, and their records stay short.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An edge that the protocol does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("operation {operation} cannot go from {from:?} to {to:?}")]
pub struct InvalidEdge {
    /// Which operation.
    pub operation: OperationId,
    /// Where it stands.
    pub from: Phase,
    /// Where it was to go.
    pub to: Phase,
}

impl Operation {
    /// Moves to another phase.
    ///
    /// # Errors
    /// When the protocol has no such edge; nothing is changed then.
    pub fn enter(&mut self, next: Phase, now: Timestamp) -> Result<(), InvalidEdge> {
        if !self.phase.can_become(next) {
            return Err(InvalidEdge { operation: self.id, from: self.phase, to: next });
        }
        self.phase = next;
        self.phase_since = now;
        Ok(())
    }

    /// When its newest create request was sent; when it was planned, before there is one.
    pub fn asked_at(&self) -> Timestamp {
        self.last_attempt().map_or(self.planned_at, |attempt| attempt.sent_at)
    }

    /// The newest create request.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    const ALL: [Phase; 11] = [
        Phase::Planned,
        Phase::Cancelled,
        Phase::Sent,
        Phase::Unknown,
        Phase::Refused,
        Phase::Lost,
        Phase::Bound,
        Phase::Ready,
        Phase::Failed,
        Phase::Deleting,
        Phase::Gone,
    ];

    #[test]
    fn only_a_lost_operation_leaves_a_closed_phase() {
        for from in ALL.into_iter().filter(|phase| phase.is_closed()) {
            for to in ALL {
                assert_eq!(from.can_become(to), from == Phase::Lost && to == Phase::Bound, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn a_slot_is_taken_or_the_operation_is_closed() {
        for phase in ALL {
            assert_ne!(phase.is_occupying(), phase.is_closed(), "{phase:?}");
        }
    }

    #[test]
    fn nothing_is_bound_without_a_request() {
        assert!(!Phase::Planned.can_become(Phase::Bound));
        assert!(!Phase::Unknown.can_become(Phase::Planned));
    }
}
