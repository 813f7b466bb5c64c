//! Who of a group discovery answers with.
//!
//! Owns that what is not ready is taken out of its services in CNS, and put back once it is. Each
//! look compares what is wanted with what the cloud shows, so that nothing that got lost matters.
//! Must never put back what somebody else took out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core::time::Duration;

use tsg_core::health::discovery::{Alarm, Entry, ListedAs, Outlook, Why, review};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::audit::RequestKind;
use tsg_core::model::group::Group;
use tsg_core::model::guest::CNS_STATUS;
use tsg_core::model::id::{GroupId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::Operation;
use tsg_core::model::tag::{CNS_SERVICES, TagValue};
use tsg_core::model::template::TemplateSpec;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::{Verdict, ViewTrust};
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{InstanceUpdate, Noted};
use tsg_core::ports::store::StoreError;

use super::Session;
use super::answers::{Answer, Sent};
use super::health::is_in_service;
use super::services::within;
use crate::board::DiscoveryView;
use crate::event::Occurrence;
use crate::ledger::{Edit, GroupLedger, Sending};
use crate::todo::Job;

/// The tag that takes an instance out of CNS altogether.
const DISABLE: &str = "triton.cns.disable";
/// First wait after a request that was not accepted; doubles with each.
const AGAIN_FIRST: Duration = Duration::from_secs(10);
/// Longest wait between requests for the same.
const AGAIN_MAX: Duration = Duration::from_secs(300);
/// How long the cloud may take to show what it was told: it queues such changes.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

/// What is known of a group in discovery beyond its records.
#[derive(Default)]
pub(super) struct Directory {
    /// What is to become of whom.
    wishes: BTreeMap<OperationId, (ListedAs, Why)>,
    /// What was asked for last.
    asked: BTreeMap<OperationId, Asked>,
    alarm: Option<Alarm>,
    /// Whether its instances are in services at all.
    is_served: bool,
}

/// What a look has shown of a group in discovery.
#[derive(Default)]
struct Found {
    entries: BTreeMap<OperationId, Entry>,
    /// What the records are to say instead.
    records: Vec<(OperationId, Listing)>,
}

/// The newest request about an instance.
#[derive(Debug, Clone, Copy)]
struct Asked {
    to: ListedAs,
    at: Timestamp,
    /// How many in a row asked for the same.
    tries: u32,
    /// Whether it was not accepted.
    has_failed: bool,
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

impl Session {
    /// How a new instance of a group begins in discovery.
    pub(super) fn first_listing(&self, group: &Group, template: &TemplateSpec) -> Listing {
        let is_proved_first = self.ready_checks(group).is_some() && is_in_services(template);
        if is_proved_first { Listing::NotYet } else { Listing::Listed }
    }

    /// The checks of a group, if there are any that drive discovery and somebody to make them.
    fn ready_checks<'a>(&self, group: &'a Group) -> Option<&'a HealthSpec> {
        let health = group.health.as_deref().filter(|_| self.health.is_some())?;
        health.checks.iter().any(|check| check.purpose.is_ready()).then_some(health)
    }

    /// How many of a group discovery is to answer with at least, whatever else is done to it.
    pub(super) fn least_listed(&self, group: &Group) -> u32 {
        let is_served = self.directories.get(&group.id).is_some_and(|directory| directory.is_served);
        let health = self.ready_checks(group).filter(|_| is_served);
        health.map_or(0, |health| health.discovery.min_listed.of_rounded_up(group.capacity))
    }

    /// A group is gone, and with it what was known of its place in discovery.
    pub(super) fn forget_listing(&mut self, group: GroupId) {
        self.directories.remove(&group);
    }

    /// Finds out who is to be listed, and queues what there is to do for that.
    pub(super) async fn review_listing(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        let health = self.ready_checks(ledger.group());
        let discovery = health.map(|health| health.discovery.clone());
        if discovery.is_none() && ledger.open().all(|operation| operation.listing.is_listed()) {
            self.forget_listing(group);
            return Ok(());
        }
        let templates = self.templates_in_services(group).await?;
        self.directories.entry(group).or_default().is_served = !templates.is_empty();
        let is_frozen = self.books.group(group).is_none_or(|ledger| ledger.group().freeze.is_some());
        if is_frozen || self.view().trust != ViewTrust::Trusted {
            // What was wanted before is not to be done once that passes, but to be found out anew.
            if let Some(directory) = self.directories.get_mut(&group) {
                directory.wishes.clear();
            }
            return Ok(());
        }
        let Found { entries, records } = self.find(group, &templates);
        let entered: Vec<Entry> = entries.values().copied().collect();
        let outlook = review(&entered, &discovery.unwrap_or_default(), self.now());
        if let Some(at) = outlook.next_at {
            let at = self.when(at);
            self.wake_group_at(group, at);
        }
        self.note_outlook(group, &entries, &outlook);
        self.record_found(group, &records).await?;
        self.queue_listings(group);
        Ok(())
    }

    /// The templates of a group's instances that name services.
    async fn templates_in_services(&mut self, group: GroupId) -> Result<BTreeSet<TemplateId>, StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(BTreeSet::new()) };
        let mut templates: BTreeSet<TemplateId> = ledger.open().map(|operation| operation.template).collect();
        for id in templates.clone() {
            let template = self.template(id).await;
            let Some(ledger) = self.books.group(group) else { return Ok(BTreeSet::new()) };
            let is_listable = match template {
                Ok(template) => template.is_some_and(|template| is_in_services(&within(ledger.group(), template.spec))),
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

    /// A group's instances that run, as far as discovery goes, and what the records are to say of
    /// them after this look.
    fn find(&self, group: GroupId, templates: &BTreeSet<TemplateId>) -> Found {
        let mut found = Found::default();
        let Some(ledger) = self.books.group(group) else { return found };
        for operation in ledger.open().filter(|operation| is_in_service(operation)) {
            let listing = if templates.contains(&operation.template) {
                let Some((entry, listing)) = self.entry(ledger.group(), operation) else { continue };
                found.entries.insert(operation.id, entry);
                listing
            } else {
                // There is nothing that it could wait to be put into.
                Listing::Listed
            };
            if listing != operation.listing {
                found.records.push((operation.id, listing));
            }
        }
        found
    }

    /// An instance as far as discovery goes, and what its record is to say. `None` for one that does
    /// not run, which CNS does not answer with, or that somebody else took out.
    fn entry(&self, group: &Group, operation: &Operation) -> Option<(Entry, Listing)> {
        let seen = find_instance(&self.sight.snapshot, operation.instance?)?;
        if seen.state != InstanceState::Running {
            return None;
        }
        let judgement = self.readiness(group, seen.id);
        let entry = |listing| Entry { instance: seen.id, judgement, listing };
        let known = operation.listing;
        match (known.is_listed(), seen.is_delisted) {
            (true, false) | (false, true) => return Some((entry(known), known)),
            // A request of ours that nobody waited for any more was carried out after all.
            (true, true) if seen.signs.is_taken_out => return Some((entry(Listing::Delisted), Listing::Delisted)),
            (true, true) => return None,
            (false, false) => {}
        }
        // It is answered with. Whether that is the end of it only a request to list it can tell: one to
        // take it out may still be under way.
        let asked = self.directories.get(&group.id).and_then(|directory| directory.asked.get(&operation.id));
        let taken_at = self.sight.snapshot.taken_at;
        if !seen.signs.is_taken_out && asked.is_some_and(|asked| asked.has_listed(taken_at)) {
            return Some((entry(Listing::Listed), Listing::Listed));
        }
        let is_unready = judgement.is_some_and(|judgement| !judgement.is_ready);
        let is_put_in = is_unready && !asked.is_some_and(|asked| asked.may_delist(taken_at));
        Some((entry(if is_put_in { Listing::Listed } else { known }), known))
    }

    /// What is believed of an instance; one that nothing is asked of is as good as any.
    fn readiness(&self, group: &Group, instance: InstanceId) -> Option<Judgement> {
        match self.ready_checks(group) {
            Some(_) => self.judgement(group, instance),
            None => Some(Judgement { verdict: Verdict::Healthy, ..Judgement::unknown(Timestamp::EPOCH) }),
        }
    }

    fn note_outlook(&mut self, group: GroupId, entries: &BTreeMap<OperationId, Entry>, outlook: &Outlook) {
        let changes: BTreeMap<InstanceId, (ListedAs, Why)> =
            outlook.changes.iter().map(|change| (change.instance, (change.to, change.why))).collect();
        let directory = self.directories.entry(group).or_default();
        let wished = entries.iter().filter_map(|(id, entry)| Some((*id, *changes.get(&entry.instance)?)));
        directory.wishes = wished.collect();
        let books = &self.books;
        directory.asked.retain(|id, _| books.operation(*id).is_some_and(is_in_service));
        if directory.alarm != outlook.alarm {
            directory.alarm = outlook.alarm;
            if let Some(alarm) = outlook.alarm {
                tracing::warn!(%group, %alarm, "instances stay listed although they are not ready");
            }
        }
    }

    /// Records what a look has shown.
    async fn record_found(&mut self, group: GroupId, records: &[(OperationId, Listing)]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let note = |edit: &mut Edit<'_>| {
            for (id, listing) in records {
                edit.change(*id, |operation| operation.listing = *listing);
            }
            Ok(())
        };
        let result = self.books.record(group, now, note).await;
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
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
        let Some((instance, (to, why))) = found.zip(wish).filter(|_| !self.on_errand.contains(&id)) else {
            self.pace.give_back();
            return Ok(());
        };
        let run = ListingRun { group, operation: id, instance, to };
        let announce = |edit: &mut Edit<'_>| {
            record_listing(edit, run);
            Ok(())
        };
        if !self.is_announced(group, announce).await? {
            return Ok(());
        }
        if let Some(directory) = self.directories.get_mut(&group) {
            let before = directory.asked.get(&id).filter(|before| before.to == to);
            let tries = before.map_or(0, |before| before.tries).saturating_add(1);
            directory.asked.insert(id, Asked { to, at: now, tries, has_failed: false, not_before: began });
            if tries == 1 {
                self.tell_of(group, id, |of| Occurrence::Listed { of, to, why });
            }
        }
        self.send_listing(run, began);
        Ok(())
    }

    fn send_listing(&mut self, run: ListingRun, began: Duration) {
        self.counts.changes += 1;
        self.on_errand.insert(run.operation);
        let update = move |cloud: Arc<dyn Cloud>| async move { cloud.update(run.instance, &request(run.to)).await };
        self.send(began, update, move |sent| Answer::Enlisted { run, sent });
    }

    /// A change in discovery was answered. What an answer says is done, a later look has to show.
    pub(super) fn take_enlisted(&mut self, run: ListingRun, sent: &Sent<Noted>) {
        let now = self.monotonic();
        if let Sent::Replied(Err(error)) = sent {
            tracing::warn!(group = %run.group, instance = %run.instance, %error, "a change in discovery was not accepted");
        }
        self.on_errand.remove(&run.operation);
        if let Some(directory) = self.directories.get_mut(&run.group) {
            directory.wishes.remove(&run.operation);
            if let Some(asked) = directory.asked.get_mut(&run.operation) {
                asked.note_answer(matches!(sent, Sent::Replied(Ok(_))), now);
            }
        }
        self.mark_dirty(run.group);
    }

    /// A group in discovery, to be shown; `None` for one that has no place there.
    pub(super) fn discovery_view(&self, group: &Group) -> Option<DiscoveryView> {
        self.ready_checks(group)?;
        self.directories.get(&group.id).map(|directory| DiscoveryView { alarm: directory.alarm })
    }
}

