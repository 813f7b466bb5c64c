//! What the cloud makes of requests and what it shows.
//!
//! Owns machines and their names. Must never look into the ledger but for the marks that a request
//! carried.

use tsg_core::model::instance::{InstanceState, ObservedInstance, Snapshot};
use tsg_core::model::operation::{Absence, AttemptOutcome, Phase};
use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind};

use super::{Coming, Lag, Life, Machine, Make, NOW, QUIET, State, id_of};
use crate::support::cloud::{answered, in_state, machine, snapshot};

/// How a create request comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The cloud answers what is true.
    Heard,
    /// It makes a machine, and nobody hears of it.
    Unheard,
    /// The machine that it makes fails.
    Fails,
    /// The same, and nobody hears of it.
    FailsUnheard,
    /// Its name is taken, and the cloud does not notice.
    Races,
    /// The same, and nobody hears of it.
    RacesUnheard,
    /// It surely makes nothing.
    Refused,
}

impl State {
    /// A machine as the cloud shows it.
    pub fn shown(&self, number: usize) -> ObservedInstance {
        let it = self.cloud[number];
        let seen = machine(u32::try_from(number + 1).unwrap(), &self.ledger[it.operation]);
        let state = match it.life {
            Life::Runs => InstanceState::Running,
            Life::Failed => InstanceState::Failed,
            Life::Destroyed | Life::Forgotten => InstanceState::Deleted,
        };
        let seen = in_state(state, seen);
        match it.make {
            Make::Own => seen,
            Make::Copied => ObservedInstance { named: None, ..seen },
            Make::Namesake => ObservedInstance { claim: None, ..seen },
        }
    }

    fn shown_if(&self, is_it: impl Fn(&Machine) -> bool) -> Vec<ObservedInstance> {
        (0..self.cloud.len()).filter(|number| is_it(&self.cloud[*number])).map(|number| self.shown(number)).collect()
    }

    /// A complete list: what failed or was destroyed is hidden.
    pub fn listed(&self) -> Snapshot {
        snapshot(NOW, self.shown_if(|machine| machine.life == Life::Runs))
    }

    /// Both look-ups of an operation, tombstones included.
    pub fn looked_up(&self, place: usize) -> Vec<ObservedInstance> {
        self.shown_if(|machine| machine.operation == place && machine.life != Life::Forgotten)
    }

    pub fn got(&self, number: usize) -> Result<ObservedInstance, CloudError> {
        let is_unheard_of = self.cloud[number].life == Life::Forgotten || self.lag == Lag::Of(number);
        if is_unheard_of { Err(answered(ErrorKind::NotFound, 404)) } else { Ok(self.shown(number)) }
    }

    /// Whether the name of an operation's machine is in use.
    pub fn is_taken(&self, place: usize) -> bool {
        let is_named = |machine: &&Machine| machine.operation == place && machine.make != Make::Copied;
        self.cloud.iter().filter(is_named).any(|machine| machine.life == Life::Runs)
    }

    /// A create request comes out, and is not on its way any more.
    pub fn land(&mut self, request: usize, landing: Landing) -> Option<Result<ObservedInstance, CloudError>> {
        let request = self.requests.remove(request);
        let refused = |status, code| Err(CloudError { code, ..answered(ErrorKind::Conflict, status) });
        let is_late = request.age >= QUIET || self.is_given_up_early(request.operation);
        let or_late = |coming| if is_late { Coming::Late } else { coming };
        let (life, coming) = match landing {
            Landing::Heard if self.is_taken(request.operation) => {
                return Some(refused(409, CloudCode::DuplicateName));
            }
            Landing::Refused => return Some(refused(429, CloudCode::TooManyRequests)),
            Landing::Fails | Landing::FailsUnheard => (Life::Failed, or_late(Coming::Failed)),
            Landing::Heard | Landing::Unheard | Landing::Races | Landing::RacesUnheard => {
                (Life::Runs, or_late(Coming::InTime))
            }
        };
        let (operation, absence) = (request.operation, Absence::default());
        self.cloud.push(Machine { operation, life, make: Make::Own, coming, absence });
        let is_heard = matches!(landing, Landing::Heard | Landing::Fails | Landing::Races);
        is_heard.then(|| Ok(self.shown(self.cloud.len() - 1)))
    }

    /// A stranger with an operation's marks turns up.
    pub fn appear(&mut self, operation: usize, make: Make) {
        let (coming, absence) = (Coming::InTime, Absence::default());
        self.cloud.push(Machine { operation, life: Life::Runs, make, coming, absence });
    }

    /// A machine that failed runs after all.
    pub fn recover(&mut self, number: usize) {
        let machine = &mut self.cloud[number];
        (machine.life, machine.coming) = (Life::Runs, Coming::Late);
    }

    /// Given up because a stranger had its name: that ends no request of ours.
    fn is_given_up_early(&self, place: usize) -> bool {
        let operation = &self.ledger[place];
        let newest = operation.attempts.last().and_then(|attempt| attempt.outcome);
        operation.phase == Phase::Lost && newest != Some(AttemptOutcome::Quiet)
    }

    /// A DELETE arrives.
    pub fn strike(&mut self, number: usize) {
        self.deletes.remove(&number);
        self.destroy(number);
    }

    pub fn destroy(&mut self, number: usize) {
        if matches!(self.cloud[number].life, Life::Runs | Life::Failed) {
            self.cloud[number].life = Life::Destroyed;
        }
    }

    /// A DELETE leaves for a machine. It has to be recorded by now.
    pub fn send_delete(&mut self, number: usize) {
        let (id, machine) = (id_of(number), self.cloud[number]);
        let is_recorded = self.ledger.iter().any(|operation| {
            let is_decided = operation.phase == Phase::Deleting
                && operation.deletion.is_some_and(|deletion| deletion.last_sent_at == Some(NOW));
            (is_decided && operation.instance == Some(id)) || operation.residue.contains(&id)
        });
        self.has_strayed |= !is_recorded || machine.make != Make::Own;
        self.deletes.insert(number);
    }
}
