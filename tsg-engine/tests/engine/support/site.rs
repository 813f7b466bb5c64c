//! One account of a simulated data centre with a store and any number of engines on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tsg_core::health::spec::HealthSpec;
use tsg_core::model::audit::Actor;
use tsg_core::model::group::{Freeze, Group};
use tsg_core::model::id::{
    AccountId, ComputeNodeId, DeploymentId, GroupId, ImageId, InstanceId, PackageId, TemplateId,
};
use tsg_core::model::policy::Policy;
use tsg_core::model::tag::Tags;
use tsg_core::model::template::TemplateSpec;
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::placement::topology::{Coverage, Site as NodeSite, Topology};
use tsg_core::ports::{Clock, Cloud, Health};
use tsg_engine::intent::{self, BlockChange, Caller, GroupChange, NewGroup};
use tsg_engine::{AccountEngine, EngineConfig, EngineHandle, EnginePorts, Witness};
use tsg_sim::cloud::{SharedWorld, SignatureLife, SimCloud, lock};
use tsg_sim::executor::{Executor, Halt, TaskId};
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{self, NewAccount, World, WorldSpec};
use uuid::Uuid;

use super::journal::WitnessedCloud;
use super::oracle::Oracle;
use super::ports::{LoggedStore, SeededEntropy, StoreMutant};

const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

/// Wraps the cloud that an engine sees.
pub type CloudWrap = fn(Arc<dyn Cloud>) -> Arc<dyn Cloud>;

/// What may differ from the real thing, to show that the oracle notices.
#[derive(Clone)]
pub struct Wiring {
    pub store: StoreMutant,
    pub signatures: SignatureLife,
    pub cloud: CloudWrap,
    pub config: EngineConfig,
    /// What the operator tells of the simulated racks; nothing if there is no word of it.
    pub racks: Option<Coverage>,
}

impl Default for Wiring {
    fn default() -> Self {
        Self {
            store: StoreMutant::None,
            signatures: SignatureLife::Limited,
            cloud: |cloud| cloud,
            config: EngineConfig { list_interval_min: Duration::from_secs(10), ..EngineConfig::default() },
            racks: None,
        }
    }
}

/// One engine that runs.
pub struct Running {
    pub task: TaskId,
    pub handle: EngineHandle,
}

/// The whole of it.
pub struct Site {
    pub time: VirtualTime,
    pub world: SharedWorld,
    pub account: AccountId,
    pub world_account: world::AccountId,
    pub store: Arc<LoggedStore>,
    pub executor: Executor,
    pub template: TemplateId,
    /// Another one, to change to.
    pub second_template: TemplateId,
    /// One that only other instances can be made from.
    pub third_template: TemplateId,
    /// What groups are made with from now on.
    pub policy: Box<Policy>,
    /// Where groups that are made from now on want their instances.
    pub placement: Option<Box<PlacementSpec>>,
    /// What the instances of groups that are made from now on are asked.
    pub checks: Option<Box<HealthSpec>>,
    /// Who tells engines that are started from now on how instances are.
    pub health: Option<Arc<dyn Health>>,
    /// Who is told what happens by engines that are started from now on.
    pub witness: Option<Arc<dyn Witness>>,
    wiring: Wiring,
    seed: u64,
    engines_begun: u64,
}

