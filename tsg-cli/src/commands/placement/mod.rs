//! `tsg placement`: what rules mean, and where instances can go.

mod check;
mod explain;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

/// Check placement rules, and explain where a group's instances stand and can go
#[derive(Debug, Subcommand)]
pub(crate) enum Placement {
    Check(check::Check),
    Explain(explain::Explain),
}

impl Placement {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(context),
            Self::Explain(explain) => explain.run(context).await,
        }
    }
}
