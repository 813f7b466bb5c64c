//! Opening a simulated data centre in this process.
//!
//! Owns how a world is furnished and served for people. It must never listen on anything but loopback addresses.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tsg_cloudapi::signature::PublicKey;
use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::topology::{Coverage, Site, Topology};
use tsg_sim::cns::NameServerSite;
use tsg_sim::demo::{Residents, furnished};
use tsg_sim::http::{ServerConfig, SimServer, Speed};
use tsg_sim::world::{Server, SimTime, World, WorldSpec};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::verifier::ProductionVerifier;

/// Where and how a data centre is to stand. Port 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    /// Port of CloudAPI.
    pub(crate) cloudapi_port: u16,
    /// Port of the admin API.
    pub(crate) admin_port: u16,
    /// Port on which machines answer HTTP.
    pub(crate) machine_port: u16,
    /// Where the name service answers.
    pub(crate) name_server: NameServerSite,
    /// Everything random follows from this.
    pub(crate) seed: u64,
    /// Virtual seconds for each real one.
    pub(crate) speed: f64,
}

/// Where the name service answers unless told otherwise.
pub(crate) const NAME_SERVER: NameServerSite =
    NameServerSite::From(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8053));

/// Reads where the name service is to answer.
pub(crate) fn name_server(text: &str) -> Result<NameServerSite, String> {
    if text == "off" {
        return Ok(NameServerSite::Off);
    }
    let address = text.parse::<SocketAddr>().map_err(|_| "give ADDRESS:PORT, such as 127.0.0.1:8053, or off")?;
    if !address.ip().is_loopback() {
        return Err(format!("{} is no loopback address", address.ip()));
    }
    Ok(NameServerSite::At(address))
}

/// Opens it for these residents.
pub(crate) async fn open(plot: &Plot, residents: Residents) -> Result<SimServer, Failure> {
    let failed = |error: &dyn Error| Failure::usage("cannot open the simulated data centre").because(error);
    let speed = Speed::new(plot.speed).map_err(|error| failed(&error).next("give --speed between 0.1 and 1000"))?;
    let spec = WorldSpec { start: present(), ..WorldSpec::with_seed(plot.seed) };
    let world = furnished(spec, residents)
        .map_err(|refusal| failed(&RefusedKey(refusal.message)).next("give each public key once, in OpenSSH form"))?;
    let config = ServerConfig {
        cloudapi: (Ipv4Addr::LOCALHOST, plot.cloudapi_port).into(),
        admin_port: plot.admin_port,
        machine_port: plot.machine_port,
        name_server: plot.name_server,
        ..ServerConfig::on_loopback(Arc::new(ProductionVerifier)).at_speed(speed)
    };
    SimServer::start(world, config).await.map_err(|error| {
        Failure::new(Exit::Failed, "cannot open the simulated data centre")
            .because(&error)
            .next("end what uses that port, or give another one (0 takes a free one)")
    })
}

/// Where the compute nodes of a world stand.
pub(crate) fn topology(world: &World) -> Topology {
    let site = |server: &Server| Site { name: Some(server.name.clone()), rack: Some(server.rack.clone()) };
    Topology {
        data_centre: None,
        coverage: Coverage::Whole,
        nodes: world.servers().map(|server| (ComputeNodeId::new(server.id.0), site(server))).collect(),
    }
}

/// A key that the data centre does not take.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct RefusedKey(String);

/// Virtual time begins now, so that what the world shows looks familiar.
fn present() -> SimTime {
    let ms = u64::try_from(jiff::Timestamp::now().as_millisecond());
    ms.map_or(SimTime::WORLD_START, SimTime::from_ms)
}

/// Reads an OpenSSH public key.
pub(crate) fn read_public_key(path: &Path) -> Result<PublicKey, Failure> {
    let unusable = |error: &dyn Error| {
        Failure::usage(format!("cannot use the public key {}", path.display()))
            .because(error)
            .next("give the .pub file of an RSA, ECDSA or Ed25519 key")
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    PublicKey::from_openssh(&text).map_err(|error| unusable(&error))
}
