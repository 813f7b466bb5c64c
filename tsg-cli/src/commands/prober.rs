//! `tsg prober`: asks instances where the server cannot, until it is asked to end.

use clap::Args;
use tracing_subscriber::filter::LevelFilter;
use tsg_server::probe::{Control, Network, Permission, Prober as Process, ProberConfig, TargetPolicy};
use tsg_server::remote::ProberName;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::{self, LogLines};
use crate::prober::Agent;
use crate::signals;

/// Ask the account's instances how they are, from within their network
///
/// The server asks instances itself where it reaches them. A prober in their own network, such as
/// a fabric, reaches the others; it fetches whom to ask from the server, and tells it what it
/// finds. Of several that look at the same instance, more than half have to agree that it is
/// unhealthy. See docs/health.md.
///
/// Examples:
///   tsg prober --name fabric-1 --control http://10.0.0.1:80/ --control tcp:10.0.0.2:53
///   tsg probers
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Prober {
    /// What it is called within the account: 1 to 32 of a-z, 0-9 and "-". Each needs a name of its own.
    #[arg(long, value_name = "NAME")]
    name: ProberName,
    /// A target that should always answer, by its address: `http://10.0.0.1:80/` or `tcp:10.0.0.2:53`. While none of
    /// them does, nothing that the prober finds counts. Can be repeated.
    #[arg(long = "control", value_name = "TARGET")]
    controls: Vec<Control>,
    /// A network that is never asked, such as 10.1.0.0/16. Can be repeated.
    #[arg(long = "refuse", value_name = "NETWORK")]
    refused: Vec<Network>,
    /// Ask loopback addresses too, which the machines of a simulated data centre have.
    #[arg(long)]
    loopback: bool,
}

impl Prober {
    /// Asks until a signal.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        logging::start(LevelFilter::WARN, LogLines::Human, &context.environment);
        let api = context.api().await?;
        let process = Process::start(self.config()).map_err(|error| {
            Failure::new(Exit::Failed, "the prober cannot start").because(&error).next("raise the limits of its user")
        })?;
        let mut agent = Agent::new(&api, self.name.clone(), context.output, process);
        let ended = tokio::select! {
            asked = signals::asked_to_end() => asked,
            failure = agent.work() => Err(failure),
        };
        agent.end().await;
        ended
    }

    fn config(&self) -> ProberConfig {
        let loopback = if self.loopback { Permission::Allowed } else { Permission::Refused };
        let policy = TargetPolicy { loopback, private: Permission::Allowed, refused: self.refused.clone() };
        let (name, controls) = (self.name.to_string(), self.controls.clone());
        ProberConfig { name, policy, controls, ..ProberConfig::default() }
    }
}
