//! `tsg template list`.

use clap::Args;

use crate::api::shapes::TemplateView;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::Show;
use crate::table::Table;

/// List the templates of the account
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let listing: Listing<TemplateView> =
            listing::all(&api, "/v2/templates").await.map_err(|error| error.preventing("cannot list the templates"))?;
        context.output.show(&listing)
    }
}

impl Show for Listing<TemplateView> {
    fn human(&self) -> String {
        let headings = Table::new(["ID", "NAME", "PACKAGE", "IMAGE", "CREATED"]);
        let add = |table: Table, template: &TemplateView| {
            let TemplateView { id, name, package, image, created_at, .. } = template.clone();
            table.row([id, name, package, image, created_at])
        };
        self.items.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        Listing::json(self)
    }
}
