//! `tsg probers`: who asks, and whether it can.

use clap::Args;

use crate::api::shapes::ProberView;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::Show;
use crate::table::Table;

/// List the probers that ask the account's instances how they are
#[derive(Debug, Args)]
pub(crate) struct Probers {}

impl Probers {
    /// Lists them.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let listing: Listing<ProberView> =
            listing::all(&api, "/v2/probers").await.map_err(|error| error.preventing("cannot list the probers"))?;
        context.output.show(&listing)
    }
}

impl Show for Listing<ProberView> {
    fn human(&self) -> String {
        let headings = Table::new(["NAME", "STANDS", "CHECKS", "LAST HEARD", "NOT TAKEN"]);
        let add = |table: Table, prober: &ProberView| {
            let ProberView { name, standing, targets, last_heard_at, ignored } = prober.clone();
            let heard = last_heard_at.unwrap_or_else(|| "-".to_owned());
            table.row([name, standing, targets.to_string(), heard, ignored.to_string()])
        };
        self.items.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        Listing::json(self)
    }
}
