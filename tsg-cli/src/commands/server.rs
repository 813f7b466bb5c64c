//! `tsg server`: the service itself, until it is asked to end.

use std::net::IpAddr;

use clap::Args;
use tsg_server::config::{BuiltinDatacenter, ServerConfig, read_switch};
use tsg_server::{RunningServer, Server as Service, StartError};

use crate::context::Context;
use crate::demo::pace;
use crate::demo::site::{Site, SiteOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::{self, Additions, Settings};
use crate::signals;

/// Run the tsg server
///
/// Settings come from the file, then from the environment (TSG_SECTION_KEY), then from flags;
/// later ones win. SIGTERM and SIGINT end it in order: requests in flight are answered, nothing
/// is lost either way.
///
/// Examples:
///   tsg server --config /etc/tsg.toml
///   tsg server --url https://us-central-1.api.mnx.io --data-dir /var/lib/tsg --port 3000
///   tsg server --dev                    with a simulated data centre; unsigned requests are taken
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Server {
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Name of the data centre.
    #[arg(long, value_name = "NAME")]
    dc: Option<String>,
    /// trace, debug, info, warn or error.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Development mode (TSG_DEV_MODE=1): a simulated data centre in this process, loopback only, unsigned requests act
    /// as its account `demo`; data are thrown away unless --data-dir is given.
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Server {
    /// Serves until a signal.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        // Anything but a switch goes to the server's own reading, which refuses it with the reason.
        let is_on = |text: &str| read_switch(text) == Some(true);
        if self.dev || context.environment.get("TSG_DEV_MODE").is_some_and(is_on) {
            return self.run_developing(context).await;
        }
        let config = self.settings.load(context, Additions { flags: self.flags(context), ..Additions::default() })?;
        settings::start_logging(config.log, context);
        let server = start(config).await?;
        announce(context, &server)?;
        serve(server).await
    }

    async fn run_developing(&self, context: &Context) -> Result<(), Failure> {
        let options = SiteOptions::default();
        let site = Site::open(&options).await?;
        let builtin = BuiltinDatacenter { url: site.cloudapi_url(), login: tsg_sim::demo::ACCOUNT.to_owned() };
        let mut flags = self.flags(context);
        if self.settings.data_dir.is_none() {
            // Never beside the data of a real data centre, and gone with the simulated one.
            flags.push(("data.dir".to_owned(), site.data_dir().to_string_lossy().into_owned()));
        }
        let additions =
            Additions { flags, builtin: Some(builtin), variables: vec![("TSG_DEV_MODE".to_owned(), "1".to_owned())] };
        let mut config = self.settings.load(context, additions)?;
        config.auth.allow.insert(tsg_sim::demo::ACCOUNT.to_owned());
        if config.engine.config.topology.is_empty() {
            config.engine.config.topology = site.topology();
        }
        pace::keep_up(&mut config.engine, options.speed);
        settings::start_logging(config.log, context);
        let server = start(config).await?;
        site.enrol(&server, context).await?;
        announce(context, &server)?;
        let served = serve(server).await;
        site.close().await;
        served
    }

    fn flags(&self, context: &Context) -> Vec<(String, String)> {
        let texts = [
            ("http.bind", self.bind.map(|address| address.to_string())),
            ("http.port", self.port.map(|port| port.to_string())),
            ("triton.dc", self.dc.clone()),
            ("triton.url", context.cloudapi_flag().map(str::to_owned)),
            ("log.level", self.log_level.clone()),
            ("agent.log-format", self.log_format.clone()),
        ];
        texts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// Starts a server, or says why not.
pub(crate) async fn start(config: ServerConfig) -> Result<RunningServer, Failure> {
    Service::start(config).await.map_err(|error: StartError| {
        let hint = error.hint().to_owned();
        Failure::new(Exit::Failed, "the server cannot start").because(&error).next(hint)
    })
}

fn announce(context: &Context, server: &RunningServer) -> Result<(), Failure> {
    let address = server.address();
    match context.output.format() {
        crate::output::Format::Human => context.output.text(&format!("tsg server listens on http://{address}")),
        crate::output::Format::Json => context.output.text(&format!(r#"{{"event":"ready","url":"http://{address}"}}"#)),
    }
}

/// Serves until a signal, or until the server ends by itself.
async fn serve(mut server: RunningServer) -> Result<(), Failure> {
    let asked = tokio::select! {
        asked = signals::asked_to_end() => asked,
        why = server.stopped() => {
            let ended = Failure::new(Exit::Failed, "the server has ended by itself").why(why);
            Err(ended.next("see its log; nothing that was acknowledged is lost"))
        }
    };
    server.shutdown().await;
    asked
}
