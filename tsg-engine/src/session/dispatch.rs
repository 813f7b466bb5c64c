//! Sending what was planned.
//!
//! Owns the order that makes it safe: a token first, then the dispatch commit, then the guard,
//! then exactly one request. Must never send what is not in a commit that was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use core::time::Duration;

use futures_util::FutureExt as _;

use tsg_core::model::audit::RequestKind;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{AttemptOutcome, InvalidEdge, Operation, Phase};
use tsg_core::model::tag::Claim;
use tsg_core::model::template::Template;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::{Mark, RestartHistory, ViewTrust};
use tsg_core::plan::output::Reason;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{CloudError, CreateInstance, InstanceUpdate};
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::send::{SendGuard, send_guard};
use tsg_core::records::codec;

use super::Session;
use super::answers::{Answer, CreateUnderWay, Sent};
use super::placement::Guide;
use super::services::within;
use crate::ledger::{Edit, GroupLedger, Recorded, Sending};
use crate::todo::Job;

/// Lists that fail in a row before creates are held back: a cloud that does not answer reads
/// would leave every create in doubt.
const FAILURES_MAX: u32 = 2;
/// Recorded requests leave when the turn ends, and each is dropped unsent 10 s after its dispatch
/// began. No dispatch begins later than this in a turn, so that a slow store has most of those
/// 10 s for the last commit.
const TURN_MAX: Duration = Duration::from_secs(2);

impl Session {
    /// Whether requests that change something may leave at all.
    pub(super) fn may_change(&self) -> bool {
        self.view().trust == ViewTrust::Trusted && self.sight.list_failures() < FAILURES_MAX
    }

    /// How many more creates may be unanswered in the account.
    pub(super) fn creates_left(&self) -> u32 {
        self.bound.bound().saturating_sub(u32::try_from(self.requested.len()).unwrap_or(u32::MAX))
    }

    /// Sends reads and changes as far as tokens go.
    pub(super) async fn dispatch_all(&mut self) -> Result<(), StoreError> {
        self.send_reads();
        if !self.may_change() {
            self.todo.clear_changes();
            return Ok(());
        }
        let until = self.monotonic() + TURN_MAX;
        while self.monotonic() < until {
            let batch = self.take_jobs();
            if batch.is_empty() {
                return Ok(());
            }
            for (group, jobs) in batch {
                self.dispatch(group, jobs, until).await?;
            }
        }
        Ok(())
    }

    /// As many jobs as there are tokens, each with its token taken, gathered by group.
    fn take_jobs(&mut self) -> BTreeMap<GroupId, Vec<Job>> {
        let now = self.monotonic();
        let mut batch: BTreeMap<GroupId, Vec<Job>> = BTreeMap::new();
        let mut creates_left = self.creates_left();
        while self.pace.available(now) > 0 {
            let Some((group, job)) = self.todo.next_job(creates_left) else { break };
            self.pace.take(now);
            if matches!(job, Job::Create(_)) {
                creates_left = creates_left.saturating_sub(1);
            }
            batch.entry(group).or_default().push(job);
        }
        batch
    }

    async fn dispatch(&mut self, group: GroupId, jobs: Vec<Job>, until: Duration) -> Result<(), StoreError> {
        let mut creates = Vec::new();
        for job in jobs {
            if self.monotonic() >= until {
                self.put_back(group, job);
                continue;
            }
            match job {
                Job::Create(operation) => creates.push(operation),
                Job::Delete(operation) => self.remove(group, operation).await?,
                Job::Residue(operation, instance) => self.remove_residue(group, operation, instance).await?,
                Job::Start(operation) => self.start(group, operation).await?,
                Job::Errand(operation) => self.run_errand(group, operation).await?,
                Job::List(operation) => self.run_listing(group, operation).await?,
                Job::Name(operation) => self.run_naming(group, operation).await?,
            }
        }
        if self.monotonic() >= until {
            creates.into_iter().for_each(|operation| self.put_back(group, Job::Create(operation)));
            return Ok(());
        }
        if creates.is_empty() { Ok(()) } else { self.dispatch_creates(group, creates).await }
    }

    /// A job's token is there, and the turn is over.
    fn put_back(&mut self, group: GroupId, job: Job) {
        self.pace.give_back();
        self.todo.push(group, job);
    }

