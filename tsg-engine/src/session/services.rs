//! The services that a group says its instances are found by.
//!
//! Owns that the tag which names them is the group's, on instances that are made and on those that
//! are there. Each look compares it with what the cloud shows, so that nothing that got lost matters.
//! Must never touch the tag where the group says nothing of it, and never replace anybody for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use core::time::Duration;

use tsg_core::health::service::Service;
use tsg_core::model::audit::RequestKind;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::{InstanceState, ServicesMark};
use tsg_core::model::operation::Operation;
use tsg_core::model::tag::CNS_SERVICES;
use tsg_core::model::template::TemplateSpec;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::ViewTrust;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{InstanceUpdate, Noted};
use tsg_core::ports::store::StoreError;

use super::Session;
use super::answers::{Answer, Sent};
use super::health::is_in_service;
use crate::ledger::{Edit, GroupLedger, Sending};
use crate::todo::Job;

/// How long the cloud may take to show what it was told; doubles with each time.
const AGAIN_FIRST: Duration = Duration::from_secs(30);
/// Longest wait between requests for the same.
const AGAIN_MAX: Duration = Duration::from_secs(300);

/// The tags that were written, by operation.
pub(super) type Named = BTreeMap<OperationId, Naming>;

/// The newest request to write the tag of an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    to: ServicesMark,
    /// How many in a row asked for the same.
    tries: u32,
    not_before: Duration,
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamingRun {
    group: GroupId,
    operation: OperationId,
    instance: InstanceId,
}

/// The tag of a group's instances; empty for none, and `None` where the group says nothing of it.
fn tag_of(group: &Group) -> Option<String> {
    let services = group.health.as_ref()?.discovery.services.as_deref()?;
    Some(Service::tag_of(services))
}

/// A template as it is for the instances of a group.
pub(super) fn within(group: &Group, mut template: TemplateSpec) -> TemplateSpec {
    match tag_of(group) {
        Some(text) if text.is_empty() => _ = template.tags.remove(CNS_SERVICES),
        Some(text) => _ = template.tags.insert(CNS_SERVICES.to_owned(), text.as_str().into()),
        None => {}
    }
    template
}

impl Session {
    /// Queues what there is to do so that each instance of a group has the tag that it says.
    pub(super) fn review_services(&mut self, group: GroupId) {
        let Some(ledger) = self.books.group(group).filter(|ledger| ledger.group().freeze.is_none()) else { return };
        let Some(tag) = tag_of(ledger.group()) else { return };
        if self.view().trust != ViewTrust::Trusted {
            return;
        }
        let (now, to) = (self.monotonic(), ServicesMark::of_tag(&tag));
        let is_other = |operation: &&Operation| {
            let seen = operation.instance.and_then(|instance| find_instance(&self.sight.snapshot, instance));
            // The tags of one that is being made, or is to be changed, are somebody else's to write.
            let is_free =
                is_in_service(operation) && operation.errand.is_none() && !self.on_errand.contains(&operation.id);
            is_free && seen.is_some_and(|seen| seen.state == InstanceState::Running && seen.services != to)
        };
        let others: Vec<OperationId> = ledger.open().filter(is_other).map(|operation| operation.id).collect();
        let books = &self.books;
        self.named.retain(|id, _| books.operation(*id).is_some_and(is_in_service));
        for operation in others {
            let asked = self.named.get(&operation).filter(|naming| naming.to == to);
            match asked.map(|naming| naming.not_before).filter(|at| *at > now) {
                Some(at) => self.wake_group_at(group, at),
                None => self.todo.push(group, Job::Name(operation)),
            }
        }
    }

    /// Writes the tag of an instance. Its token was taken.
    pub(super) async fn run_naming(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let began = self.monotonic();
        let found = self.books.group(group).and_then(|ledger| nameable(ledger, id));
        let Some((instance, tag)) = found.filter(|_| !self.on_errand.contains(&id)) else {
            self.pace.give_back();
            return Ok(());
        };
        let (run, update) = (NamingRun { group, operation: id, instance }, request(&tag));
        let announce = |edit: &mut Edit<'_>| {
            let is_meant = |operation: &&Operation| is_in_service(operation) && operation.instance == Some(instance);
            if edit.operation(id).filter(is_meant).is_some() && edit.group().freeze.is_none() {
                let payload = update.fingerprint(instance);
                let sending = Sending { request: RequestKind::Update, instance: Some(instance), attempt: 1, payload };
                edit.will_send(id, sending);
            }
            Ok(())
        };
        if !self.is_announced(group, announce).await? {
            return Ok(());
        }
        self.note_naming(id, ServicesMark::of_tag(&tag), began);
        self.counts.changes += 1;
        self.on_errand.insert(id);
        let write = move |cloud: Arc<dyn Cloud>| async move { cloud.update(instance, &update).await };
        self.send(began, write, move |sent| Answer::Named { run, sent });
        Ok(())
    }

    fn note_naming(&mut self, id: OperationId, to: ServicesMark, now: Duration) {
        let before = self.named.get(&id).filter(|naming| naming.to == to);
        let tries = before.map_or(0, |naming| naming.tries).saturating_add(1);
        let wait = AGAIN_FIRST.saturating_mul(1 << (tries - 1).min(10)).min(AGAIN_MAX);
        self.named.insert(id, Naming { to, tries, not_before: now + wait });
    }

    /// The tag of an instance was written, or not: a later look has to show it.
    pub(super) fn take_named(&mut self, run: NamingRun, sent: &Sent<Noted>) {
        if let Sent::Replied(Err(error)) = sent {
            let NamingRun { group, instance, .. } = run;
            tracing::warn!(%group, %instance, %error, "the services of an instance were not accepted");
        }
        self.on_errand.remove(&run.operation);
        self.mark_dirty(run.group);
    }
}

fn nameable(ledger: &GroupLedger, id: OperationId) -> Option<(InstanceId, String)> {
    let operation = ledger.operation(id).filter(|operation| is_in_service(operation) && operation.errand.is_none())?;
    let group = Some(ledger.group()).filter(|group| group.freeze.is_none())?;
    Some((operation.instance?, tag_of(group)?))
}

fn request(tag: &str) -> InstanceUpdate {
    let key = CNS_SERVICES.to_owned();
    if tag.is_empty() {
        InstanceUpdate { removed_tags: vec![key], ..InstanceUpdate::default() }
    } else {
        InstanceUpdate { tags: [(key, tag.into())].into(), ..InstanceUpdate::default() }
    }
}
