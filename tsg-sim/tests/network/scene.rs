//! A data centre with machines that have services, served with its clock stopped.
//!
//! Owns the settings. It must never be shared between tests.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tsg_sim::admin::ClockCommand;
use tsg_sim::cns::NameServerSite;
use tsg_sim::http::{
    Identity, KeyDirectory, ServerConfig, SignatureRefusal, SignatureVerifier, SignedRequest, SimServer,
};
use tsg_sim::world::{
    AccountId, Caller, CreateMachine, FaultRule, MachineId, NewAccount, Scalar, ScalarInput, Timing, World, WorldSpec,
};

/// The zone of all these data centres.
pub const ZONE: &str = "us-sim-1.cns.sim.example";

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

/// Believes everybody; nobody asks CloudAPI here.
struct Credulous;

impl SignatureVerifier for Credulous {
    fn verify(&self, _: &SignedRequest<'_>, _: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal> {
        Ok(Identity { account: "demo".into(), sub_user: None, key_id: "/demo/keys/any".into() })
    }
}

/// A served data centre.
pub struct Scene {
    pub server: SimServer,
    pub demo: AccountId,
    /// Its machines, in the order they were asked for.
    pub machines: Vec<MachineId>,
}

impl Scene {
    /// With machines of these names and services, all running and known to the name service.
    pub async fn with(machines: &[(&str, &str)]) -> Self {
        Self::at(NameServerSite::ANY, machines).await
    }

    /// The same with the name service elsewhere.
    pub async fn at(site: NameServerSite, machines: &[(&str, &str)]) -> Self {
        let mut world = World::new(WorldSpec { throttle: None, timing: Timing::brisk(), ..WorldSpec::default() });
        let demo = world.add_account(NewAccount { login: "demo".into(), cns_enabled: true, ..NewAccount::default() });
        world.add_key(demo, Some(KEY), Some("laptop")).unwrap();
        let caller = Caller { account: demo, ip: [127, 0, 0, 1].into(), key_id: "/demo/keys/laptop".into() };
        let machines = machines.iter().map(|(name, services)| create(&mut world, &caller, name, services)).collect();
        settle(&mut world);
        let known = world.now().plus_ms(world.spec().propagation.delay_ms);
        world.advance_to(known);
        let config = ServerConfig { name_server: site, ..ServerConfig::on_loopback(Arc::new(Credulous)) };
        let server = SimServer::start(world, config).await.unwrap();
        server.admin().set_clock(ClockCommand::Pause).await.unwrap();
        Self { server, demo, machines }
    }

    /// Where the name service answers.
    pub fn address(&self) -> SocketAddr {
        self.server.name_server().unwrap()
    }

    /// Lets time pass.
    pub async fn advance(&self, ms: u64) {
        self.server.admin().set_clock(ClockCommand::Advance { ms }).await.unwrap();
    }

    /// Switches a fault on, as tests of other crates do.
    pub async fn inject(&self, rule: impl Into<FaultRule>) {
        self.server.admin().inject(&rule.into()).await.unwrap();
    }

    /// The addresses of a machine, on all its networks.
    pub fn addresses(&self, machine: MachineId) -> Vec<Ipv4Addr> {
        self.server
            .with_world(|world| world.true_machine(machine).unwrap().shown_nics().iter().map(|nic| nic.ip).collect())
    }

    /// The name of the compute node that a machine is on.
    pub fn node(&self, machine: MachineId) -> String {
        self.server.with_world(|world| {
            let server = world.true_machine(machine).unwrap().server;
            world.server(server).unwrap().name.clone()
        })
    }
}

fn create(world: &mut World, caller: &Caller, name: &str, services: &str) -> MachineId {
    let tag = |value: &str| ScalarInput::Scalar(Scalar::from(value));
    let tags = [("triton.cns.services".to_owned(), tag(services))].into_iter().filter(|_| !services.is_empty());
    let request = CreateMachine {
        name: Some(name.to_owned()),
        image: Some(world.newest_image("base-64-lts").unwrap().id.to_string()),
        package: Some("sample-1G".to_owned()),
        tags: tags.collect::<BTreeMap<_, _>>(),
        ..CreateMachine::default()
    };
    let ticket = world.submit_create(caller, request).unwrap();
    world.advance_to(ticket.due);
    world.take_created(ticket.id).unwrap().unwrap()
}

fn settle(world: &mut World) {
    while let Some(at) = world.next_event() {
        world.advance_to(at);
    }
}
