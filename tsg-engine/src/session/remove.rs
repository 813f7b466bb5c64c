//! Deleting machines: look, record, send, and watch until the end is proved.
//!
//! Owns the delete protocol and its budgets. Must never delete a machine that is not in the
//! group's own ledger, that was not looked at just now, or that is protected.

use core::time::Duration;
use std::sync::Arc;

use tsg_core::model::audit::RequestKind;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::operation::{Cause, InvalidEdge, Operation, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::ports::Cloud;
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::absence::{AbsenceFinding, GetEvidence, absence};
use tsg_core::protocol::delete::{DeleteStep, Look, delete_step};

use super::Session;
use super::answers::{Answer, Sent};
use super::dispatch::payload_of;
use crate::budget::is_unasked;
use crate::ledger::{Edit, GroupLedger, Recorded, Sending};
use crate::todo::{Job, Read};

/// A look that was asked for and never answered is asked for again.
const LOOK_PATIENCE: Duration = Duration::from_secs(30);
/// A look at residue is good for this long, as for any delete.
const LOOK_FRESH: Duration = Duration::from_secs(10);
/// Residue that is protected, or no longer carries our marks, is looked at again after this.
const RESIDUE_PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Session {
    /// Takes the next step of the delete of an operation's machine. Its token was taken.
    pub(super) async fn remove(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let now = self.now();
        self.pace.give_back();
        let Some(ledger) = self.books.group(group).filter(|ledger| ledger.group().freeze.is_none()) else {
            return Ok(());
        };
        let Some(operation) = ledger.operation(id).filter(|operation| operation.phase == Phase::Deleting) else {
            return Ok(());
        };
        let (Some(instance), Some(deletion)) = (operation.instance, operation.deletion) else { return Ok(()) };
        if is_wanted_again(ledger, operation) {
            return self.withdraw(group, id, "the group wants it again; nothing was sent").await;
        }
        let cause = operation.deletion_cause;
        let look = self.looks.get(&instance).map(|(seen, at)| Look { instance: seen, at: *at });
        match delete_step(&deletion, look, now, &self.config.timing) {
            DeleteStep::Look => {
                self.look_at(id, instance);
                Ok(())
            }
            DeleteStep::Wait { until } => {
                let until = self.when(until);
                self.removals.insert(instance, until);
                self.wake_group_at(group, until);
                Ok(())
            }
            DeleteStep::Withdraw => {
                tracing::warn!(%group, operation = %id, %instance, "a machine is protected against deletion");
                self.withdraw(group, id, "protected against deletion; nothing was sent").await
            }
            DeleteStep::Send if deletion.attempts == 0 && is_unasked(cause) && !self.has_budget(group, instance) => {
                Ok(())
            }
            DeleteStep::Send => self.send_delete(group, id, instance).await,
        }
    }

    fn look_at(&mut self, id: OperationId, instance: InstanceId) {
        self.removals.insert(instance, self.monotonic() + LOOK_PATIENCE);
        self.ask_for_test();
        self.todo.read(Read::Get(id, instance));
    }

    /// Whether an unasked delete may begin now; if not, the machine is looked at again when it
    /// may.
    fn has_budget(&mut self, group: GroupId, instance: InstanceId) -> bool {
        let now = self.monotonic();
        let ready_at = self.budget.ready_at(group, now);
        if ready_at > now {
            self.removals.insert(instance, ready_at);
            self.wake_group_at(group, ready_at);
        }
        ready_at <= now
    }

    async fn send_delete(&mut self, group: GroupId, id: OperationId, instance: InstanceId) -> Result<(), StoreError> {
        let (began, now) = (self.monotonic(), self.now());
        if !self.pace.take(began) {
            self.todo.push(group, Job::Delete(id));
            return Ok(());
        }
        let is_first =
            self.books.operation(id).and_then(|operation| operation.deletion).is_some_and(|d| d.attempts == 0);
        let is_budgeted = is_first && is_unasked(self.books.operation(id).and_then(|known| known.deletion_cause));
        if !self.is_announced(group, |edit| record_delete(edit, id, instance, now)).await? {
            return Ok(());
        }
        if is_budgeted {
            self.budget.take_delete(group, began);
        }
        self.request_delete(group, instance, began);
        Ok(())
    }

    /// Sends a DELETE that was recorded.
    fn request_delete(&mut self, group: GroupId, instance: InstanceId, began: Duration) {
        self.counts.deletes += 1;
        self.await_change();
        self.looks.remove(&instance);
        let again_at = began + self.config.timing.delete_repeat;
        self.removals.insert(instance, again_at);
        self.wake_group_at(group, again_at);
        let delete = move |cloud: Arc<dyn Cloud>| async move { cloud.delete(instance).await };
        self.send(began, delete, move |sent| Answer::Deleted { group, instance, sent });
    }

    /// An answer to a DELETE proves nothing but that it was heard: the end is proved by a get.
    pub(super) fn take_deleted(&mut self, group: GroupId, instance: InstanceId, sent: &Sent<()>) {
        if let Sent::Replied(Err(error)) = sent {
            tracing::warn!(%group, %instance, %error, "a delete was not accepted");
        }
        self.mark_dirty(group);
    }

    /// Whether a delete that is not finished is due to be looked at.
    pub(super) fn is_removal_due(&self, instance: InstanceId, now: Duration) -> bool {
        self.removals.get(&instance).is_none_or(|at| *at <= now)
    }

    /// Queues the deletes of further machines of a group's operations.
    pub(super) fn watch_residue(&mut self, group: GroupId) {
        let now = self.monotonic();
        let Some(ledger) = self.books.group(group) else { return };
        let residue = ledger
            .operations()
            .flat_map(|operation| operation.residue.iter().map(move |instance| (operation.id, *instance)));
        let due: Vec<_> = residue.filter(|(_, instance)| self.is_removal_due(*instance, now)).collect();
        due.into_iter().for_each(|(id, instance)| self.todo.push(group, Job::Residue(id, instance)));
    }

    /// Takes the next step of the delete of residue. Its token was taken.
    pub(super) async fn remove_residue(
        &mut self,
        group: GroupId,
        id: OperationId,
        instance: InstanceId,
    ) -> Result<(), StoreError> {
        self.pace.give_back();
        let (began, now) = (self.monotonic(), self.now());
        let is_filed = self.books.operation(id).is_some_and(|operation| operation.residue.contains(&instance));
        let is_frozen = self.books.group(group).is_none_or(|ledger| ledger.group().freeze.is_some());
        if !is_filed || is_frozen || !self.is_removal_due(instance, began) {
            return Ok(());
        }
        let Some((seen, at)) = self.looks.get(&instance).copied() else {
            self.look_at(id, instance);
            return Ok(());
        };
        if now < at || now.since(at) > LOOK_FRESH {
            self.look_at(id, instance);
            return Ok(());
        }
        if seen.is_protected || !still_carries(&seen, id) {
            tracing::warn!(%group, operation = %id, %instance, "residue is protected or lost our marks, it stays");
            self.removals.insert(instance, began + RESIDUE_PATIENCE);
            return Ok(());
        }
        if !self.has_budget(group, instance) || !self.pace.take(began) {
            return Ok(());
        }
        let result = self.books.record_once(group, now, |edit| record_residue_delete(edit, id, instance)).await;
        if self.only_store(group, result)? != Some(Recorded::Changed) {
            self.pace.give_back();
            return Ok(());
        }
        self.budget.take_delete(group, began);
        self.request_delete(group, instance, began);
        Ok(())
    }

    pub(super) async fn take_get_of_residue(
        &mut self,
        group: GroupId,
        id: OperationId,
        instance: InstanceId,
        asked_at: Timestamp,
        evidence: GetEvidence,
    ) -> Result<(), StoreError> {
        if !self.books.operation(id).is_some_and(|operation| operation.residue.contains(&instance)) {
            return Ok(());
        }
        let before = self.residue_absence.get(&instance).copied().unwrap_or_default();
        let self_test = self.sight.self_test(self.monotonic());
        match absence(before, &evidence, self_test, self.now(), &self.config.timing) {
            AbsenceFinding::Gone => self.drop_residue(group, id, instance).await,
            AbsenceFinding::Present => {
                self.residue_absence.remove(&instance);
                if let GetEvidence::Seen(seen) = evidence {
                    self.looks.insert(instance, (seen, asked_at));
                    self.removals.remove(&instance);
                    self.todo.urgent.push_back((group, Job::Residue(id, instance)));
                }
                Ok(())
            }
            AbsenceFinding::Unproven { absence, look_again_at } => {
                self.residue_absence.insert(instance, absence);
                let look_again_at = self.when(look_again_at);
                self.removals.insert(instance, look_again_at);
                Ok(())
            }
        }
    }

    async fn drop_residue(&mut self, group: GroupId, id: OperationId, instance: InstanceId) -> Result<(), StoreError> {
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| {
                edit.change(id, |operation| operation.residue.retain(|other| *other != instance));
                Ok(())
            })
            .await;
        self.forget_machine(instance);
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }
}

