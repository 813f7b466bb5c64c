//! One account's engine.

use std::sync::Arc;

use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::ports::{Clock, Cloud, Entropy, Store};

use crate::config::EngineConfig;
use crate::handle::{Call, EngineHandle};

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

    /// Works until [`EngineHandle::stop`]. The future may be dropped at any moment: everything
    /// that matters is in the store.
    pub async fn run(self) {
        while self.handle.calls().await != Call::Stop {}
    }
}
