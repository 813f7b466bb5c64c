//! One account's engine as its host sees it: made, run, stopped. Must never hold state of its
//! own; a run's state is the session's.

use std::fmt;
use std::sync::Arc;

use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::ports::{Clock, Cloud, Entropy, Health, Store};

use crate::config::EngineConfig;
use crate::event::Witness;
use crate::handle::EngineHandle;
use crate::session::Session;

/// The world as one account's engine reaches it.
#[derive(Clone)]
pub struct EnginePorts {
    /// Where intent and ledger are kept.
    pub store: Arc<dyn Store>,
    /// The account's machines.
    pub cloud: Arc<dyn Cloud>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Seeds and jitter.
    pub entropy: Arc<dyn Entropy>,
}

/// Keeps every group of one account at what its user wants.
///
/// The future of [`AccountEngine::run`] may be dropped at any moment and another engine started
/// on the same store; two engines on one store at once are safe too, only wasteful.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use tsg_core::model::id::{AccountId, DeploymentId};
/// use tsg_core::ports::Entropy;
/// use tsg_engine::{AccountEngine, EngineConfig, EnginePorts};
/// use tsg_sim::cloud::SimCloud;
/// use tsg_sim::executor::Executor;
/// use tsg_sim::virtual_time::VirtualTime;
/// use tsg_sim::world::{NewAccount, World, WorldSpec};
/// use tsg_store::MemoryStore;
///
/// struct Fixed;
/// impl Entropy for Fixed {
///     fn draw(&self) -> u128 {
///         42
///     }
/// }
///
/// let mut world = World::new(WorldSpec::with_seed(1));
/// let owner = world.add_account(NewAccount { login: "demo".into(), ..NewAccount::default() });
/// let time = VirtualTime::starting_at(world.now());
/// let ports = EnginePorts {
///     store: Arc::new(MemoryStore::new(Arc::new(time.clone()))),
///     cloud: Arc::new(SimCloud::new(Arc::new(Mutex::new(world)), owner, time.clone())),
///     clock: Arc::new(time.clone()),
///     entropy: Arc::new(Fixed),
/// };
/// let account = AccountId::from_directory(owner.0);
/// let (engine, handle) =
///     AccountEngine::new(account, DeploymentId::from_bits(1), ports, EngineConfig::default());
/// let mut executor = Executor::new(time);
/// let task = executor.spawn(engine.run());
/// executor.run_until(Duration::from_secs(60), |_| false);
/// assert!(handle.health().requests.list_pages > 5);
/// handle.stop();
/// executor.run_until(Duration::from_secs(70), |executor| executor.is_over(task));
/// assert!(executor.is_over(task));
/// ```
pub struct AccountEngine {
    account: AccountId,
    deployment: DeploymentId,
    ports: EnginePorts,
    config: EngineConfig,
    handle: EngineHandle,
    health: Option<Arc<dyn Health>>,
    witness: Option<Arc<dyn Witness>>,
}

impl AccountEngine {
    /// An engine for `account`, and the handle on it. Nothing happens until it is run.
    pub fn new(
        account: AccountId,
        deployment: DeploymentId,
        ports: EnginePorts,
        config: EngineConfig,
    ) -> (Self, EngineHandle) {
        let handle = EngineHandle::new();
        let engine = Self { account, deployment, ports, config, handle: handle.clone(), health: None, witness: None };
        (engine, handle)
    }

    /// The same engine, told by somebody how its instances are. Without that, one that runs is
    /// well, whatever its group says of checks.
    #[must_use]
    pub fn with_health(self, health: Arc<dyn Health>) -> Self {
        Self { health: Some(health), ..self }
    }

    /// The same engine, which tells somebody what it sees and decides.
    #[must_use]
    pub fn with_witness(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Works until [`EngineHandle::stop`].
    pub async fn run(self) {
        let Self { account, deployment, ports, config, handle, health, witness } = self;
        tracing::info!(%account, "engine begins");
        let session = Session::new(account, deployment, ports, config, handle);
        session.with_health(health).with_witness(witness).run().await;
        tracing::info!(%account, "engine ends");
    }
}

impl fmt::Debug for AccountEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccountEngine").field("account", &self.account).finish_non_exhaustive()
    }
}
