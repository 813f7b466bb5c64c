//! What is done to a machine that stays: drained, shut down, restarted, resized, relabelled.
//!
//! Owns that an errand, once recorded with its plan, is sent until the cloud took note of it,
//! whoever crashed meanwhile. Must never send one for a frozen group or a machine on its way out.

use core::time::Duration;
use std::sync::Arc;

use tsg_core::model::audit::RequestKind;
use tsg_core::model::errand::{Errand, ErrandKind};
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{GroupId, InstanceId, OperationId, PackageId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Cause, InvalidEdge, Operation, Phase};
use tsg_core::model::tag::Claim;
use tsg_core::model::template::TemplateSpec;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::Mark;
use tsg_core::plan::output::{Action, PlannedAction, Reason};
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{CloudError, ErrorKind, InstanceUpdate, Noted, Reach};
use tsg_core::ports::store::StoreError;

use super::Session;
use super::answers::{Answer, Sent};
use super::dispatch::payload_of;
use super::relabel::{difference, own_tags};
use super::services::within;
use crate::budget::is_unasked;
use crate::ledger::{Edit, GroupLedger, Sending};
use crate::todo::Job;

/// Which errand an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrandRun {
    group: GroupId,
    operation: OperationId,
    instance: InstanceId,
    /// An errand that was decided later is another one.
    decided_at: Timestamp,
}

/// The request of an errand.
#[derive(Debug, Clone)]
enum Request {
    Restart,
    Stop,
    Resize(PackageId),
    Update(InstanceUpdate),
}

impl Request {
    const fn kind(&self) -> RequestKind {
        match self {
            Self::Restart => RequestKind::Restart,
            Self::Stop => RequestKind::Stop,
            Self::Resize(_) => RequestKind::Resize,
            Self::Update(_) => RequestKind::Update,
        }
    }

    fn payload(&self, instance: InstanceId) -> Fingerprint {
        match self {
            Self::Restart | Self::Stop => payload_of(instance),
            Self::Resize(package) => Fingerprint::of(&(instance, package)),
            Self::Update(change) => change.fingerprint(instance),
        }
    }

    /// How many requests it may come to beyond the first.
    fn further(&self) -> u32 {
        match self {
            Self::Restart | Self::Stop | Self::Resize(_) => 0,
            Self::Update(change) => u32::try_from(change.request_count().saturating_sub(1)).unwrap_or(u32::MAX),
        }
    }

    async fn send(self, cloud: Arc<dyn Cloud>, instance: InstanceId) -> Result<Noted, CloudError> {
        match self {
            Self::Restart => cloud.restart(instance).await.map(|()| Noted::Whole),
            Self::Stop => cloud.stop(instance).await.map(|()| Noted::Whole),
            Self::Resize(package) => cloud.resize(instance, package).await.map(|()| Noted::Whole),
            Self::Update(change) => cloud.update(instance, &change).await,
        }
    }
}

/// What an answer makes of an errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// A part is done; the rest is asked for soon.
    Further,
    Again,
    GivenUp,
}

impl Session {
    /// What a recorded plan took of the budgets by beginning something that nobody asked for.
    pub(super) fn spend(&mut self, group: GroupId, actions: &[PlannedAction]) {
        let now = self.monotonic();
        for planned in actions.iter().filter(|planned| is_unasked(Some(planned.reason.cause()))) {
            let is_first = !matches!(planned.reason, Reason::Drained { .. } | Reason::ShutDown { .. });
            match planned.action {
                Action::Restart { .. } => self.budget.take_start(now),
                Action::Drain { .. } | Action::Stop { .. } if is_first => self.budget.take_delete(group, now),
                _ => {}
            }
        }
    }

    /// Queues a group's errands that are due, whoever recorded them.
    pub(super) fn queue_errands(&mut self, group: GroupId) {
        let now = self.now();
        let Some(ledger) = self.books.group(group).filter(|ledger| ledger.group().freeze.is_none()) else { return };
        let is_waiting = |operation: &&Operation| !self.on_errand.contains(&operation.id);
        let errands: Vec<_> = ledger
            .open()
            .filter(is_waiting)
            .filter_map(|operation| operation.errand.as_ref().map(|errand| (operation.id, errand.due_at())))
            .collect();
        for (operation, due_at) in errands {
            if due_at <= now {
                self.todo.push(group, Job::Errand(operation));
            } else {
                let at = self.when(due_at);
                self.wake_group_at(group, at);
            }
        }
    }

