//! Audit: what was decided and what is about to be sent, before it is sent.
//!
//! Owns the entry and its hash chain, one chain for each group, without gaps. Must never be
//! changed once written.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fingerprint::Fingerprint;
use super::group::LedgerHead;
use super::id::{GroupId, InstanceId, OperationId};
use super::operation::{Cause, Phase};
use super::time::Timestamp;
use crate::plan::input::Mark;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// tsg itself, keeping a group at what its user wants.
    Engine,
    /// A person or program, by the key that signed the request: `/login/keys/<fingerprint>`.
    User(String),
}

/// A request that changes something in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// POST /machines.
    Create,
    /// DELETE /machines/:id.
    Delete,
    /// POST /machines/:id?action=start.
    Start,
    /// POST /machines/:id?action=stop.
    Stop,
    /// POST /machines/:id?action=reboot.
    Restart,
    /// POST /machines/:id?action=resize.
    Resize,
    /// Writes to a machine's tags and metadata, and its firewall switch.
    Update,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AuditEvent {
    /// The user made the group.
    GroupCreated {
        /// With how many instances.
        capacity: u32,
    },
    /// The user changed the group.
    GroupChanged {
        /// How many instances were wanted before.
        capacity_before: u32,
        /// How many are wanted now.
        capacity: u32,
        /// The revision from now on.
        revision: u32,
    },
    /// The user deleted the group.
    GroupDeleted,
    /// An operation was planned.
    Planned {
        /// Which.
        operation: OperationId,
        /// Why.
        cause: Cause,
    },
    /// A request is about to be sent.
    WillSend {
        /// For which operation.
        operation: OperationId,
        /// Which request.
        request: RequestKind,
        /// To which machine; none for a create.
        instance: Option<InstanceId>,
        /// Counted from 1 for each operation and kind.
        attempt: u32,
        /// Hash of what is sent.
        payload: Fingerprint,
    },
    /// An operation changed its phase.
    Entered {
        /// Which.
        operation: OperationId,
        /// From where.
        from: Phase,
        /// To where.
        to: Phase,
        /// The machine, where there is one.
        instance: Option<InstanceId>,
        /// What the evidence was.
        evidence: String,
    },
    /// A create request that nobody answered was judged to have left nothing behind, so that it
    /// may be repeated.
    CalledQuiet {
        /// Of which operation.
        operation: OperationId,
        /// Which request, counted from 1.
        attempt: u32,
        /// Complete negative look-ups that it rests on.
        lookups: u8,
    },
    /// A further machine of an operation was filed, to be deleted.
    ResidueFiled {
        /// Of which operation.
        operation: OperationId,
        /// Which machine.
        instance: InstanceId,
    },
    /// A person said something about instances, or took it back.
    InstancesMarked {
        /// What.
        mark: Mark,
        /// Whether it holds from now on.
        is_set: bool,
        /// Of which operations.
        operations: Vec<OperationId>,
    },
    /// The torn down group's operations and its row were removed; this is its last entry.
    GroupForgotten,
}

/// One entry of a group's audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Which group.
    pub group: GroupId,
    /// Its place in the group's chain, from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: AuditEvent,
    /// Hash of the entry before.
    pub previous: Fingerprint,
}

impl AuditEntry {
    /// The entry's own hash, which the next entry carries.
    pub fn hash(&self) -> Fingerprint {
        Fingerprint::of(self)
    }
}

impl LedgerHead {
    /// Writes the next entry of the group's chain and moves the head to it.
    pub fn append(&mut self, at: Timestamp, actor: Actor, event: AuditEvent) -> AuditEntry {
        self.audit_sequence += 1;
        let entry = AuditEntry {
            group: self.group,
            sequence: self.audit_sequence,
            at,
            actor,
            event,
            previous: self.audit_hash,
        };
        self.audit_hash = entry.hash();
        entry
    }
}

