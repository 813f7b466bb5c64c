//! The place of a demonstration: a simulated data centre with one user, whose home is a temporary folder.
//!
//! Owns the folder, the user's key and the data centre; all of it is gone when the site is closed or dropped.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempDir;
use tsg_cloudapi::client::Client;
use tsg_cloudapi::signature::{KeyId, LocalSigner, NewKeyKind, PrivateKey, Signer};
use tsg_core::placement::topology::Topology;
use tsg_server::RunningServer;
use tsg_sim::admin::SimAdmin;
use tsg_sim::cns::NameServerSite;
use tsg_sim::demo::{ACCOUNT, Residents};
use tsg_sim::http::SimServer;

use crate::api::Api;
use crate::cloud;
use crate::context::Context;
use crate::datacenter::{self, Plot};
use crate::enrolment::Enrolment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::profile::Profile;

/// How the site is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SiteOptions {
    /// Everything random of the data centre follows from this.
    pub(crate) seed: u64,
    /// Virtual seconds for each real one.
    pub(crate) speed: f64,
    /// Where the name service answers.
    pub(crate) name_server: NameServerSite,
}

impl Default for SiteOptions {
    /// A machine comes up in a second: fast enough not to wait, slow enough to be seen.
    fn default() -> Self {
        Self { seed: 1, speed: 20.0, name_server: datacenter::NAME_SERVER }
    }
}

/// How to ask for names.
#[derive(Debug, Serialize)]
pub(crate) struct Names {
    /// The server, as `dig` takes it.
    pub(crate) server: String,
    /// What comes after `.svc.` and `.inst.`.
    pub(crate) suffix: String,
}

/// Where machines answer HTTP, as examples have it; another port where somebody has this one.
const MACHINE_PORT: u16 = 8080;

/// A data centre and its user.
pub(crate) struct Site {
    folder: TempDir,
    key: PrivateKey,
    datacenter: SimServer,
}

impl Site {
    /// Makes the user's key and opens the data centre.
    pub(crate) async fn open(options: &SiteOptions) -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::new(Exit::Failed, "cannot set up the demonstration").because(error)
        };
        // RSA, because the shell function of TSG v1 signs with openssl and an RSA key.
        let key = PrivateKey::generate(NewKeyKind::Rsa3072, ACCOUNT).map_err(|error| failed(&error))?;
        let folder = tempfile::Builder::new()
            .prefix("tsg-demo-")
            .tempdir()
            .map_err(|error| failed(&error).next("set TMPDIR to a folder that you may write"))?;
        let datacenter = match open(options, MACHINE_PORT, &key).await {
            Ok(datacenter) => datacenter,
            // Somebody has the port; if it is something else, it is said now.
            Err(_) => open(options, 0, &key).await?,
        };
        let site = Self { folder, key, datacenter };
        site.furnish_home().map_err(|error| failed(&error).next("set TMPDIR to a folder that you may write"))?;
        Ok(site)
    }

    /// Writes the key where ssh, openssl and node-triton look for it.
    fn furnish_home(&self) -> io::Result<()> {
        let ssh = self.home().join(".ssh");
        fs::create_dir_all(&ssh)?;
        fs::create_dir_all(self.data_dir())?;
        fs::set_permissions(&ssh, Permissions::from_mode(0o700))?;
        let pem = self.key.to_pkcs8_pem().map_err(io::Error::other)?;
        fs::write(self.key_file(), pem.expose())?;
        fs::set_permissions(self.key_file(), Permissions::from_mode(0o600))?;
        fs::write(ssh.join("id_rsa.pub"), format!("{}\n", self.key.public_key().to_openssh()))
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The user's private key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.home().join(".ssh/id_rsa")
    }

    /// Where a server of this site keeps its files.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Fingerprint of the user's key.
    pub(crate) fn key_id(&self) -> String {
        self.key.public_key().fingerprint_md5()
    }

    /// CloudAPI.
    pub(crate) fn cloudapi_url(&self) -> String {
        self.datacenter.url()
    }

    /// Where its compute nodes stand, as an operator would say it.
    pub(crate) fn topology(&self) -> Topology {
        self.datacenter.with_world(|world| datacenter::topology(world))
    }

    /// The back door of the data centre.
    pub(crate) fn admin(&self) -> SimAdmin {
        self.datacenter.admin()
    }

    /// The port on which each machine answers HTTP.
    pub(crate) fn machine_port(&self) -> u16 {
        self.datacenter.machine_port()
    }

    /// Address of the back door.
    pub(crate) fn admin_address(&self) -> String {
        self.datacenter.admin_address().to_string()
    }

    /// The name service: what `dig` has to be told to ask it, and what the user's names end in. Nothing where there is
    /// none.
    pub(crate) fn names(&self) -> Option<Names> {
        let address = self.datacenter.name_server()?;
        let zone = self.datacenter.with_world(|world| world.zone_record().zone);
        Some(Names { server: format!("@{} -p {}", address.ip(), address.port()), suffix: format!("{ACCOUNT}.{zone}") })
    }

    /// A server, as the user.
    pub(crate) fn api(&self, server: &RunningServer) -> Result<Api, Failure> {
        connect(server, Some(self.signer()?))
    }

    /// CloudAPI, as the user.
    pub(crate) fn cloud(&self) -> Result<Client, Failure> {
        let profile = Profile {
            name: "demo".to_owned(),
            url: self.cloudapi_url(),
            account: ACCOUNT.to_owned(),
            user: None,
            key_id: self.key_id(),
        };
        cloud::client(&profile, self.signer()?, None::<&Path>)
    }

    /// Enrols the user's account with a server, as any user does.
    pub(crate) async fn enrol(&self, server: &RunningServer, context: &Context) -> Result<(), Failure> {
        let (open, signed, cloud) = (connect(server, None)?, self.api(server)?, self.cloud()?);
        let enrolment = Enrolment { open: &open, signed: &signed, cloud: &cloud, output: context.output };
        enrolment.enrol(ACCOUNT, None).await.map(drop)
    }

    /// Ends the data centre and removes the folder.
    pub(crate) async fn close(self) {
        self.datacenter.shutdown().await;
    }

    fn signer(&self) -> Result<Signer, Failure> {
        let signer = LocalSigner::new(KeyId::for_account(ACCOUNT, self.key.public_key()), &self.key);
        signer
            .map(Signer::from)
            .map_err(|error| Failure::new(Exit::Failed, "the demonstration's key cannot sign").because(&error))
    }
}

/// Opens the data centre; machine port 0 takes a free one.
async fn open(options: &SiteOptions, machine_port: u16, key: &PrivateKey) -> Result<SimServer, Failure> {
    let SiteOptions { name_server, seed, speed, .. } = *options;
    let plot = Plot { cloudapi_port: 0, admin_port: 0, machine_port, name_server, seed, speed };
    datacenter::open(&plot, Residents::with_keys([key.public_key().to_openssh()])).await
}

fn connect(server: &RunningServer, signer: Option<Signer>) -> Result<Api, Failure> {
    let url = format!("http://{}", server.address());
    Api::new(&url, None, signer).map_err(|error| error.preventing("cannot talk to the demonstration's server"))
}
