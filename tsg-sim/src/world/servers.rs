//! Racks and compute nodes: their capacity, what is placed on them, and whether they are up.
//! It never chooses a server; placement does.

use std::collections::BTreeMap;

use super::World;
use super::ids::{AccountId, ServerId};

/// A compute node.
#[derive(Debug, Clone)]
pub struct Server {
    /// Identity.
    pub id: ServerId,
    /// Name: `<rack>-cn<n>`.
    pub name: String,
    /// The rack it stands in.
    pub rack: String,
    /// Memory for machines, in MiB.
    pub memory_mib: u64,
    /// Disk for machines, in MiB.
    pub disk_mib: u64,
    /// Memory of the machines placed on it, in MiB.
    pub memory_used_mib: u64,
    /// Disk of the machines placed on it, in MiB.
    pub disk_used_mib: u64,
    /// Whether the data centre hears from it.
    pub is_up: bool,
    /// Active machines of each account.
    pub(crate) tenants: BTreeMap<AccountId, u32>,
}

/// The room one machine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) memory_mib: u64,
    pub(crate) disk_mib: u64,
}

impl Server {
    pub(crate) fn has_room(&self, footprint: Footprint) -> bool {
        self.memory_used_mib + footprint.memory_mib <= self.memory_mib
            && self.disk_used_mib + footprint.disk_mib <= self.disk_mib
    }

    pub(crate) fn hosts(&self, account: AccountId) -> bool {
        self.tenants.contains_key(&account)
    }
}

impl World {
    /// All compute nodes, in the order of their identities.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.values()
    }

    /// One compute node.
    #[must_use]
    pub fn server(&self, id: ServerId) -> Option<&Server> {
        self.servers.get(&id)
    }

    pub(super) fn furnish_servers(&mut self) {
        for rack in 1..=self.spec.racks {
            for node in 1..=self.spec.servers_per_rack {
                let server = Server {
                    id: ServerId::fresh(&mut self.rng.ids),
                    name: format!("r{rack}-cn{node}"),
                    rack: format!("r{rack}"),
                    memory_mib: self.spec.server_memory_mib,
                    disk_mib: self.spec.server_disk_mib,
                    memory_used_mib: 0,
                    disk_used_mib: 0,
                    is_up: true,
                    tenants: BTreeMap::new(),
                };
                self.servers.insert(server.id, server);
            }
        }
    }

    /// Takes room on a server for a machine of `account`.
    pub(super) fn occupy(&mut self, id: ServerId, account: AccountId, footprint: Footprint) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        server.memory_used_mib += footprint.memory_mib;
        server.disk_used_mib += footprint.disk_mib;
        *server.tenants.entry(account).or_default() += 1;
    }

    /// Gives the room of a machine of `account` back.
    pub(super) fn vacate(&mut self, id: ServerId, account: AccountId, footprint: Footprint) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        server.memory_used_mib = server.memory_used_mib.saturating_sub(footprint.memory_mib);
        server.disk_used_mib = server.disk_used_mib.saturating_sub(footprint.disk_mib);
        if let Some(count) = server.tenants.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                server.tenants.remove(&account);
            }
        }
    }
}
