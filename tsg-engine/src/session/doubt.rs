//! Creates that nobody answered: look-ups, the quiet rule, retry and loss.
//!
//! Owns the way out of doubt. Must never leave it by the passing of time alone.

use core::time::Duration;

use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::operation::{AttemptOutcome, Operation, Phase};
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::ports::cloud::{CloudError, InstancePage, PAGE_MAX};
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::quiet::{QuietStep, SelfTest, note_negative, quiet};
use tsg_core::protocol::resolve::{Resolution, resolve};

use super::Session;
use crate::ledger::Recorded;
use crate::todo::{Job, Read};

/// A look-up that was asked for and never answered is asked for again.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(120);
/// Between two considerations of one doubt at least.
const STEP: Duration = Duration::from_secs(1);

/// What giving an operation up says about its newest attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newest {
    /// It was just found to have left nothing behind.
    Quiet,
    /// Nothing that is not recorded already.
    AsItIs,
}

/// An operation in doubt, and how far its look-ups are.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    due: Duration,
    by_tag: Option<Vec<ObservedInstance>>,
    by_name: Option<Vec<ObservedInstance>>,
}

impl Session {
    pub(super) fn next_doubt(&self) -> Option<Duration> {
        if self.sight.is_locked_out() {
            return None;
        }
        self.doubts.values().map(|doubt| doubt.due).min()
    }

    /// An operation is in doubt from now on; its first look-up is made at once.
    pub(super) fn doubt(&mut self, operation: OperationId) {
        self.doubts.entry(operation).or_default();
    }

    /// An operation is in doubt and its machine is probably there: look now, whatever was seen
    /// before.
    pub(super) fn look_up_now(&mut self, operation: OperationId) {
        let due = self.monotonic() + LOOK_UP_PATIENCE;
        self.doubts.insert(operation, Doubt { due, ..Doubt::default() });
        self.ask_for_test();
        self.todo.read(Read::ByTag(operation));
        self.todo.read(Read::ByName(operation));
    }

    /// Considers every doubt that is due.
    pub(super) async fn settle_doubts(&mut self) -> Result<(), StoreError> {
        let now = self.monotonic();
        if self.sight.is_locked_out() {
            return Ok(());
        }
        let due: Vec<_> = self.doubts.iter().filter(|(_, doubt)| doubt.due <= now).map(|(id, _)| *id).collect();
        for operation in due {
            self.settle_doubt(operation).await?;
        }
        Ok(())
    }

