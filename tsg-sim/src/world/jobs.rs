//! Jobs: everything asynchronous that happens to a machine, one job at a time for each machine, in
//! the order of the requests. This file owns how a job runs; `lifecycle` owns what it changes.

use std::collections::{BTreeMap, VecDeque};

use super::World;
use super::audit::AuditRecord;
use super::events::Event;
use super::faults::{Fault, Occasion};
use super::ids::{JobId, MachineId, PackageId};
use super::machine::{Machine, MachineState, Nic};
use super::requests::{Caller, Switch};
use super::scalar::Scalar;

/// Share of the provisioning time after which the interfaces are stored: usually with `running`,
/// sometimes a little before.
const CONFIGURED_PERCENT: u64 = 90;

/// How often a destroyed machine passes through `provisioning` ("incomplete") on its way.
const INCOMPLETE_RATE: f64 = 0.3;

/// A job that finds nothing to do fails this fast, in milliseconds.
const NOTHING_TO_DO_MS: u64 = 100;

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Work {
    Provision(ProvisionFate),
    Stop,
    Start,
    Reboot,
    Resize(PackageId),
    Rename(String),
    SetFirewall(Switch),
    SetDeletionProtection(Switch),
    StoreTags(BTreeMap<String, Scalar>, &'static str),
    StoreMetadata(BTreeMap<String, Scalar>, &'static str),
    CreateSnapshot(String),
    RollBackSnapshot(String),
    DeleteSnapshot(String),
    AddNic(Nic),
    RemoveNic(String),
    Destroy,
}

/// How a provisioning job will end. Drawn when it starts, so that a fault means the next machine
/// and not the next one to finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProvisionFate {
    Runs,
    Fails,
    Vanishes,
}

/// One job of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    caller: Caller,
    pub(crate) work: Work,
    course: VecDeque<(u64, Stage)>,
    /// Waiting for a compute node or for held provisioning to come back.
    is_parked: bool,
}

/// A step of a job, after a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Show(MachineState),
    StoreInterfaces,
    Finish(Success),
    Vanish,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Success {
    Yes,
    No,
}

impl Work {
    /// The audit's word for it.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Provision(_) => "provision",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Reboot => "reboot",
            Self::Resize(_) => "resize",
            Self::Rename(_) => "rename",
            Self::SetFirewall(_) => "unknown",
            Self::SetDeletionProtection(Switch::On) => "enable_deletion_protection",
            Self::SetDeletionProtection(Switch::Off) => "disable_deletion_protection",
            Self::StoreTags(_, action) | Self::StoreMetadata(_, action) => action,
            Self::CreateSnapshot(_) => "create_snapshot",
            Self::RollBackSnapshot(_) => "rollback_snapshot",
            Self::DeleteSnapshot(_) => "delete_snapshot",
            Self::AddNic(_) => "add_nics",
            Self::RemoveNic(_) => "remove_nics",
            Self::Destroy => "destroy",
        }
    }
}

impl World {
    /// Queues a job for a machine; it starts when the ones before it are through.
    pub(super) fn submit_job(&mut self, machine: MachineId, caller: Caller, work: Work) -> JobId {
        let id = JobId::fresh(&mut self.rng.ids);
        let job = Job { id, caller, work, course: VecDeque::new(), is_parked: false };
        let Some(record) = self.machines.get_mut(&machine) else { return id };
        record.jobs.push_back(job);
        if record.jobs.len() == 1 {
            self.start_job(machine);
        }
        id
    }

    /// Whether a job of this kind waits or runs.
    pub(super) fn has_job(&self, machine: MachineId, is_meant: impl Fn(&Work) -> bool) -> bool {
        self.machines.get(&machine).is_some_and(|machine| machine.jobs.iter().any(|job| is_meant(&job.work)))
    }

    /// Lets the running job of a machine reach its next stage, unless something holds it.
    pub(super) fn reach_stage(&mut self, machine: MachineId, job: JobId) {
        let is_held = self.is_held(machine);
        let Some(running) = self.machines.get_mut(&machine).and_then(|m| m.jobs.front_mut()) else { return };
        if running.id != job {
            return;
        }
        running.is_parked = is_held;
        if is_held {
            return;
        }
        let Some((_, stage)) = running.course.pop_front() else { return };
        self.apply_stage(machine, stage);
    }

    /// Wakes jobs that were held, each once: a job woken twice would skip a stage's delay.
    pub(super) fn release_held(&mut self) {
        for machine in self.machines.values_mut() {
            let id = machine.id;
            if let Some(job) = machine.jobs.front_mut().filter(|job| job.is_parked) {
                job.is_parked = false;
                self.events.plan(self.now, Event::JobStage(id, job.id));
            }
        }
    }

    fn is_held(&self, machine: MachineId) -> bool {
        let Some(machine) = self.machines.get(&machine) else { return false };
        let is_server_up = self.servers.get(&machine.server).is_none_or(|server| server.is_up);
        let is_provision = machine.jobs.front().is_some_and(|job| matches!(job.work, Work::Provision(_)));
        let on = Occasion { now: self.now, account: machine.account, operation: None };
        !is_server_up || (is_provision && self.faults.is_on(on, |fault| matches!(fault, Fault::HoldProvision)))
    }

    fn start_job(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        let Some(job) = machine.jobs.front() else { return };
        let (job_id, state, work) = (job.id, machine.true_state(), job.work.clone());
        let course = match self.is_doomed(id, &work) {
            true => fruitless_course(),
            false => self.course(state, &work),
        };
        let Some(job) = self.machines.get_mut(&id).and_then(|machine| machine.jobs.front_mut()) else { return };
        job.course = course;
        self.plan_next_stage(id, job_id);
    }

