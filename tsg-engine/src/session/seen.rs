//! What seeing a machine, or not seeing it, means for its operation.
//!
//! Owns promotion, failure and the end of operations. Must never end one because a list did not
//! show it: a get by its id decides.

use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::{InstanceState, ObservedInstance};
use tsg_core::model::operation::{Absence, InvalidEdge, Operation, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::ViewTrust;
use tsg_core::ports::cloud::CloudError;
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::absence::{AbsenceFinding, GetEvidence, absence, weigh_get};

use super::Session;
use crate::ledger::Edit;
use crate::todo::{Job, Read};

/// Operations moved by one commit at most.
const BATCH: usize = 500;

/// What a sighting proves about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Runs,
    Failed,
    Destroyed,
    IsThere,
}

impl Session {
    /// Applies the newest list to every member.
    pub(super) async fn note_all_seen(&mut self) -> Result<(), StoreError> {
        let groups: Vec<GroupId> = self.books.groups().map(|(id, _)| id).collect();
        let is_trusted = self.view().trust == ViewTrust::Trusted;
        for group in groups {
            let Some(ledger) = self.books.group(group) else { continue };
            let mut proofs = Vec::new();
            let mut missing = Vec::new();
            for operation in ledger.open() {
                let Some(instance) = operation.instance else { continue };
                match find_instance(&self.sight.snapshot, instance) {
                    Some(seen) => proofs.extend(Self::proof(operation, seen).map(|proof| (operation.id, proof))),
                    None if operation.phase_since >= self.sight.snapshot.taken_at => {}
                    None => missing.push((operation.id, instance)),
                }
            }
            if is_trusted {
                missing.into_iter().for_each(|(operation, instance)| self.ask_for(operation, instance));
            }
            for batch in proofs.chunks(BATCH) {
                self.record_proofs(group, batch).await?;
            }
            self.watch_residue(group);
        }
        Ok(())
    }

    fn proof(operation: &Operation, seen: &ObservedInstance) -> Option<Proof> {
        match (seen.state, operation.phase) {
            (InstanceState::Deleted, _) => Some(Proof::Destroyed),
            (InstanceState::Failed, Phase::Bound) => Some(Proof::Failed),
            (InstanceState::Running, Phase::Bound) => Some(Proof::Runs),
            _ if operation.absence != Absence::default() => Some(Proof::IsThere),
            _ => None,
        }
    }

