//! Scenes: machines where somebody wants them, and what the allocator would make of it.
//! For whoever compares a judgement of their own with the allocator's; it never asks the fault
//! rules and never takes time.

use std::collections::{BTreeMap, VecDeque};

use uuid::Uuid;

use super::World;
use super::affinity::AffinityRule;
use super::ids::{AccountId, ImageId, MachineId, PackageId, ServerId};
use super::machine::{Machine, MachineState};
use super::refusal::Refusal;
use super::scalar::Scalar;
use super::servers::{Footprint, Server};

/// A running machine to be put somewhere. It takes no room.
#[derive(Debug, Clone)]
pub struct StagedMachine {
    /// Which one.
    pub id: MachineId,
    /// Whose.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, Scalar>,
    /// Where it stands.
    pub server: ServerId,
}

/// What staged machines take, and what is asked for them.
const NO_ROOM: Footprint = Footprint { memory_mib: 0, disk_mib: 0 };

impl World {
    /// Puts a running machine onto a server.
    pub fn stage(&mut self, staged: StagedMachine) {
        let StagedMachine { id, account, name, tags, server } = staged;
        self.occupy(server, account, NO_ROOM);
        self.enter_machine(Machine {
            id,
            account,
            name,
            brand: "joyent".to_owned(),
            state: MachineState::Running,
            image: ImageId(Uuid::nil()),
            package: PackageId(Uuid::nil()),
            memory_mib: 0,
            disk_mib: 0,
            server,
            nics: Vec::new(),
            tags,
            metadata: BTreeMap::new(),
            deletion_protection: false,
            firewall_enabled: false,
            created: self.now,
            updated: self.now,
            audit: Vec::new(),
            snapshots: Vec::new(),
            visible_from: self.now,
            is_configured: true,
            state_before_loss: None,
            jobs: VecDeque::new(),
        });
    }

    /// Loses a server, as far as the allocator is concerned.
    pub fn stage_loss(&mut self, id: ServerId) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.is_up = false;
        }
    }

    /// The servers among which the allocator would choose for a machine that takes no room: all
    /// that its affinity rules leave.
    pub fn open_servers(&self, account: AccountId, affinity: &[String]) -> Result<Vec<ServerId>, Refusal> {
        let rules: Vec<AffinityRule> =
            affinity.iter().map(|rule| AffinityRule::parse(rule)).collect::<Result<_, _>>()?;
        let wishes = self.wishes(account, &rules).map_err(|reason| Refusal::no_servers(&reason))?;
        let roomy: Vec<&Server> = self.servers.values().filter(|server| server.is_up).collect();
        Ok(self.fitting(account, &wishes, roomy).into_iter().map(|server| server.id).collect())
    }
}
