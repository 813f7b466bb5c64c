//! `tsg demo`: the whole product on this machine, without any set-up.

use clap::Args;
use tsg_server::RunningServer;
use tsg_server::config::ServerConfig;
use tsg_sim::cns::NameServerSite;

use super::server::start;
use crate::api::shapes::{NewTemplate, TagText};
use crate::context::Context;
use crate::datacenter;
use crate::demo::guide::{Guide, Places};
use crate::demo::pace;
use crate::demo::site::{Site, SiteOptions};
use crate::demo::story::{NAME, Story};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::{self, LogLines};
use crate::signals;

/// Try everything on this machine: a simulated data centre, a server, a group
///
/// Makes keys, enrols the account `demo`, creates a template and a group of five, kills one
/// instance and shows it replaced, scales to eight and back to five. Then it stays up and says
/// how to talk to it. Nothing is left behind.
///
/// Examples:
///   tsg demo
///   tsg demo --once
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Demo {
    /// End when the story is told, instead of staying up.
    #[arg(long)]
    once: bool,
    /// Port of the tsg server; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    port: u16,
    /// Where the name service answers: a loopback ADDRESS:PORT, or `off`. Otherwise port 8053 of 127.0.0.1 or the next
    /// free one.
    #[arg(long, value_name = "ADDRESS:PORT|off", value_parser = datacenter::name_server)]
    dns: Option<NameServerSite>,
    /// Everything random of the data centre follows from this number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seconds pass in the data centre while one passes here.
    #[arg(long, value_name = "FACTOR", default_value_t = SiteOptions::default().speed)]
    speed: f64,
}

impl Demo {
    /// Sets the stage, tells the story, stays up.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        logging::start(tracing_subscriber::filter::LevelFilter::ERROR, LogLines::Human, &context.environment);
        let site = Site::open(&self.site_options()).await?;
        let server =
            start(self.configuration(&site)).await.map_err(|failure| failure.next("give another port: --port 0"))?;
        context.output.remark(&format!(
            "Data centre at {}, tsg server at http://{}.",
            site.cloudapi_url(),
            server.address()
        ));
        let told = tokio::select! {
            told = self.perform(context, &site, &server) => told,
            asked = signals::asked_to_end() => asked,
        };
        server.shutdown().await;
        site.close().await;
        told
    }

    async fn perform(&self, context: &Context, site: &Site, server: &RunningServer) -> Result<(), Failure> {
        site.enrol(server, context).await?;
        context.output.remark("Enrolled account demo: the server has a key of its own for it.");
        let api = site.api(server)?;
        let story = Story { context, api: &api, admin: site.admin() };
        story.tell(&template(site).await?).await?;
        if self.once {
            return Ok(());
        }
        let places = Places {
            tsg_url: format!("http://{}", server.address()),
            cloudapi_url: site.cloudapi_url(),
            admin: site.admin_address(),
            names: site.names(),
            machine_port: site.machine_port(),
            key_id: site.key_id(),
            key_file: site.key_file(),
            home: site.home(),
        };
        context.output.show(&Guide::new(places))?;
        std::future::pending().await
    }

    fn site_options(&self) -> SiteOptions {
        SiteOptions { seed: self.seed, speed: self.speed, name_server: self.dns.unwrap_or(datacenter::NAME_SERVER) }
    }

    fn configuration(&self, site: &Site) -> ServerConfig {
        let mut config = ServerConfig::for_cloud(&site.cloudapi_url(), &site.data_dir());
        config.http.port = self.port;
        config.auth.allow.insert(tsg_sim::demo::ACCOUNT.to_owned());
        config.engine.config.topology = site.topology();
        pace::keep_up(&mut config.engine, self.speed);
        config
    }
}

/// The newest base image in its smallest size, as CloudAPI offers them.
async fn template(site: &Site) -> Result<NewTemplate, Failure> {
    let cloud = site.cloud()?;
    let failed =
        |error: &tsg_cloudapi::client::ClientError| crate::cloud::failure("cannot choose image and package", error);
    let images = cloud.images().await.map_err(|error| failed(&error))?;
    let packages = cloud.packages().await.map_err(|error| failed(&error))?;
    let image = images
        .iter()
        .filter(|image| image.name == "base-64-lts")
        .max_by(|one, other| one.published_at.cmp(&other.published_at));
    let package = packages.iter().min_by_key(|package| package.memory);
    let (Some(image), Some(package)) = (image, package) else {
        return Err(Failure::new(Exit::Failed, "the simulated data centre offers no image or no package"));
    };
    Ok(NewTemplate {
        placement: None,
        name: NAME.to_owned(),
        image: image.id.to_string(),
        package: package.id.to_string(),
        networks: Vec::new(),
        firewall_enabled: false,
        userdata: String::new(),
        metadata: std::collections::BTreeMap::new(),
        tags: [("triton.cns.services".to_owned(), TagText::Text(NAME.to_owned()))].into(),
    })
}
