//! Who of a group discovery answers with.
//!
//! Owns that what is not ready is taken out of its services in CNS, and put back once it is. Each
//! look compares what is wanted with what the cloud shows, so that nothing that got lost matters.
//! Must never put back what somebody else took out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core::time::Duration;

use futures_util::FutureExt as _;

use tsg_core::health::discovery::{Alarm, Entry, ListedAs, Outlook, review};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::audit::RequestKind;
use tsg_core::model::group::Group;
use tsg_core::model::guest::CNS_STATUS;
use tsg_core::model::id::{GroupId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::model::tag::TagValue;
use tsg_core::model::template::TemplateSpec;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::{Verdict, ViewTrust};
use tsg_core::ports::cloud::{InstanceUpdate, Noted};
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::send::SendGuard;

use super::Session;
use super::answers::{Answer, Sent};
use super::dispatch::guard;
use crate::board::DiscoveryView;
use crate::ledger::{Edit, GroupLedger, Recorded, Sending};
use crate::todo::Job;

/// The tag that names the services of an instance.
const SERVICES: &str = "triton.cns.services";
/// The tag that takes an instance out of CNS altogether.
const DISABLE: &str = "triton.cns.disable";
/// First wait after a request that was not accepted; doubles with each.
const AGAIN_FIRST: Duration = Duration::from_secs(10);
/// Longest wait after requests that were not accepted.
const AGAIN_MAX: Duration = Duration::from_secs(300);
/// How long the cloud may take to show what it was told: it queues such changes.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

/// What is known of a group in discovery beyond its records.
#[derive(Default)]
pub(super) struct Directory {
    /// What is to become of whom.
    wishes: BTreeMap<OperationId, ListedAs>,
    /// What was asked for last.
    asked: BTreeMap<OperationId, Asked>,
    alarm: Option<Alarm>,
    /// Whether everybody was seen to be listed as far as the records go.
    is_settled: bool,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Timestamp,
    failures: u32,
    not_before: Duration,
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListingRun {
    group: GroupId,
    operation: OperationId,
    instance: InstanceId,
    to: ListedAs,
}

/// How a new instance of a group begins in discovery.
pub(super) fn at_first(group: &Group, template: &TemplateSpec) -> Listing {
    if ready_checks(group).is_some() && is_in_services(template) { Listing::NotYet } else { Listing::Listed }
}

impl Session {
    /// Finds out who is to be listed, and queues what there is to do for that.
    pub(super) async fn review_listing(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else {
            self.directories.remove(&group);
            return Ok(());
        };
        let is_settled = self.directories.get(&group).is_some_and(|directory| directory.is_settled);
        let is_held = ledger.group().freeze.is_some() || self.view().trust != ViewTrust::Trusted;
        if is_held || (is_settled && ready_checks(ledger.group()).is_none()) {
            return Ok(());
        }
        let templates = self.templates_in_services(group).await?;
        let (entries, strayed) = self.entries(group, &templates);
        let discovery = self.books.group(group).and_then(|ledger| ready_checks(ledger.group()));
        let discovery = discovery.map(|health| health.discovery).unwrap_or_default();
        let entered: Vec<Entry> = entries.values().copied().collect();
        let outlook = review(&entered, &discovery, self.now());
        if let Some(at) = outlook.next_at {
            let at = self.when(at);
            self.wake_group_at(group, at);
        }
        self.note_outlook(group, &entries, strayed, &outlook);
        self.queue_listings(group);
        Ok(())
    }

    /// The templates of a group's instances that name services.
    async fn templates_in_services(&mut self, group: GroupId) -> Result<BTreeSet<TemplateId>, StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(BTreeSet::new()) };
        let mut templates: BTreeSet<TemplateId> = ledger.open().map(|operation| operation.template).collect();
        for id in templates.clone() {
            let is_listable = match self.template(id).await {
                Ok(template) => template.is_some_and(|template| is_in_services(&template.spec)),
                // Whoever needs it says so.
                Err(StoreError::Corrupt { .. }) => false,
                Err(other) => return Err(other),
            };
            if !is_listable {
                templates.remove(&id);
            }
        }
        Ok(templates)
    }

    /// A group's instances as far as discovery goes, and those of which the cloud shows that they
    /// are listed although they were taken out.
    fn entries(
        &self,
        group: GroupId,
        templates: &BTreeSet<TemplateId>,
    ) -> (BTreeMap<OperationId, Entry>, Vec<OperationId>) {
        let (mut entries, mut strayed) = (BTreeMap::new(), Vec::new());
        let Some(ledger) = self.books.group(group) else { return (entries, strayed) };
        let directory = self.directories.get(&group);
        let is_entered = |operation: &&Operation| is_settled(operation) && templates.contains(&operation.template);
        for operation in ledger.open().filter(is_entered) {
            let Some(instance) = operation.instance else { continue };
            let Some(seen) = find_instance(&self.sight.snapshot, instance) else { continue };
            let asked = directory.and_then(|directory| directory.asked.get(&operation.id));
            let is_shown = |asked: &Asked| self.sight.snapshot.taken_at > asked.at.after(SHOWN_AFTER);
            let is_news = asked.is_none_or(|asked| asked.failures > 0 || is_shown(asked));
            match (operation.listing, seen.is_delisted) {
                (Listing::Listed, true) if is_news => continue,
                (Listing::Delisted | Listing::NotYet, false) if is_news => strayed.push(operation.id),
                _ => {}
            }
            let judgement = self.readiness(ledger.group(), instance, seen.state);
            let entry = Entry { instance, judgement, is_draining: false, listing: operation.listing };
            entries.insert(operation.id, entry);
        }
        (entries, strayed)
    }

    /// What is believed of an instance; one that nothing is asked of is as good as any.
    fn readiness(&self, group: &Group, instance: InstanceId, state: InstanceState) -> Option<Judgement> {
        if ready_checks(group).is_none() {
            return Some(Judgement { verdict: Verdict::Healthy, ..Judgement::unknown(Timestamp::EPOCH) });
        }
        // One that does not run is not listed by CNS either: there is nothing to change.
        self.judgement(group, instance).filter(|_| state == InstanceState::Running)
    }

    fn note_outlook(
        &mut self,
        group: GroupId,
        entries: &BTreeMap<OperationId, Entry>,
        strayed: Vec<OperationId>,
        outlook: &Outlook,
    ) {
        let directory = self.directories.entry(group).or_default();
        let changes: BTreeMap<InstanceId, ListedAs> =
            outlook.changes.iter().map(|change| (change.instance, change.to)).collect();
        directory.wishes = strayed.into_iter().map(|operation| (operation, ListedAs::Delisted)).collect();
        let wished = entries.iter().filter_map(|(id, entry)| Some((*id, *changes.get(&entry.instance)?)));
        directory.wishes.extend(wished);
        directory.asked.retain(|operation, _| entries.contains_key(operation));
        directory.is_settled = entries.values().all(|entry| entry.listing.is_listed());
        if directory.alarm != outlook.alarm {
            directory.alarm = outlook.alarm;
            if let Some(alarm) = outlook.alarm {
                tracing::warn!(%group, %alarm, "instances stay listed although they are not ready");
            }
        }
    }

    fn queue_listings(&mut self, group: GroupId) {
        let now = self.monotonic();
        let Some(directory) = self.directories.get(&group) else { return };
        let not_before = |id: &OperationId| directory.asked.get(id).map_or(Duration::ZERO, |asked| asked.not_before);
        let wished = directory.wishes.keys().filter(|id| !self.on_errand.contains(id));
        let wished: Vec<_> = wished.map(|id| (*id, not_before(id))).collect();
        for (operation, at) in wished {
            if at <= now {
                self.todo.push(group, Job::List(operation));
            } else {
                self.wake_group_at(group, at);
            }
        }
    }

    /// Lists an instance, or takes it out. Its token was taken.
    pub(super) async fn run_listing(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let (began, now) = (self.monotonic(), self.now());
        let wish = self.directories.get(&group).and_then(|directory| directory.wishes.get(&id)).copied();
        let found = self.books.group(group).and_then(|ledger| listable(ledger, id));
        let Some((instance, to)) = found.zip(wish).filter(|_| !self.on_errand.contains(&id)) else {
            self.pace.give_back();
            return Ok(());
        };
        let run = ListingRun { group, operation: id, instance, to };
        let announce = |edit: &mut Edit<'_>| {
            record_listing(edit, run);
            Ok(())
        };
        let result = self.books.record_once(group, now, announce).await;
        if self.only_store(group, result)? != Some(Recorded::Changed) {
            self.pace.give_back();
            self.mark_dirty(group);
            return Ok(());
        }
        let asked = Asked { at: now, failures: 0, not_before: began + AGAIN_FIRST };
        let directory = self.directories.entry(group).or_default();
        let failures = directory.asked.get(&id).map_or(0, |before| before.failures);
        directory.asked.insert(id, Asked { failures, ..asked });
        self.send_listing(run, began);
        Ok(())
    }

    fn send_listing(&mut self, run: ListingRun, began: Duration) {
        self.counts.changes += 1;
        self.on_errand.insert(run.operation);
        let (cloud, clock, timing) = (self.ports.cloud.clone(), self.ports.clock.clone(), self.config.timing.clone());
        let call = async move {
            let sent = match guard(began, &*clock, &timing) {
                SendGuard::Drop => Sent::Dropped,
                SendGuard::Send => Sent::Replied(Arc::clone(&cloud).update(run.instance, &request(run.to)).await),
            };
            Answer::Enlisted { run, sent }
        };
        self.answers.push(call.boxed());
    }

    /// A change in discovery was answered.
    pub(super) async fn take_enlisted(&mut self, run: ListingRun, sent: &Sent<Noted>) -> Result<(), StoreError> {
        let now = self.now();
        let is_done = matches!(sent, Sent::Replied(Ok(_)));
        if is_done && run.to == ListedAs::Listed {
            let note = |edit: &mut Edit<'_>| {
                note_listed(edit, run);
                Ok(())
            };
            let result = self.books.record(run.group, now, note).await;
            self.only_store(run.group, result)?;
        }
        if let Sent::Replied(Err(error)) = sent {
            tracing::warn!(group = %run.group, instance = %run.instance, %error, "a change in discovery was not accepted");
        }
        self.on_errand.remove(&run.operation);
        let again_from = self.monotonic();
        let directory = self.directories.entry(run.group).or_default();
        directory.wishes.remove(&run.operation);
        if let Some(asked) = directory.asked.get_mut(&run.operation) {
            asked.note(is_done, again_from);
        }
        self.mark_dirty(run.group);
        Ok(())
    }

    /// A group in discovery, to be shown; `None` for one that has no place there.
    pub(super) fn discovery_view(&self, group: &Group) -> Option<DiscoveryView> {
        ready_checks(group)?;
        self.directories.get(&group.id).map(|directory| DiscoveryView { alarm: directory.alarm })
    }
}

