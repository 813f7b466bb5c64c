//! The simulated data centre: a deterministic state machine in virtual time.
//! It never reads a clock, a file or a socket and never waits; whoever drives it says what time it
//! is, and everything random follows from its seed.

mod account;
mod actions;
mod affinity;
mod allocation;
mod audit;
mod catalog;
mod changes;
mod cns;
mod create;
mod create_networks;
mod events;
mod faults;
mod firewall;
mod gate;
mod ids;
mod index;
mod jobs;
mod keys;
mod lifecycle;
mod listing;
mod machine;
mod metadata;
mod networks;
mod nics;
mod operation;
mod placement;
mod refusal;
mod requests;
mod rng;
mod scalar;
mod servers;
mod snapshots;
mod spec;
mod staging;
mod strikes;
mod tags;
mod throttle;
mod time;
mod truth;
mod view;

use std::collections::BTreeMap;

pub use account::{Account, AccountView, ConfigView, LimitView, NewAccount, Quota, Standing, SubUser};
pub use allocation::{CreateTicket, TicketId};
pub use audit::{AuditRecord, AuditView};
pub use catalog::{Image, ImageState, Package};
pub use changes::Change;
pub use cns::{DnsKind, DnsValue, Resolution, Soa};
pub use faults::{Fault, FaultId, FaultRule, FaultStatus, LossAppearance, Target};
pub use firewall::FirewallRuleView;
pub use gate::{Admission, CLOCK_SKEW_LIMIT_MS, Call, Permit, Reply};
pub use ids::{AccountId, FirewallRuleId, ImageId, JobId, MachineId, NetworkId, PackageId, ServerId, parse_canonical};
pub use keys::SshKey;
pub use listing::{ListQuery, ListedState, Page};
pub use machine::{Machine, MachineState, Nic, Snapshot};
pub use networks::{AddressesView, Answering, IpView, NetworkView, Reach};
pub use nics::AddedNic;
pub use operation::{Operation, ResourceGroup};
pub use refusal::{FieldError, Refusal, RefusalForm};
pub use requests::{Caller, CreateMachine, Fingerprint, Locality, MachineAction, NetworkRequest, Switch};
pub use rng::{Latency, Rng};
pub use scalar::{Scalar, ScalarInput};
pub use servers::Server;
pub use snapshots::SnapshotView;
pub use spec::{Propagation, Throttle, Timing, WorldSpec};
pub use staging::StagedMachine;
pub use strikes::FaultError;
pub use tags::{WriteMode, Written};
pub use time::SimTime;
pub use truth::{Destroyer, TruthEvent, TruthRecord};
pub use view::{Detail, MachineView, NicView};

use allocation::Allocator;
use changes::ChangeLog;
use cns::Directory;
use events::Events;
use faults::Faults;
use firewall::FirewallRule;
use index::AccountIndex;
use networks::Network;
use throttle::Buckets;

/// A simulated data centre.
///
/// ```
/// use tsg_sim::world::{Caller, CreateMachine, MachineState, NewAccount, World, WorldSpec};
///
/// let mut world = World::new(WorldSpec::with_seed(7));
/// let account = world.add_account(NewAccount { login: "demo".into(), ..NewAccount::default() });
/// let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";
/// world.add_key(account, Some(key), Some("laptop"))?;
///
/// let caller = Caller { account, ip: [127, 0, 0, 1].into(), key_id: "/demo/keys/laptop".into() };
/// let image = world.newest_image("base-64-lts").expect("every world has one").id.to_string();
/// let request = CreateMachine {
///     name: Some("web".into()),
///     image: Some(image),
///     package: Some("sample-1G".into()),
///     ..CreateMachine::default()
/// };
/// let ticket = world.submit_create(&caller, request)?;
/// world.advance_to(ticket.due);
/// let id = world.take_created(ticket.id).expect("due")?;
///
/// while let Some(at) = world.next_event() {
///     world.advance_to(at);
/// }
/// assert_eq!(world.machine(account, &id.to_string())?.state, MachineState::Running);
/// # Ok::<(), tsg_sim::world::Refusal>(())
/// ```
#[derive(Debug, Clone)]
pub struct World {
    spec: WorldSpec,
    now: SimTime,
    rng: Streams,
    accounts: BTreeMap<AccountId, Account>,
    images: BTreeMap<ImageId, Image>,
    packages: BTreeMap<PackageId, Package>,
    networks: BTreeMap<NetworkId, Network>,
    servers: BTreeMap<ServerId, Server>,
    machines: BTreeMap<MachineId, Machine>,
    firewall_rules: BTreeMap<FirewallRuleId, FirewallRule>,
    index: BTreeMap<AccountId, AccountIndex>,
    allocator: Allocator,
    events: Events,
    buckets: Buckets,
    faults: Faults,
    truth: Vec<TruthRecord>,
    changes: ChangeLog,
    directory: Directory,
}

/// The independent streams of chance, so that one kind of draw does not shift another.
#[derive(Debug, Clone)]
struct Streams {
    ids: Rng,
    latency: Rng,
    faults: Rng,
    wire: Rng,
}

impl World {
    /// A data centre with its servers, images, packages and networks, and no accounts.
    #[must_use]
    pub fn new(spec: WorldSpec) -> Self {
        let rng = Streams {
            ids: Rng::for_purpose(spec.seed, "ids"),
            latency: Rng::for_purpose(spec.seed, "latency"),
            faults: Rng::for_purpose(spec.seed, "faults"),
            wire: Rng::for_purpose(spec.seed, "wire"),
        };
        let mut world = Self {
            now: spec.start,
            rng,
            accounts: BTreeMap::new(),
            images: BTreeMap::new(),
            packages: BTreeMap::new(),
            networks: BTreeMap::new(),
            servers: BTreeMap::new(),
            machines: BTreeMap::new(),
            firewall_rules: BTreeMap::new(),
            index: BTreeMap::new(),
            allocator: Allocator::new(spec.start),
            events: Events::default(),
            buckets: Buckets::new(spec.throttle),
            faults: Faults::default(),
            truth: Vec::new(),
            changes: ChangeLog::default(),
            directory: Directory::new(spec.propagation, spec.start),
            spec,
        };
        world.furnish_servers();
        world.furnish_catalog();
        world.furnish_networks();
        world
    }

    /// Where virtual time stands.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// Name of the data centre.
    #[must_use]
    pub fn datacenter(&self) -> &str {
        &self.spec.datacenter
    }

    /// Draws how long one request's way there and back takes, in milliseconds.
    pub fn draw_request_ms(&mut self) -> u64 {
        let request = self.spec.timing.request;
        self.rng.wire.latency_ms(&request)
    }

    /// Draws whether something that belongs to the wire happens.
    pub fn draw_chance(&mut self, probability: f64) -> bool {
        self.rng.wire.chance(probability)
    }

    /// What the world was made from.
    #[must_use]
    pub const fn spec(&self) -> &WorldSpec {
        &self.spec
    }
}
