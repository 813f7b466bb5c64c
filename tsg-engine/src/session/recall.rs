//! Removals that are taken back.
//!
//! Owns that an instance which stays after all serves again: its guest is told, and discovery
//! answers with it as before. Must never take back a delete that may have been sent.

use tsg_core::model::errand::{Errand, ErrandKind};
use tsg_core::model::guest::CNS_STATUS;
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::RetirementStage;
use tsg_core::ports::cloud::InstanceUpdate;
use tsg_core::ports::store::StoreError;

use super::Session;
use super::services::within;
use crate::ledger::Edit;

impl Session {
    /// Takes back a delete that nothing was sent for.
    pub(super) async fn withdraw(&mut self, group: GroupId, id: OperationId, evidence: &str) -> Result<(), StoreError> {
        let now = self.now();
        let is_reviewed = self.is_reviewed(group, id).await?;
        let result = self
            .books
            .record(group, now, |edit| {
                let is_unsent = edit.operation(id).is_some_and(|operation| {
                    operation.phase == Phase::Deleting
                        && operation.deletion.is_none_or(|deletion| deletion.attempts == 0)
                });
                if is_unsent {
                    edit.enter(id, Phase::Ready, evidence)?;
                    edit.change(id, |operation| {
                        operation.deletion = None;
                        operation.deletion_cause = None;
                        recall(operation, is_reviewed, now);
                    });
                }
                Ok(())
            })
            .await;
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }

    /// Takes back the removals of instances that somebody protected meanwhile: they cannot go, and
    /// would be there for nobody.
    pub(super) async fn recall_protected(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group).filter(|ledger| ledger.group().freeze.is_none()) else {
            return Ok(());
        };
        let is_protected = |operation: &&Operation| {
            let seen = operation.instance.and_then(|instance| find_instance(&self.sight.snapshot, instance));
            is_recallable(operation) && seen.is_some_and(|seen| seen.is_protected)
        };
        let found: Vec<OperationId> = ledger.open().filter(is_protected).map(|operation| operation.id).collect();
        for id in found {
            tracing::warn!(%group, operation = %id, "an instance is protected against deletion and stays");
            let (now, is_reviewed) = (self.now(), self.is_reviewed(group, id).await?);
            let take_back = |edit: &mut Edit<'_>| {
                if edit.operation(id).is_some_and(is_recallable) {
                    edit.change(id, |operation| recall(operation, is_reviewed, now));
                }
                Ok(())
            };
            let result = self.books.record(group, now, take_back).await;
            self.mark_dirty(group);
            self.only_store(group, result)?;
        }
        Ok(())
    }

    /// What makes good a drain. One that discovery is reviewed of is listed once it is ready; the
    /// others are what they were before.
    pub(super) async fn undraining(&mut self, group: GroupId, id: OperationId) -> Result<InstanceUpdate, StoreError> {
        let mut update = InstanceUpdate::undrain();
        if self.books.operation(id).is_some_and(|operation| operation.listing.is_listed()) {
            let template = self.template_of(group, id).await?;
            let status = template.and_then(|template| template.spec.metadata.get(CNS_STATUS).cloned());
            update.metadata.extend(InstanceUpdate::list().metadata);
            update.metadata.extend(status.map(|status| (CNS_STATUS.to_owned(), status)));
        }
        Ok(update)
    }

    /// Whether it follows from checks if an instance is listed.
    async fn is_reviewed(&mut self, group: GroupId, id: OperationId) -> Result<bool, StoreError> {
        let Some(template) = self.template_of(group, id).await? else { return Ok(false) };
        let Some(ledger) = self.books.group(group) else { return Ok(false) };
        let spec = within(ledger.group(), template.spec);
        Ok(self.first_listing(ledger.group(), &spec) == Listing::NotYet)
    }
}

/// What is kept is out of the capacity: another one has its place.
fn is_recallable(operation: &Operation) -> bool {
    let stage = operation.retirement.map(|retirement| retirement.stage);
    operation.phase == Phase::Ready && matches!(stage, Some(RetirementStage::Draining | RetirementStage::Stopping))
}

fn recall(operation: &mut Operation, is_reviewed: bool, now: Timestamp) {
    if operation.retirement.take().is_none() {
        return;
    }
    operation.errand = Some(Errand::new(ErrandKind::Undrain, now));
    if is_reviewed && operation.listing.is_listed() {
        operation.listing = Listing::Delisted;
    }
}
