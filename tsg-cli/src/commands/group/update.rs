//! `tsg group update`.

use clap::Args;
use tsg_core::health::spec::HealthSpec;
use tsg_core::placement::rule::PlacementSpec;

use super::find;
use crate::api::Answer;
use crate::api::shapes::{BlockChange, GroupChange, GroupView};
use crate::commands::template;
use crate::context::Context;
use crate::failure::Failure;
use crate::health::HealthArgs;
use crate::json_argument::JsonArgument;
use crate::placement::PlacementArgs;
use crate::waiting::Patience;

/// Change a group's template, policy, placement or health checks, or go back to an earlier revision
///
/// A template with other content begins a rollout: instances are replaced, or changed where they
/// are, as the policy says. See `tsg rollout` and `tsg wait`. Placement is for instances still to be made; those that
/// are there stay where they are, unless it says `"enforce": "replace"`.
///
/// Examples:
///   tsg group update web --template web-2
///   tsg group update web --policy policy.json
///   tsg group update web --to-revision 3
///   tsg group update web --place 'rack: service!=~web'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[group(required = true, multiple = true, args = [
    "template", "to_revision", "policy", "rules", "placement", "no_placement", "checks", "health", "no_health",
])]
pub(crate) struct Update {
    /// Name or id of the group.
    #[arg(value_name = "GROUP")]
    target: String,
    /// Name or id of the template its instances are made from, from now on.
    #[arg(short, long, value_name = "TEMPLATE", conflicts_with = "to_revision")]
    template: Option<String>,
    /// Go back to what this revision was made from, as a new revision.
    #[arg(long, value_name = "N")]
    to_revision: Option<u32>,
    /// How it is updated, repaired and scaled: a JSON object, or the file it is in. Replaces the policy it has.
    #[arg(long, value_name = "FILE|JSON")]
    policy: Option<JsonArgument>,
    #[command(flatten)]
    placement: PlacementArgs,
    /// Take the group's own placement away, so that its template's stands.
    #[arg(long, conflicts_with_all = ["rules", "placement"])]
    no_placement: bool,
    #[command(flatten)]
    health: HealthArgs,
    /// Take its health checks away, so that an instance that runs is well.
    #[arg(long, conflicts_with_all = ["checks", "health"])]
    no_health: bool,
    #[command(flatten)]
    patience: Patience,
}

impl Update {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let policy = self.policy.as_ref().map(JsonArgument::read).transpose()?;
        let (placement, health) = (self.placement()?, self.health()?);
        let api = context.api().await?;
        let group = find(&api, &self.target).await?;
        let template_id = match &self.template {
            Some(template) => Some(template::find(&api, template).await?.value.id),
            None => None,
        };
        let revision = self.to_revision;
        let change = GroupChange { template_id, revision, policy, placement, health, ..GroupChange::default() };
        let changed: Answer<GroupView> = api
            .patch(&format!("/v2/groups/{}", group.value.id), &change, group.etag.as_deref())
            .await
            .map_err(|error| error.preventing(format!("cannot change the group {:?}", self.target)))?;
        self.patience.show(context, &api, changed).await
    }

    fn placement(&self) -> Result<Option<BlockChange<PlacementSpec>>, Failure> {
        Ok(changed(self.placement.read()?, self.no_placement))
    }

    fn health(&self) -> Result<Option<BlockChange<HealthSpec>>, Failure> {
        Ok(changed(self.health.read()?, self.no_health))
    }
}

fn changed<T>(given: Option<Box<T>>, is_removed: bool) -> Option<BlockChange<T>> {
    given.map(BlockChange::Set).or_else(|| is_removed.then_some(BlockChange::Remove))
}
