//! What jobs and outside events change in a machine: states, interfaces, the end of its life.
//! It never schedules anything.

use super::World;
use super::ids::MachineId;
use super::jobs::{Success, Work};
use super::machine::{MachineState, Snapshot};
use super::servers::Footprint;
use super::truth::{Destroyer, TruthEvent};

impl World {
    /// Carries out what a finished job was for.
    pub(super) fn take_effect(&mut self, id: MachineId, work: Work, success: Success) {
        match (work, success) {
            (Work::Provision(_), Success::Yes) => {
                self.record(TruthEvent::MachineRunning { machine: id });
                self.show_state(id, MachineState::Running);
            }
            (Work::Provision(_), Success::No) => self.fail_machine(id),
            (_, Success::No) => {}
            (Work::Stop, Success::Yes) => self.show_state(id, MachineState::Stopped),
            (Work::Start | Work::Reboot, Success::Yes) => self.show_state(id, MachineState::Running),
            (Work::Destroy, Success::Yes) => self.end_machine(id, Destroyer::Client),
            (work, Success::Yes) => self.take_update(id, work),
        }
    }

    /// Effects that leave the machine's life as it is.
    fn take_update(&mut self, id: MachineId, work: Work) {
        match work {
            Work::StoreTags(tags, _) => {
                self.store_tags(id, tags);
                self.touch(id, &["tags"]);
            }
            Work::StoreMetadata(metadata, _) => {
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.metadata = metadata;
                }
                self.touch(id, &["customer_metadata"]);
            }
            Work::Rename(name) => {
                self.store_name(id, name);
                self.touch(id, &["alias"]);
            }
            Work::Resize(package) => self.resize(id, package),
            other => self.take_device_update(id, other),
        }
    }

    fn take_device_update(&mut self, id: MachineId, work: Work) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        match work {
            Work::SetFirewall(switch) => machine.firewall_enabled = switch.is_on(),
            Work::SetDeletionProtection(switch) => machine.deletion_protection = switch.is_on(),
            Work::CreateSnapshot(name) => machine.snapshots.push(Snapshot { name, created: now }),
            Work::DeleteSnapshot(name) => machine.snapshots.retain(|snapshot| snapshot.name != name),
            Work::AddNic(nic) => {
                for known in machine.nics.iter_mut().filter(|known| known.mac == nic.mac) {
                    known.is_running = true;
                }
                return self.restart_after_update(id);
            }
            Work::RemoveNic(mac) => {
                let (gone, kept) = machine.nics.drain(..).partition(|nic| nic.mac == mac);
                machine.nics = kept;
                self.release_addresses(&gone);
                return self.restart_after_update(id);
            }
            _ => {}
        }
        self.touch(id, &[]);
    }

    /// A change of interfaces halts a running machine; afterwards it runs again.
    fn restart_after_update(&mut self, id: MachineId) {
        self.show_state(id, MachineState::Running);
        self.touch(id, &["nics"]);
    }

    fn resize(&mut self, id: MachineId, package: super::PackageId) {
        let Some(package) = self.packages.get(&package) else { return };
        let new = Footprint { memory_mib: package.memory, disk_mib: package.disk };
        let package = package.id;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let old = Footprint { memory_mib: machine.memory_mib, disk_mib: machine.disk_mib };
        machine.package = package;
        (machine.memory_mib, machine.disk_mib) = (new.memory_mib, new.disk_mib);
        let (server, account) = (machine.server, machine.account);
        self.vacate(server, account, old);
        self.occupy(server, account, new);
        self.touch(id, &[]);
    }

    /// Whether the machine's compute node has room for it in the size of `package`.
    pub(super) fn can_grow(&self, id: MachineId, package: super::PackageId) -> bool {
        let (Some(machine), Some(package)) = (self.machines.get(&id), self.packages.get(&package)) else {
            return false;
        };
        let grown = Footprint {
            memory_mib: package.memory.saturating_sub(machine.memory_mib),
            disk_mib: package.disk.saturating_sub(machine.disk_mib),
        };
        self.servers.get(&machine.server).is_some_and(|server| server.has_room(grown))
    }

    /// Changes the machine's state, also while its compute node hides it.
    pub(super) fn show_state(&mut self, id: MachineId, state: MachineState) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        if machine.state_before_loss.is_some() {
            machine.state_before_loss = Some(state);
        } else {
            machine.state = state;
        }
        self.touch(id, &["state"]);
    }

    /// Stores package and interfaces: clients see them from now on.
    pub(super) fn store_interfaces(&mut self, id: MachineId) {
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.is_configured = true;
        }
        self.touch(id, &["nics"]);
    }

    fn fail_machine(&mut self, id: MachineId) {
        self.record(TruthEvent::MachineFailed { machine: id });
        self.leave(id, MachineState::Failed);
        self.touch(id, &["state"]);
    }

    /// Ends a machine's life: name, room and addresses are free again, the record stays.
    pub(super) fn end_machine(&mut self, id: MachineId, by: Destroyer) {
        self.record(TruthEvent::MachineDestroyed { machine: id, by });
        self.leave(id, MachineState::Deleted);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.jobs.clear();
        }
        self.touch(id, &["state", "destroyed"]);
    }

    /// Takes a machine out of the active ones, once.
    fn leave(&mut self, id: MachineId, state: MachineState) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let was_active = machine.is_active();
        machine.state = state;
        machine.state_before_loss = None;
        if !was_active {
            return;
        }
        let (account, server, nics) = (machine.account, machine.server, machine.nics.clone());
        let footprint = Footprint { memory_mib: machine.memory_mib, disk_mib: machine.disk_mib };
        self.vacate(server, account, footprint);
        self.release_addresses(&nics);
        self.retire_from_index(account, id);
    }
}
