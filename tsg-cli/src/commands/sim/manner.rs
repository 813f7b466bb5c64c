//! `tsg sim manner`: how machines of a running simulated data centre answer on their own addresses.

use clap::{ArgGroup, Args, ValueEnum};
use tsg_sim::admin::{Manner, MannerOrder, Whom};

use super::fault::{Where, failed};
use crate::context::Context;
use crate::failure::Failure;

/// Decide how running machines answer HTTP: well, late, badly or not at all
///
/// Of all orders that concern a machine the latest stands.
///
/// Examples:
///   tsg sim manner hangs --instance tsg-web-…
///   tsg sim manner slow --ms 900 --node r1-cn2
///   tsg sim manner status --code 429 --all
///   tsg sim manner prompt --all
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("whom").required(true))]
pub(super) struct SetManner {
    /// How they answer.
    manner: Kind,
    /// This machine (name or uuid); again for each further one.
    #[arg(long = "instance", value_name = "NAME", group = "whom")]
    instances: Vec<String>,
    /// All machines that are, or will be, on this compute node (name or uuid).
    #[arg(long, value_name = "NAME", group = "whom")]
    node: Option<String>,
    /// All machines there are or will be.
    #[arg(long, group = "whom")]
    all: bool,
    /// For slow: how late. For drip: the time after each byte. In milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    ms: u64,
    /// For status: the status, from 200 to 599.
    #[arg(long, value_name = "CODE", default_value_t = 500)]
    code: u16,
    /// For huge-body: its length.
    #[arg(long, value_name = "BYTES", default_value_t = 10_000_000_000)]
    bytes: u64,
    #[command(flatten)]
    place: Where,
}

/// The manners there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// At once.
    Prompt,
    /// Late, by --ms.
    Slow,
    /// Never: the connection stays open.
    Hangs,
    /// The connection is reset as soon as it is made.
    Refuses,
    /// At once, with the status --code.
    Status,
    /// With header fields that never end.
    EndlessHeader,
    /// With a body that never ends.
    EndlessBody,
    /// With a body of --bytes.
    HugeBody,
    /// Well, and one byte each --ms.
    Drip,
    /// With bytes that make no sense.
    Garbage,
}

impl SetManner {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let order = MannerOrder { of: self.whom(), manner: self.manner() };
        self.place.admin(context)?.order_manner(&order).await.map_err(failed)?;
        context.output.remark("They answer so from now on.");
        Ok(())
    }

    fn whom(&self) -> Whom {
        match &self.node {
            Some(node) => Whom::Node(node.clone()),
            None if self.all => Whom::Everyone,
            None => Whom::Machines(self.instances.clone()),
        }
    }

    fn manner(&self) -> Manner {
        match self.manner {
            Kind::Prompt => Manner::Prompt,
            Kind::Slow => Manner::Slow { delay_ms: self.ms },
            Kind::Hangs => Manner::Hangs,
            Kind::Refuses => Manner::Refuses,
            Kind::Status => Manner::Status { code: self.code },
            Kind::EndlessHeader => Manner::EndlessHeader,
            Kind::EndlessBody => Manner::EndlessBody,
            Kind::HugeBody => Manner::HugeBody { bytes: self.bytes },
            Kind::Drip => Manner::Drip { interval_ms: self.ms },
            Kind::Garbage => Manner::Garbage,
        }
    }
}
