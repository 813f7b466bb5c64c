//! Core's `Cloud` port directly on a shared world, in virtual time: one account, one request for
//! each call, with the latencies, refusals and faults the HTTP server would show. It never repeats
//! a request.

mod error;
mod transit;
mod translation;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tsg_core::model::id::{InstanceId, PackageId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Clock as _;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{
    AccountProfile, CloudError, CreateInstance, InstancePage, InstanceUpdate, ListPage, Noted, PackageProfile,
};
use tsg_core::protocol::update::{StepReply, UpdateRun, UpdateStep, is_label_missing};

use crate::virtual_time::VirtualTime;
use crate::world::{
    AccountId, Admission, Call, Caller, CreateTicket, Fingerprint, MachineAction, MachineId, Operation, Permit,
    Refusal, Reply, SimTime, World, WriteMode,
};

use error::{not_in_time, of_refusal, of_silence};
use transit::Transit;

/// The proxy in front of CloudAPI gives up on an answer after this long and says 504
/// (sdc-cloudapi etc/haproxy.cfg.in).
const PROXY_PATIENCE_MS: u64 = 120_000;

/// A client gives up on a connection that stays silent after this long.
const CLIENT_PATIENCE_MS: u64 = 150_000;

/// A world that several clients and oracles share.
pub type SharedWorld = Arc<Mutex<World>>;

/// Locks a shared world.
pub fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    // A panic while the lock was held is a failed test already; the world is still readable.
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the data centre refuses signatures older than 300 s, as the real one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureLife {
    /// It does.
    #[default]
    Limited,
    /// It does not: to show what the sender's own guard is worth.
    Unlimited,
}

/// One account of a simulated data centre.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tsg_core::ports::Cloud;
/// use tsg_sim::cloud::SimCloud;
/// use tsg_sim::executor::Executor;
/// use tsg_sim::virtual_time::VirtualTime;
/// use tsg_sim::world::{NewAccount, SimTime, World, WorldSpec};
/// use std::time::Duration;
///
/// let mut world = World::new(WorldSpec::with_seed(1));
/// let account = world.add_account(NewAccount { login: "demo".into(), ..NewAccount::default() });
/// let time = VirtualTime::starting_at(world.now());
/// let cloud = SimCloud::new(Arc::new(Mutex::new(world)), account, time.clone());
/// let mut executor = Executor::new(time);
/// let task = executor.spawn(async move {
///     assert_eq!(cloud.account().await.unwrap().login, "demo");
/// });
/// executor.run_until(Duration::from_secs(1), |executor| executor.is_over(task));
/// assert!(executor.is_over(task));
/// ```
#[derive(Debug, Clone)]
pub struct SimCloud {
    world: SharedWorld,
    time: VirtualTime,
    caller: Caller,
    signature_life: SignatureLife,
}

impl SimCloud {
    /// The account `account` of `world`. The clock must be the one that whoever runs the client
    /// moves; the world follows it.
    #[must_use]
    pub fn new(world: SharedWorld, account: AccountId, time: VirtualTime) -> Self {
        let caller = Caller { account, ip: [127, 0, 0, 1].into(), key_id: "simulated".into() };
        Self { world, time, caller, signature_life: SignatureLife::Limited }
    }

    /// The same, with or without the limit on a signature's life.
    #[must_use]
    pub fn with_signature_life(self, signature_life: SignatureLife) -> Self {
        Self { signature_life, ..self }
    }

    /// The world at the present moment.
    fn present(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.advance_to(self.time.sim_now());
        world
    }

    /// One request: there, work, and back.
    async fn request<T>(
        &self,
        call: Call,
        work: impl Fn(&mut World) -> Result<T, Refusal> + Send,
    ) -> Result<T, CloudError> {
        let signed_at = self.time.now();
        let (there_ms, back_ms) = self.draw_way();
        self.travel(there_ms).await;
        let reply = {
            let mut world = self.present();
            match self.check_date(&world, signed_at) {
                Ok(()) => world.serve(&call, work),
                Err(refusal) => Reply::Delivered(Err(refusal)),
            }
        };
        self.receive(reply, back_ms).await
    }

    /// The same for a request that changes something. When the client dies while the request is on
    /// its way, it may arrive all the same.
    async fn write<T>(
        &self,
        call: Call,
        work: impl Fn(&mut World) -> Result<T, Refusal> + Send,
    ) -> Result<T, CloudError> {
        let orphan = Transit::of(self, |cloud: &Self| {
            let mut world = cloud.present();
            let _ = world.serve(&call, &work);
        });
        let signed_at = self.time.now();
        let (there_ms, back_ms) = self.draw_way();
        self.travel(there_ms).await;
        orphan.arrived();
        let reply = {
            let mut world = self.present();
            match self.check_date(&world, signed_at) {
                Ok(()) => world.serve(&call, &work),
                Err(refusal) => Reply::Delivered(Err(refusal)),
            }
        };
        self.receive(reply, back_ms).await
    }

