//! `tsg sim`: a simulated data centre on this machine, the faults of a running one, and the manners of its machines.

mod fault;
mod manner;
mod serve;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::failure::Failure;

/// Serve a simulated Triton data centre, or break a running one
///
/// CloudAPI, real signatures, a name service, machines that answer HTTP on loopback addresses;
/// nothing leaves this machine.
///
/// Examples:
///   tsg sim                                    account `demo` with the public keys of ~/.ssh
///   tsg sim --port 8080 --speed 20 --key ~/.ssh/id_rsa.pub
///   tsg sim fault add kill-instance
///   tsg sim fault add lose-reply --rate 0.2 --operation create_machine
///   tsg sim fault list
///   tsg sim manner hangs --instance tsg-web-…
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Sim {
    #[command(flatten)]
    serve: serve::Serve,
    #[command(subcommand)]
    command: Option<SimCommand>,
}

/// What can be done to a running one.
#[derive(Debug, Subcommand)]
enum SimCommand {
    #[command(subcommand)]
    Fault(fault::Fault),
    Manner(manner::SetManner),
}

impl Sim {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.command {
            None => self.serve.run(context).await,
            Some(SimCommand::Fault(fault)) => fault.run(context).await,
            Some(SimCommand::Manner(manner)) => manner.run(context).await,
        }
    }
}
