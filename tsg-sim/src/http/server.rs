//! The running simulated data centre: its listeners, its timekeeper, and their end.
//!
//! Owns start and shutdown. It must never answer anything itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clock::WallClock;
use super::connection::{self, Service};
use super::feeds::{FeedOffer, Feeds, FeedsReading};
use super::live::LiveWorld;
use super::pace::Speed;
use super::pipeline::CloudApi;
use super::request_id::RequestIds;
use super::stats::Stats;
use super::verifier::SignatureVerifier;
use crate::admin::{AdminService, SimAdmin};
use crate::cns::{NameServer, NameServerSite};
use crate::responder::{MachineResponder, Manners};
use crate::world::World;

/// Where and how a simulated data centre is served. Port 0 takes any free port.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where CloudAPI listens.
    pub cloudapi: SocketAddr,
    /// Port of the admin API, on the loopback only.
    pub admin_port: u16,
    /// Port on which every machine answers HTTP, on its own loopback address.
    pub machine_port: u16,
    /// Where the name service answers.
    pub name_server: NameServerSite,
    /// How fast virtual time passes.
    pub speed: Speed,
    /// What signatures and dates are held against.
    pub wall_clock: WallClock,
    /// Checks signatures.
    pub verifier: Arc<dyn SignatureVerifier>,
    /// Whether CloudAPI has change feeds.
    pub change_feed: FeedOffer,
}

impl ServerConfig {
    /// All on free ports of the loopback, in real time.
    #[must_use]
    pub fn on_loopback(verifier: Arc<dyn SignatureVerifier>) -> Self {
        Self {
            cloudapi: (Ipv4Addr::LOCALHOST, 0).into(),
            admin_port: 0,
            machine_port: 0,
            name_server: NameServerSite::ANY,
            speed: Speed::REAL_TIME,
            wall_clock: WallClock::System,
            verifier,
            change_feed: FeedOffer::Offered,
        }
    }

    /// The same at another speed.
    #[must_use]
    pub fn at_speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }
}

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}")]
pub struct StartError {
    /// The address.
    pub address: SocketAddr,
    /// What would have been served there.
    pub what: &'static str,
    source: io::Error,
}