    /// The dispatch commit of one group's creates, then their requests.
    async fn dispatch_creates(&mut self, group: GroupId, wanted: Vec<OperationId>) -> Result<(), StoreError> {
        let began = self.monotonic();
        let now = self.now();
        let requests = self.compose(group, &wanted, now).await?;
        (requests.len()..wanted.len()).for_each(|_| self.pace.give_back());
        if requests.is_empty() {
            return Ok(());
        }
        let result = self
            .books
            .record_once(group, now, |edit| {
                // All or none: "changed" then means that each of them is ours to send.
                if edit.group().freeze.is_some() || requests.iter().any(|of| !is_sendable(edit.operation(of.operation)))
                {
                    return Ok(());
                }
                requests.iter().try_for_each(|Composed { operation, request, listing }| {
                    edit.change(*operation, |operation| operation.listing = *listing);
                    edit.dispatch_create(*operation, request.signed_at, request.fingerprint())
                })
            })
            .await;
        if self.only_store(group, result)? != Some(Recorded::Changed) {
            requests.iter().for_each(|_| self.pace.give_back());
            self.mark_dirty(group);
            return Ok(());
        }
        for Composed { operation, request, .. } in requests {
            self.send_create(group, operation, request, began, now);
        }
        Ok(())
    }

    /// Sends a request, unless it was held up for too long: that is asked right before the first byte
    /// leaves.
    pub(super) fn send<T, F>(
        &mut self,
        began: Duration,
        request: impl FnOnce(Arc<dyn Cloud>) -> F + Send + 'static,
        answer: impl FnOnce(Sent<T>) -> Answer + Send + 'static,
    ) where
        T: Send,
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        let (cloud, clock, timing) = (self.ports.cloud.clone(), self.ports.clock.clone(), self.config.timing.clone());
        let call = async move {
            let sent = match send_guard(began, clock.monotonic(), &timing) {
                SendGuard::Drop => Sent::Dropped,
                SendGuard::Send => Sent::Replied(request(cloud).await),
            };
            answer(sent)
        };
        self.answers.push(call.boxed());
    }

    fn send_create(
        &mut self,
        group: GroupId,
        id: OperationId,
        request: CreateInstance,
        began: Duration,
        asked_at: Timestamp,
    ) {
        let known = self.books.group(group).and_then(|ledger| ledger.operation(id));
        let newest =
            known.filter(|known| known.phase == Phase::Sent).and_then(|known| known.attempts.len().checked_sub(1));
        let Some(attempt) = newest else { return };
        let under_way = CreateUnderWay { group, operation: id, attempt, began, asked_at };
        self.counts.creates += 1;
        self.requested.insert(id, began);
        self.send(
            began,
            |cloud| async move { cloud.create(&request).await },
            move |sent| Answer::Created { request: under_way, sent },
        );
    }

    /// The requests of those operations that may be sent now.
    async fn compose(
        &mut self,
        group: GroupId,
        wanted: &[OperationId],
        now: Timestamp,
    ) -> Result<Vec<Composed>, StoreError> {
        let mut requests = Vec::new();
        let mut guide = Guide::default();
        for id in wanted {
            let Some(template) = self.template_of(group, *id).await? else { continue };
            let Some(ledger) = self.books.group(group) else { break };
            let unanswered = unanswered(ledger).saturating_add(u32::try_from(requests.len()).unwrap_or(u32::MAX));
            if ledger.group().freeze.is_some() || !ledger.head().memory.may_send(now, unanswered) {
                break;
            }
            let Some(operation) = ledger.operation(*id).filter(|operation| is_sendable(Some(operation))) else {
                continue;
            };
            let Some(affinity) = guide.affinity(self, ledger, operation, &template) else { break };
            requests.push(self.composed(ledger.group(), operation, &template, affinity, now));
        }
        Ok(requests)
    }

    /// Everything that the create request of an operation says.
    fn composed(
        &self,
        group: &Group,
        operation: &Operation,
        template: &Template,
        affinity: Vec<String>,
        now: Timestamp,
    ) -> Composed {
        let claim = Claim {
            manager: self.deployment,
            group: group.id,
            operation: operation.id,
            revision: operation.revision,
            sequence: operation.sequence,
        };
        let mut spec = within(group, template.spec.clone());
        let listing = self.first_listing(group, &spec);
        if listing == Listing::NotYet {
            spec.metadata.extend(InstanceUpdate::delist().metadata);
        }
        let request = CreateInstance {
            name: operation.name.clone(),
            template: spec,
            claim_tags: claim.tags(&group.name, template.id),
            affinity,
            signed_at: now,
        };
        Composed { operation: operation.id, request, listing }
    }

    pub(super) async fn template_of(
        &mut self,
        group: GroupId,
        operation: OperationId,
    ) -> Result<Option<Template>, StoreError> {
        let known = self.books.group(group).and_then(|ledger| ledger.operation(operation));
        let Some(id) = known.map(|known| known.template) else { return Ok(None) };
        match self.template(id).await {
            Ok(Some(template)) => Ok(Some(template)),
            Ok(None) => {
                self.set_aside(group, format!("template {id} is gone"));
                Ok(None)
            }
            Err(StoreError::Corrupt { reason }) => {
                self.set_aside(group, reason);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// A template, read once; `None` when it was deleted.
    pub(super) async fn template(&mut self, id: TemplateId) -> Result<Option<Template>, StoreError> {
        if let Some(template) = self.templates.get(&id) {
            return Ok(Some(template.clone()));
        }
        let read = codec::get::<Template>(&**self.books.store(), self.books.account(), &id.to_string()).await?;
        let template = read.map(|read| read.value);
        self.templates.extend(template.clone().map(|template| (id, template)));
        Ok(template)
    }

    /// Starts a stopped machine.
    pub(super) async fn start(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let (began, now) = (self.monotonic(), self.now());
        let toll = if self.todo.excused.remove(&id) { Toll::Excused } else { Toll::Attempt };
        let machine = self.books.group(group).and_then(|ledger| startable(ledger, id));
        let is_stopped = |instance: &InstanceId| {
            find_instance(&self.sight.snapshot, *instance).is_some_and(|seen| seen.state == InstanceState::Stopped)
        };
        let Some(instance) = machine.filter(is_stopped).filter(|_| self.budget.starts(began) > 0) else {
            self.pace.give_back();
            return Ok(());
        };
        let result = self.books.record_once(group, now, |edit| record_start(edit, (id, instance), toll)).await;
        if self.only_store(group, result)? != Some(Recorded::Changed) {
            self.pace.give_back();
            return Ok(());
        }
        self.budget.take_start(began);
        self.counts.starts += 1;
        let start = move |cloud: Arc<dyn Cloud>| async move { cloud.start(instance).await };
        self.send(began, start, move |sent| Answer::Started { group, sent });
        Ok(())
    }
}

/// Hash of what is sent to a machine: all that such a request carries is the machine's id.
pub(super) fn payload_of(instance: InstanceId) -> Fingerprint {
    Fingerprint::of(&instance)
}

/// Creates that count against the group's window. One in doubt keeps its slot, and holds up the
/// others only while a single one is to try the ground.
fn unanswered(ledger: &GroupLedger) -> u32 {
    let sent = ledger.count_open(|phase| phase == Phase::Sent);
    if ledger.head().memory.create_backoff.is_none() {
        return sent;
    }
    let is_unanswered = |operation: &&Operation| {
        operation.phase == Phase::Unknown && operation.last_attempt().is_none_or(|attempt| attempt.outcome.is_none())
    };
    sent.saturating_add(u32::try_from(ledger.open().filter(is_unanswered).count()).unwrap_or(u32::MAX))
}

/// Planned, or in doubt with every attempt so far known to have left nothing.
fn is_sendable(operation: Option<&Operation>) -> bool {
    operation.is_some_and(|operation| match operation.phase {
        Phase::Planned => true,
        Phase::Unknown => {
            operation.last_attempt().is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet))
        }
        _ => false,
    })
}

