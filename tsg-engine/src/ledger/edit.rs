//! One change of one group's ledger in the making.
//!
//! Owns that every phase change goes along an edge of the protocol and leaves an audit entry.
//! Must never write by itself; `Books` commits it.

use std::collections::BTreeMap;

use tsg_core::model::audit::{Actor, AuditEntry, AuditEvent, RequestKind};
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::id::{InstanceId, OperationId, TemplateId};
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{
    Absence, Attempt, AttemptOutcome, Cause, Deletion, InvalidEdge, Operation, Phase, Silence,
};
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Lineage, Mark, Marks, RestartHistory};
use tsg_core::plan::memory::PlanMemory;
use tsg_core::records::kinds::OwnedInstance;
use tsg_core::records::{Transaction, Versioned};

use super::GroupLedger;

/// A request that is about to be sent, for the audit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) request: RequestKind,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) attempt: u32,
    pub(crate) payload: Fingerprint,
}

/// A change in the making.
pub(crate) struct Edit<'a> {
    ledger: &'a GroupLedger,
    now: Timestamp,
    head: LedgerHead,
    audit: Vec<AuditEntry>,
    written: BTreeMap<OperationId, Operation>,
    owned: Vec<OwnedInstance>,
}

/// What a committed change made of the mirror.
pub(super) struct Outcome {
    pub(super) head: LedgerHead,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) written: BTreeMap<OperationId, Operation>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(ledger: &'a GroupLedger, now: Timestamp) -> Self {
        Self {
            ledger,
            now,
            head: ledger.head().clone(),
            audit: Vec::new(),
            written: BTreeMap::new(),
            owned: Vec::new(),
        }
    }

    /// The intent that this change is based on.
    pub(crate) fn group(&self) -> &'a Group {
        self.ledger.group()
    }

    /// When this change is made.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// An operation as this change leaves it.
    pub(crate) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.written.get(&id).or_else(|| self.ledger.operation(id))
    }

    /// Plans a new operation of a revision that the group remembers.
    pub(crate) fn plan(&mut self, id: OperationId, (revision, template): (u32, TemplateId), cause: Cause) {
        let group = self.ledger.group();
        self.head.sequence += 1;
        let operation = Operation {
            id,
            group: group.id,
            sequence: self.head.sequence,
            revision,
            template,
            name: group.name.instance_name(id),
            phase: Phase::Planned,
            phase_since: self.now,
            planned_at: self.now,
            cause,
            attempts: Vec::new(),
            instance: None,
            silence: Silence::default(),
            absence: Absence::default(),
            deletion: None,
            deletion_cause: None,
            residue: Vec::new(),
            restarts: RestartHistory::NONE,
            lineage: Lineage::default(),
            replaces: None,
            retirement: None,
            errand: None,
            marks: Marks::NONE,
            adopted_at: None,
            ordinal: None,
            avoid: Vec::new(),
            listing: Listing::Listed,
            landing: None,
        };
        self.written.insert(id, operation);
        self.note(AuditEvent::Planned { operation: id, cause });
    }

    /// Moves an operation to another phase. `evidence` says what proved it, for the audit.
    pub(crate) fn enter(&mut self, id: OperationId, to: Phase, evidence: &str) -> Result<(), InvalidEdge> {
        let now = self.now;
        let Some(operation) = self.touch(id) else { return Ok(()) };
        let (from, instance) = (operation.phase, operation.instance);
        operation.enter(to, now)?;
        self.note(AuditEvent::Entered { operation: id, from, to, instance, evidence: evidence.to_owned() });
        Ok(())
    }

    /// Whether a machine was filed to be deleted. It may come up after all, but a DELETE may be on
    /// its way to it, so that it is nobody's own any more.
    pub(crate) fn is_residue(&self, id: OperationId, instance: InstanceId) -> bool {
        self.operation(id).is_some_and(|operation| operation.residue.contains(&instance))
    }

    /// Binds an operation to its machine, which no other operation may have. What was filed to be
    /// deleted stays filed.
    pub(crate) fn bind(&mut self, id: OperationId, instance: InstanceId, evidence: &str) -> Result<(), InvalidEdge> {
        if self.is_residue(id, instance) {
            return Ok(());
        }
        let now = self.now;
        let Some(operation) = self.touch(id) else { return Ok(()) };
        operation.instance = Some(instance);
        operation.silence = Silence::default();
        if operation.phase == Phase::Lost {
            operation.adopted_at = Some(now);
        }
        let group = operation.group;
        self.enter(id, Phase::Bound, evidence)?;
        self.owned.push(OwnedInstance { instance, group, operation: id });
        self.head.memory.note_bound();
        Ok(())
    }

    /// Files another machine of an operation, to be deleted.
    pub(crate) fn add_residue(&mut self, id: OperationId, instance: InstanceId) {
        let Some(operation) = self.touch(id) else { return };
        if operation.instance == Some(instance) || operation.residue.contains(&instance) {
            return;
        }
        operation.residue.push(instance);
        let group = operation.group;
        self.owned.push(OwnedInstance { instance, group, operation: id });
        self.note(AuditEvent::ResidueFiled { operation: id, instance });
    }

    /// Decides to delete an operation's machine.
    pub(crate) fn decide_delete(&mut self, id: OperationId, cause: Cause, evidence: &str) -> Result<(), InvalidEdge> {
        let now = self.now;
        self.enter(id, Phase::Deleting, evidence)?;
        self.change(id, |operation| {
            operation.deletion = Some(Deletion { decided_at: now, attempts: 0, last_sent_at: None });
            operation.deletion_cause = Some(cause);
            operation.errand = None;
        });
        Ok(())
    }

    /// Records a create request that is about to be sent.
    pub(crate) fn dispatch_create(
        &mut self,
        id: OperationId,
        signed_at: Timestamp,
        payload: Fingerprint,
    ) -> Result<(), InvalidEdge> {
        let now = self.now;
        let Some(operation) = self.touch(id) else { return Ok(()) };
        operation.enter(Phase::Sent, now)?;
        operation.attempts.push(Attempt { sent_at: now, signed_at, payload, outcome: None });
        let attempt = u32::try_from(operation.attempts.len()).unwrap_or(u32::MAX);
        self.will_send(id, Sending { request: RequestKind::Create, instance: None, attempt, payload });
        Ok(())
    }

    /// Says what became of one create request; `attempt` counts from 0.
    pub(crate) fn conclude_attempt(&mut self, id: OperationId, attempt: usize, outcome: AttemptOutcome) {
        self.change(id, |operation| {
            if let Some(attempt) = operation.attempts.get_mut(attempt) {
                attempt.outcome = Some(outcome);
            }
        });
    }

    /// Says what became of the newest create request.
    pub(crate) fn conclude_newest(&mut self, id: OperationId, outcome: AttemptOutcome) {
        if let Some(newest) = self.operation(id).and_then(|operation| operation.attempts.len().checked_sub(1)) {
            self.conclude_attempt(id, newest, outcome);
        }
    }

    /// Says that the newest create request left nothing behind: the operation may be repeated or
    /// given up now, so this is a decision and is audited.
    pub(crate) fn call_quiet(&mut self, id: OperationId) {
        let Some(operation) = self.touch(id) else { return };
        let lookups = operation.silence.negatives;
        operation.silence = Silence::default();
        let attempt = u32::try_from(operation.attempts.len()).unwrap_or(u32::MAX);
        self.conclude_newest(id, AttemptOutcome::Quiet);
        self.note(AuditEvent::CalledQuiet { operation: id, attempt, lookups });
    }

    /// Records a request that is about to be sent.
    pub(crate) fn will_send(&mut self, id: OperationId, sending: Sending) {
        let Sending { request, instance, attempt, payload } = sending;
        self.note(AuditEvent::WillSend { operation: id, request, instance, attempt, payload });
    }

    /// Marks an operation as a person would, with the same entry in the audit.
    pub(crate) fn mark(&mut self, id: OperationId, mark: Mark) {
        self.change(id, |operation| operation.marks = operation.marks.with(mark));
        self.note(AuditEvent::InstancesMarked { mark, is_set: true, operations: vec![id] });
    }

    /// Takes a mark off, with the same entry in the audit.
    pub(crate) fn unmark(&mut self, id: OperationId, mark: Mark) {
        self.change(id, |operation| operation.marks = operation.marks.without(mark));
        self.note(AuditEvent::InstancesMarked { mark, is_set: false, operations: vec![id] });
    }

    /// Changes what an operation remembers; its phase is not to be touched here.
    pub(crate) fn change(&mut self, id: OperationId, change: impl FnOnce(&mut Operation)) {
        if let Some(operation) = self.touch(id) {
            change(operation);
        }
    }

    /// The planner's memory.
    pub(crate) fn memory(&mut self) -> &mut PlanMemory {
        &mut self.head.memory
    }

    fn touch(&mut self, id: OperationId) -> Option<&mut Operation> {
        if !self.written.contains_key(&id) {
            let operation = self.ledger.operation(id)?.clone();
            self.written.insert(id, operation);
        }
        self.written.get_mut(&id)
    }

    fn note(&mut self, event: AuditEvent) {
        let entry = self.head.append(self.now, Actor::Engine, event);
        self.audit.push(entry);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.audit.is_empty() && self.head == *self.ledger.head()
    }

    /// The transaction: everything at the version it was read at, the head and the group's row
    /// always among it.
    pub(super) fn into_transaction(self) -> (Transaction, Outcome) {
        let account = self.ledger.group.account;
        let mut transaction = Transaction::new();
        transaction.replace(&self.ledger.head, &self.head);
        transaction.require(&self.ledger.group);
        for (id, operation) in &self.written {
            match self.ledger.operations.get(id) {
                Some(read) => transaction.replace(read, operation),
                None => transaction.insert(account, operation),
            }
        }
        self.audit.iter().for_each(|entry| transaction.insert(account, entry));
        self.owned.iter().for_each(|owned| transaction.insert(account, owned));
        (transaction, Outcome { head: self.head, audit: self.audit, written: self.written })
    }
}

/// A record as it stands after a commit.
pub(super) fn at<T>(read: &Versioned<Group>, version: tsg_core::ports::store::Revision, value: T) -> Versioned<T> {
    Versioned { account: read.account, version, value }
}