pub fn group_id(number: u32) -> GroupId {
    GroupId::new(Uuid::from_u128(0x6000_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

fn template_id(number: u128) -> TemplateId {
    TemplateId::new(Uuid::from_u128(0x7000_0000_0000_4000_8000_0000_0000_0000 + number))
}

/// What an operator could write down of the simulated racks.
fn topology(world: &World, coverage: Coverage) -> Topology {
    let nodes = world.servers().map(|server| {
        let site = NodeSite { name: Some(server.name.clone()), rack: Some(server.rack.clone()) };
        (ComputeNodeId::new(server.id.0), site)
    });
    Topology { data_centre: Some(world.datacenter().to_owned()), coverage, nodes: nodes.collect() }
}

impl Site {
    pub fn new(seed: u64, spec: WorldSpec, mut wiring: Wiring) -> Self {
        let mut world = World::new(WorldSpec { seed, ..spec });
        if let Some(coverage) = wiring.racks {
            wiring.config.topology = topology(&world, coverage);
        }
        let world_account =
            world.add_account(NewAccount { login: "demo".to_owned(), cns_enabled: true, ..NewAccount::default() });
        // CloudAPI provisions nothing for an account without a key.
        world.add_key(world_account, Some(PUBLIC_KEY), Some("laptop")).unwrap();
        let time = VirtualTime::starting_at(world.now());
        let store = LoggedStore::new(&time, seed, wiring.store);
        let mut site = Self {
            executor: Executor::new(time.clone()),
            world: Arc::new(Mutex::new(world)),
            account: AccountId::from_directory(world_account.0),
            world_account,
            template: template_id(1),
            second_template: template_id(2),
            third_template: template_id(3),
            policy: Group::first_policy(),
            placement: None,
            checks: None,
            health: None,
            witness: None,
            time,
            store,
            wiring,
            seed,
            engines_begun: 0,
        };
        let image = ImageId::new(lock(&site.world).newest_image("base-64-lts").unwrap().id.0);
        let other_image = ImageId::new(lock(&site.world).newest_image("debian-12").unwrap().id.0);
        let free = PlacementSpec::default();
        site.make_template(site.template, "base", (image, Tags::new(), free.clone()));
        let edge = [("role".to_owned(), "edge".into())].into();
        site.make_template(site.second_template, "second", (image, edge, free.clone()));
        site.make_template(site.third_template, "third", (other_image, Tags::new(), free));
        site
    }

    /// A template like the first one that says where instances may go; groups are made from it now.
    pub fn make_placed_template(&mut self, placement: PlacementSpec) {
        let image = ImageId::new(lock(&self.world).newest_image("base-64-lts").unwrap().id.0);
        self.template = template_id(4);
        self.make_template(self.template, "placed", (image, Tags::new(), placement));
    }

    /// Templates whose instances are answered with by the name of a service: groups are made from the
    /// first now, and change to the second, which has another image.
    pub fn make_served_template(&mut self, service: &str) {
        (self.template, self.second_template) = (template_id(5), template_id(6));
        for (template, name, image) in
            [(self.template, "served", "base-64-lts"), (self.second_template, "served-anew", "debian-12")]
        {
            let image = ImageId::new(lock(&self.world).newest_image(image).unwrap().id.0);
            let tags = [("triton.cns.services".to_owned(), service.into())].into();
            self.make_template(template, name, (image, tags, PlacementSpec::default()));
        }
    }

    fn make_template(&mut self, id: TemplateId, name: &str, what: (ImageId, Tags, PlacementSpec)) {
        let (image, tags, placement) = what;
        let spec = {
            let world = lock(&self.world);
            TemplateSpec {
                name: name.parse().unwrap(),
                package: PackageId::new(world.package("sample-1G").unwrap().id.0),
                image,
                networks: Vec::new(),
                firewall_enabled: false,
                userdata: String::new(),
                metadata: BTreeMap::new(),
                tags,
                placement,
            }
        };
        let (store, caller) = (self.store.of(None), self.caller());
        self.do_now(async move {
            intent::create_template(&*store, &caller, id, spec).await.unwrap();
        });
    }

    pub fn caller(&self) -> Caller {
        Caller { account: self.account, actor: Actor::User("/demo/keys/test".to_owned()), now: self.time.now() }
    }

    /// Runs a future to its end at this moment.
    pub fn do_now(&mut self, future: impl Future<Output = ()> + 'static) {
        let task = self.executor.spawn(future);
        let halt = self.executor.run_until(Duration::MAX, |executor| executor.is_over(task));
        assert_eq!(halt, Halt::Satisfied);
    }

    /// The user makes a group. Intents run beside the engines and can be overtaken by them.
    pub fn make_group(&mut self, number: u32, capacity: u32, engines: Vec<EngineHandle>) {
        let (store, caller, template) = (self.store.of(None), self.caller(), self.template);
        let (name, policy) = (format!("g{number}").parse().unwrap(), self.policy.clone());
        let (placement, health) = (self.placement.clone(), self.checks.clone());
        let new = NewGroup { id: group_id(number), name, template, capacity, policy, placement, health };
        self.executor.spawn(async move {
            while intent::create_group(&*store, &caller, &new).await.is_err() {
                tsg_sim::executor::yield_now().await;
            }
            engines.iter().for_each(EngineHandle::wake);
        });
    }

    pub fn scale(&mut self, number: u32, capacity: u32, engines: Vec<EngineHandle>) {
        self.change(number, GroupChange { capacity: Some(capacity), ..GroupChange::default() }, engines);
    }

    pub fn change_template(&mut self, number: u32, engines: Vec<EngineHandle>) {
        let template = Some(self.second_template);
        self.change(number, GroupChange { template, ..GroupChange::default() }, engines);
    }

    /// The user says where instances may go from now on; nothing any more with `None`.
    pub fn place(&mut self, number: u32, placement: Option<PlacementSpec>, engines: Vec<EngineHandle>) {
        let change = placement.map_or(BlockChange::Remove, |spec| BlockChange::Set(Box::new(spec)));
        self.change(number, GroupChange { placement: Some(change), ..GroupChange::default() }, engines);
    }

    /// The user says what instances are asked from now on; nothing any more with `None`.
    pub fn check(&mut self, number: u32, health: Option<HealthSpec>, engines: Vec<EngineHandle>) {
        let change = health.map_or(BlockChange::Remove, |spec| BlockChange::Set(Box::new(spec)));
        self.change(number, GroupChange { health: Some(change), ..GroupChange::default() }, engines);
    }

    fn change(&mut self, number: u32, change: GroupChange, engines: Vec<EngineHandle>) {
        let (store, caller) = (self.store.of(None), self.caller());
        self.executor.spawn(async move {
            loop {
                match intent::change_group(&*store, &caller, group_id(number), &change).await {
                    Ok(_) | Err(intent::ChangeGroupError::UnknownGroup(_)) => break,
                    Err(_) => tsg_sim::executor::yield_now().await,
                }
            }
            engines.iter().for_each(EngineHandle::wake);
        });
    }

    /// A person stops a group, for the given reason, or lets it go on.
    pub fn freeze(&mut self, number: u32, reason: Option<&str>, engines: Vec<EngineHandle>) {
        let (store, caller) = (self.store.of(None), self.caller());
        let freeze = reason.map(|reason| Freeze { by: "ann".to_owned(), reason: reason.to_owned(), since: caller.now });
        self.executor.spawn(async move {
            loop {
                let result = match &freeze {
                    Some(freeze) => intent::freeze_group(&*store, &caller, group_id(number), freeze).await,
                    None => intent::unfreeze_group(&*store, &caller, group_id(number)).await,
                };
                match result {
                    Ok(_) | Err(intent::FreezeGroupError::UnknownGroup(_)) => break,
                    Err(_) => tsg_sim::executor::yield_now().await,
                }
            }
            engines.iter().for_each(EngineHandle::wake);
        });
    }

    /// The customer protects a running machine against deletion, whichever `choice` hits.
    pub fn protect_one(&self, choice: u64) {
        let ids: Vec<_> = lock(&self.world).live_machines(self.world_account).map(|machine| machine.id).collect();
        if let Some(id) = ids.get((choice % ids.len().max(1) as u64) as usize) {
            self.set_protection(*id, world::Switch::On);
        }
    }

    /// The customer protects a machine against deletion, or lifts that.
    pub fn protect(&self, instance: InstanceId, is_protected: bool) {
        let switch = if is_protected { world::Switch::On } else { world::Switch::Off };
        self.set_protection(world::MachineId(instance.uuid()), switch);
    }

    /// The customer lifts every protection.
    pub fn unprotect_all(&self) {
        let is_protected = |machine: &&world::Machine| machine.deletion_protection;
        let ids: Vec<_> = {
            let world = lock(&self.world);
            world.live_machines(self.world_account).filter(is_protected).map(|machine| machine.id).collect()
        };
        ids.into_iter().for_each(|id| self.set_protection(id, world::Switch::Off));
    }

    fn set_protection(&self, id: world::MachineId, switch: world::Switch) {
        let caller =
            world::Caller { account: self.world_account, ip: [127, 0, 0, 1].into(), key_id: "customer".into() };
        let action = world::MachineAction::SetDeletionProtection(switch);
        // A machine that is not ready for it refuses, and stays as it is.
        let _ = lock(&self.world).act_on_machine(&caller, &id.to_string(), action);
    }

    pub fn delete_group(&mut self, number: u32, engines: Vec<EngineHandle>) {
        let (store, caller) = (self.store.of(None), self.caller());
        self.executor.spawn(async move {
            loop {
                match intent::delete_group(&*store, &caller, group_id(number), None).await {
                    Ok(_) | Err(intent::DeleteGroupError::UnknownGroup(_)) => break,
                    Err(_) => tsg_sim::executor::yield_now().await,
                }
            }
            engines.iter().for_each(EngineHandle::wake);
        });
    }

    /// Starts an engine on the store as it is.
    pub fn start_engine(&mut self) -> Running {
        self.engines_begun += 1;
        let cloud = SimCloud::new(self.world.clone(), self.world_account, self.time.clone())
            .with_signature_life(self.wiring.signatures);
        let engine = self.engines_begun;
        let journal = self.store.journal.clone();
        let ports = EnginePorts {
            store: self.store.of(Some(engine)),
            cloud: (self.wiring.cloud)(Arc::new(WitnessedCloud { inner: Arc::new(cloud), journal, engine })),
            clock: Arc::new(self.time.clone()),
            entropy: SeededEntropy::new(self.seed, &format!("engine {}", self.engines_begun)),
        };
        let deployment = DeploymentId::from_bits(0x7369_6d75_6c61_7465);
        let (engine, handle) = AccountEngine::new(self.account, deployment, ports, self.wiring.config.clone());
        let engine = match &self.health {
            Some(health) => engine.with_health(health.clone()),
            None => engine,
        };
        let engine = match &self.witness {
            Some(witness) => engine.with_witness(witness.clone()),
            None => engine,
        };
        Running { task: self.executor.spawn(engine.run()), handle }
    }

    /// Lets time pass, judged at every step.
    pub fn run_judged(&mut self, oracle: &mut Oracle, length: Duration) {
        let deadline = self.time.elapsed() + length;
        let (world, time, store) = (self.world.clone(), self.time.clone(), self.store.clone());
        self.executor.run_until(deadline, |_| {
            Self::catch_up(&world, &time);
            oracle.judge(&store.news(oracle.progress()), &lock(&world)).unwrap();
            false
        });
    }

    /// Lets the world catch up with the clock, so that what is read of it is of this moment.
    pub fn catch_up(world: &SharedWorld, time: &VirtualTime) {
        lock(world).advance_to(time.sim_now());
    }
}
