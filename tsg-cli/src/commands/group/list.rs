//! `tsg group list`.

use clap::Args;

use crate::api::shapes::{GroupView, status_word};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::Show;
use crate::table::Table;

/// List the groups of the account
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let listing: Listing<GroupView> =
            listing::all(&api, "/v2/groups").await.map_err(|error| error.preventing("cannot list the groups"))?;
        context.output.show(&listing)
    }
}

impl Show for Listing<GroupView> {
    fn human(&self) -> String {
        let headings = Table::new(["ID", "NAME", "CAPACITY", "SERVING", "STATUS", "TEMPLATE"]);
        let add = |table: Table, group: &GroupView| {
            let serving = group.report.as_ref().map_or_else(|| "-".to_owned(), |report| report.serving().to_string());
            table.row([
                group.id.clone(),
                group.name.clone(),
                group.capacity.to_string(),
                serving,
                status_word(group.status),
                group.template_id.clone(),
            ])
        };
        self.items.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        Listing::json(self)
    }
}