    /// Sends an errand's request. Its token was taken.
    pub(super) async fn run_errand(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let (began, now) = (self.monotonic(), self.now());
        let found = self.books.group(group).and_then(|ledger| runnable(ledger, id));
        let due = found.filter(|(_, errand)| errand.due_at() <= now && !self.on_errand.contains(&id));
        let Some((instance, errand)) = due else {
            self.pace.give_back();
            return Ok(());
        };
        let run = ErrandRun { group, operation: id, instance, decided_at: errand.decided_at };
        let Some(request) = self.errand_request(group, id, &errand.kind).await? else {
            self.pace.give_back();
            return self.conclude_errand(run, Outcome::Done).await;
        };
        let (kind, payload) = (request.kind(), request.payload(instance));
        let announce = |edit: &mut Edit<'_>| record_errand(edit, run, (kind, payload));
        if !self.is_announced(group, announce).await? {
            return Ok(());
        }
        self.send_errand(run, request, began);
        Ok(())
    }

    fn send_errand(&mut self, run: ErrandRun, request: Request, began: Duration) {
        self.pace.owe(request.further());
        self.counts.changes += 1;
        self.on_errand.insert(run.operation);
        self.send(began, move |cloud| request.send(cloud, run.instance), move |sent| Answer::Ran { run, sent });
    }

    /// What there is to ask for; `None` when it is done already.
    async fn errand_request(
        &mut self,
        group: GroupId,
        id: OperationId,
        kind: &ErrandKind,
    ) -> Result<Option<Request>, StoreError> {
        let Some(operation) = self.books.operation(id) else { return Ok(None) };
        let seen = operation.instance.and_then(|instance| find_instance(&self.sight.snapshot, instance));
        let is_stopped = seen.is_some_and(|seen| seen.state == InstanceState::Stopped);
        let cause = operation.retirement.map(|retirement| retirement.cause);
        Ok(match kind {
            ErrandKind::Restart => Some(Request::Restart),
            ErrandKind::Stop => (!is_stopped).then_some(Request::Stop),
            ErrandKind::Drain => Some(Request::Update(InstanceUpdate::drain(word(cause)))),
            ErrandKind::Undrain => Some(Request::Update(self.undraining(group, id).await?)),
            ErrandKind::Resize { .. } => {
                let template = self.template_of(group, id).await?;
                template.map(|template| Request::Resize(template.spec.package))
            }
            ErrandKind::Update { from } => {
                let change = self.relabelling(group, id, from).await?;
                change.filter(|change| !change.is_empty()).map(Request::Update)
            }
        })
    }

    /// What there is to change of a machine's labels.
    async fn relabelling(
        &mut self,
        group: GroupId,
        id: OperationId,
        from: &[tsg_core::model::id::TemplateId],
    ) -> Result<Option<InstanceUpdate>, StoreError> {
        let Some(to) = self.template_of(group, id).await? else { return Ok(None) };
        let mut before: Vec<TemplateSpec> = Vec::new();
        for template in from {
            before.extend(self.template(*template).await?.map(|template| template.spec));
        }
        let Some(ledger) = self.books.group(group) else { return Ok(None) };
        let Some(operation) = ledger.operation(id) else { return Ok(None) };
        let claim = Claim {
            manager: self.deployment,
            group,
            operation: id,
            revision: operation.revision,
            sequence: operation.sequence,
        };
        let own = own_tags(&claim, &ledger.group().name, to.id);
        // Where a template was deleted nobody knows what it said, so all of the new one is written.
        let before = if before.len() == from.len() { before } else { Vec::new() };
        Ok(Some(difference(&before, &within(ledger.group(), to.spec), own)))
    }

    /// An errand was answered.
    pub(super) async fn take_ran(&mut self, run: ErrandRun, sent: &Sent<Noted>) -> Result<(), StoreError> {
        let errand = self.books.operation(run.operation).and_then(|operation| operation.errand.clone());
        let errand = errand.filter(|errand| errand.decided_at == run.decided_at);
        if let Sent::Replied(Err(error)) = sent {
            tracing::warn!(group = %run.group, operation = %run.operation, %error, "an errand was not accepted");
        }
        if let Some(errand) = errand {
            self.conclude_errand(run, outcome(&errand, sent)).await?;
        }
        self.on_errand.remove(&run.operation);
        self.mark_dirty(run.group);
        Ok(())
    }

