//! What the engine makes of what it hears and sees, put together as in `tsg-engine`'s session.
//!
//! Owns the order of record and request. Must never conclude anything itself: the protocol's
//! functions do. Who goes when the group shrinks is left open: any planner's choice is tried.

use tsg_core::model::id::InstanceId;
use tsg_core::model::instance::{InstanceState, ObservedInstance};
use tsg_core::model::machines::Machines;
use tsg_core::model::operation::{Absence, AttemptOutcome, Cause, Deletion, Operation, Phase, Silence};
use tsg_core::observe::arrivals::{Arrival, Stray, arrivals};
use tsg_core::ports::cloud::CloudError;
use tsg_core::protocol::absence::{AbsenceFinding, GetEvidence, absence, weigh_get};
use tsg_core::protocol::create::{CreateOutcome, classify_create};
use tsg_core::protocol::delete::{DeleteStep, Look, delete_step};
use tsg_core::protocol::quiet::{QuietStep, SelfTest, note_negative, quiet};
use tsg_core::protocol::resolve::{Resolution, resolve};
use tsg_core::protocol::timing::ProtocolTiming;

use super::{NOW, Request, State, close, id_of};
use crate::support::cloud::{DEPLOYMENT, attempt, sent};

type Reply = Result<ObservedInstance, CloudError>;

impl State {
    fn enter(&mut self, place: usize, phase: Phase, timing: &ProtocolTiming) {
        let operation = self.edit(place);
        operation.enter(phase, NOW).unwrap();
        if phase.is_closed() {
            close(operation, timing);
        }
    }

    fn bind(&mut self, place: usize, id: InstanceId, timing: &ProtocolTiming) {
        let operation = self.edit(place);
        operation.residue.retain(|other| *other != id);
        (operation.instance, operation.silence) = (Some(id), Silence::default());
        operation.adopted_at = (operation.phase == Phase::Lost).then_some(NOW);
        self.enter(place, Phase::Bound, timing);
    }

    fn add_residue(&mut self, place: usize, id: InstanceId) {
        let operation = &self.ledger[place];
        if operation.instance != Some(id) && !operation.residue.contains(&id) {
            self.edit(place).residue.push(id);
        }
    }

    fn conclude(&mut self, place: usize, attempt: usize, outcome: AttemptOutcome) {
        self.edit(place).attempts[attempt].outcome = Some(outcome);
    }

    fn call_quiet(&mut self, place: usize) {
        let newest = self.ledger[place].attempts.len() - 1;
        self.edit(place).silence = Silence::default();
        self.conclude(place, newest, AttemptOutcome::Quiet);
    }

    fn open(&self) -> usize {
        self.count(Phase::is_occupying)
    }

    pub fn is_lacking(&self) -> bool {
        self.open() + self.orphans < self.capacity
    }

    pub fn plan_create(&mut self) {
        let number = u32::try_from(self.ledger.len() + 1).unwrap();
        let operation =
            Operation { phase: Phase::Planned, attempts: Vec::new(), name: String::new(), ..sent(number, NOW) };
        self.ledger.push(operation.into());
        self.planned_for.push(self.capacity);
    }

    /// Whether a planner may cancel or delete this one. A request without an answer is no reason
    /// to delete a machine that is there.
    pub fn may_go(&self, place: usize) -> bool {
        let is_settled = |phase| matches!(phase, Phase::Bound | Phase::Ready | Phase::Failed);
        match self.ledger[place].phase {
            Phase::Failed => true,
            Phase::Planned => self.count(|phase| phase.is_occupying() && phase != Phase::Deleting) > self.capacity,
            phase if is_settled(phase) => self.count(is_settled) > self.capacity,
            _ => false,
        }
    }

    pub fn plan_removal(&mut self, place: usize, timing: &ProtocolTiming) {
        if self.ledger[place].phase == Phase::Planned {
            return self.enter(place, Phase::Cancelled, timing);
        }
        let is_failed = self.ledger[place].phase == Phase::Failed;
        self.enter(place, Phase::Deleting, timing);
        let operation = self.edit(place);
        operation.deletion_cause = Some(if is_failed { Cause::Repair } else { Cause::ScaleIn });
        operation.deletion = Some(Deletion { decided_at: NOW, attempts: 0, last_sent_at: None });
    }

