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
use tsg_core::ports::store::StoreError;
use tsg_core::ports::{Clock, Store};
use tsg_store::{MemoryStore, OpenError, SqliteStore};

use super::clock::{OsEntropy, SystemClock};
use super::enlist;
use super::running::RunningServer;
use crate::accounts::allow::AllowList;
use crate::accounts::deployment::{self, UnlockError};
use crate::app::Application;
use crate::auth::replay::ReplayCache;
use crate::config::{ConfigError, ServerConfig, StoreLocation};
use crate::http::gate::Gate;
use crate::http::listener;
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
            Self::Open(_) => "see that no other tsg server uses the file, that its disk has room and that it may be written",
            Self::Unlock(_) => "the key file and the store belong together; restore both from the same backup",
            Self::Store(_) => "see that the store's disk has room and that it may be written",
            Self::Bind { .. } => "choose another http.port, or end the program that uses this one",
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
        config.check()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        make_folder_of(&config.key_file)?;
        let store = open_store(&config, clock.clone()).await?;
        let entropy = Arc::new(OsEntropy);
        let (vault, deployment) =
            deployment::unlock(store.as_ref(), clock.as_ref(), entropy.as_ref(), config.key_file.clone()).await?;
        let address = SocketAddr::new(config.http.bind, config.http.port);
        let listener = TcpListener::bind(address).await.map_err(|source| StartError::Bind { address, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Bind { address, source })?;
        let app = Arc::new(Application {
            allowed: AllowList::new(&config.auth),
            gate: Gate::new(config.limits.requests_at_once),
            accounts: Default::default(),
            enrolments: Default::default(),
            replay: ReplayCache::default(),
            config,
            store,
            clock,
            entropy,
            deployment,
            vault,
        });
        enlist::all(&app).await?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(listener::serve(listener, routes::router(app.clone()), stopped));
        tracing::info!(%address, deployment = %deployment, "listening");
        Ok(RunningServer::new(app, address, stop, serving))
    }
}

async fn open_store(config: &ServerConfig, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StartError> {
    match &config.store {
        StoreLocation::Memory => Ok(Arc::new(MemoryStore::new(clock))),
        StoreLocation::File(path) => {
            make_folder_of(path)?;
            Ok(Arc::new(SqliteStore::open(path, clock).await?))
        }
    }
}

/// Makes a file's folder when it is missing, readable by its owner only.
fn make_folder_of(file: &Path) -> Result<(), StartError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| StartError::Folder { path: folder.into(), source })
}
