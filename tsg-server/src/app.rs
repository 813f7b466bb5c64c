//! Everything that handlers share. Owns nothing but the references.

use std::sync::Arc;

use tokio::sync::watch;
use tsg_core::health::spec::Commands;
use tsg_core::model::id::DeploymentId;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::{Clock, Entropy, Store};
use uuid::Uuid;

use crate::accounts::allow::AllowList;
use crate::accounts::enrolment::Enrolments;
use crate::accounts::registry::Registry;
use crate::accounts::vault::Vault;
use crate::auth::replay::ReplayCache;
use crate::config::ServerConfig;
use crate::health::ProbeGauge;
use crate::http::gate::Gate;

/// What handlers get.
pub type App = Arc<Application>;

/// The running server's parts.
pub struct Application {
    /// The settings.
    pub config: ServerConfig,
    /// The records.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Which installation this is.
    pub deployment: DeploymentId,
    /// Opens the server's own keys.
    pub vault: Vault,
    /// Who may enrol.
    pub allowed: AllowList,
    /// The enrolled accounts and their engines.
    pub accounts: Registry,
    /// Enrolments that were begun.
    pub enrolments: Enrolments,
    /// Signatures of writes seen.
    pub replay: ReplayCache,
    /// Requests under way.
    pub gate: Gate,
    /// Whether programs can be run in instances.
    pub commands: Commands,
    /// What the prober counts.
    pub probes: ProbeGauge,
    /// Turns true when the server ends: whoever waits for something stops waiting.
    pub stopping: watch::Receiver<bool>,
}

impl Application {
    /// A new id that nobody can guess.
    pub fn draw_id(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.entropy.draw().to_be_bytes()).into_uuid()
    }

    /// The time, as records carry it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