    /// Whether a job will fail whatever state its machine is in.
    fn is_doomed(&mut self, id: MachineId, work: &Work) -> bool {
        let Some(machine) = self.machines.get(&id) else { return false };
        let account = machine.account;
        match work {
            // These have faults of their own.
            Work::Provision(_) | Work::Destroy => false,
            Work::Resize(package) if !self.can_grow(id, *package) => true,
            _ => self.strikes(account, |fault| matches!(fault, Fault::FailAction)).is_some(),
        }
    }

    fn plan_next_stage(&mut self, machine: MachineId, job: JobId) {
        let delay = self.machines.get(&machine).and_then(|m| m.jobs.front()).and_then(|job| job.course.front());
        if let Some((delay_ms, _)) = delay {
            self.events.plan(self.now.plus_ms(*delay_ms), Event::JobStage(machine, job));
        }
    }

    fn apply_stage(&mut self, id: MachineId, stage: Stage) {
        match stage {
            Stage::Show(state) => self.show_state(id, state),
            Stage::StoreInterfaces => self.store_interfaces(id),
            Stage::Finish(success) => return self.finish_job(id, Some(success)),
            Stage::Vanish => return self.finish_job(id, None),
        }
        if let Some(job) = self.machines.get(&id).and_then(|machine| machine.jobs.front()).map(|job| job.id) {
            self.plan_next_stage(id, job);
        }
    }

    /// Ends the running job: its effect, its audit record, and the next job's turn.
    fn finish_job(&mut self, id: MachineId, success: Option<Success>) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let Some(job) = machine.jobs.pop_front() else { return };
        if let Some(success) = success {
            machine.audit.push(AuditRecord { success, at: now, action: job.work.action(), caller: job.caller });
            self.take_effect(id, job.work, success);
        }
        self.start_job(id);
    }

    /// The stages of a job, drawn when it starts.
    fn course(&mut self, state: MachineState, work: &Work) -> VecDeque<(u64, Stage)> {
        let timing = self.spec.timing.clone();
        let rng = &mut self.rng.latency;
        let is_running = state == MachineState::Running;
        match work {
            Work::Provision(fate) => provision_course(*fate, rng.latency_ms(&timing.provision)),
            Work::Stop if is_running => VecDeque::from([
                (NOTHING_TO_DO_MS, Stage::Show(MachineState::Stopping)),
                (rng.latency_ms(&timing.stop), Stage::Finish(Success::Yes)),
            ]),
            Work::Start if state == MachineState::Stopped => VecDeque::from([
                (rng.latency_ms(&timing.start), Stage::Show(MachineState::Ready)),
                (NOTHING_TO_DO_MS, Stage::Finish(Success::Yes)),
            ]),
            Work::Reboot if is_running => VecDeque::from([
                (NOTHING_TO_DO_MS, Stage::Show(MachineState::Stopping)),
                (rng.latency_ms(&timing.stop), Stage::Show(MachineState::Stopped)),
                (rng.latency_ms(&timing.start), Stage::Finish(Success::Yes)),
            ]),
            Work::Stop | Work::Start | Work::Reboot => fruitless_course(),
            Work::AddNic(_) | Work::RemoveNic(_) if is_running => VecDeque::from([
                (rng.latency_ms(&timing.update), Stage::Show(MachineState::Stopped)),
                (rng.latency_ms(&timing.start), Stage::Finish(Success::Yes)),
            ]),
            Work::Destroy => {
                let halt_ms = is_running.then(|| rng.latency_ms(&timing.stop));
                let is_incomplete = rng.chance(INCOMPLETE_RATE) && state != MachineState::Failed;
                destroy_course(halt_ms, is_incomplete.then_some(NOTHING_TO_DO_MS), rng.latency_ms(&timing.destroy))
            }
            _ => VecDeque::from([(rng.latency_ms(&timing.update), Stage::Finish(Success::Yes))]),
        }
    }
}

/// A job that fails at once and leaves everything as it is.
fn fruitless_course() -> VecDeque<(u64, Stage)> {
    VecDeque::from([(NOTHING_TO_DO_MS, Stage::Finish(Success::No))])
}

fn provision_course(fate: ProvisionFate, total_ms: u64) -> VecDeque<(u64, Stage)> {
    let configured_ms = total_ms * CONFIGURED_PERCENT / 100;
    match fate {
        ProvisionFate::Runs => VecDeque::from([
            (configured_ms, Stage::StoreInterfaces),
            (total_ms - configured_ms, Stage::Finish(Success::Yes)),
        ]),
        ProvisionFate::Fails => VecDeque::from([(total_ms, Stage::Finish(Success::No))]),
        ProvisionFate::Vanishes => VecDeque::from([(total_ms, Stage::Vanish)]),
    }
}

fn destroy_course(halt_ms: Option<u64>, incomplete_ms: Option<u64>, rest_ms: u64) -> VecDeque<(u64, Stage)> {
    let mut course = VecDeque::new();
    if let Some(halt_ms) = halt_ms {
        course.push_back((NOTHING_TO_DO_MS, Stage::Show(MachineState::Stopping)));
        course.push_back((halt_ms, Stage::Show(MachineState::Stopped)));
    }
    if let Some(incomplete_ms) = incomplete_ms {
        course.push_back((incomplete_ms, Stage::Show(MachineState::Provisioning)));
    }
    course.push_back((rest_ms, Stage::Finish(Success::Yes)));
    course
}

impl Machine {
    /// Whether the machine is still on its way to its first `running`.
    pub(crate) fn is_unprovisioned(&self) -> bool {
        self.state == MachineState::Provisioning
    }
}
