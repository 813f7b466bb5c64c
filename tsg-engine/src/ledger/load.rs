//! Reading ledgers from the store.
//!
//! Owns the order of reading: the head first, so that whatever was written after it makes the
//! next commit fail instead of going unnoticed. Must never hand on half a group.

use std::collections::BTreeMap;

use tsg_core::model::audit::{Actor, AuditEntry, AuditEvent};
use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::id::GroupId;
use tsg_core::model::operation::Operation;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::store::{Key, Kind, Range, Revision, Scope, StoreError};
use tsg_core::records::kinds::{OwnedInstance, audit_key, group_prefix};
use tsg_core::records::{Transaction, Versioned, codec};

use super::books::{Rowless, Unreadable};
use super::{Books, GroupLedger, LedgerError};

/// How many heads are read at a time.
const HEADS: u32 = 1000;
/// A group that moved on by no more entries than this is checked for a change of intent alone,
/// before all its operations are read again.
const RECENT: u64 = 16;
/// Records removed by one commit when a group is forgotten.
const FORGET: usize = 500;

impl Books {
    /// Reads everything of the account. A group that cannot be read is set aside and does not
    /// stop the others.
    pub(crate) async fn load(&mut self) -> Result<(), StoreError> {
        match self.load_at_once().await {
            Err(StoreError::Corrupt { .. }) => self.refresh().await,
            other => other,
        }
    }

    async fn load_at_once(&mut self) -> Result<(), StoreError> {
        let scope = Scope::Account(self.account);
        let heads = codec::all::<LedgerHead>(&*self.store, scope, "").await?;
        let rows = codec::all::<Group>(&*self.store, scope, "").await?;
        let operations = codec::all::<Operation>(&*self.store, scope, "").await?;
        let mut heads: BTreeMap<_, _> = heads.into_iter().map(|head| (head.value.group, head)).collect();
        for row in rows {
            if let Some(head) = heads.remove(&row.value.id) {
                self.groups.insert(row.value.id, GroupLedger::new(row, head));
            }
        }
        for operation in operations {
            if let Some(ledger) = self.groups.get_mut(&operation.value.group) {
                self.owner.insert(operation.value.id, operation.value.group);
                ledger.keep(operation);
            }
        }
        self.rowless.extend(heads.values().map(|head| (head.value.group, Rowless::of(head))));
        self.reread.extend(self.groups.keys());
        Ok(())
    }

    /// Reads anew every group that somebody else has changed.
    pub(crate) async fn refresh(&mut self) -> Result<(), StoreError> {
        let mut range = Range {
            kind: Kind::Ledger,
            scope: Scope::Account(self.account),
            prefix: String::new(),
            after: None,
            limit: HEADS,
        };
        loop {
            let heads = self.store.list(&range).await?;
            for head in &heads {
                let Ok(group) = head.key.id.parse::<GroupId>() else { continue };
                if self.head_version(group) != Some(head.version) {
                    self.reload(group).await?;
                    self.note_tried(group, head.version);
                }
            }
            match heads.last() {
                Some(last) if heads.len() == HEADS as usize => {
                    range.after = Some((last.key.account, last.key.id.clone()));
                }
                _ => return Ok(()),
            }
        }
    }

    /// The version of a group's head that is known here, whatever came of reading the rest.
    fn head_version(&self, group: GroupId) -> Option<Revision> {
        let of_group = self.groups.get(&group).map(GroupLedger::head_version);
        let of_unreadable = || self.unreadable.get(&group).and_then(|unreadable| unreadable.head);
        let of_rowless = || self.rowless.get(&group).map(|rowless| rowless.version);
        of_group.or_else(of_unreadable).or_else(of_rowless)
    }

    /// Reading a group with this head was tried: it is not tried again for the same.
    fn note_tried(&mut self, group: GroupId, head: Revision) {
        if let Some(unreadable) = self.unreadable.get_mut(&group) {
            unreadable.head = Some(head);
        }
    }

    /// Reads a group anew if the store may say something else by now.
    pub(crate) async fn freshen(&mut self, group: GroupId) -> Result<(), LedgerError> {
        if self.is_stale(group) {
            self.reload(group).await?;
        }
        match self.groups.contains_key(&group) {
            true => Ok(()),
            false => Err(LedgerError::UnknownGroup(group)),
        }
    }

