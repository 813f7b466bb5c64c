//! `tsg sim` itself: the data centre, until it is asked to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tsg_cloudapi::signature::PublicKey;
use tsg_sim::cns::NameServerSite;
use tsg_sim::demo::Residents;
use tsg_sim::http::SimServer;

use crate::context::Context;
use crate::datacenter::{self, Plot};
use crate::failure::Failure;
use crate::output::Show;
use crate::signals;

/// The default port of the admin API, which `tsg sim fault` talks to.
pub(super) const ADMIN_PORT: u16 = 8081;

/// How to serve.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Port of CloudAPI on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Port of the admin API on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = ADMIN_PORT)]
    admin_port: u16,
    /// Port on which each machine answers HTTP, on its own loopback address; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8082)]
    machine_port: u16,
    /// Where the name service answers: a loopback ADDRESS:PORT, or `off`. Otherwise port 8053 of 127.0.0.1 or the next
    /// free one.
    #[arg(long, value_name = "ADDRESS:PORT|off", value_parser = datacenter::name_server)]
    dns: Option<NameServerSite>,
    /// Everything random follows from this number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seconds pass in the data centre while one passes here.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,
    /// Public key (OpenSSH file) of the account `demo`; again for each further one. Otherwise those of ~/.ssh.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Public key of the account `other`, which nobody of `demo` may act for; again for each further one.
    #[arg(long = "other-key", value_name = "FILE")]
    other_keys: Vec<PathBuf>,
}

/// Where everything is.
#[derive(Debug, Serialize)]
struct Ready {
    event: &'static str,
    cloudapi_url: String,
    admin: String,
    machine_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<SocketAddr>,
    dns_zone: String,
    account: &'static str,
    key_ids: Vec<String>,
}

impl Serve {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let keys = self.public_keys(context)?;
        let key_ids = keys.iter().map(PublicKey::fingerprint_md5).collect();
        let plot = Plot {
            cloudapi_port: self.port,
            admin_port: self.admin_port,
            machine_port: self.machine_port,
            name_server: self.dns.unwrap_or(datacenter::NAME_SERVER),
            seed: self.seed,
            speed: self.speed,
        };
        let server = datacenter::open(&plot, self.residents(&keys)?).await?;
        context.output.show(&Ready::of(&server, key_ids))?;
        signals::asked_to_end().await?;
        server.shutdown().await;
        Ok(())
    }

    fn residents(&self, keys: &[PublicKey]) -> Result<Residents, Failure> {
        let other_keys = self.other_keys.iter().map(|path| Ok(datacenter::read_public_key(path)?.to_openssh()));
        Ok(Residents {
            other_keys: other_keys.collect::<Result<_, Failure>>()?,
            ..Residents::with_keys(keys.iter().map(PublicKey::to_openssh))
        })
    }

    fn public_keys(&self, context: &Context) -> Result<Vec<PublicKey>, Failure> {
        if !self.keys.is_empty() {
            return self.keys.iter().map(|path| datacenter::read_public_key(path)).collect();
        }
        let folder = context.environment.home().map(|home| home.join(".ssh"));
        let keys: Vec<_> = folder.iter().flat_map(|folder| public_halves(folder)).collect();
        if keys.is_empty() {
            return Err(Failure::usage("the account `demo` would have no key")
                .why("there is no usable public key in ~/.ssh")
                .next("make one with `ssh-keygen -t rsa`, or give one with --key FILE.pub"));
        }
        Ok(keys)
    }
}

/// The public keys of a folder; files of other kinds are passed over.
fn public_halves(folder: &Path) -> Vec<PublicKey> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pub"));
    paths.sort();
    paths.iter().filter_map(|path| datacenter::read_public_key(path).ok()).collect()
}

impl Ready {
    fn of(server: &SimServer, key_ids: Vec<String>) -> Self {
        Self {
            event: "ready",
            cloudapi_url: server.url(),
            admin: server.admin_address().to_string(),
            machine_port: server.machine_port(),
            dns: server.name_server(),
            dns_zone: server.with_world(|world| world.zone_record().zone),
            account: tsg_sim::demo::ACCOUNT,
            key_ids,
        }
    }
}

impl Show for Ready {
    fn human(&self) -> String {
        let key = self.key_ids.first().map_or("", String::as_str);
        format!(
            "A simulated data centre runs until you press Ctrl-C. In another terminal:\n\n  \
             export TRITON_PROFILE=env TRITON_URL={} TRITON_ACCOUNT={} TRITON_KEY_ID={key}\n\n  \
             triton info\n  tsg sim fault list --admin {}\n\n\
             Each running machine answers http://ITS-ADDRESS:{}/ on this machine.{}",
            self.cloudapi_url,
            self.account,
            self.admin,
            self.machine_port,
            self.dns.map_or_else(String::new, |dns| format!(
                "\nNames: dig @{} -p {} +short SERVICE.svc.{}.{}",
                dns.ip(),
                dns.port(),
                self.account,
                self.dns_zone
            ))
        )
    }

    fn json(&self) -> String {
        // Texts and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
