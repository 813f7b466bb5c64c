//! `tsg group create`.

use clap::Args;

use crate::api::Answer;
use crate::api::shapes::{GroupView, NewGroup};
use crate::commands::template;
use crate::context::Context;
use crate::failure::Failure;
use crate::health::HealthArgs;
use crate::json_argument::JsonArgument;
use crate::placement::PlacementArgs;
use crate::waiting::Patience;

/// Create a group; its instances are provisioned at once
///
/// Examples:
///   tsg group create web --template web --capacity 5 --wait
///   tsg group create web -t web -c 5 --check http:8080/ping
///   tsg group create web -t web -c 5 --place 'service!=~web'
///   tsg group create web -t web -c 5 --policy '{"update": {"max_surge": 2, "canary": 1}}'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Create {
    /// Name of the group, unique in the account.
    name: String,
    /// Name or id of the template its instances are made from.
    #[arg(short, long, value_name = "TEMPLATE")]
    template: String,
    /// How many instances to keep.
    #[arg(short, long, value_name = "N")]
    capacity: u32,
    /// How it is updated, repaired and scaled: a JSON object, or the file it is in. What it leaves out has its default.
    #[arg(long, value_name = "FILE|JSON")]
    policy: Option<JsonArgument>,
    #[command(flatten)]
    placement: PlacementArgs,
    #[command(flatten)]
    health: HealthArgs,
    #[command(flatten)]
    patience: Patience,
}

impl Create {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let policy = self.policy.as_ref().map(JsonArgument::read).transpose()?;
        let placement = self.placement.read()?;
        let health = self.health.read()?;
        let api = context.api().await?;
        let template = template::find(&api, &self.template).await?.value;
        let (name, template_id) = (self.name.clone(), template.id);
        let group = NewGroup { name, template_id, capacity: self.capacity, policy, placement, health };
        let made: Answer<GroupView> = api
            .post("/v2/groups", Some(&group))
            .await
            .map_err(|error| error.preventing(format!("cannot create the group {:?}", self.name)))?;
        self.patience.show(context, &api, made).await
    }
}
