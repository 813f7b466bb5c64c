//! `tsg group`: N instances of one template, kept there.

mod create;
mod delete;
mod facts;
mod get;
mod instances;
mod list;
mod plan;
mod scale;
mod update;
mod why;

use clap::Subcommand;

use crate::api::client::escaped;
use crate::api::shapes::GroupView;
use crate::api::{Answer, Api};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::{self, Listing};

/// Create, list, show, change, scale and delete groups
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    Create(create::Create),
    #[command(alias = "ls")]
    List(list::List),
    Get(get::Get),
    Scale(scale::Scale),
    Update(update::Update),
    #[command(alias = "inst")]
    Instances(instances::Instances),
    #[command(alias = "rm")]
    Delete(delete::Delete),
    Plan(plan::Plan),
    Why(why::Why),
}

impl Group {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Get(get) => get.run(context).await,
            Self::Scale(scale) => scale.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Instances(instances) => instances.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Plan(plan) => plan.run(context).await,
            Self::Why(why) => why.run(context).await,
        }
    }
}

/// The group of this name or id.
pub(crate) async fn find(api: &Api, wanted: &str) -> Result<Answer<GroupView>, Failure> {
    let what = || format!("cannot find the group {wanted:?}");
    let id = if listing::is_uuid(wanted) {
        wanted.to_owned()
    } else {
        let named: Listing<GroupView> = listing::all(api, &format!("/v2/groups?name={}", escaped(wanted)))
            .await
            .map_err(|error| error.preventing(what()))?;
        match named.items.into_iter().find(|group| group.name == wanted) {
            Some(group) => group.id,
            None => {
                return Err(Failure::new(Exit::NotFound, what())
                    .why("there is none of that name")
                    .next("see `tsg group list`"));
            }
        }
    };
    api.get(&format!("/v2/groups/{id}")).await.map_err(|error| error.preventing(what()).next("see `tsg group list`"))
}
