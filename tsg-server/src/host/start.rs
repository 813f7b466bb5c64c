//! Starting the server: store, vault, accounts, engines, socket, in that order.
//!
//! Owns what makes a start fail, and what to do about it. Must never take a request before the
//! vault has proved that it can open what the store holds.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tsg_core::health::spec::Commands;
use tsg_core::ports::store::StoreError;
use tsg_core::ports::{Clock, Executor, Store};
use tsg_store::OpenError;

use super::clock::{OsEntropy, SystemClock};
use super::enlist;
use super::kept::Kept;
use super::running::RunningServer;
use super::upkeep::upkeep;
use crate::accounts::allow::AllowList;
use crate::accounts::deployment::{self, UnlockError};
use crate::accounts::enrolment::Enrolments;
use crate::accounts::registry::Registry;
use crate::app::{App, Application};
use crate::auth::replay::ReplayCache;
use crate::config::{ConfigError, ServerConfig};
use crate::health::Station;
use crate::http::gate::Gate;
use crate::http::listener;
use crate::metrics;
use crate::probe::{self, Permission, ProberConfig, TargetPolicy};
use crate::routes;

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A folder for the store or the key file cannot be made.
    #[error("the folder {} cannot be made: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store's secrets cannot be opened.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The accounts cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Instances cannot be asked how they are.
    #[error(transparent)]
    Prober(#[from] probe::StartError),
    /// The socket cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

impl StartError {
    /// What to do about it, where the message does not say it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Config(_) => "correct the setting and start again",
            Self::Folder { .. } => "make the folder and give it to the server's user, or set data.dir",
            Self::Open(_) => {
                "see that no other tsg server uses the file, that its disk has room and that it may be written"
            }
            Self::Unlock(_) => "the key file and the store belong together; restore both from the same backup",
            Self::Store(_) => "see that the store's disk has room and that it may be written",
            Self::Prober(_) => "raise the limits of the server's user, then start again",
            Self::Bind { .. } => {
                "choose another http.port, or metrics.listen if that is the address, or end the program that uses it"
            }
        }
    }
}

/// The tsg server.
#[derive(Debug, Clone, Copy)]
pub struct Server;

impl Server {
    /// Starts a server and returns once it takes requests.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tsg_server::{Server, config::{ServerConfig, StoreLocation}};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let mut config = ServerConfig::for_cloud("https://cloudapi.example.com", folder.path());
    /// config.store = StoreLocation::Memory;
    /// config.http.port = 0;
    /// let server = Server::start(config).await?;
    /// assert_ne!(server.address().port(), 0);
    /// server.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(config: ServerConfig) -> Result<RunningServer, StartError> {
        Self::launch(config, None).await
    }

    /// The same with somebody who runs programs in instances, for checks of type `command`.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start_with_executor(
        config: ServerConfig,
        executor: Arc<dyn Executor>,
    ) -> Result<RunningServer, StartError> {
        Self::launch(config, Some(executor)).await
    }

    async fn launch(config: ServerConfig, executor: Option<Arc<dyn Executor>>) -> Result<RunningServer, StartError> {
        config.check()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        make_folder_of(&config.key_file)?;
        let kept = Kept::open(&config, clock.clone()).await?;
        match serve(config, kept.store(), clock, executor).await {
            Ok(serving) => Ok(RunningServer::new(serving, kept)),
            Err(error) => {
                kept.close().await;
                Err(error)
            }
        }
    }
}

/// The parts of a server that takes requests.
pub(super) struct Serving {
    pub(super) app: App,
    pub(super) address: SocketAddr,
    pub(super) metrics: Option<Listening>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<()>,
    pub(super) upkeep: JoinHandle<()>,
    pub(super) station: JoinHandle<()>,
}

/// What listens beside the API.
pub(super) struct Listening {
    pub(super) address: SocketAddr,
    pub(super) task: JoinHandle<()>,
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let unbound = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(unbound)?;
    let address = listener.local_addr().map_err(unbound)?;
    Ok((listener, address))
}

async fn serve(
    config: ServerConfig,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    executor: Option<Arc<dyn Executor>>,
) -> Result<Serving, StartError> {
    let entropy = Arc::new(OsEntropy);
    let key_file = config.key_file.clone();
    let (vault, deployment) = deployment::unlock(store.as_ref(), clock.as_ref(), entropy.as_ref(), key_file).await?;
    let (listener, address) = bind(SocketAddr::new(config.http.bind, config.http.port)).await?;
    let scraped = match config.metrics.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let commands = if executor.is_some() { Commands::Possible } else { Commands::Impossible };
    let station = Station::start(how_to_ask(&config), executor)?;
    let (stop, stopped) = watch::channel(false);
    let app = Arc::new(Application {
        allowed: AllowList::new(&config.auth),
        gate: Gate::new(config.limits.requests_at_once),
        accounts: Registry::default(),
        enrolments: Enrolments::default(),
        replay: ReplayCache::default(),
        probes: station.gauge(),
        stopping: stopped.clone(),
        config,
        store,
        clock,
        entropy,
        deployment,
        vault,
        commands,
    });
    enlist::all(&app).await?;
    let metrics = scraped.map(|(listener, address)| {
        tracing::info!(%address, "metrics are told on /metrics");
        let task = tokio::spawn(listener::serve(listener, metrics::router(app.clone()), stopped.clone()));
        Listening { address, task }
    });
    let task = tokio::spawn(listener::serve(listener, routes::router(app.clone()), stopped));
    tracing::info!(%address, %deployment, "listening");
    let upkeep = tokio::spawn(upkeep(Arc::downgrade(&app)));
    let station = tokio::spawn(station.work(Arc::downgrade(&app)));
    Ok(Serving { app, address, metrics, stop, task, upkeep, station })
}

/// Loopback addresses are those of simulated machines.
fn how_to_ask(config: &ServerConfig) -> ProberConfig {
    let allowed = |is_allowed| if is_allowed { Permission::Allowed } else { Permission::Refused };
    let policy = TargetPolicy {
        loopback: allowed(config.engine.simulated_datacenter),
        private: allowed(config.health.private_addresses),
        refused: config.health.refused_networks.clone(),
    };
    ProberConfig { policy, controls: config.health.controls.clone(), ..ProberConfig::default() }
}

/// Makes a file's folder when it is missing, readable by its owner only.
pub(super) fn make_folder_of(file: &Path) -> Result<(), StartError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| StartError::Folder { path: folder.into(), source })
}