impl Asked {
    fn note(&mut self, is_done: bool, now: Duration) {
        self.failures = if is_done { 0 } else { self.failures.saturating_add(1) };
        let wait = self.failures.checked_sub(1).map(|doublings| AGAIN_FIRST.saturating_mul(1 << doublings.min(10)));
        self.not_before = now + wait.unwrap_or_default().min(AGAIN_MAX);
    }
}

/// The checks of a group, if there are any that drive discovery.
fn ready_checks(group: &Group) -> Option<&HealthSpec> {
    group.health.as_deref().filter(|health| health.checks.iter().any(|check| check.purpose.is_ready()))
}

/// Whether instances of a template are answered with by the name of a service, unless tsg says
/// otherwise. A template that says itself whether they are is left alone.
fn is_in_services(template: &TemplateSpec) -> bool {
    let is_named = template.tags.get(SERVICES).is_some_and(|services| *services != TagValue::from(""));
    let is_disabled = template.tags.get(DISABLE) == Some(&TagValue::Bool(true));
    is_named && !is_disabled && !template.metadata.contains_key(CNS_STATUS)
}

/// One that runs and is to stay. What is on its way out is drained by its removal.
fn is_settled(operation: &Operation) -> bool {
    operation.phase == Phase::Ready && operation.retirement.is_none()
}

