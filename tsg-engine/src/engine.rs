//! One account's engine as its host sees it: made, run, stopped. Must never hold state of its
//! own; a run's state is the session's.

use std::fmt;
use std::sync::Arc;

use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::ports::{Clock, Cloud, Entropy, Store};

use crate::config::EngineConfig;
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
pub struct AccountEngine {
    account: AccountId,
    deployment: DeploymentId,
    ports: EnginePorts,
    config: EngineConfig,
    handle: EngineHandle,
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
        let engine = Self { account, deployment, ports, config, handle: handle.clone() };
        (engine, handle)
    }

    /// Works until [`EngineHandle::stop`].
    pub async fn run(self) {
        let Self { account, deployment, ports, config, handle } = self;
        tracing::info!(%account, "engine begins");
        Session::new(account, deployment, ports, config, handle).run().await;
        tracing::info!(%account, "engine ends");
    }
}

impl fmt::Debug for AccountEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccountEngine").field("account", &self.account).finish_non_exhaustive()
    }
}