    async fn receive<T>(&self, reply: Reply<T>, back_ms: u64) -> Result<T, CloudError> {
        match reply {
            Reply::Delivered(result) => {
                self.travel(back_ms).await;
                result.map_err(|refusal| of_refusal(&refusal))
            }
            Reply::Lost => Err(self.silence(back_ms).await),
        }
    }

    /// A connection without an answer: closed at once, or silent until the client gives up.
    async fn silence(&self, back_ms: u64) -> CloudError {
        let is_reset = lock(&self.world).draw_chance(0.5);
        self.travel(if is_reset { back_ms } else { CLIENT_PATIENCE_MS }).await;
        of_silence()
    }

    fn draw_way(&self) -> (u64, u64) {
        let mut world = lock(&self.world);
        let total_ms = world.draw_request_ms();
        (total_ms / 2, total_ms - total_ms / 2)
    }

    /// Lets time pass; even no time at all is a moment at which the client can die.
    async fn travel(&self, ms: u64) {
        crate::executor::yield_now().await;
        self.time.sleep_until_sim(self.time.sim_now().plus_ms(ms)).await;
    }

    fn check_date(&self, world: &World, signed_at: Timestamp) -> Result<(), Refusal> {
        match self.signature_life {
            SignatureLife::Unlimited => Ok(()),
            SignatureLife::Limited => {
                let ms = u64::try_from(signed_at.as_millis()).unwrap_or(0);
                world.check_signature_date(SimTime::from_ms(ms))
            }
        }
    }

    /// Hands a create to the world; the ticket says when the answer will be there.
    fn submit(&self, request: &CreateInstance) -> Submitted {
        let wire = translation::create_machine(request);
        let call = Call::new(self.caller.account, Operation::CreateMachine).carrying(wire.payload);
        let mut world = self.present();
        if let Err(refusal) = self.check_date(&world, request.signed_at) {
            return Submitted::Refused(refusal);
        }
        match world.admit(&call) {
            Admission::Refused(refusal) => Submitted::Refused(refusal),
            Admission::Lost => Submitted::Lost,
            Admission::Admitted(permit) => match world.submit_create(&self.caller, wire) {
                Ok(ticket) => Submitted::Queued(permit, ticket),
                Err(refusal) => Submitted::Refused(refusal),
            },
        }
    }

    /// Waits for the answer of a queued create, as long as the proxy in between does.
    async fn created(&self, permit: Permit, ticket: CreateTicket) -> Result<Reply<MachineId>, CloudError> {
        let cut_at = self.time.sim_now().plus_ms(PROXY_PATIENCE_MS);
        if ticket.due > cut_at {
            self.time.sleep_until_sim(cut_at).await;
            return Err(not_in_time());
        }
        self.time.sleep_until_sim(ticket.due).await;
        let mut world = self.present();
        match world.take_created(ticket.id) {
            Some(result) => Ok(world.conclude(permit, result)),
            None => Err(of_silence()),
        }
    }

    /// An action on a machine. Its payload is for the truth log; the requests of an update have
    /// none, since only the update as a whole is announced.
    async fn act(
        &self,
        instance: InstanceId,
        action: MachineAction,
        payload: Option<Fingerprint>,
    ) -> Result<(), CloudError> {
        let id = instance.to_string();
        let caller = self.caller.clone();
        let call = self.call(Operation::ActOnMachine).about(id.clone()).carrying(payload);
        self.write(call, move |world| world.act_on_machine(&caller, &id, action.clone())).await
    }

    async fn send_step(&self, instance: InstanceId, step: UpdateStep<'_>) -> Result<(), CloudError> {
        let (caller, id) = (&self.caller, &instance.to_string());
        let labels = |operation: Operation| self.call(operation).about(id.clone());
        match step {
            UpdateStep::Firewall(state) => {
                self.act(instance, MachineAction::SetFirewall(translation::switch(state)), None).await
            }
            UpdateStep::RemoveMetadatum(key) => {
                let work = |world: &mut World| world.remove_metadatum(caller, id, key).map(drop);
                self.write(labels(Operation::WriteMetadata), work).await
            }
            UpdateStep::SetMetadata(metadata) => {
                let work = |world: &mut World| world.write_metadata(caller, id, translation::texts(metadata)).map(drop);
                self.write(labels(Operation::WriteMetadata), work).await
            }
            UpdateStep::RemoveTag(key) => {
                let work = |world: &mut World| world.remove_tag(caller, id, key).map(drop);
                self.write(labels(Operation::WriteTags), work).await
            }
            UpdateStep::SetTags(tags) => {
                let work = |world: &mut World| {
                    world.write_tags(caller, id, WriteMode::Merge, translation::scalars(tags)).map(drop)
                };
                self.write(labels(Operation::WriteTags), work).await
            }
        }
    }