    /// Whether the group wants one again that it let go, and nothing was sent yet.
    pub fn is_wanted_again(&self, place: usize) -> bool {
        let operation = &self.ledger[place];
        let is_unsent = operation.deletion.is_some_and(|deletion| deletion.attempts == 0);
        let staying = self.count(|phase| phase.is_occupying() && phase != Phase::Deleting);
        operation.phase == Phase::Deleting
            && operation.deletion_cause == Some(Cause::ScaleIn)
            && is_unsent
            && staying < self.capacity
    }

    pub fn withdraw(&mut self, place: usize, timing: &ProtocolTiming) {
        self.enter(place, Phase::Ready, timing);
        let operation = self.edit(place);
        (operation.deletion, operation.deletion_cause) = (None, None);
    }

    pub fn is_sendable(&self, place: usize) -> bool {
        let operation = &self.ledger[place];
        operation.phase == Phase::Planned || (operation.phase == Phase::Unknown && is_called_quiet(operation))
    }

    /// The dispatch is recorded; only then the request may leave.
    pub fn record_send(&mut self, place: usize, timing: &ProtocolTiming) {
        self.enter(place, Phase::Sent, timing);
        let operation = self.edit(place);
        operation.attempts.iter_mut().for_each(|earlier| earlier.sent_at = NOW);
        operation.attempts.push(attempt(NOW));
    }

    pub fn send(&mut self, place: usize, timing: &ProtocolTiming) {
        self.record_send(place, timing);
        let attempt = self.ledger[place].attempts.len() - 1;
        self.requests.push(Request { operation: place, attempt, age: 0, is_awaited: true });
    }

    /// Nobody waits for an operation's reply any more, or somebody does in vain.
    pub fn fall_in_doubt(&mut self, place: usize, timing: &ProtocolTiming) {
        if self.ledger[place].phase == Phase::Sent {
            self.enter(place, Phase::Unknown, timing);
        }
    }

    /// A reply is heard, be it by an engine that was paused since it sent the request.
    pub fn hear(&mut self, (place, attempt): (usize, usize), reply: &Reply, timing: &ProtocolTiming) {
        match classify_create(self.ledger[place].id, reply) {
            CreateOutcome::Bound(id) => self.hear_bound((place, attempt), id, timing),
            CreateOutcome::Refused(_) => self.hear_refusal((place, attempt), timing),
            CreateOutcome::DuplicateName | CreateOutcome::Unknown => self.fall_in_doubt(place, timing),
        }
    }

    fn hear_bound(&mut self, (place, attempt): (usize, usize), id: InstanceId, timing: &ProtocolTiming) {
        match (self.ledger[place].phase, self.ledger[place].instance) {
            (Phase::Sent | Phase::Unknown | Phase::Lost, None) => {
                self.conclude(place, attempt, AttemptOutcome::Bound);
                self.bind(place, id, timing);
            }
            _ => self.add_residue(place, id),
        }
    }