fn startable(ledger: &GroupLedger, id: OperationId) -> Option<InstanceId> {
    let operation = ledger.operation(id).filter(|operation| matches!(operation.phase, Phase::Bound | Phase::Ready))?;
    operation.instance.filter(|_| ledger.group().freeze.is_none())
}

/// What a start or restart costs its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toll {
    /// One of the attempts of the restart policy.
    Attempt,
    /// Nothing: somebody asked for it, or the compute node was at fault.
    Excused,
}

impl Toll {
    pub(super) const fn of(reason: Reason) -> Self {
        if reason.uses_attempt() { Self::Attempt } else { Self::Excused }
    }

    pub(super) fn note(self, restarts: RestartHistory, at: Timestamp) -> RestartHistory {
        match self {
            Self::Attempt => restarts.with(at),
            Self::Excused => restarts.with_excused(at),
        }
    }
}

fn record_start(edit: &mut Edit<'_>, (id, instance): (OperationId, InstanceId), toll: Toll) -> Result<(), InvalidEdge> {
    let now = edit.now();
    let can_start = edit.operation(id).is_some_and(|operation| matches!(operation.phase, Phase::Bound | Phase::Ready));
    if !can_start || edit.group().freeze.is_some() {
        return Ok(());
    }
    edit.change(id, |operation| {
        operation.restarts = toll.note(operation.restarts, now);
        operation.marks = operation.marks.without(Mark::Restart);
    });
    // One that costs nothing is the first of its kind.
    let attempts = edit.operation(id).map_or(1, |operation| operation.restarts.within(Duration::MAX, now));
    let attempt = u32::from(attempts).max(1);
    let payload = payload_of(instance);
    let sending = Sending { request: RequestKind::Start, instance: Some(instance), attempt, payload };
    edit.will_send(id, sending);
    Ok(())
}

/// A create request, and what is known of its machine before it is there.
struct Composed {
    operation: OperationId,
    request: CreateInstance,
    /// How the machine begins in discovery.
    listing: Listing,
}
