//! Switching faults: opening and closing their windows, and the ones that strike at once, such as
//! a machine killed from outside or a compute node lost. Faults of requests are drawn elsewhere.

use thiserror::Error;

use super::World;
use super::events::Event;
use super::faults::{Fault, FaultId, FaultRule, LossAppearance, Target};
use super::ids::{MachineId, ServerId, parse_canonical};
use super::machine::MachineState;
use super::truth::Destroyer;

/// Why a fault could not be switched on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// A rate outside 0 to 1.
    #[error("a fault's rate must lie between 0 and 1, not {0}")]
    Rate(String),
    /// The immediate fault found nothing to hit.
    #[error("there is no {0} to hit")]
    NoTarget(String),
}

impl World {
    /// Switches a fault on. An immediate one strikes now, or at its `from`; it stays listed with its
    /// hits.
    pub fn switch_fault(&mut self, rule: FaultRule) -> Result<FaultId, FaultError> {
        if !(0.0..=1.0).contains(&rule.rate) {
            return Err(FaultError::Rate(rule.rate.to_string()));
        }
        let (from, until, fault) = (rule.from, rule.until, rule.fault.clone());
        let id = self.faults.add(rule);
        if let Some(until) = until {
            self.events.plan(until, Event::FaultCloses(id));
        }
        match from.filter(|from| *from > self.now) {
            Some(from) => self.events.plan(from, Event::FaultOpens(id)),
            None => {
                if let Some(Err(error)) = self.strike_at_once(id, &fault) {
                    self.faults.remove(id);
                    return Err(error);
                }
            }
        }
        Ok(id)
    }

    /// Switches a fault off; false when there is no such fault. What it broke stays broken.
    pub fn clear_fault(&mut self, id: FaultId) -> bool {
        let was_on = self.faults.remove(id).is_some();
        self.release_held();
        was_on
    }

    /// Switches all faults off.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        self.release_held();
    }

    pub(super) fn open_fault(&mut self, id: FaultId) {
        let Some(fault) = self.faults.get(id).map(|status| status.rule.fault.clone()) else { return };
        // A fault planned ahead may find nothing to hit by then; its hit count says so.
        let _ = self.strike_at_once(id, &fault);
    }

    pub(super) fn close_fault(&mut self, _id: FaultId) {
        self.release_held();
    }

    /// Carries out an immediate fault; `None` when it is not one.
    fn strike_at_once(&mut self, id: FaultId, fault: &Fault) -> Option<Result<(), FaultError>> {
        let outcome = match fault {
            Fault::KillInstance { machine } => self.kill(machine),
            Fault::StopInstance { machine } => self.halt(machine),
            Fault::ServerDown { server, appearance } => self.lose_server(server, *appearance).map(drop),
            Fault::ServerUp { server } => {
                self.target_server(server, ServerCondition::Down).map(|server| self.regain_server(server))
            }
            Fault::ServerReboot { server, for_ms, appearance } => self.lose_server(server, *appearance).map(|server| {
                self.events.plan(self.now.plus_ms(*for_ms), Event::ServerBoots(server));
            }),
            _ => return None,
        };
        if outcome.is_ok() {
            self.faults.count_hit(id);
        }
        Some(outcome)
    }

    fn kill(&mut self, target: &Target) -> Result<(), FaultError> {
        let machine = self.target_machine(target, MachineState::is_active)?;
        self.end_machine(machine, Destroyer::Outside);
        Ok(())
    }

    fn halt(&mut self, target: &Target) -> Result<(), FaultError> {
        let machine = self.target_machine(target, |state| state == MachineState::Running)?;
        self.show_state(machine, MachineState::Stopped);
        Ok(())
    }

    /// A machine by name or uuid, or any one in a suitable state.
    fn target_machine(
        &mut self,
        target: &Target,
        is_suitable: impl Fn(MachineState) -> bool,
    ) -> Result<MachineId, FaultError> {
        let suitable: Vec<MachineId> = self
            .machines
            .values()
            .filter(|machine| is_suitable(machine.true_state()))
            .filter(|machine| is_named(target, &machine.name, machine.id.0))
            .map(|machine| machine.id)
            .collect();
        self.pick(&suitable).ok_or_else(|| no_target("machine", target))
    }

    fn lose_server(&mut self, target: &Target, appearance: LossAppearance) -> Result<ServerId, FaultError> {
        let id = self.target_server(target, ServerCondition::Up)?;
        if let Some(server) = self.servers.get_mut(&id) {
            server.is_up = false;
        }
        self.directory.lose_server(id, self.now);
        let shown = match appearance {
            LossAppearance::Unchanged => return Ok(id),
            LossAppearance::Unknown => MachineState::Unknown,
            LossAppearance::Offline => MachineState::Offline,
        };
        for machine in self.active_on(id) {
            if let Some(machine) = self.machines.get_mut(&machine) {
                machine.state_before_loss = Some(machine.true_state());
                machine.state = shown;
            }
            self.touch(machine, &["state"]);
        }
        Ok(id)
    }

    /// A compute node is there again; one that is there already does not notice.
    pub(super) fn regain_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id).filter(|server| !server.is_up) else { return };
        server.is_up = true;
        self.directory.regain_server(id, self.now);
        for machine in self.active_on(id) {
            let regained = self.machines.get_mut(&machine).and_then(|machine| {
                machine.state = machine.state_before_loss.take()?;
                Some(())
            });
            if regained.is_some() {
                self.touch(machine, &["state"]);
            }
        }
        self.release_held();
    }

    fn active_on(&self, server: ServerId) -> Vec<MachineId> {
        let there = self.machines.values().filter(|machine| machine.server == server && machine.is_active());
        there.map(|machine| machine.id).collect()
    }

    fn target_server(&mut self, target: &Target, condition: ServerCondition) -> Result<ServerId, FaultError> {
        let wants_up = condition == ServerCondition::Up;
        let suitable: Vec<ServerId> = self
            .servers
            .values()
            .filter(|server| server.is_up == wants_up && is_named(target, &server.name, server.id.0))
            .map(|server| server.id)
            .collect();
        self.pick(&suitable).ok_or_else(|| no_target("compute node", target))
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> Option<T> {
        let count = u64::try_from(among.len()).unwrap_or(0);
        let chosen = usize::try_from(self.rng.faults.below(count)).unwrap_or(0);
        among.get(chosen).copied()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerCondition {
    Up,
    Down,
}

fn is_named(target: &Target, name: &str, uuid: uuid::Uuid) -> bool {
    match target {
        Target::Any => true,
        Target::Named(text) => text == name || parse_canonical(text) == Some(uuid),
    }
}

fn no_target(kind: &str, target: &Target) -> FaultError {
    FaultError::NoTarget(match target {
        Target::Any => format!("suitable {kind}"),
        Target::Named(name) => format!("suitable {kind} called {name}"),
    })
}
