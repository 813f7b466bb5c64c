//! One small data centre with an account that has keys, and short ways to ask things of it.

use std::collections::BTreeMap;

use tsg_sim::world::{
    AccountId, Caller, CreateMachine, Detail, Latency, Machine, MachineId, MachineState, NewAccount, Refusal, Scalar,
    ScalarInput, ServerId, World, WorldSpec,
};

/// A throw-away public key.
pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

/// A world with the accounts `demo` (CNS on) and `other`, one rack of three servers.
pub struct Site {
    pub world: World,
    pub demo: AccountId,
    pub other: AccountId,
    pub caller: Caller,
}

/// Three servers, exact latencies, no throttle: for tests that are about something else.
pub fn spec() -> WorldSpec {
    let mut spec = WorldSpec { racks: 1, servers_per_rack: 3, throttle: None, ..WorldSpec::with_seed(11) };
    spec.timing.provision = Latency::Fixed { ms: 20_000 };
    spec
}

pub fn site() -> Site {
    Site::of(spec())
}

impl Site {
    pub fn of(spec: WorldSpec) -> Self {
        let mut world = World::new(spec);
        let demo = world.add_account(NewAccount { login: "demo".into(), cns_enabled: true, ..NewAccount::default() });
        let other = world.add_account(NewAccount { login: "other".into(), ..NewAccount::default() });
        for account in [demo, other] {
            world.add_key(account, Some(KEY), Some("laptop")).unwrap();
        }
        let caller = Caller { account: demo, ip: [127, 0, 0, 1].into(), key_id: "/demo/keys/laptop".into() };
        Self { world, demo, other, caller }
    }

    /// A plain request for a machine.
    pub fn request(&self, name: &str) -> CreateMachine {
        CreateMachine {
            name: Some(name.to_owned()),
            image: Some(self.world.newest_image("base-64-lts").unwrap().id.to_string()),
            package: Some("sample-1G".to_owned()),
            ..CreateMachine::default()
        }
    }

    /// Sends a create and waits for its answer.
    pub fn create(&mut self, request: CreateMachine) -> Result<MachineId, Refusal> {
        let ticket = self.world.submit_create(&self.caller, request)?;
        self.world.advance_to(ticket.due);
        self.world.take_created(ticket.id).expect("the answer is due")
    }

    /// A running machine of that name.
    pub fn running(&mut self, name: &str) -> MachineId {
        let request = self.request(name);
        let id = self.create(request).unwrap();
        self.settle();
        assert_eq!(self.state(id), MachineState::Running);
        id
    }

    /// A machine with one tag and with affinity rules.
    pub fn placed(&mut self, name: &str, tag: (&str, &str), rules: &[&str]) -> Result<MachineId, Refusal> {
        let mut request = self.request(name);
        request.tags.insert(tag.0.to_owned(), text(tag.1));
        request.affinity = rules.iter().map(|rule| (*rule).to_owned()).collect();
        self.create(request)
    }

    /// Lets everything happen that is under way.
    pub fn settle(&mut self) {
        while let Some(at) = self.world.next_event() {
            self.world.advance_to(at);
        }
    }

    /// Lets some time pass.
    pub fn wait(&mut self, ms: u64) {
        let until = self.world.now().plus_ms(ms);
        self.world.advance_to(until);
    }

    /// GET of one machine.
    pub fn get(&self, id: MachineId) -> Result<&Machine, Refusal> {
        self.world.machine(self.demo, &id.to_string())
    }

    pub fn state(&self, id: MachineId) -> MachineState {
        self.world.true_machine(id).unwrap().state
    }

    pub fn server(&self, id: MachineId) -> ServerId {
        self.world.true_machine(id).unwrap().server
    }

    /// The machine object as JSON.
    pub fn json(&self, id: MachineId, detail: Detail) -> serde_json::Value {
        let machine = self.world.true_machine(id).unwrap();
        serde_json::to_value(self.world.view(machine, detail)).unwrap()
    }

    /// The finished jobs, newest first, as `action success`.
    pub fn audit(&self, id: MachineId) -> Vec<String> {
        let audit = self.world.audit(self.demo, &id.to_string()).unwrap();
        audit.into_iter().map(|entry| format!("{} {}", entry.action, entry.success)).collect()
    }
}

pub fn text(value: &str) -> ScalarInput {
    ScalarInput::Scalar(Scalar::from(value))
}

pub fn params(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// `status code message`, for short assertions.
pub fn told(refusal: &Refusal) -> String {
    format!("{} {} {}", refusal.status, refusal.code.unwrap_or("-"), refusal.message)
}
