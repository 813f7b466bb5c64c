//! All ledgers of one account, and the one way to change them.
//!
//! Owns the commit path: compare and set on the head, then the mirror follows. Must never commit
//! again blindly: what was overtaken is read anew and worked out anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tsg_core::model::audit::{AuditEntry, AuditEvent};
use tsg_core::model::id::{AccountId, GroupId, OperationId};
use tsg_core::model::operation::{InvalidEdge, Operation};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::{LedgerLookup, Standing};
use tsg_core::ports::Store;
use tsg_core::ports::store::{CommitError, Key, Kind, Revision};

use super::edit::{Edit, Outcome, at};
use super::{GroupLedger, LedgerError};

/// How often a change that must be kept is worked out anew after somebody else was first.
const ATTEMPTS: u32 = 5;

/// Whether anything had to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Committed.
    Changed,
    /// Worked out anew, there was nothing to write.
    Nothing,
}

/// A group whose records cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Why.
    pub(super) reason: String,
    /// The version of its head when that was tried; it is not tried again before it has changed.
    pub(super) head: Option<Revision>,
}

/// The head of a group that was forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rowless {
    /// The version it was read at.
    pub(super) version: Revision,
    /// The sequence number of the group's newest operation.
    pub(super) newest: u64,
}

/// All ledgers of one account.
pub(crate) struct Books {
    pub(super) account: AccountId,
    pub(super) store: Arc<dyn Store>,
    pub(super) groups: BTreeMap<GroupId, GroupLedger>,
    pub(super) owner: BTreeMap<OperationId, GroupId>,
    /// Groups whose records cannot be read.
    pub(super) unreadable: BTreeMap<GroupId, Unreadable>,
    /// Heads that outlived their groups.
    pub(super) rowless: BTreeMap<GroupId, Rowless>,
    /// Groups that were read anew and not looked at since.
    pub(super) reread: BTreeSet<GroupId>,
}

impl Books {
    /// Empty books; [`Books::load`] fills them.
    pub(crate) fn new(account: AccountId, store: Arc<dyn Store>) -> Self {
        Self {
            account,
            store,
            groups: BTreeMap::new(),
            owner: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            rowless: BTreeMap::new(),
            reread: BTreeSet::new(),
        }
    }

    /// The account.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    /// The store.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// One group's ledger.
    pub(crate) fn group(&self, id: GroupId) -> Option<&GroupLedger> {
        self.groups.get(&id)
    }

