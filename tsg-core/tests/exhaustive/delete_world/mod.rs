//! A ledger, a cloud and what is on its way between them, small enough to try every order.
//!
//! Owns the state and how time passes in it. Must never decide anything: `engine` does, with the
//! protocol's own functions, and `cloud` answers.

mod alike;
mod cloud;
mod engine;

use core::fmt;
use core::hash::{Hash, Hasher};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::operation::{Absence, Operation, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::{LedgerLookup, Standing};
use tsg_core::protocol::timing::ProtocolTiming;

pub use cloud::Landing;

use crate::support::cloud::machine_id;

/// It is always now: what lies back moves away instead, so that there are finitely many states.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// How far it moves at once.
pub const TICK: Duration = Duration::from_secs(60);
/// The quiet time, in ticks.
pub const QUIET: u8 = 2;

/// What became of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    Runs,
    /// Its provisioning failed: lists hide it.
    Failed,
    /// A get answers 410.
    Destroyed,
    /// A get answers 404.
    Forgotten,
}

/// Who made a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Make {
    /// A create request of ours.
    Own,
    /// The customer, with our tags copied onto it.
    Copied,
    /// The customer, under our name.
    Namesake,
}

/// How a machine came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coming {
    InTime,
    /// When nothing of its request should have come any more.
    Late,
    /// It failed at first; if it runs after all, it comes late.
    Failed,
}

/// A machine in the cloud; its number is its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Whose marks it carries.
    pub operation: usize,
    pub life: Life,
    pub make: Make,
    pub coming: Coming,
    /// What the engine remembers of its absence while it is residue.
    pub absence: Absence,
}

/// A create request on its way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    pub operation: usize,
    pub attempt: usize,
    /// In ticks; from the quiet time on all are alike.
    pub age: u8,
    /// Whether its sender still waits for the reply.
    pub is_awaited: bool,
}

/// A replica of the cloud that has never heard of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lag {
    NotYet,
    Of(usize),
    /// It has caught up, and none lags again.
    Over,
}

#[derive(Clone, PartialEq, Eq)]
pub struct State {
    pub ledger: Vec<Arc<Operation>>,
    /// The capacity that each operation was planned for.
    pub planned_for: Vec<usize>,
    pub cloud: Vec<Machine>,
    pub requests: Vec<Request>,
    /// Machines that a DELETE is on its way to.
    pub deletes: BTreeSet<usize>,
    pub capacity: usize,
    /// How often the user has changed the capacity.
    pub scales: usize,
    /// Slots that the newest list showed to be taken by no member.
    pub orphans: usize,
    pub lag: Lag,
    /// How much may still go wrong.
    pub faults: u8,
    /// A DELETE left for a machine that the ledger does not name, or that is not ours.
    pub has_strayed: bool,
    /// A machine was seen that the ledger cannot account for.
    pub is_puzzled: bool,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.ledger.iter().for_each(|operation| hash_operation(operation, Some, hasher));
        self.cloud.iter().for_each(|machine| {
            machine.operation.hash(hasher);
            hash_machine(machine, hasher);
        });
        (&self.planned_for, &self.requests, &self.deletes, self.capacity, self.scales).hash(hasher);
        (self.orphans, self.lag, self.faults, self.has_strayed, self.is_puzzled).hash(hasher);
    }
}

/// Everything that differs between two states, with machines called by what `name` says. What is
/// the same in all of them is left out.
fn hash_operation<N: Hash, H: Hasher>(operation: &Operation, name: impl Fn(InstanceId) -> N, hasher: &mut H) {
    (operation.phase, operation.instance.map(&name), operation.adopted_at).hash(hasher);
    operation.residue.len().hash(hasher);
    operation.residue.iter().for_each(|id| name(*id).hash(hasher));
    operation.attempts.len().hash(hasher);
    for attempt in &operation.attempts {
        (attempt.sent_at, attempt.outcome.map(|outcome| outcome as u8)).hash(hasher);
    }
    (operation.silence.negatives, operation.silence.last_at).hash(hasher);
    (operation.absence.not_found, operation.absence.last_at).hash(hasher);
    operation.deletion.map(|deletion| (deletion.attempts, deletion.last_sent_at)).hash(hasher);
    operation.deletion_cause.map(|cause| cause as u8).hash(hasher);
}

fn hash_machine<H: Hasher>(machine: &Machine, hasher: &mut H) {
    (machine.life, machine.make, machine.coming).hash(hasher);
    (machine.absence.not_found, machine.absence.last_at).hash(hasher);
}

impl LedgerLookup for State {
    fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.ledger.iter().map(|operation| &**operation).find(|operation| operation.id == id)
    }

    fn standing(&self, _group: GroupId) -> Standing {
        Standing::Kept { newest: self.ledger.len() as u64 }
    }
}