impl Asked {
    /// The same is asked for less and less often: somebody else may want it otherwise.
    fn note_answer(&mut self, is_accepted: bool, now: Duration) {
        self.has_failed = !is_accepted;
        let first = if is_accepted { SHOWN_AFTER } else { AGAIN_FIRST };
        let doublings = self.tries.saturating_sub(1).min(10);
        self.not_before = now + first.saturating_mul(1 << doublings).min(AGAIN_MAX);
    }

    /// Whether a look may be too old to show that an instance was taken out.
    fn may_delist(&self, taken_at: Timestamp) -> bool {
        self.to == ListedAs::Delisted && !self.has_failed && taken_at <= self.at.after(SHOWN_AFTER)
    }

    /// Whether a look that shows an instance in discovery shows it after it was asked for.
    fn has_listed(&self, taken_at: Timestamp) -> bool {
        self.to == ListedAs::Listed && !self.has_failed && taken_at > self.at
    }
}

/// Whether instances of a template are answered with by the name of a service, unless tsg says
/// otherwise. A template that says itself whether they are is left alone.
fn is_in_services(template: &TemplateSpec) -> bool {
    let is_named = template.tags.get(CNS_SERVICES).is_some_and(|services| *services != TagValue::from(""));
    let is_disabled = template.tags.get(DISABLE) == Some(&TagValue::Bool(true));
    is_named && !is_disabled && !template.metadata.contains_key(CNS_STATUS)
}

fn listable(ledger: &GroupLedger, id: OperationId) -> Option<InstanceId> {
    let operation = ledger.operation(id).filter(|operation| is_in_service(operation))?;
    operation.instance.filter(|_| ledger.group().freeze.is_none())
}

fn request(to: ListedAs) -> InstanceUpdate {
    match to {
        ListedAs::Listed => InstanceUpdate::list(),
        ListedAs::Delisted => InstanceUpdate::delist(),
    }
}

/// That it is taken out is recorded before the cloud is told; that it is back, once the cloud shows
/// it. So nobody is ever taken for listed who is not.
fn record_listing(edit: &mut Edit<'_>, run: ListingRun) {
    let is_meant = |operation: &&Operation| is_in_service(operation) && operation.instance == Some(run.instance);
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