    async fn conclude_errand(&mut self, run: ErrandRun, outcome: Outcome) -> Result<(), StoreError> {
        let now = self.now();
        if outcome == Outcome::Again {
            return Ok(());
        }
        let conclude = |edit: &mut Edit<'_>| {
            if is_meant(edit.operation(run.operation), run) {
                edit.change(run.operation, |operation| conclude(operation, outcome));
            }
            Ok(())
        };
        let result = self.books.record(run.group, now, conclude).await;
        self.sight.lasting.begin_anew(run.instance, now);
        self.mark_dirty(run.group);
        self.only_store(run.group, result).map(|_| ())
    }
}

fn is_meant(operation: Option<&Operation>, run: ErrandRun) -> bool {
    operation.and_then(|operation| operation.errand.as_ref()).is_some_and(|errand| errand.decided_at == run.decided_at)
}

fn runnable(ledger: &GroupLedger, id: OperationId) -> Option<(InstanceId, Errand)> {
    let operation = ledger.operation(id).filter(|operation| can_run(operation))?;
    let instance = operation.instance.filter(|_| ledger.group().freeze.is_none())?;
    Some((instance, operation.errand.clone()?))
}

const fn can_run(operation: &Operation) -> bool {
    matches!(operation.phase, Phase::Bound | Phase::Ready | Phase::Failed)
}

fn record_errand(
    edit: &mut Edit<'_>,
    run: ErrandRun,
    (request, payload): (RequestKind, Fingerprint),
) -> Result<(), InvalidEdge> {
    let now = edit.now();
    let operation = edit.operation(run.operation).filter(|operation| can_run(operation));
    if !is_meant(operation, run) || edit.group().freeze.is_some() {
        return Ok(());
    }
    let mut attempt = 1;
    edit.change(run.operation, |operation| {
        if let Some(errand) = &mut operation.errand {
            errand.note_sent(now);
            attempt = errand.attempts;
        }
    });
    edit.will_send(run.operation, Sending { request, instance: Some(run.instance), attempt, payload });
    Ok(())
}

fn outcome(errand: &Errand, sent: &Sent<Noted>) -> Outcome {
    let error = match sent {
        Sent::Dropped => return Outcome::Again,
        Sent::Replied(Ok(Noted::Whole)) => return Outcome::Done,
        Sent::Replied(Ok(Noted::Part)) => return Outcome::Further,
        Sent::Replied(Err(error)) => error,
    };
    match error.kind {
        // A second restart would do harm, so one that may have happened did.
        _ if errand.kind == ErrandKind::Restart && error.reach == Reach::MaybeSent => Outcome::Done,
        ErrorKind::Invalid | ErrorKind::Unsupported => Outcome::GivenUp,
        // That the machine is gone is proved elsewhere, that the key is refused passes.
        _ if errand.is_spent() => Outcome::GivenUp,
        _ => Outcome::Again,
    }
}

fn conclude(operation: &mut Operation, outcome: Outcome) {
    let Some(errand) = operation.errand.take() else { return };
    operation.errand = match (outcome, &errand.kind) {
        (Outcome::Again, _) => Some(errand),
        // It came forward, so the waits begin anew.
        (Outcome::Further, _) => Some(Errand { attempts: 1, ..errand }),
        (Outcome::Done, ErrandKind::Resize { from }) => {
            Some(Errand::new(ErrandKind::Update { from: from.clone() }, errand.decided_at))
        }
        (Outcome::GivenUp, ErrandKind::Resize { .. } | ErrandKind::Update { .. }) => {
            // What cannot be changed can be replaced.
            operation.marks = operation.marks.with(Mark::Reprovision);
            None
        }
        (Outcome::Done | Outcome::GivenUp, _) => None,
    };
}

/// The one word that a guest is told.
const fn word(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::ScaleIn) => "scale_in",
        Some(Cause::TearDown) => "tear_down",
        Some(Cause::Rollout) => "rollout",
        Some(Cause::Surplus) => "surplus",
        Some(Cause::Expiry) => "expiry",
        Some(Cause::Repair | Cause::Capacity) | None => "repair",
    }
}