impl State {
    pub fn new(capacity: usize, faults: u8) -> Self {
        Self {
            ledger: Vec::new(),
            planned_for: Vec::new(),
            cloud: Vec::new(),
            requests: Vec::new(),
            deletes: BTreeSet::new(),
            capacity,
            scales: 0,
            orphans: 0,
            lag: Lag::NotYet,
            faults,
            has_strayed: false,
            is_puzzled: false,
        }
    }

    /// The operation at a place of the ledger, to be changed.
    fn edit(&mut self, place: usize) -> &mut Operation {
        Arc::make_mut(&mut self.ledger[place])
    }

    pub fn place(&self, id: OperationId) -> usize {
        self.ledger.iter().position(|operation| operation.id == id).unwrap()
    }

    pub fn number(&self, id: InstanceId) -> usize {
        (0..self.cloud.len()).find(|number| id_of(*number) == id).unwrap()
    }

    pub fn live(&self) -> impl Iterator<Item = &Machine> {
        self.cloud.iter().filter(|machine| machine.life == Life::Runs && machine.make == Make::Own)
    }

    pub fn runs(&self, id: InstanceId) -> bool {
        self.cloud[self.number(id)].life == Life::Runs
    }

    pub fn count(&self, is_it: impl Fn(Phase) -> bool) -> usize {
        self.ledger.iter().filter(|operation| is_it(operation.phase)).count()
    }

    /// Everything lies a tick further back.
    pub fn tick(&mut self, timing: &ProtocolTiming) {
        for place in 0..self.ledger.len() {
            if !self.ledger[place].phase.is_closed() {
                age(self.edit(place), timing);
            }
        }
        for machine in &mut self.cloud {
            machine.absence.last_at = machine.absence.last_at.map(|at| older(at, timing.absence_gap));
        }
        self.requests.iter_mut().for_each(|request| request.age = (request.age + 1).min(QUIET));
        if let Lag::Of(_) = self.lag {
            self.lag = Lag::Over;
        }
    }
}

/// What happened so long ago looks alike, if nothing waits for longer.
fn older(at: Timestamp, longest: Duration) -> Timestamp {
    at.before(TICK).max(NOW.before(longest))
}

/// The quiet rule compares when an attempt was sent with when it was looked up, so those two stop
/// together.
fn age(operation: &mut Operation, timing: &ProtocolTiming) {
    operation.absence.last_at = operation.absence.last_at.map(|at| older(at, timing.absence_gap));
    if let Some(deletion) = &mut operation.deletion {
        deletion.last_sent_at = deletion.last_sent_at.map(|at| older(at, timing.delete_repeat));
    }
    let looked_at = operation.silence.last_at;
    let Some(attempt) = operation.attempts.last_mut() else { return };
    let youngest = looked_at.unwrap_or(attempt.sent_at);
    if NOW.since(youngest) >= timing.quiet {
        return;
    }
    attempt.sent_at = attempt.sent_at.before(TICK);
    operation.silence.last_at = looked_at.map(|at| at.before(TICK));
    let longest = timing.quiet + operation.silence.last_at.map_or(Duration::ZERO, |at| NOW.since(at));
    attempt.sent_at = attempt.sent_at.max(NOW.before(longest));
}

/// No time of a closed operation decides anything any more.
fn close(operation: &mut Operation, timing: &ProtocolTiming) {
    for attempt in &mut operation.attempts {
        attempt.sent_at = NOW.before(timing.quiet);
    }
    (operation.silence, operation.absence) = Default::default();
    (operation.deletion, operation.deletion_cause) = (None, None);
}

pub fn id_of(number: usize) -> InstanceId {
    machine_id(u32::try_from(number + 1).unwrap())
}

impl fmt::Debug for State {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |at: Timestamp| NOW.since(at).as_secs() / TICK.as_secs();
        write!(to, "of {} (faults {})", self.capacity, self.faults)?;
        for operation in &self.ledger {
            write!(to, "\n  {:?}", operation.phase)?;
            for attempt in &operation.attempts {
                write!(to, " sent-{}{:?}", ago(attempt.sent_at), attempt.outcome)?;
            }
            let residue: Vec<usize> = operation.residue.iter().map(|id| self.number(*id)).collect();
            let own = operation.instance.map(|id| self.number(id));
            let looked = (operation.silence.negatives, operation.silence.last_at.map(ago));
            write!(to, " own {own:?} residue {residue:?} silence {looked:?} absence {}", operation.absence.not_found)?;
            write!(to, " deletion {:?}", operation.deletion.map(|it| (it.attempts, it.last_sent_at.map(ago))))?;
        }
        for machine in &self.cloud {
            let Machine { operation, life, make, coming, .. } = machine;
            write!(to, "\n  machine of {operation}: {life:?} {make:?} {coming:?}")?;
        }
        for Request { operation, attempt, age, is_awaited } in &self.requests {
            write!(to, "\n  request {operation}.{attempt} age {age} awaited:{is_awaited}")?;
        }
        write!(to, "\n  deletes {:?} orphans {}", self.deletes, self.orphans)
    }
}