/// A scale-in that was not carried out yet, of a group that wants more again.
fn is_wanted_again(ledger: &GroupLedger, operation: &Operation) -> bool {
    let is_unsent = operation.deletion.is_none_or(|deletion| deletion.attempts == 0);
    operation.deletion_cause == Some(Cause::ScaleIn)
        && is_unsent
        // It was drained or shut down already: it would not serve.
        && operation.retirement.is_none()
        && ledger.count_open(|phase| phase != Phase::Deleting) < ledger.group().wanted()
}

/// Whether a machine's name and tags both still name the operation.
fn still_carries(seen: &ObservedInstance, id: OperationId) -> bool {
    seen.named == Some(id) && seen.claim.is_some_and(|claim| claim.operation == id)
}

fn record_delete(
    edit: &mut Edit<'_>,
    id: OperationId,
    instance: InstanceId,
    now: Timestamp,
) -> Result<(), InvalidEdge> {
    let is_leaving = edit
        .operation(id)
        .is_some_and(|operation| operation.phase == Phase::Deleting && operation.instance == Some(instance));
    if !is_leaving || edit.group().freeze.is_some() {
        return Ok(());
    }
    edit.change(id, |operation| {
        if let Some(deletion) = &mut operation.deletion {
            deletion.attempts = deletion.attempts.saturating_add(1);
            deletion.last_sent_at = Some(now);
        }
    });
    let attempt = edit.operation(id).and_then(|operation| operation.deletion).map_or(1, |deletion| deletion.attempts);
    note_delete(edit, id, instance, attempt);
    Ok(())
}

fn record_residue_delete(edit: &mut Edit<'_>, id: OperationId, instance: InstanceId) -> Result<(), InvalidEdge> {
    let is_filed = edit.operation(id).is_some_and(|operation| operation.residue.contains(&instance));
    if is_filed && edit.group().freeze.is_none() {
        note_delete(edit, id, instance, 1);
    }
    Ok(())
}

fn note_delete(edit: &mut Edit<'_>, id: OperationId, instance: InstanceId, attempt: u32) {
    let payload = payload_of(instance);
    edit.will_send(id, Sending { request: RequestKind::Delete, instance: Some(instance), attempt, payload });
}
