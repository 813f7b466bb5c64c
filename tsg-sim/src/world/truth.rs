//! What really happened, in order: the log oracles judge by. Clients never see it, and nothing in
//! the world reads it back.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::World;
use super::ids::{AccountId, MachineId};
use super::machine::Machine;
use super::operation::Operation;
use super::requests::Fingerprint;
use super::scalar::Scalar;
use super::time::SimTime;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRecord {
    /// When.
    pub at: SimTime,
    /// What.
    pub event: TruthEvent,
}

/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq)]
pub enum TruthEvent {
    /// A write left a client and reached the data centre's wire, whatever became of it.
    RequestReceived {
        /// For whom.
        account: AccountId,
        /// What was asked.
        operation: Operation,
        /// Hash of the payload, if the sender gave one.
        payload: Option<Fingerprint>,
    },
    /// A machine was placed: from here on it exists.
    MachineCreated {
        /// The machine.
        machine: MachineId,
        /// Its owner.
        account: AccountId,
        /// Its name.
        name: String,
        /// Its tags; an operation's id is among them.
        tags: BTreeMap<String, Scalar>,
        /// Hash of the create's payload.
        payload: Option<Fingerprint>,
    },
    /// Its provisioning ended well.
    MachineRunning {
        /// The machine.
        machine: MachineId,
    },
    /// Its provisioning failed.
    MachineFailed {
        /// The machine.
        machine: MachineId,
    },
    /// A client's delete was accepted.
    DestroyAccepted {
        /// The machine.
        machine: MachineId,
    },
    /// The machine is gone.
    MachineDestroyed {
        /// The machine.
        machine: MachineId,
        /// On whose behalf.
        by: Destroyer,
    },
}

/// Who destroyed a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destroyer {
    /// A client's delete.
    Client,
    /// A fault, from outside.
    Outside,
}

impl World {
    /// Everything that happened so far, in order.
    #[must_use]
    pub fn truth(&self) -> &[TruthRecord] {
        &self.truth
    }

    /// A hash of the truth log: equal for equal histories.
    #[must_use]
    pub fn truth_digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for record in &self.truth {
            hasher.update(format!("{record:?}\n"));
        }
        hasher.finalize().into()
    }

    /// Machines of an account that exist, seen or not: neither destroyed nor failed.
    pub fn live_machines(&self, account: AccountId) -> impl Iterator<Item = &Machine> {
        let ids = self.index.get(&account).into_iter().flat_map(|index| index.active());
        ids.filter_map(|id| self.machines.get(id))
    }

    /// Live machines that bear a name.
    pub fn live_machines_named<'a>(
        &'a self,
        account: AccountId,
        name: &str,
    ) -> impl Iterator<Item = &'a Machine> + use<'a> {
        let ids = self.index.get(&account).map(|index| index.named(name)).into_iter().flatten();
        ids.filter_map(|id| self.machines.get(id)).filter(|machine| machine.is_active())
    }

    /// Live machines that carry a tag with this text.
    pub fn live_machines_tagged<'a>(
        &'a self,
        account: AccountId,
        key: &str,
        value: &str,
    ) -> impl Iterator<Item = &'a Machine> {
        let ids = self.index.get(&account).into_iter().flat_map(|index| index.tagged(key, value));
        ids.filter_map(|id| self.machines.get(id)).filter(|machine| machine.is_active())
    }

    /// Any machine that ever was, seen or not.
    #[must_use]
    pub fn true_machine(&self, id: MachineId) -> Option<&Machine> {
        self.machines.get(&id)
    }

    pub(super) fn record(&mut self, event: TruthEvent) {
        self.truth.push(TruthRecord { at: self.now, event });
    }
}
