//! `tsg template`: the immutable descriptions that groups are made from.

mod create;
mod delete;
mod get;
mod list;

use clap::Subcommand;

use crate::api::shapes::TemplateView;
use crate::api::{Answer, Api};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;

/// Create, list, show and delete templates
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    Create(Box<create::Create>),
    #[command(alias = "ls")]
    List(list::List),
    Get(get::Get),
    #[command(alias = "rm")]
    Delete(delete::Delete),
}

impl Template {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Get(get) => get.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
        }
    }
}

/// The template of this name or id.
pub(crate) async fn find(api: &Api, wanted: &str) -> Result<Answer<TemplateView>, Failure> {
    let what = || format!("cannot find the template {wanted:?}");
    if listing::is_uuid(wanted) {
        let answer = api.get(&format!("/v2/templates/{wanted}")).await;
        return answer.map_err(|error| error.preventing(what()).next("see `tsg template list`"));
    }
    let all: listing::Listing<TemplateView> =
        listing::all(api, "/v2/templates").await.map_err(|error| error.preventing(what()))?;
    let Some(named) = all.items.into_iter().find(|template| template.name == wanted) else {
        return Err(Failure::new(Exit::NotFound, what())
            .why("there is none of that name")
            .next("see `tsg template list`"));
    };
    api.get(&format!("/v2/templates/{}", named.id)).await.map_err(|error| error.preventing(what()))
}
