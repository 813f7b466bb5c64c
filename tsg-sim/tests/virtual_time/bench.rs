//! One account of a simulated data centre in virtual time, and short ways to ask things of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tsg_core::model::id::{DeploymentId, GroupId, ImageId, OperationId, PackageId, TemplateId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::name::GroupName;
use tsg_core::model::tag::Claim;
use tsg_core::model::template::TemplateSpec;
use tsg_core::ports::cloud::{CloudError, CreateInstance};
use tsg_core::ports::{Clock, Cloud};
use tsg_sim::cloud::{SharedWorld, SimCloud, lock};
use tsg_sim::executor::{Executor, TaskId};
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{AccountId, FaultRule, NewAccount, World, WorldSpec};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

pub struct Bench {
    pub executor: Executor,
    pub time: VirtualTime,
    pub world: SharedWorld,
    pub account: AccountId,
    pub cloud: SimCloud,
}

pub fn bench() -> Bench {
    bench_of(WorldSpec { throttle: None, ..WorldSpec::with_seed(3) })
}

pub fn bench_of(spec: WorldSpec) -> Bench {
    let mut world = World::new(spec);
    let account = world.add_account(NewAccount { login: "demo".into(), cns_enabled: true, ..NewAccount::default() });
    world.add_key(account, Some(KEY), None).unwrap();
    let time = VirtualTime::starting_at(world.now());
    let world = Arc::new(Mutex::new(world));
    let cloud = SimCloud::new(Arc::clone(&world), account, time.clone());
    Bench { executor: Executor::new(time.clone()), time, world, account, cloud }
}

impl Bench {
    /// Runs one call to its end.
    pub fn call<T: 'static, F: Future<Output = T> + 'static>(&mut self, call: impl FnOnce(SimCloud) -> F) -> T {
        let result = Rc::new(RefCell::new(None));
        let (slot, future) = (Rc::clone(&result), call(self.cloud.clone()));
        let task = self.executor.spawn(async move {
            let output = future.await;
            *slot.borrow_mut() = Some(output);
        });
        self.executor.run_until(Duration::MAX, |executor| executor.is_over(task));
        result.take().expect("the call came to an end")
    }

    pub fn create(&mut self, operation: u128) -> Result<ObservedInstance, CloudError> {
        let request = self.request(operation);
        self.call(|cloud| async move { cloud.create(&request).await })
    }

    pub fn spawn_create(&mut self, operation: u128) -> TaskId {
        let (request, cloud) = (self.request(operation), self.cloud.clone());
        self.executor.spawn(async move {
            let _ = cloud.create(&request).await;
        })
    }

    pub fn request(&self, operation: u128) -> CreateInstance {
        let world = lock(&self.world);
        let group: GroupName = "web".parse().unwrap();
        let template = TemplateSpec {
            name: "plain".parse().unwrap(),
            package: PackageId::new(world.package("sample-1G").unwrap().id.0),
            image: ImageId::new(world.newest_image("base-64-lts").unwrap().id.0),
            networks: Vec::new(),
            firewall_enabled: false,
            userdata: "#!/bin/sh".into(),
            metadata: BTreeMap::new(),
            tags: BTreeMap::from([("role".to_owned(), "web".into())]),
            placement: tsg_core::placement::rule::PlacementSpec::default(),
        };
        CreateInstance {
            name: group.instance_name(OperationId::from_bits(operation)),
            template,
            claim_tags: claim(operation).tags(&group, TemplateId::new(uuid::Uuid::from_u128(2))),
            affinity: Vec::new(),
            signed_at: self.time.now(),
        }
    }

    pub fn pass(&mut self, seconds: u64) {
        let until = self.time.elapsed() + Duration::from_secs(seconds);
        let time = self.time.clone();
        let task = self.executor.spawn(async move { time.sleep_until(until).await });
        self.executor.run_until(Duration::MAX, |executor| executor.is_over(task));
        lock(&self.world).advance_to(self.time.sim_now());
    }

    pub fn live(&self) -> usize {
        lock(&self.world).live_machines(self.account).count()
    }

    pub fn fault(&self, rule: impl Into<FaultRule>) {
        lock(&self.world).switch_fault(rule.into()).unwrap();
    }
}

pub fn claim(operation: u128) -> Claim {
    Claim {
        manager: DeploymentId::from_bits(1),
        group: GroupId::new(uuid::Uuid::from_u128(1)),
        operation: OperationId::from_bits(operation),
        revision: 1,
        sequence: 1,
    }
}
