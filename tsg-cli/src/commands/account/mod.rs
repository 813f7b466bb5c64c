//! `tsg account`: which accounts a server may act for.

mod allow;
mod enroll;
mod list;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

/// Enrol your account with a server; say which accounts may
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    #[command(alias = "enrol")]
    Enroll(enroll::Enroll),
    Allow(allow::Allow),
    #[command(alias = "ls")]
    List(list::List),
}

impl Account {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Enroll(enroll) => enroll.run(context).await,
            Self::Allow(allow) => allow.run(context),
            Self::List(list) => list.run(context),
        }
    }
}
