//! Requests that act on one machine, and its deletion: what is refused at once and what becomes a
//! job. All of them are asynchronous: a GET shows the old value for a while.

use super::World;
use super::catalog::Package;
use super::create::{check_image_memory, check_name_length};
use super::faults::Fault;
use super::ids::{AccountId, MachineId};
use super::jobs::Work;
use super::machine::{Machine, MachineState};
use super::refusal::Refusal;
use super::requests::{Caller, MachineAction};
use super::truth::TruthEvent;
use super::view::Detail;

impl World {
    /// The machine a path names: 409 for a malformed uuid, 404 when unknown or somebody else's, 410
    /// when destroyed.
    pub fn machine(&self, account: AccountId, id: &str) -> Result<&Machine, Refusal> {
        let machine = self.known_machine(account, id)?;
        if machine.state == MachineState::Deleted {
            return Err(Refusal::gone(self.view(machine, Detail::Listed)));
        }
        Ok(machine)
    }

    /// The same, but a destroyed machine is found while the history lasts.
    pub(super) fn known_machine(&self, account: AccountId, id: &str) -> Result<&Machine, Refusal> {
        let uuid = MachineId::parse(id)
            .ok_or_else(|| Refusal::validation("Invalid Parameter", "uuid", "Invalid", "Invalid UUID"))?;
        let found = self.machines.get(&uuid).filter(|machine| machine.account == account);
        let shown = found.filter(|machine| machine.is_visible(self.now) && !self.is_purged(machine));
        shown.ok_or_else(|| Refusal::not_found(format!("VM {id} not found")))
    }

    /// The same as [`World::machine`], but a destroyed machine is an answer, not a refusal.
    pub fn machine_or_tombstone(&self, account: AccountId, id: &str) -> Result<&Machine, Refusal> {
        self.known_machine(account, id)
    }

    /// Whether the history of a destroyed machine has been thrown away.
    pub(super) fn is_purged(&self, machine: &Machine) -> bool {
        let age_ms = self.now.ms_since(machine.updated);
        machine.state == MachineState::Deleted && self.spec.history_ms.is_some_and(|history_ms| age_ms > history_ms)
    }

    /// `POST /:account/machines/:id`.
    pub fn act_on_machine(&mut self, caller: &Caller, id: &str, action: MachineAction) -> Result<(), Refusal> {
        let machine = self.machine(caller.account, id)?;
        if machine.is_unprovisioned() {
            let verb = action.verb();
            let message = format!("Cannot call {verb} for a VM that has not been provisioned yet");
            return Err(Refusal::new(409, "UnallocatedVM", message));
        }
        let machine = machine.id;
        let work = match action {
            MachineAction::Stop => Work::Stop,
            MachineAction::Start => Work::Start,
            MachineAction::Reboot => Work::Reboot,
            MachineAction::SetFirewall(switch) => Work::SetFirewall(switch),
            MachineAction::SetDeletionProtection(switch) => Work::SetDeletionProtection(switch),
            MachineAction::Rename { name } => self.rename_work(caller.account, name.as_deref())?,
            MachineAction::Resize { package } => self.resize_work(machine, package.as_deref())?,
        };
        self.submit_job(machine, caller.clone(), work);
        Ok(())
    }

    /// `DELETE /:account/machines/:id`.
    pub fn delete_machine(&mut self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let machine = self.machine(caller.account, id)?;
        if machine.deletion_protection {
            let message = "Instance has \"deletion_protection\" enabled, preventing deletion";
            return Err(Refusal::new(409, "CannotDestroyMachineError", message));
        }
        let machine = machine.id;
        if self.strikes(caller.account, |fault| matches!(fault, Fault::IgnoreDelete)).is_some() {
            return Ok(());
        }
        if !self.has_job(machine, |work| matches!(work, Work::Destroy)) {
            self.record(TruthEvent::DestroyAccepted { machine });
            self.submit_job(machine, caller.clone(), Work::Destroy);
        }
        Ok(())
    }

    fn rename_work(&self, account: AccountId, name: Option<&str>) -> Result<Work, Refusal> {
        let name = name.ok_or_else(|| Refusal::missing_parameter("name is required"))?;
        check_name_length(name, self.account_or_refuse(account)?.cns_enabled)?;
        self.check_name(account, name, "Invalid VM update parameters")?;
        Ok(Work::Rename(name.to_owned()))
    }

    fn resize_work(&self, machine: MachineId, package: Option<&str>) -> Result<Work, Refusal> {
        let package = self.usable_package(package)?;
        let Some(machine) = self.machines.get(&machine) else { return Ok(Work::Resize(package.id)) };
        check_resizable(machine, package)?;
        if let Some(image) = self.images.get(&machine.image) {
            check_image_memory(image, package)?;
        }
        Ok(Work::Resize(package.id))
    }
}

/// Zones are resized live; bhyve machines while they are stopped, if they may divide their disk; KVM machines never.
fn check_resizable(machine: &Machine, package: &Package) -> Result<(), Refusal> {
    match machine.brand.as_str() {
        "kvm" => Err(Refusal::invalid_argument("resize is not supported for KVM instances")),
        "bhyve" if package.flexible_disk != Some(true) => {
            Err(Refusal::invalid_argument("resize of bhyve instances needs a package with flexible_disk"))
        }
        "bhyve" if machine.state != MachineState::Stopped => {
            Err(Refusal::new(409, "InvalidState", "bhyve instances can be resized only while they are stopped"))
        }
        _ => Ok(()),
    }
}
