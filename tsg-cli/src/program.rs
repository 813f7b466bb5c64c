//! From the command line to an exit code.
//!
//! Owns the runtime and the dispatch. It must never know what a command does.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the command that the process was started with.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.shared, Environment::of_process());
    match dispatch(&cli.command, &context) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            context.output.failure(&failure);
            failure.exit().into()
        }
    }
}

fn dispatch(command: &Command, context: &Context) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, "cannot start the asynchronous runtime").because(&error))?;
    runtime.block_on(async {
        match command {
            Command::Demo(demo) => demo.run(context).await,
            Command::Sim(sim) => sim.run(context).await,
            Command::Server(server) => server.run(context).await,
            Command::Account(account) => account.run(context).await,
            Command::Template(template) => template.run(context).await,
            Command::Group(group) => group.run(context).await,
            Command::Placement(placement) => placement.run(context).await,
            Command::Rollout(rollout) => rollout.run(context).await,
            Command::Wait(wait) => wait.run(context).await,
            Command::Prober(prober) => prober.run(context).await,
            Command::Events(events) => events.run(context).await,
            Command::Probers(probers) => probers.run(context).await,
            Command::Reconcile(reconcile) => reconcile.run(context).await,
            Command::Scale(scale) => scale.run(context).await,
            Command::Completions(completions) => completions.run(context),
        }
    })
}