    async fn settle_doubt(&mut self, id: OperationId) -> Result<(), StoreError> {
        let now = self.monotonic();
        let known = self.books.operation(id).filter(|operation| operation.phase == Phase::Unknown);
        let Some(operation) = known else {
            self.doubts.remove(&id);
            return Ok(());
        };
        let group = operation.group;
        if operation.last_attempt().is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet)) {
            self.put_off(id, now + STEP * 5);
            return self.repeat_or_lose(group, id).await;
        }
        let at = self.sight.evidence_time(self.now());
        match quiet(operation, self.sight.self_test(now), at, &self.config.timing) {
            QuietStep::LookUp => self.look_up_now(id),
            QuietStep::Wait { until } => {
                // Its answer comes in a moment and is good for half a minute.
                let wait = if self.lacks_only_test(id) { STEP * 5 } else { until.since(at).max(STEP) };
                self.put_off(id, now + wait);
            }
            QuietStep::Retry => {
                self.put_off(id, now + STEP);
                self.call_quiet(group, id).await?;
            }
            QuietStep::Lost => {
                self.put_off(id, now + STEP);
                self.lose(group, id, Newest::Quiet, "every attempt stayed quiet").await?;
            }
        }
        Ok(())
    }

    /// Whether the quiet rule may be met but for the self-test, which is asked for then.
    fn lacks_only_test(&mut self, id: OperationId) -> bool {
        let timing = &self.config.timing;
        let lacks_it = self.sight.self_test(self.monotonic()) == SelfTest::Failing
            && self.books.operation(id).is_some_and(|operation| operation.silence.negatives >= timing.quiet_lookups);
        if lacks_it {
            self.ask_for_test();
        }
        lacks_it
    }

    fn put_off(&mut self, id: OperationId, due: Duration) {
        if let Some(doubt) = self.doubts.get_mut(&id) {
            doubt.due = due;
        }
    }

    /// The newest attempt left nothing behind. Void when somebody else was first: the newest
    /// attempt may be another one by then, and nothing is known about that.
    pub(super) async fn call_quiet(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let now = self.now();
        let result = self
            .books
            .record_once(group, now, |edit| {
                if edit.operation(id).is_some_and(|operation| operation.phase == Phase::Unknown) {
                    edit.call_quiet(id);
                }
                Ok(())
            })
            .await;
        match self.only_store(group, result)? {
            Some(Recorded::Changed) => self.repeat_or_lose(group, id).await,
            Some(Recorded::Nothing) | None => Ok(()),
        }
    }

    /// Sends the same operation again, or gives it up when its group does not need it any more.
    async fn repeat_or_lose(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        if ledger.open_count() > ledger.group().wanted() {
            return self.lose(group, id, Newest::AsItIs, "stayed quiet, and the group does not need it").await;
        }
        self.todo.push(group, Job::Create(id));
        Ok(())
    }

    /// Gives an operation up. Void when somebody else was first, for the same reason; a doubt
    /// that remains is considered again.
    pub(super) async fn lose(
        &mut self,
        group: GroupId,
        id: OperationId,
        newest: Newest,
        evidence: &str,
    ) -> Result<(), StoreError> {
        tracing::warn!(%group, operation = %id, evidence, "gives up an operation");
        let now = self.now();
        let result = self
            .books
            .record_once(group, now, |edit| {
                if edit.operation(id).map(|operation| operation.phase) != Some(Phase::Unknown) {
                    return Ok(());
                }
                if newest == Newest::Quiet {
                    edit.call_quiet(id);
                }
                edit.enter(id, Phase::Lost, evidence)
            })
            .await;
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }

    /// One of the two look-ups was answered.
    pub(super) async fn take_look_up(
        &mut self,
        read: Read,
        reply: Result<InstancePage, CloudError>,
    ) -> Result<(), StoreError> {
        let (Read::ByTag(id) | Read::ByName(id)) = read else { return Ok(()) };
        let retry_at = self.monotonic() + STEP * 10;
        let Some(doubt) = self.doubts.get_mut(&id) else { return Ok(()) };
        let page = match reply {
            // A full page may have a successor; no operation has that many machines, so the
            // filter was not understood.
            Ok(page) if page.instances.len() < PAGE_MAX as usize => page,
            Ok(_) | Err(_) => {
                *doubt = Doubt { due: retry_at, ..Doubt::default() };
                return Ok(());
            }
        };
        match read {
            Read::ByTag(_) => doubt.by_tag = Some(page.instances),
            _ => doubt.by_name = Some(page.instances),
        }
        if doubt.by_tag.is_none() || doubt.by_name.is_none() {
            return Ok(());
        }
        let tagged = doubt.by_tag.take().unwrap_or_default();
        let found: Vec<_> = tagged.into_iter().chain(doubt.by_name.take().unwrap_or_default()).collect();
        doubt.due = retry_at;
        self.sight.note_server_time(page.server_time, self.now());
        let Some(operation) = self.books.operation(id) else { return Ok(()) };
        let resolution = resolve(operation, self.deployment, &found);
        self.apply_look_up(id, resolution).await
    }

    /// What both look-ups together say: silence counts here, and only here.
    async fn apply_look_up(&mut self, id: OperationId, resolution: Resolution) -> Result<(), StoreError> {
        let Some(group) = self.books.group_of(id) else { return Ok(()) };
        let is_silent = matches!(resolution, Resolution::Nothing | Resolution::Dead { .. });
        self.apply_finding(id, resolution).await?;
        if is_silent {
            let (now, at) = (self.now(), self.sight.evidence_time(self.now()));
            let timing = self.config.timing.clone();
            let tries = self.books.operation(id).map(|operation| operation.attempts.len());
            // What was looked up says nothing about an attempt that somebody else began since.
            let is_meant =
                |operation: &Operation| operation.phase == Phase::Unknown && Some(operation.attempts.len()) == tries;
            let result = self
                .books
                .record(group, now, |edit| {
                    if edit.operation(id).is_some_and(is_meant) {
                        edit.change(id, |operation| {
                            operation.silence = note_negative(operation.silence, at, &timing);
                        });
                    }
                    Ok(())
                })
                .await;
            self.only_store(group, result)?;
            self.put_off(id, self.monotonic() + STEP);
        }
        Ok(())
    }

    /// What was found of an operation in doubt.
    pub(super) async fn apply_finding(&mut self, id: OperationId, resolution: Resolution) -> Result<(), StoreError> {
        let Some(group) = self.books.group_of(id) else { return Ok(()) };
        match resolution {
            Resolution::Nothing => Ok(()),
            Resolution::Dead { residue } => {
                let now = self.now();
                let result = self
                    .books
                    .record(group, now, |edit| {
                        residue.iter().for_each(|instance| edit.add_residue(id, *instance));
                        Ok(())
                    })
                    .await;
                self.mark_dirty(group);
                self.only_store(group, result).map(|_| ())
            }
            Resolution::Bind { instance, residue } => self.bind_found(group, id, instance, &residue).await,
            Resolution::Ambiguous { instance } => {
                tracing::error!(%group, operation = %id, %instance, "a machine has our tags under another name");
                Ok(())
            }
            Resolution::Impostor { instance } => {
                tracing::error!(%group, operation = %id, %instance, "a machine has our name without our tags");
                self.give_up_name(group, id).await
            }
        }
    }

    async fn bind_found(
        &mut self,
        group: GroupId,
        id: OperationId,
        instance: ObservedInstance,
        residue: &[tsg_core::model::id::InstanceId],
    ) -> Result<(), StoreError> {
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| {
                let phase = edit.operation(id).map(|operation| operation.phase);
                if let Some(Phase::Sent | Phase::Unknown | Phase::Lost) = phase
                    && !edit.is_residue(id, instance.id)
                {
                    edit.conclude_newest(id, AttemptOutcome::Bound);
                    edit.bind(id, instance.id, "found by tag and name")?;
                }
                residue.iter().for_each(|other| edit.add_residue(id, *other));
                Ok(())
            })
            .await;
        self.doubts.remove(&id);
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }

    async fn give_up_name(&mut self, group: GroupId, id: OperationId) -> Result<(), StoreError> {
        if self.requested.contains_key(&id) {
            return Ok(());
        }
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| {
                if edit.operation(id).is_some_and(|operation| operation.phase == Phase::Sent) {
                    edit.enter(id, Phase::Unknown, "the name is taken by a machine that is not ours")?;
                }
                Ok(())
            })
            .await;
        self.only_store(group, result)?;
        self.lose(group, id, Newest::AsItIs, "the name is taken by a machine that is not ours").await
    }
}