    /// Reads one group anew; one that cannot be read is set aside with its error.
    async fn reload(&mut self, group: GroupId) -> Result<(), StoreError> {
        match self.read(group).await {
            Ok(ledger) => {
                self.unreadable.remove(&group);
                self.replace(group, ledger);
                Ok(())
            }
            Err(StoreError::Corrupt { reason }) => {
                tracing::error!(%group, reason, "a group cannot be read and is set aside");
                self.replace(group, None);
                self.rowless.remove(&group);
                self.unreadable.insert(group, Unreadable { reason, head: None });
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn replace(&mut self, group: GroupId, ledger: Option<GroupLedger>) {
        self.reread.insert(group);
        if let Some(old) = self.groups.remove(&group) {
            old.operations.keys().for_each(|id| {
                self.owner.remove(id);
            });
        }
        if let Some(ledger) = ledger {
            self.owner.extend(ledger.operations.keys().map(|id| (*id, group)));
            self.groups.insert(group, ledger);
        }
    }

    async fn read(&mut self, group: GroupId) -> Result<Option<GroupLedger>, StoreError> {
        let id = group.to_string();
        let head = codec::get::<LedgerHead>(&*self.store, self.account, &id).await?;
        let only_intent = match (&head, self.groups.get(&group)) {
            (Some(head), Some(known)) => self.moved_by_intent_alone(known, head).await?,
            _ => false,
        };
        let row = codec::get::<Group>(&*self.store, self.account, &id).await?;
        let (head, row) = match (head, row) {
            (Some(head), Some(row)) => (head, row),
            (Some(head), None) => {
                self.rowless.insert(group, Rowless::of(&head));
                return Ok(None);
            }
            (None, _) => return Ok(None),
        };
        self.rowless.remove(&group);
        if only_intent && let Some(known) = self.groups.get_mut(&group) {
            let operations = std::mem::take(&mut known.operations);
            let open = std::mem::take(&mut known.open);
            let counts = std::mem::take(&mut known.counts);
            return Ok(Some(GroupLedger { group: row, head, operations, open, counts, is_stale: false }));
        }
        let mut ledger = GroupLedger::new(row, head);
        let scope = Scope::Account(self.account);
        for operation in codec::all::<Operation>(&*self.store, scope, &group_prefix(group)).await? {
            ledger.keep(operation);
        }
        Ok(Some(ledger))
    }

    /// Whether everything decided between the known head and this one was decided by users. The
    /// audit tells: every decision of an engine leaves an entry. What leaves none (silence,
    /// absence, residue that is no more) is evidence; an operation that misses some of it here
    /// cannot be written, since its own version is checked, and is read again then.
    async fn moved_by_intent_alone(
        &self,
        known: &GroupLedger,
        head: &Versioned<LedgerHead>,
    ) -> Result<bool, StoreError> {
        let before = known.head().audit_sequence;
        let after = head.value.audit_sequence;
        if after <= before || after - before > RECENT || head.value.sequence != known.head().sequence {
            return Ok(false);
        }
        let group = known.group().id;
        let from = audit_key(group, before);
        let limit = RECENT as u32;
        let page =
            codec::page::<AuditEntry>(&*self.store, self.account, &group_prefix(group), Some(&from), limit).await?;
        let news: Vec<_> = page.iter().map(|read| &read.value).filter(|entry| entry.sequence <= after).collect();
        let is_intent = |event: &AuditEvent| {
            matches!(
                event,
                AuditEvent::GroupCreated { .. } | AuditEvent::GroupChanged { .. } | AuditEvent::GroupDeleted
            )
        };
        let follows = news.first().is_some_and(|entry| entry.previous == known.head().audit_hash);
        Ok(follows && news.len() as u64 == after - before && news.iter().all(|entry| is_intent(&entry.event)))
    }

    /// Removes a torn down group, its operations and its claims on machines. Its audit stays,
    /// and its head with it: that proves of a machine which turns up later that it was ours.
    pub(crate) async fn forget(&mut self, group: GroupId, now: Timestamp) -> Result<(), LedgerError> {
        self.freshen(group).await?;
        loop {
            let Some(ledger) = self.groups.get(&group) else { return Ok(()) };
            let doomed: Vec<_> = ledger.operations.values().take(FORGET / 2).cloned().collect();
            let mut transaction = Transaction::new();
            for operation in &doomed {
                transaction.remove(operation);
                self.disown(&operation.value, &mut transaction).await?;
            }
            let is_last = doomed.len() == ledger.operations.len();
            let newest = ledger.head().sequence;
            match is_last {
                true => close(ledger, now, &mut transaction),
                false => transaction.require(&ledger.group),
            }
            let Ok(version) = self.store.commit(transaction.into_commit()).await else {
                self.mark_stale(group);
                self.freshen(group).await?;
                return Err(LedgerError::Overtaken(group));
            };
            self.drop_operations(group, &doomed);
            if is_last {
                self.replace(group, None);
                self.rowless.insert(group, Rowless { version, newest });
                return Ok(());
            }
        }
    }

    fn drop_operations(&mut self, group: GroupId, doomed: &[Versioned<Operation>]) {
        for operation in doomed {
            self.owner.remove(&operation.value.id);
            if let Some(ledger) = self.groups.get_mut(&group) {
                ledger.forget(operation.value.id);
            }
        }
    }

    async fn disown(&self, operation: &Operation, transaction: &mut Transaction) -> Result<(), StoreError> {
        for instance in operation.instance.iter().chain(&operation.residue) {
            let key = Key { kind: Kind::Instance, account: self.account, id: instance.to_string() };
            if let Some(owned) = codec::get::<OwnedInstance>(&*self.store, self.account, &key.id).await? {
                transaction.remove(&owned);
            }
        }
        Ok(())
    }
}

impl Rowless {
    fn of(head: &Versioned<LedgerHead>) -> Self {
        Self { version: head.version, newest: head.value.sequence }
    }
}

/// Removes a group's row and writes the last entry of its audit.
fn close(ledger: &GroupLedger, now: Timestamp, transaction: &mut Transaction) {
    let mut head = ledger.head().clone();
    let entry = head.append(now, Actor::Engine, AuditEvent::GroupForgotten);
    transaction.remove(&ledger.group);
    transaction.replace(&ledger.head, &head);
    transaction.insert(ledger.group.account, &entry);
}
