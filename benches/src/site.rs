//! The production engine on a simulated data centre, in virtual time.
//!
//! Owns one account with one group and the engine that looks after it. Must never be timed: what a
//! bench measures of it are moments of virtual time and counts of requests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tsg_core::model::audit::Actor;
use tsg_core::model::id::{AccountId, DeploymentId, GroupId, ImageId, PackageId, TemplateId};
use tsg_core::model::policy::Policy;
use tsg_core::model::tag::Tags;
use tsg_core::model::template::TemplateSpec;
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::plan::output::{GroupStatus, Report};
use tsg_core::ports::{Clock as _, Entropy};
use tsg_engine::intent::{Caller, GroupChange, NewGroup, change_group, create_group, create_template};
use tsg_engine::{AccountEngine, EngineConfig, EngineHandle, EnginePorts};
use tsg_sim::cloud::{SharedWorld, SimCloud, lock};
use tsg_sim::executor::Executor;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{NewAccount, Rng, Timing, World, WorldSpec};
use tsg_store::MemoryStore;
use uuid::Uuid;

/// CloudAPI provisions nothing for an account without a key.
const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

/// What a run is of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Instances of the group.
    pub size: u32,
    /// Everything random follows from this.
    pub seed: u64,
    /// How the engine is set up.
    pub config: EngineConfig,
    /// How long things take in the data centre.
    pub timing: Timing,
    /// The group's policy.
    pub policy: Box<Policy>,
}

/// A group that was just made, with an engine that has not run yet.
pub struct Site {
    world: SharedWorld,
    time: VirtualTime,
    executor: Executor,
    handle: EngineHandle,
    store: Arc<MemoryStore>,
    account: AccountId,
}

struct Seeded(Mutex<Rng>);

impl Entropy for Seeded {
    fn draw(&self) -> u128 {
        u128::from_be_bytes(self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes16())
    }
}

impl Site {
    /// A data centre, an account, a group of the first template.
    ///
    /// # Errors
    /// When the simulated data centre does not have what it always has.
    pub fn new(setting: Setting) -> Result<Self, Box<dyn Error>> {
        let Setting { size, seed, config, timing, policy } = setting;
        let spec = WorldSpec { seed, racks: 20, servers_per_rack: 20, timing, ..WorldSpec::default() };
        let mut world = World::new(spec);
        let world_account = world.add_account(NewAccount { login: "demo".to_owned(), ..NewAccount::default() });
        world.add_key(world_account, Some(PUBLIC_KEY), Some("laptop")).map_err(|refusal| refusal.message)?;
        let specs = [template(&world, "base-64-lts")?, template(&world, "debian-12")?];
        let time = VirtualTime::starting_at(world.now());
        let world: SharedWorld = Arc::new(Mutex::new(world));
        let account = AccountId::from_directory(world_account.0);
        let store = Arc::new(MemoryStore::new(Arc::new(time.clone())));
        let ports = EnginePorts {
            store: store.clone(),
            cloud: Arc::new(SimCloud::new(world.clone(), world_account, time.clone())),
            clock: Arc::new(time.clone()),
            entropy: Arc::new(Seeded(Mutex::new(Rng::for_purpose(seed, "engine")))),
        };
        let (engine, handle) = AccountEngine::new(account, DeploymentId::from_bits(1), ports, config);
        let executor = Executor::new(time.clone());
        let mut site = Self { world, time, executor, handle, store, account };
        site.make_group(size, specs, policy)?;
        site.executor.spawn(engine.run());
        Ok(site)
    }

    fn make_group(&mut self, size: u32, specs: [TemplateSpec; 2], policy: Box<Policy>) -> Result<(), Box<dyn Error>> {
        let (store, caller) = (self.store.clone(), self.caller());
        let new = NewGroup {
            id: group_id(),
            name: "bench".parse()?,
            template: template_id(0),
            capacity: size,
            policy,
            placement: None,
            health: None,
        };
        self.do_now(async move {
            for (number, spec) in specs.into_iter().enumerate() {
                create_template(&*store, &caller, template_id(number), spec).await?;
            }
            create_group(&*store, &caller, &new).await?;
            Ok(())
        })
    }

    /// The user wants other instances, of the second template, and the engine is told.
    ///
    /// # Errors
    /// When the group cannot be changed.
    pub fn replace_all(&mut self) -> Result<(), Box<dyn Error>> {
        let (store, caller) = (self.store.clone(), self.caller());
        let change = GroupChange { template: Some(template_id(1)), ..GroupChange::default() };
        self.do_now(async move {
            change_group(&*store, &caller, group_id(), &change).await?;
            Ok(())
        })?;
        self.handle.wake();
        Ok(())
    }

    fn caller(&self) -> Caller {
        Caller { account: self.account, actor: Actor::User("bench".to_owned()), now: self.time.now() }
    }

    fn do_now(
        &mut self,
        work: impl Future<Output = Result<(), Box<dyn Error>>> + 'static,
    ) -> Result<(), Box<dyn Error>> {
        let outcome = Rc::new(RefCell::new(None));
        let told = outcome.clone();
        let task = self.executor.spawn(async move { *told.borrow_mut() = Some(work.await) });
        self.executor.run_until(self.time.elapsed(), |executor| executor.is_over(task));
        outcome.take().unwrap_or_else(|| Err("it takes time".into()))
    }

    /// Lets time pass until the engine's newest report says so, or for so long at most.
    pub fn run_until(&mut self, at_most: Duration, is_over: impl Fn(&Report) -> bool) {
        let Self { world, time, executor, handle, .. } = self;
        let deadline = time.elapsed() + at_most;
        executor.run_until(deadline, |_| {
            lock(world).advance_to(time.sim_now());
            handle.group(group_id()).is_some_and(|view| view.report.as_ref().is_some_and(&is_over))
        });
    }

    /// The engine's newest report of the group.
    pub fn report(&self) -> Option<Report> {
        self.handle.group(group_id())?.report.clone()
    }

    /// Whether the engine says that nothing is left to do.
    pub fn is_converged(&self) -> bool {
        self.report().is_some_and(|report| report.status == GroupStatus::Converged)
    }

    /// The clock.
    pub const fn time(&self) -> &VirtualTime {
        &self.time
    }

    /// The data centre.
    pub const fn world(&self) -> &SharedWorld {
        &self.world
    }

    /// The engine, as its host sees it.
    pub const fn engine(&self) -> &EngineHandle {
        &self.handle
    }
}

const fn group_id() -> GroupId {
    GroupId::new(Uuid::from_u128(0x6000))
}

const fn template_id(number: usize) -> TemplateId {
    TemplateId::new(Uuid::from_u128(0x7000 + number as u128))
}

fn template(world: &World, image: &str) -> Result<TemplateSpec, Box<dyn Error>> {
    Ok(TemplateSpec {
        name: image.parse()?,
        package: PackageId::new(world.package("sample-1G").map_err(|refusal| refusal.message)?.id.0),
        image: ImageId::new(world.newest_image(image).ok_or("no image")?.id.0),
        networks: Vec::new(),
        firewall_enabled: false,
        userdata: String::new(),
        metadata: BTreeMap::new(),
        tags: Tags::new(),
        placement: PlacementSpec::default(),
    })
}