    fn hear_refusal(&mut self, (place, attempt): (usize, usize), timing: &ProtocolTiming) {
        if !self.ledger[place].phase.is_in_doubt() {
            return;
        }
        self.conclude(place, attempt, AttemptOutcome::Refused);
        let attempts = &self.ledger[place].attempts;
        let is_over = attempts.iter().all(|attempt| attempt.outcome.is_some());
        let is_newest = attempt + 1 == attempts.len();
        let was_quiet = attempts.iter().any(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet));
        match (is_over, is_newest) {
            (true, _) if was_quiet => {
                self.fall_in_doubt(place, timing);
                self.enter(place, Phase::Lost, timing);
            }
            (true, _) => self.enter(place, Phase::Refused, timing),
            (false, true) => self.fall_in_doubt(place, timing),
            (false, false) => {}
        }
    }

    /// The next step of an operation in doubt.
    pub fn settle_doubt(&mut self, place: usize, timing: &ProtocolTiming) {
        let operation = &self.ledger[place];
        if operation.phase != Phase::Unknown {
            return;
        }
        if is_called_quiet(operation) {
            if self.open() > self.capacity {
                self.enter(place, Phase::Lost, timing);
            }
            return;
        }
        match quiet(operation, SelfTest::Green, NOW, timing) {
            QuietStep::LookUp => self.look_up(place, timing),
            QuietStep::Wait { .. } => {}
            QuietStep::Retry => self.call_quiet(place),
            QuietStep::Lost => {
                self.call_quiet(place);
                self.enter(place, Phase::Lost, timing);
            }
        }
    }

    fn look_up(&mut self, place: usize, timing: &ProtocolTiming) {
        let resolution = resolve(&self.ledger[place], DEPLOYMENT, &self.looked_up(place));
        let is_silent = matches!(resolution, Resolution::Nothing | Resolution::Dead { .. });
        self.apply_finding(place, resolution, timing);
        if is_silent {
            let operation = self.edit(place);
            operation.silence = note_negative(operation.silence, NOW, timing);
        }
    }

    fn apply_finding(&mut self, place: usize, resolution: Resolution, timing: &ProtocolTiming) {
        match resolution {
            Resolution::Nothing | Resolution::Ambiguous { .. } => {}
            Resolution::Dead { residue } => residue.into_iter().for_each(|id| self.add_residue(place, id)),
            Resolution::Bind { instance, residue } => {
                if matches!(self.ledger[place].phase, Phase::Sent | Phase::Unknown | Phase::Lost) {
                    let newest = self.ledger[place].attempts.len() - 1;
                    self.conclude(place, newest, AttemptOutcome::Bound);
                    self.bind(place, instance.id, timing);
                }
                residue.into_iter().for_each(|id| self.add_residue(place, id));
            }
            Resolution::Impostor { .. } => {
                self.fall_in_doubt(place, timing);
                self.enter(place, Phase::Lost, timing);
            }
        }
    }

    /// A complete list is taken in.
    pub fn survey(&mut self, timing: &ProtocolTiming) {
        let list = self.listed();
        let found = arrivals(&list, DEPLOYMENT, self);
        for arrival in &found {
            match arrival {
                Arrival::Answers(_) | Arrival::Misnamed(_) | Arrival::Untagged(_) => {}
                Arrival::Late(stray) => self.take_late(*stray, timing),
                Arrival::Residue(stray) => self.take_residue(*stray),
                _ => self.is_puzzled = true,
            }
        }
        let is_orphan = |arrival: &&Arrival| match arrival {
            Arrival::Late(stray) => self.ledger[self.place(stray.operation)].instance.is_none(),
            _ => arrival.orphan_of().is_some(),
        };
        self.orphans = found.iter().filter(is_orphan).count();
        for place in 0..self.ledger.len() {
            self.take_answers(place, &found, &list.instances, timing);
            let seen = list.instances.iter().find(|seen| self.ledger[place].instance == Some(seen.id));
            if let Some(seen) = seen {
                self.note_seen(place, seen, timing);
            }
        }
    }

    fn take_late(&mut self, stray: Stray, timing: &ProtocolTiming) {
        let place = self.place(stray.operation);
        if self.ledger[place].phase == Phase::Lost {
            self.bind(place, stray.instance, timing);
        }
    }

    /// Each attempt makes one machine at most: what goes beyond that was copied.
    fn take_residue(&mut self, stray: Stray) {
        let place = self.place(stray.operation);
        let operation = &self.ledger[place];
        let others = operation.residue.iter().filter(|other| **other != stray.instance).count();
        if usize::from(operation.instance.is_some()) + others < operation.attempts.len() {
            self.add_residue(place, stray.instance);
        } else {
            self.is_puzzled = true;
        }
    }

    fn take_answers(&mut self, place: usize, found: &[Arrival], list: &Machines, timing: &ProtocolTiming) {
        let is_answer = |seen: &ObservedInstance| {
            let id = self.ledger[place].id;
            found.iter().any(|arrival| matches!(arrival, Arrival::Answers(stray) if stray.instance == seen.id && stray.operation == id))
        };
        let answers: Vec<_> = list.iter().filter(|seen| is_answer(seen)).copied().collect();
        if !answers.is_empty() {
            let resolution = resolve(&self.ledger[place], DEPLOYMENT, &answers);
            self.apply_finding(place, resolution, timing);
        }
    }

    fn note_seen(&mut self, place: usize, seen: &ObservedInstance, timing: &ProtocolTiming) {
        match (seen.state, self.ledger[place].phase) {
            (InstanceState::Failed, Phase::Bound) => self.enter(place, Phase::Failed, timing),
            (InstanceState::Running, Phase::Bound) => self.enter(place, Phase::Ready, timing),
            _ => {}
        }
        if self.ledger[place].absence != Absence::default() && !self.ledger[place].phase.is_closed() {
            self.edit(place).absence = Absence::default();
        }
    }

    /// A 404 proves nothing as long as a create is not given up: its record may not be written.
    fn weigh(&self, place: usize, number: usize, timing: &ProtocolTiming) -> (Option<ObservedInstance>, GetEvidence) {
        let (id, reply) = (id_of(number), self.got(number));
        let is_young = self.ledger[place].asked_at().after(timing.quiet) > NOW;
        match weigh_get(id, &reply) {
            GetEvidence::NotFound if is_young => (None, GetEvidence::Nothing),
            evidence => (reply.ok(), evidence),
        }
    }

    /// A get of an operation's machine, and what follows when that is to be deleted.
    pub fn get(&mut self, place: usize, timing: &ProtocolTiming) {
        let operation = &self.ledger[place];
        let Some(id) = operation.instance.filter(|_| !operation.phase.is_closed()) else { return };
        let number = self.number(id);
        let (seen, evidence) = self.weigh(place, number, timing);
        match absence(operation.absence, &evidence, SelfTest::Green, NOW, timing) {
            AbsenceFinding::Gone => self.enter(place, Phase::Gone, timing),
            AbsenceFinding::Unproven { absence, .. } => self.edit(place).absence = absence,
            AbsenceFinding::Present => {
                let seen = seen.unwrap();
                self.note_seen(place, &seen, timing);
                self.proceed_with_delete(place, &seen, timing);
            }
        }
    }

    fn proceed_with_delete(&mut self, place: usize, seen: &ObservedInstance, timing: &ProtocolTiming) {
        let Some(deletion) = self.ledger[place].deletion.filter(|_| self.ledger[place].phase == Phase::Deleting) else {
            return;
        };
        if delete_step(&deletion, Some(Look { instance: seen, at: NOW }), NOW, timing) == DeleteStep::Send {
            // What counts is whether there was one.
            let attempts = (deletion.attempts + 1).min(2);
            self.edit(place).deletion = Some(Deletion { attempts, last_sent_at: Some(NOW), ..deletion });
            self.send_delete(self.number(seen.id));
        }
    }

    /// The next step of the delete of residue.
    pub fn sweep(&mut self, place: usize, id: InstanceId, timing: &ProtocolTiming) {
        let number = self.number(id);
        let (seen, evidence) = self.weigh(place, number, timing);
        match absence(self.cloud[number].absence, &evidence, SelfTest::Green, NOW, timing) {
            AbsenceFinding::Gone => {
                self.edit(place).residue.retain(|other| *other != id);
                self.cloud[number].absence = Absence::default();
            }
            AbsenceFinding::Unproven { absence, .. } => self.cloud[number].absence = absence,
            AbsenceFinding::Present => {
                self.cloud[number].absence = Absence::default();
                let operation = self.ledger[place].id;
                let is_it = |seen: ObservedInstance| {
                    seen.named == Some(operation) && seen.claim.is_some_and(|claim| claim.operation == operation)
                };
                if seen.is_some_and(is_it) && !self.deletes.contains(&number) {
                    self.send_delete(number);
                }
            }
        }
    }
}

/// The newest attempt is known to have left nothing: it may be repeated or given up.
fn is_called_quiet(operation: &Operation) -> bool {
    operation.last_attempt().is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet))
}