    async fn record_proofs(&mut self, group: GroupId, proofs: &[(OperationId, Proof)]) -> Result<(), StoreError> {
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| proofs.iter().try_for_each(|(id, proof)| apply_proof(edit, *id, *proof)))
            .await;
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }

    /// Asks for one machine unless that was done a moment ago.
    pub(super) fn ask_for(&mut self, operation: OperationId, instance: InstanceId) {
        let now = self.monotonic();
        if self.sight.ask_again.get(&instance).is_some_and(|at| *at > now) {
            return;
        }
        self.ask_for_test();
        self.todo.read(Read::Get(operation, instance));
    }

    /// A get by id was answered.
    pub(super) async fn take_get(
        &mut self,
        id: OperationId,
        instance: InstanceId,
        asked_at: Timestamp,
        reply: Result<ObservedInstance, CloudError>,
    ) -> Result<(), StoreError> {
        let Some(operation) = self.books.operation(id) else { return Ok(()) };
        let evidence = match weigh_get(instance, &reply) {
            GetEvidence::NotFound if self.may_be_invisible(operation) => GetEvidence::Nothing,
            evidence => evidence,
        };
        let (group, is_own) = (operation.group, operation.instance == Some(instance));
        if let GetEvidence::Seen(seen) = evidence {
            self.sight.glimpse(asked_at, seen);
        }
        if !is_own {
            return self.take_get_of_residue(group, id, instance, asked_at, evidence).await;
        }
        let now = self.now();
        let self_test = self.sight.self_test(self.monotonic());
        match absence(operation.absence, &evidence, self_test, now, &self.config.timing) {
            AbsenceFinding::Gone => self.end(group, id, instance, &evidence).await,
            AbsenceFinding::Present => self.take_sighting(group, id, instance, asked_at, evidence).await,
            AbsenceFinding::Unproven { absence, look_again_at } => {
                let look_again_at = self.when(look_again_at);
                self.sight.ask_again.insert(instance, look_again_at);
                self.wake_group_at(group, look_again_at);
                self.keep_absence(group, id, absence).await
            }
        }
    }

    /// VMAPI may fail to write a machine's record and go on: the machine is there and nobody can
    /// see it for minutes. For as long as a create is not given up, a 404 proves nothing either.
    fn may_be_invisible(&self, operation: &Operation) -> bool {
        let sent_at = operation.last_attempt().map_or(operation.planned_at, |attempt| attempt.sent_at);
        self.sight.evidence_time(self.now()) < sent_at.after(self.config.timing.quiet)
    }

    async fn take_sighting(
        &mut self,
        group: GroupId,
        id: OperationId,
        instance: InstanceId,
        asked_at: Timestamp,
        evidence: GetEvidence,
    ) -> Result<(), StoreError> {
        let GetEvidence::Seen(seen) = evidence else { return Ok(()) };
        let Some(operation) = self.books.operation(id) else { return Ok(()) };
        let is_leaving = operation.phase == Phase::Deleting;
        if let Some(proof) = Self::proof(operation, &seen) {
            self.record_proofs(group, &[(id, proof)]).await?;
        }
        if is_leaving {
            self.looks.insert(instance, (seen, asked_at));
            self.todo.urgent.push_back((group, Job::Delete(id)));
        }
        self.mark_dirty(group);
        Ok(())
    }

    async fn keep_absence(&mut self, group: GroupId, id: OperationId, absence: Absence) -> Result<(), StoreError> {
        if self.books.operation(id).is_none_or(|operation| operation.absence == absence) {
            return Ok(());
        }
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| {
                edit.change(id, |operation| operation.absence = absence);
                Ok(())
            })
            .await;
        self.only_store(group, result).map(|_| ())
    }

    /// A machine is proved to be no more.
    async fn end(
        &mut self,
        group: GroupId,
        id: OperationId,
        instance: InstanceId,
        evidence: &GetEvidence,
    ) -> Result<(), StoreError> {
        let words = match evidence {
            GetEvidence::Destroyed => "the cloud shows it destroyed",
            _ => "the cloud knows nothing of it, asked twice",
        };
        let now = self.now();
        let result = self
            .books
            .record(group, now, |edit| match edit.operation(id).map(|operation| operation.phase) {
                Some(phase) if phase.can_become(Phase::Gone) => edit.enter(id, Phase::Gone, words),
                _ => Ok(()),
            })
            .await;
        self.forget_machine(instance);
        self.mark_dirty(group);
        self.only_store(group, result).map(|_| ())
    }

    /// Drops what was remembered of a machine that is over.
    pub(super) fn forget_machine(&mut self, instance: InstanceId) {
        self.removals.remove(&instance);
        self.looks.remove(&instance);
        self.sight.ask_again.remove(&instance);
        self.residue_absence.remove(&instance);
    }
}

fn apply_proof(edit: &mut Edit<'_>, id: OperationId, proof: Proof) -> Result<(), InvalidEdge> {
    let Some(phase) = edit.operation(id).map(|operation| operation.phase) else { return Ok(()) };
    match proof {
        Proof::Runs if phase == Phase::Bound => {
            edit.enter(id, Phase::Ready, "seen running")?;
            edit.memory().note_ready();
        }
        Proof::Failed if phase == Phase::Bound => {
            edit.enter(id, Phase::Failed, "its provisioning failed")?;
            let now = edit.now();
            edit.memory().note_failed(now);
        }
        Proof::Destroyed if phase.can_become(Phase::Gone) => {
            edit.enter(id, Phase::Gone, "the cloud shows it destroyed")?;
        }
        Proof::Runs | Proof::Failed | Proof::Destroyed | Proof::IsThere => {}
    }
    if edit.operation(id).is_some_and(|operation| operation.absence != Absence::default()) {
        edit.change(id, |operation| operation.absence = Absence::default());
    }
    Ok(())
}