    fn observe(&self, id: MachineId) -> Result<ObservedInstance, CloudError> {
        let world = self.present();
        world.true_machine(id).map(|machine| translation::observed(&world, machine)).ok_or_else(of_silence)
    }

    fn call(&self, operation: Operation) -> Call {
        Call::new(self.caller.account, operation)
    }
}

/// What became of a create on arrival.
enum Submitted {
    Refused(Refusal),
    Lost,
    Queued(Permit, CreateTicket),
}

#[async_trait]
impl Cloud for SimCloud {
    async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError> {
        let query = translation::list_query(page);
        let account = self.caller.account;
        let work = |world: &mut World| {
            let found = world.list_machines(account, &query).items;
            let labels = translation::labels(page.labelling, &found);
            let nics = translation::nics(page.addressing, &found);
            let instances = found.into_iter().map(|machine| translation::observed(world, machine)).collect();
            Ok(InstancePage { instances, labels, nics, server_time: Some(translation::timestamp(world.clock())) })
        };
        self.request(self.call(Operation::ListMachines), work).await
    }

    async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError> {
        let (account, id) = (self.caller.account, instance.to_string());
        let work = |world: &mut World| {
            let machine = world.machine_or_tombstone(account, &id)?;
            Ok(translation::observed(world, machine))
        };
        self.request(self.call(Operation::GetMachine), work).await
    }

    async fn create(&self, request: &CreateInstance) -> Result<ObservedInstance, CloudError> {
        let (there_ms, back_ms) = self.draw_way();
        let orphan = Transit::of(self, |cloud: &Self| {
            let _ = cloud.submit(request);
        });
        self.travel(there_ms).await;
        orphan.arrived();
        let reply = match self.submit(request) {
            Submitted::Refused(refusal) => Reply::Delivered(Err(refusal)),
            Submitted::Lost => Reply::Lost,
            Submitted::Queued(permit, ticket) => self.created(permit, ticket).await?,
        };
        let id = self.receive(reply, back_ms).await?;
        self.observe(id)
    }

    async fn delete(&self, instance: InstanceId) -> Result<(), CloudError> {
        let id = instance.to_string();
        let caller = self.caller.clone();
        let payload = Some(translation::instance_payload(instance));
        let call = self.call(Operation::DeleteMachine).about(id.clone()).carrying(payload);
        match self.write(call, move |world| world.delete_machine(&caller, &id)).await {
            // Gone already is what was asked for.
            Err(error) if error.status == Some(410) => Ok(()),
            other => other,
        }
    }

    async fn start(&self, instance: InstanceId) -> Result<(), CloudError> {
        let payload = translation::instance_payload(instance);
        self.act(instance, MachineAction::Start, Some(payload)).await
    }

    async fn stop(&self, instance: InstanceId) -> Result<(), CloudError> {
        let payload = translation::instance_payload(instance);
        self.act(instance, MachineAction::Stop, Some(payload)).await
    }

    async fn restart(&self, instance: InstanceId) -> Result<(), CloudError> {
        let payload = translation::instance_payload(instance);
        self.act(instance, MachineAction::Reboot, Some(payload)).await
    }

    async fn resize(&self, instance: InstanceId, package: PackageId) -> Result<(), CloudError> {
        let payload = translation::resize_payload(instance, package);
        let action = MachineAction::Resize { package: Some(package.to_string()) };
        self.act(instance, action, Some(payload)).await
    }

    async fn update(&self, instance: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError> {
        let mut run = UpdateRun::new(change);
        while let Some(step) = run.step() {
            let reply = match self.send_step(instance, step).await {
                Ok(()) => StepReply::Noted,
                Err(error) if step.is_removal() && is_label_missing(&error, instance) => StepReply::NothingToDo,
                Err(error) => return Err(error),
            };
            run.advance(reply);
        }
        Ok(run.outcome())
    }

    async fn package(&self, package: PackageId) -> Result<PackageProfile, CloudError> {
        let id = package.to_string();
        let work = |world: &mut World| world.package(&id).map(translation::package_profile);
        self.request(self.call(Operation::ReadPackages), work).await
    }

    async fn account(&self) -> Result<AccountProfile, CloudError> {
        let id = self.caller.account;
        let work = move |world: &mut World| {
            let view = world.account_view(id)?;
            let id = translation::account_id(view.id);
            Ok(AccountProfile { id, login: view.login, has_cns: view.triton_cns_enabled })
        };
        self.request(self.call(Operation::ReadAccount), work).await
    }
}