    /// Every group's ledger, ordered by id.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (GroupId, &GroupLedger)> {
        self.groups.iter().map(|(id, ledger)| (*id, ledger))
    }

    /// The group that an operation belongs to.
    pub(crate) fn group_of(&self, operation: OperationId) -> Option<GroupId> {
        self.owner.get(&operation).copied()
    }

    /// Groups that cannot be read, and why.
    pub(crate) fn unreadable(&self) -> BTreeMap<GroupId, String> {
        self.unreadable.iter().map(|(group, unreadable)| (*group, unreadable.reason.clone())).collect()
    }

    /// Takes a group that was read anew and not looked at since.
    pub(crate) fn take_reread(&mut self) -> Option<GroupId> {
        self.reread.pop_first()
    }

    /// A look at a group that was read anew did not come to its end.
    pub(crate) fn note_reread(&mut self, group: GroupId) {
        self.reread.insert(group);
    }

    /// Records a fact. Overtaken by somebody else, it is worked out anew from what they wrote,
    /// so `work_out` must look at the phases it finds.
    pub(crate) async fn record(
        &mut self,
        group: GroupId,
        now: Timestamp,
        work_out: impl Fn(&mut Edit<'_>) -> Result<(), InvalidEdge> + Send + Sync,
    ) -> Result<Recorded, LedgerError> {
        for _ in 0..ATTEMPTS {
            match self.record_once(group, now, &work_out).await {
                Err(LedgerError::Overtaken(_)) => {}
                other => return other,
            }
        }
        Err(LedgerError::Overtaken(group))
    }

    /// Records a decision, which is void when somebody else was first.
    pub(crate) async fn record_once(
        &mut self,
        group: GroupId,
        now: Timestamp,
        work_out: impl Fn(&mut Edit<'_>) -> Result<(), InvalidEdge> + Send + Sync,
    ) -> Result<Recorded, LedgerError> {
        if self.is_stale(group) {
            // The decision rests on what was known before, so it is void.
            self.freshen(group).await?;
            return Err(LedgerError::Overtaken(group));
        }
        let ledger = self.groups.get(&group).ok_or(LedgerError::UnknownGroup(group))?;
        let mut edit = Edit::new(ledger, now);
        work_out(&mut edit)?;
        if edit.is_empty() {
            return Ok(Recorded::Nothing);
        }
        let (transaction, outcome) = edit.into_transaction();
        // Until the store has answered nobody knows what it holds, and this future may be
        // dropped and the engine go on: the mirror counts as stale from here.
        self.mark_stale(group);
        match self.store.commit(transaction.into_commit()).await {
            Ok(revision) => {
                self.apply(group, revision, outcome);
                Ok(Recorded::Changed)
            }
            Err(CommitError::Conflict { key }) => self.overtaken(group, &key).await,
            // Read back on the next use: whatever it came to is in the store.
            Err(CommitError::Ambiguous { reason }) => {
                tracing::warn!(%group, reason, "nobody knows whether a commit happened, reading the group again");
                self.freshen(group).await?;
                Err(LedgerError::Overtaken(group))
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    async fn overtaken(&mut self, group: GroupId, key: &Key) -> Result<Recorded, LedgerError> {
        if key.kind == Kind::Instance {
            tracing::error!(%group, instance = key.id, "a machine is filed under two operations");
        }
        self.freshen(group).await?;
        Err(LedgerError::Overtaken(group))
    }

    pub(super) fn is_stale(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|ledger| ledger.is_stale)
    }

    pub(super) fn mark_stale(&mut self, group: GroupId) {
        if let Some(ledger) = self.groups.get_mut(&group) {
            ledger.is_stale = true;
        }
    }

    fn apply(&mut self, group: GroupId, revision: Revision, outcome: Outcome) {
        let Some(ledger) = self.groups.get_mut(&group) else { return };
        outcome.audit.iter().for_each(trace);
        ledger.head = at(&ledger.group, revision, outcome.head);
        for (id, operation) in outcome.written {
            self.owner.insert(id, group);
            ledger.keep(at(&ledger.group, revision, operation));
        }
        ledger.is_stale = false;
    }
}

fn trace(entry: &AuditEntry) {
    let group = entry.group;
    match &entry.event {
        AuditEvent::Planned { operation, cause } => tracing::info!(%group, %operation, ?cause, "planned"),
        AuditEvent::WillSend { operation, request, instance, attempt, .. } => {
            tracing::info!(%group, %operation, ?request, ?instance, attempt, "will send");
        }
        AuditEvent::Entered { operation, from, to, instance, evidence } => {
            tracing::info!(%group, %operation, ?from, ?to, ?instance, evidence, "entered");
        }
        AuditEvent::CalledQuiet { operation, attempt, lookups } => {
            tracing::info!(%group, %operation, attempt, lookups, "an attempt left nothing behind");
        }
        AuditEvent::ResidueFiled { operation, instance } => {
            tracing::warn!(%group, %operation, %instance, "a further machine of an operation is to be deleted");
        }
        AuditEvent::InstancesMarked { mark, is_set, operations } => {
            tracing::info!(%group, ?mark, is_set, ?operations, "marked");
        }
        AuditEvent::GroupForgotten => tracing::info!(%group, "forgotten"),
        AuditEvent::GroupCreated { .. } | AuditEvent::GroupChanged { .. } | AuditEvent::GroupDeleted => {}
    }
}

impl LedgerLookup for Books {
    fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.groups.get(self.owner.get(&id)?)?.operation(id)
    }

    fn standing(&self, group: GroupId) -> Standing {
        if let Some(ledger) = self.groups.get(&group) {
            return Standing::Kept { newest: ledger.head().sequence };
        }
        match (self.unreadable.contains_key(&group), self.rowless.get(&group)) {
            (true, _) => Standing::Unreadable,
            (false, Some(rowless)) => Standing::Forgotten { newest: rowless.newest },
            (false, None) => Standing::Unheard,
        }
    }
}