fn listable(ledger: &GroupLedger, id: OperationId) -> Option<InstanceId> {
    let operation = ledger.operation(id).filter(|operation| is_settled(operation))?;
    operation.instance.filter(|_| ledger.group().freeze.is_none())
}

fn request(to: ListedAs) -> InstanceUpdate {
    match to {
        ListedAs::Listed => InstanceUpdate::list(),
        ListedAs::Delisted => InstanceUpdate::delist(),
    }
}

/// That it is taken out is recorded before the cloud is told, that it is back afterwards: so that
/// nobody is ever taken for listed who is not.
fn record_listing(edit: &mut Edit<'_>, run: ListingRun) {
    let is_meant = |operation: &&Operation| is_settled(operation) && operation.instance == Some(run.instance);
    if edit.operation(run.operation).filter(is_meant).is_none() || edit.group().freeze.is_some() {
        return;
    }
    if run.to == ListedAs::Delisted {
        edit.change(run.operation, |operation| {
            if operation.listing.is_listed() {
                operation.listing = Listing::Delisted;
            }
        });
    }
    let payload = request(run.to).fingerprint(run.instance);
    let sending = Sending { request: RequestKind::Update, instance: Some(run.instance), attempt: 1, payload };
    edit.will_send(run.operation, sending);
}

fn note_listed(edit: &mut Edit<'_>, run: ListingRun) {
    let is_same = edit.operation(run.operation).is_some_and(|operation| operation.instance == Some(run.instance));
    if is_same {
        edit.change(run.operation, |operation| operation.listing = Listing::Listed);
    }
}