/// Where a chain of audit entries is broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenChain {
    /// An entry is missing or out of order.
    #[error("audit of group {group}: expected entry {expected}, found {found}")]
    Gap {
        /// Which group.
        group: GroupId,
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry was changed after it was written.
    #[error("audit of group {group}: entry {sequence} does not follow from the one before it")]
    Changed {
        /// Which group.
        group: GroupId,
        /// The entry that does not fit.
        sequence: u64,
    },
    /// The newest entries are missing.
    #[error("audit of group {group} ends at {found}, its ledger says {expected}")]
    Truncated {
        /// Which group.
        group: GroupId,
        /// The last number according to the ledger.
        expected: u64,
        /// The last number found.
        found: u64,
    },
}

/// Checks a group's whole chain, given in order, against its ledger head.
///
/// ```
/// use tsg_core::model::audit::{Actor, AuditEntry, AuditEvent, BrokenChain, verify_chain};
/// use tsg_core::model::{group::LedgerHead, id::GroupId, time::Timestamp};
///
/// let (group, now) = (GroupId::new(uuid::Uuid::from_u128(1)), Timestamp::from_millis(1_800_000_000_000));
/// let mut head = LedgerHead::new(group);
/// let mut entries: Vec<AuditEntry> = vec![
///     head.append(now, Actor::User("/alice/keys/laptop".into()), AuditEvent::GroupCreated { capacity: 3 }),
///     head.append(now, Actor::Engine, AuditEvent::GroupDeleted),
/// ];
/// assert_eq!(entries[1].previous, entries[0].hash());
/// assert_eq!(verify_chain(&head, &entries), Ok(()));
///
/// // What was written cannot be changed unnoticed.
/// entries[0].event = AuditEvent::GroupCreated { capacity: 4 };
/// assert_eq!(verify_chain(&head, &entries), Err(BrokenChain::Changed { group, sequence: 2 }));
/// ```
///
/// # Errors
/// The first place where it does not hold.
pub fn verify_chain<'a>(
    head: &LedgerHead,
    entries: impl IntoIterator<Item = &'a AuditEntry>,
) -> Result<(), BrokenChain> {
    let (mut sequence, mut previous) = (0, Fingerprint::ZERO);
    for entry in entries {
        if entry.sequence != sequence + 1 {
            let found = entry.sequence;
            return Err(BrokenChain::Gap { group: head.group, expected: sequence + 1, found });
        }
        if entry.previous != previous {
            return Err(BrokenChain::Changed { group: head.group, sequence: entry.sequence });
        }
        sequence = entry.sequence;
        previous = entry.hash();
    }
    if sequence != head.audit_sequence {
        return Err(BrokenChain::Truncated { group: head.group, expected: head.audit_sequence, found: sequence });
    }
    if previous != head.audit_hash {
        return Err(BrokenChain::Changed { group: head.group, sequence });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use uuid::Uuid;

    fn chain() -> (LedgerHead, Vec<AuditEntry>) {
        let mut head = LedgerHead::new(GroupId::new(Uuid::from_u128(1)));
        let entries =
            (0..4).map(|n| head.append(Timestamp::from_millis(n), Actor::Engine, AuditEvent::GroupDeleted)).collect();
        (head, entries)
    }

    #[test]
    fn every_kind_of_tampering_is_found() {
        let (head, entries) = chain();
        assert_eq!(verify_chain(&head, &entries), Ok(()));

        let mut missing = entries.clone();
        missing.remove(1);
        assert!(matches!(verify_chain(&head, &missing), Err(BrokenChain::Gap { expected: 2, .. })));

        let mut changed = entries.clone();
        changed[1].at = Timestamp::from_millis(99);
        assert!(matches!(verify_chain(&head, &changed), Err(BrokenChain::Changed { sequence: 3, .. })));

        let mut last = entries.clone();
        last[3].at = Timestamp::from_millis(99);
        assert!(matches!(verify_chain(&head, &last), Err(BrokenChain::Changed { sequence: 4, .. })));

        assert!(matches!(verify_chain(&head, &entries[..3]), Err(BrokenChain::Truncated { found: 3, .. })));
    }
}