/// A running simulated data centre. Dropping it ends it at once; [`SimServer::shutdown`] ends it in order.
#[derive(Debug)]
pub struct SimServer {
    cloudapi: SocketAddr,
    admin: SocketAddr,
    machine_port: u16,
    name_server: Option<SocketAddr>,
    live: Arc<LiveWorld>,
    feeds: Arc<Feeds>,
    shutdown: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl SimServer {
    /// Opens the listeners and lets the world live from now on.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tsg_sim::http::{Identity, KeyDirectory, ServerConfig, SignatureRefusal, SignatureVerifier, SignedRequest, SimServer};
    /// use tsg_sim::world::{World, WorldSpec};
    ///
    /// /// Programs use the verifier of tsg-cloudapi; this one believes everybody.
    /// struct Credulous;
    /// impl SignatureVerifier for Credulous {
    ///     fn verify(&self, _: &SignedRequest<'_>, _: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal> {
    ///         Ok(Identity { account: "demo".into(), sub_user: None, key_id: "/demo/keys/any".into() })
    ///     }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::new(WorldSpec::default());
    /// let server = SimServer::start(world, ServerConfig::on_loopback(Arc::new(Credulous))).await?;
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// assert_eq!(server.admin().machines().await?, []);
    /// server.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StartError`] when an address is taken or not available.
    pub async fn start(world: World, config: ServerConfig) -> Result<Self, StartError> {
        let cloudapi = listen(config.cloudapi, "CloudAPI").await?;
        let admin = listen((Ipv4Addr::LOCALHOST, config.admin_port).into(), "the admin API").await?;
        // 127/8 cannot be bound as a whole; the responder itself turns away what did not come in by the loopback.
        let machines = listen((Ipv4Addr::UNSPECIFIED, config.machine_port).into(), "the machines").await?;
        let (shutdown, ending) = watch::channel(false);
        let live = Arc::new(LiveWorld::start(world, config.speed));
        let name_server = name_server(config.name_server, &live).await?;
        let stats = Arc::new(Stats::default());
        let manners = Arc::new(Manners::default());
        let feeds = Arc::new(Feeds::new(config.change_feed));
        let mut server = Self {
            cloudapi: cloudapi.address,
            admin: admin.address,
            machine_port: machines.address.port(),
            name_server: name_server.as_ref().map(NameServer::address),
            live: Arc::clone(&live),
            feeds: Arc::clone(&feeds),
            shutdown,
            tasks: JoinSet::new(),
        };
        server.serve(admin, AdminService::new(Arc::clone(&live), Arc::clone(&manners), Arc::clone(&stats)));
        server.serve(machines, MachineResponder::new(Arc::clone(&live), manners));
        if let Some(name_server) = name_server {
            server.tasks.spawn(name_server.serve(server.shutdown.subscribe()));
        }
        let endpoint = format!("http://{}", server.cloudapi);
        server.serve(
            cloudapi,
            CloudApi {
                request_ids: Arc::new(RequestIds::with_salt(u64::from(server.cloudapi.port()))),
                endpoint: endpoint.into(),
                live: Arc::clone(&live),
                feeds,
                verifier: config.verifier,
                wall_clock: config.wall_clock,
                stats,
                shutdown: ending,
            },
        );
        server.tasks.spawn(async move { live.keep_time().await });
        Ok(server)
    }

    /// Where CloudAPI answers.
    #[must_use]
    pub fn cloudapi(&self) -> SocketAddr {
        self.cloudapi
    }

    /// The URL of CloudAPI, as clients want it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.cloudapi)
    }

    /// A client of the admin API.
    #[must_use]
    pub fn admin(&self) -> SimAdmin {
        SimAdmin::new(self.admin)
    }

    /// Where the admin API answers.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The port on which machines answer HTTP, each on its own primary address.
    #[must_use]
    pub fn machine_port(&self) -> u16 {
        self.machine_port
    }

    /// Where the name service answers, over UDP and TCP, if it does.
    #[must_use]
    pub fn name_server(&self) -> Option<SocketAddr> {
        self.name_server
    }

    /// Looks at, or works on, the world as it is now.
    pub fn with_world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.live.with(act)
    }

    /// The change feeds as they are now.
    #[must_use]
    pub fn feeds(&self) -> FeedsReading {
        self.feeds.reading()
    }

    /// Breaks the connection of every change feed that is open.
    pub fn cut_feeds(&self) {
        self.feeds.cut();
    }

    /// Ends the server: no new connections, requests in flight are answered, then everything stops.
    pub async fn shutdown(mut self) {
        // Nobody listening means everything has ended already.
        let _ = self.shutdown.send(true);
        while let Some(ended) = self.tasks.join_next().await {
            let is_last = self.tasks.len() == 1;
            if ended.is_err() || is_last {
                self.tasks.abort_all();
            }
        }
    }

    fn serve(&mut self, listener: Listener, service: impl Service) {
        self.tasks.spawn(connection::serve(listener.socket, service, self.shutdown.subscribe()));
    }
}

async fn name_server(site: NameServerSite, live: &Arc<LiveWorld>) -> Result<Option<NameServer>, StartError> {
    let (NameServerSite::At(address) | NameServerSite::From(address)) = site else { return Ok(None) };
    let failed = |source| StartError { address, what: "the name service", source };
    NameServer::listen(site, Arc::clone(live)).await.map_err(failed)
}

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

async fn listen(address: SocketAddr, what: &'static str) -> Result<Listener, StartError> {
    let failed = |source| StartError { address, what, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok(Listener { socket, address })
}
